"""``orch stats``: figures about tasks."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import (
    DATA_DIR,
    WORKFLOW_NAMED,
    complete_task_flags,
    interval_of,
    one_of,
    statuses_of,
)
from nu_plugin_orch.commands.shared import questions_of_workflow as questions
from nu_plugin_orch.protocol.signature import flag, signature
from nu_plugin_orch.readers.cells import Cells
from nu_plugin_orch.readers.tables import table_of
from orchestrator.files.directory import require_directory
from orchestrator.files.tables import task_query
from orchestrator.files.tables.stats import GROUPS, of_table
from orchestrator.files.tables.wanted import Wanted
from orchestrator.model.errors import NotFound
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to count tasks"

BLAME = {NotFound: ("workflow", "not known here")}

NOTE = "Nothing was changed."

SIGNATURE = signature(
    "orch stats",
    "Count tasks, and say how long they take and how often they fail.",
    output="Any",
    extra=(
        "A record: the total, figures, and counts by status, priority, date and workflow. With --by a table, with a "
        "row for each status, date, operation and so on. mean, median, p95 and max are of the durations of tasks that "
        "are over; retries are attempts beyond the first ones; failure_rate is the share of failed and timed_out among "
        "those that were tried to an end. A date is that of the creation, in the time zone here."
    ),
    flags=[
        flag("by", "b", "String", f"A row for each: {', '.join(GROUPS)}", words=GROUPS),
        flag("workflow", "w", "String", f"Only tasks of this workflow: {WORKFLOW_NAMED}"),
        flag(
            "status",
            "s",
            {"OneOf": [{"List": "String"}, "String"]},
            "Only tasks with exactly this status, or one of these",
            words=TASK_STATUSES,
        ),
        flag("from", None, "Any", "Only tasks created at this moment or later: a datetime, a duration (ago), a text"),
        flag("to", None, "Any", "Only tasks created before this moment"),
        DATA_DIR,
    ],
    search_terms=["count", "summary", "metrics", "duration", "median", "p95", "failure rate", "retries", "group"],
    examples=[
        ("orch stats", "Show the figures of all tasks"),
        ("orch stats | get total", "Count all tasks", 54),
        (
            "orch stats --by status --workflow certificates-h3fsrg | select status total",
            "Count tasks of a workflow by status",
            [
                {"status": "succeeded", "total": 2},
                {"status": "timed_out", "total": 1},
                {"status": "upstream_failed", "total": 2},
            ],
        ),
        (
            "orch stats --by operation --status succeeded | sort-by --reverse median | first 2 | get operation",
            "Find the slowest operations",
            ["scan", "upload"],
        ),
        ("orch stats --by date --from 1wk", "See how the last week went, day by day"),
    ],
)


def run(call: "Call") -> Later:
    """A record, or a table with ``--by``."""
    by = one_of(call, "by", GROUPS, "way to put tasks together")
    workflow, statuses = call.text("workflow"), statuses_of(call)
    since_us, until_us = interval_of(call)
    require_directory(call.data_dir)
    tasks = table_of(call.data_dir)

    def work() -> "Wire":
        with tasks.lock:
            ids = None if workflow is None else task_query.workflows_meant(tasks, workflow, call.cwd)
            wanted = Wanted(statuses=statuses, workflows=ids, since_us=since_us, until_us=until_us)
            found = of_table(tasks, wanted, by)
            lacks = task_query.left_out(tasks, tasks.problems, "orch tasks --all")
        for text in lacks:
            call.warn(text)
        for text in task_query.status_warnings(call.data_dir, statuses or (), is_empty=_is_empty(found)):
            call.warn(text)
        cells = Cells(call.values)
        return cells.table(found) if isinstance(found, list) else cells.record(found)

    return Later(work)


def _is_empty(found: "dict[str, Any] | list[dict[str, Any]]") -> bool:
    return not (found if isinstance(found, list) else found["total"])


complete = complete_task_flags
