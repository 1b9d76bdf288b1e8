"""``orch watch``: changes as they happen."""

from nu_plugin_orch.call import Stream, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, workflow_ids
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, signature, table
from nu_plugin_orch.readers.changes import ChangeStream
from nu_plugin_orch.readers.until_done import UntilDone
from orchestrator.files.changes import FolderChanges, follow
from orchestrator.files.known import require_workflow
from orchestrator.model.errors import BadId, CursorLost, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from orchestrator.files.changes import JournalChanges

__all__ = ["BLAME", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to watch"

BLAME = {
    CursorLost: ("from", "not in the journal"),
    UsageError: ("from", "not a position here"),
    BadId: ("workflow", "not an id"),
    NotFound: ("workflow", "not known here"),
}

SIGNATURE = signature(
    "orch watch",
    "Stream changes of tasks and workflows as they happen.",
    output=table(
        {
            "time": "Date",
            "seq": "Int",
            "workflow": "String",
            "task": "String",
            "previous_status": "String",
            "status": "String",
            "attempt": "Int",
            "reason": "String",
        }
    ),
    extra=(
        "Ends with Ctrl-C, or when nothing reads it any more (`first 3`); with --until-done when the workflow has "
        "ended, and with an error when its daemon goes away before. A change without a task is the workflow's. "
        "The table display of Nushell shows what came about once a second; `each {|it| print $it.task }` shows it at "
        "once. Ctrl-C ends every running stream, also one in a background job."
    ),
    flags=[
        flag("workflow", "w", "String", "Only changes of this workflow"),
        flag(
            "from", "f", "String", "Begin behind this record, <epoch>:<seq> as in `orch status`; 0:0 is the beginning"
        ),
        flag("until-done", "u", None, "With --workflow: end with it, or with an error when no daemon runs any more"),
        flag("reasons", "r", None, "Also tell when only the reason changed, for example what a task waits for"),
        DATA_DIR,
    ],
    search_terms=["workflow", "follow", "tail", "live", "events", "progress"],
    examples=[
        ("orch watch --from 0:0 | first 3", "Show the first three changes there ever were"),
        ("orch watch --from 0:0 | where status == failed | first 1", "Wait for a failure"),
        ("orch watch --from 0:0 | first 10 | each {|it| $'($it.task) is ($it.status)' }", "Ten changes as lines"),
    ],
)


def run(call: "Call") -> Stream:
    """A stream of the changes."""
    workflow = call.text("workflow")
    changes = follow(call.data_dir, call.text("from"))
    if workflow is not None:
        require_workflow(call.data_dir, workflow)
    chosen = _until_done(call, changes, workflow) if call.switch("until-done") else changes
    return Stream(ChangeStream(chosen, call.values, workflow=workflow, reasons=call.switch("reasons")))


def _until_done(call: "Call", changes: "JournalChanges | FolderChanges", workflow: "str | None") -> UntilDone:
    if workflow is None or isinstance(changes, FolderChanges):
        text = "--until-done needs --workflow, in a directory with a journal."
        raise WrongArgument("until-done", text, "of which workflow?", "`orch workflows` lists those there are.")
    return UntilDone(changes, call.data_dir, workflow)


def complete(data_dir: str, argument: "str | int") -> "list[tuple[str, str]] | None":
    """Ids of workflows for ``--workflow``."""
    return workflow_ids(data_dir) if argument == "workflow" else None
