"""``orch pause``: start nothing more of a workflow."""

from nu_plugin_orch.commands.shared import DATA_DIR
from nu_plugin_orch.commands.steering import NOTE, STATUSES, asked, blame, workflow_of, workflows_in
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call, Later
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to pause"

BLAME = blame("cannot be paused")

SIGNATURE = signature(
    "orch pause",
    "Start nothing more of a workflow; what runs goes on to its end.",
    output=record({"workflow": "String", "status": "String"}),
    required=[positional("id", "String", "The workflow; Tab offers those that can be paused")],
    flags=[flag("now", "n", None, "Also stop what runs, to be begun again on resuming"), DATA_DIR],
    search_terms=["workflow", "batch", "hold", "suspend", "freeze"],
    examples=[
        ("orch pause wuji-4k7q0d", "Pause one"),
        ("orch pause wuji-4k7q0d --now", "Pause it and stop what runs"),
    ],
)


def run(call: "Call") -> "Later":
    """A record of the daemon's answer."""
    return asked(call, "pause", {"workflow": workflow_of(call), "now": call.switch("now")})


def complete(data_dir: str, argument: "str | int", _typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of the workflows that can be paused."""
    return workflows_in(data_dir, STATUSES["pause"]) if argument == 0 else None
