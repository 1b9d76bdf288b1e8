"""``orch workflow``: one workflow with its operations."""

from nu_plugin_orch.commands.shared import DATA_DIR, FORMAT_FIELDS, workflow_ids
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import positional, record, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.directory import require_directory
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import BadId, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to read workflow"

BLAME = {BadId: (0, "not an id"), NotFound: (0, "not known here")}

SIGNATURE = signature(
    "orch workflow",
    "Show one workflow with its operations and their items.",
    output=record({"id": "String", "name": "String", "status": "String", "created_at": "Date"}),
    required=[positional("id", "String", "The workflow; Tab offers those there are")],
    flags=[DATA_DIR],
    search_terms=["batch", "state", "progress"],
    examples=[
        ("orch workflow certificates-h3fsrg", "Show one"),
        (
            "orch workflow certificates-h3fsrg | get operations | where status != succeeded | select id status",
            "Show what is not done",
            [{"id": "renew", "status": "timed_out"}, {"id": "install", "status": "upstream_failed"}],
        ),
    ],
)


def run(call: "Call") -> "Wire":
    """A record of the fields of its state.json."""
    require_directory(call.data_dir)
    return Cells(call.values).record(read_workflow(call.data_dir, call.text(0) or ""), FORMAT_FIELDS)


def complete(data_dir: str, argument: "str | int", _typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of workflows."""
    return workflow_ids(data_dir) if argument == 0 else None
