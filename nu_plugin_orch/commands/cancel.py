"""``orch cancel``: end a workflow."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, workflow_ids
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import positional, record, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files import drop
from orchestrator.model.errors import BadId, Refused
from orchestrator.model.ids import is_name_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to cancel"

BLAME = {BadId: (0, "not an id"), Refused: (0, "cannot be cancelled")}

NOTE = "The request had been left already, and may still be carried out: `orch workflows` tells."

SIGNATURE = signature(
    "orch cancel",
    "End a workflow: nothing new is started, what runs is stopped.",
    output=record({"workflow": "String", "status": "String"}),
    required=[positional("id", "String", "The workflow; Tab offers those that are not over")],
    flags=[DATA_DIR],
    search_terms=["workflow", "batch", "stop", "abort", "kill"],
    examples=[("orch cancel wuji-4k7q0d", "End one")],
)


def run(call: "Call") -> Later:
    """A record of the daemon's answer."""
    workflow = call.text(0) or ""
    if not is_name_id(workflow):
        raise BadId(f"{workflow!r} is no workflow id.", "`orch workflows` lists the workflows there are.")

    def work() -> "Wire":
        return Cells(call.values).record(drop.send(call.data_dir, "cancel", {"workflow": workflow}))

    return Later(work)


def complete(data_dir: str, argument: "str | int") -> "list[tuple[str, str]] | None":
    """Ids of the workflows that are not over."""
    return workflow_ids(data_dir, unfinished=True) if argument == 0 else None
