"""``orch at``: the state as it was at an earlier moment."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, WORKFLOW_NAMED, complete_task_flags, limit_of, statuses_of
from nu_plugin_orch.commands.shared import questions_of_workflow as questions
from nu_plugin_orch.commands.simulate import answer_last
from nu_plugin_orch.protocol.signature import flag, positional, record, signature, table
from nu_plugin_orch.readers.positions import position
from nu_plugin_orch.readers.with_table import with_table
from orchestrator.files.past.moment import NoSuchMoment
from orchestrator.files.past.state import NotThereThen, nothing_yet, state_at
from orchestrator.files.tables.task_query import unknown_statuses
from orchestrator.model.errors import NotFound
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.value import Encoded

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to look back"

BLAME = {
    NoSuchMoment: (0, "not known"),
    NotThereThen: ("workflow", "not there then"),
    NotFound: ("workflow", "not known here"),
}

NOTE = "Nothing was changed."

#: What stands at the end of the record: the tables before it may be long.
_ANSWER = ("time", "seq", "cursor", "tasks_pending", "tasks_running", "tasks_completed", "tasks_failed")

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
        "such as '2025-01-11 10:00' (local time), 14:10:00 (the latest that is past), 'yesterday 9:05' or yesterday; "
        "14:10 alone is a cursor by its form. At a time the state is the one behind the last record whose time is not "
        "after it; `time`, `seq` and `cursor` are those of that record. The counts stand last, where they are seen. A "
        "workflow that was archived since is there as it was. How far back the journal goes is a setting "
        "(`journal_keep_bytes`)."
    ),
    required=[positional("moment", "Any", "A datetime, a duration ago, a seq, a cursor, or a text that names one")],
    flags=[
        flag("workflow", "w", "String", f"Only this workflow and its tasks: {WORKFLOW_NAMED}"),
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
    at, workflow, statuses, limit = position(call, 0), call.text("workflow"), statuses_of(call), limit_of(call)
    for sentence in unknown_statuses(statuses or ()):
        call.warn(sentence)

    def work() -> "Encoded":
        found = state_at(call.data_dir, at, workflow=workflow, cwd=call.cwd, statuses=statuses, limit=limit)
        if found["seq"] == 0 and at.seq is None:
            call.warn(nothing_yet(call.data_dir))
        tasks, workflows = found.pop("tasks"), found.pop("workflows")
        return with_table(call.values, "tasks", tasks, {"workflows": workflows, **answer_last(found, _ANSWER)})

    return Later(work)


complete = complete_task_flags
