"""``orch workflows``: the table of workflows."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, FORMAT_FIELDS, complete_task_flags, limit_of, statuses_of
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.directory import require_directory
from orchestrator.files.state.status_words import told_of
from orchestrator.files.state.workflows import list_workflows
from orchestrator.model.states import WORKFLOW_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to read workflows"

NOTE = "Nothing was changed."

SIGNATURE = signature(
    "orch workflows",
    "List workflows, newest first.",
    output=table({"id": "String", "name": "String", "status": "String", "created_at": "Date"}),
    extra="A workflow whose file cannot be read is shown with status `corrupt`, and why.",
    flags=[
        flag("status", "s", "Any", "Only those with exactly this status, or one of these", words=WORKFLOW_STATUSES),
        flag("limit", "l", "Int", "At most so many"),
        flag("all", "a", None, "Also show those in the archive, with `archived`: the path of their file"),
        DATA_DIR,
    ],
    search_terms=["batch", "list", "archived", "history"],
    examples=[
        ("orch workflows", "Show all workflows"),
        ("orch workflows --status [failed rolled_back] --limit 5 | select id reason", "Show which failed, and why"),
        ("orch workflows --all | group-by status --to-table", "Count them, those in the archive too"),
    ],
)


def run(call: "Call") -> "Wire | Later":
    """A table of the workflows, without their operations."""
    statuses, limit, everything = statuses_of(call), limit_of(call), call.switch("all")
    require_directory(call.data_dir)

    def work() -> "Wire":
        rows = list_workflows(call.data_dir, archived=everything)
        if statuses is not None:
            rows = [row for row in rows if row["status"] in statuses]
            for sentence in told_of(statuses, "workflow", WORKFLOW_STATUSES):
                call.warn(sentence)
        return Cells(call.values).table(rows[:limit], FORMAT_FIELDS)

    return Later(work) if everything else work()


complete = complete_task_flags
