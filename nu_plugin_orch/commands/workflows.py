"""``orch workflows``: the table of workflows."""

from nu_plugin_orch.commands.shared import DATA_DIR, FORMAT_FIELDS
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.read import list_workflows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["PREFIX", "SIGNATURE", "questions", "run"]

PREFIX = "Failed to read workflows"

SIGNATURE = signature(
    "orch workflows",
    "List workflows, newest first.",
    output=table({"id": "String", "name": "String", "status": "String", "created_at": "Date"}),
    flags=[DATA_DIR],
    search_terms=["batch", "list"],
    examples=[
        ("orch workflows", "Show all workflows"),
        ("orch workflows | where status == failed | select id reason", "Show which failed, and why"),
    ],
)


def run(call: "Call") -> "Wire":
    """A table of the workflows, without their operations."""
    return Cells(call.values).table(list_workflows(call.data_dir), FORMAT_FIELDS)
