"""``orch resume``: go on with a paused workflow."""

from nu_plugin_orch.commands.shared import DATA_DIR
from nu_plugin_orch.commands.steering import NOTE, STATUSES, asked, blame, workflow_of, workflows_in
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import positional, record, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call, Later
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to resume"

BLAME = blame("cannot be resumed")

SIGNATURE = signature(
    "orch resume",
    "Go on with a paused workflow, where it was paused.",
    output=record({"workflow": "String", "status": "String"}),
    required=[positional("id", "String", "The workflow; Tab offers those that are paused")],
    flags=[DATA_DIR],
    search_terms=["workflow", "batch", "continue", "pause"],
    examples=[("orch resume wuji-4k7q0d", "Go on with one")],
)


def run(call: "Call") -> "Later":
    """A record of the daemon's answer."""
    return asked(call, "resume", {"workflow": workflow_of(call)})


def complete(data_dir: str, argument: "str | int", _typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of the workflows that are paused."""
    return workflows_in(data_dir, STATUSES["resume"]) if argument == 0 else None
