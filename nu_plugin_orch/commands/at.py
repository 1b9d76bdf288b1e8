"""``orch at``: the state as it was at an earlier moment."""

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, complete_task_flags, statuses_of
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature, table
from nu_plugin_orch.readers.positions import position
from nu_plugin_orch.readers.with_table import with_table
from orchestrator.files.past import NoSuchMoment
from orchestrator.files.past_state import state_at
from orchestrator.files.task_query import unknown_statuses
from orchestrator.model.errors import NotFound
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.value import Encoded

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to look back"

BLAME = {NoSuchMoment: (0, "not known"), NotFound: ("workflow", "not there then")}

NOTE = "Nothing was changed."

SIGNATURE = signature(
    "orch at",
    "Show the state as it was at an earlier moment.",
    output=record(
        {
            "time": "Date",
            "seq": "Int",
            "cursor": "String",
            "tasks_pending": "Int",
            "tasks_running": "Int",
            "tasks_completed": "Int",
            "tasks_failed": "Int",
            "workflows": table({"id": "String", "name": "String", "status": "String", "created_at": "Date"}),
            "tasks": table({"id": "String", "status": "String", "created_at": "Date", "priority": "Int"}),
        }
    ),
    extra=(
        "Reads plain files only, with the daemon alive or dead: a snapshot of the journal and the records behind it. "
        "The moment is a datetime, a duration (so long ago), the seq of a record, a cursor as text ('3:42'), or a text "
        "such as '2025-01-11 10:00' (local time) or yesterday. At a time the state is the one behind the last record "
        "whose time is not after it; `time`, `seq` and `cursor` are those of that record. A workflow that was archived "
        "since is there as it was. How far back the journal goes is a setting (`journal_keep_bytes`)."
    ),
    required=[positional("moment", "Any", "A datetime, a duration ago, a seq, a cursor, or a text that names one")],
    flags=[
        flag("workflow", "w", "String", "Only this workflow and its tasks"),
        flag("status", "s", "Any", "Only tasks with exactly this status, or one of these", words=TASK_STATUSES),
        flag("limit", "l", "Int", "At most so many tasks; 0 is quickest where only the counts are wanted"),
        DATA_DIR,
    ],
    search_terms=["history", "past", "earlier", "was", "time", "travel", "snapshot", "ago"],
    examples=[
        ("orch at 10min | get tasks | where status == running", "Show what was running ten minutes ago"),
        ("orch at yesterday | get workflows | select id status", "Show how the workflows stood at midnight"),
        ("orch at 3 | select time tasks_pending tasks_running", "Show the counts behind record 3"),
        ("orch at now --status failed --limit 5 | get tasks", "Show five failed tasks as the journal has them"),
    ],
)


def run(call: "Call") -> Later:
    """A record of the counts, with the tables of workflows and tasks."""
    at, workflow, statuses, limit = position(call, 0), call.text("workflow"), statuses_of(call), call.integer("limit")
    if limit is not None and limit < 0:
        raise WrongArgument("limit", f"A limit of {limit} rows means nothing.", "less than none", "Give 0 or more.")
    for sentence in unknown_statuses(statuses or ()):
        call.warn(sentence)

    def work() -> "Encoded":
        found = state_at(call.data_dir, at, workflow=workflow, statuses=statuses, limit=limit)
        tasks = found.pop("tasks")
        return with_table(call.values, found, "tasks", tasks)

    return Later(work)


complete = complete_task_flags
