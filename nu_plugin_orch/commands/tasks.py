"""``orch tasks``: the table of tasks."""

from nu_plugin_orch.call import Later, Stream, WrongArgument
from nu_plugin_orch.commands.shared import (
    DATA_DIR,
    WORKFLOW_NAMED,
    complete_task_flags,
    interval_of,
    limit_of,
    statuses_of,
)
from nu_plugin_orch.commands.shared import questions_of_workflow as questions
from nu_plugin_orch.protocol.signature import flag, signature, table
from nu_plugin_orch.readers.tables import STREAM_FROM, EncodedRows, RowStream, plain_table, table_of
from orchestrator.files.patience import TakesLonger
from orchestrator.files.rows import CORRUPT
from orchestrator.files.tables import task_query
from orchestrator.files.tables.table import DAMAGED, TaskTable
from orchestrator.files.tables.wanted import Wanted
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.typed_line import Typed
    from nu_plugin_orch.protocol.value import Encoded

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to read tasks"

NOTE = "Nothing was changed."

BLAME = {NotFound: ("workflow", "not known here"), UsageError: ("sort", "not a column")}

#: Rows that may be encoded while everybody else waits, and that may be put together of what is kept.
_QUICK_ROWS, _QUICK_KEPT = 1000, 5000

SIGNATURE = signature(
    "orch tasks",
    "List tasks: highest priority first, then oldest.",
    output=table({"id": "String", "status": "String", "created_at": "Date", "priority": "Int"}),
    extra=(
        "Filters go to the reader: fifty rows of a hundred thousand cost fifty rows. Shown are the columns that people "
        "look at; --long gives all. A moment is a datetime, a duration (so long ago) or a text ('yesterday', "
        "'2025-01-11 10:00'). A file that cannot be read is left out with a warning; --all shows it as a row, --strict "
        "makes it an error. In a directory of a daemon its index and journal are read; --no-cache, --all and --strict "
        "read every file."
    ),
    flags=[
        flag(
            "status",
            "s",
            {"OneOf": [{"List": "String"}, "String"]},
            "Only tasks with exactly this status, or one of these; `corrupt` with --all",
            words=(*TASK_STATUSES, CORRUPT),
        ),
        flag("workflow", "w", "String", f"Only tasks of this workflow: {WORKFLOW_NAMED}"),
        flag("operation", "o", "String", "Only tasks of this operation"),
        flag("item", "i", "String", "Only tasks of this item"),
        flag("from", "f", "Any", "Only tasks created at this moment or later"),
        flag("to", "t", "Any", "Only tasks created before this moment"),
        flag("min-priority", None, "Int", "Only tasks of this priority or a higher one"),
        flag("max-priority", None, "Int", "Only tasks of this priority or a lower one"),
        flag("sort", None, "String", "Order by this column instead; what has no value there comes last"),
        flag("reverse", "r", None, "Turn the order around"),
        flag("limit", "l", "Int", "At most so many"),
        flag("long", None, None, "Show all columns"),
        flag("all", "a", None, "Also archived tasks, and files that cannot be read (status `corrupt`)"),
        flag("strict", None, None, "A file that cannot be read is an error"),
        flag("no-cache", None, None, "Read every file anew: shows what was changed by hand"),
        DATA_DIR,
    ],
    search_terms=["workflow", "queue", "list", "pending", "failed"],
    examples=[
        ("orch tasks", "Show all tasks"),
        ("orch tasks --status [failed timed_out] --limit 5", "Show the five most urgent that failed"),
        ("orch tasks --from 1day --status running", "Show those of the last day that run"),
        ("orch tasks --long --sort duration --reverse --limit 3 | select id duration", "Show what took longest"),
        ("orch tasks | group-by status", "Put them together by status"),
    ],
)


class _Options:
    """What the flags ask for besides what is wanted. Raises WrongArgument."""

    def __init__(self, call: "Call") -> None:
        self.limit = limit_of(call)
        self.sort, self.reverse = call.text("sort"), call.switch("reverse")
        self.long, self.all, self.strict = call.switch("long"), call.switch("all"), call.switch("strict")
        self.reads_files = call.switch("no-cache") or self.all or self.strict
        self.statuses = statuses_of(call)
        self.workflow, self.operation, self.item = call.text("workflow"), call.text("operation"), call.text("item")
        self.since_us, self.until_us = interval_of(call)
        self.priority_min, self.priority_max = call.integer("min-priority"), call.integer("max-priority")
        if self.priority_min is not None and self.priority_max is not None and self.priority_min > self.priority_max:
            told = f"--min-priority {self.priority_min} is more than --max-priority {self.priority_max}."
            raise WrongArgument("max-priority", told, "less than --min-priority", "No task can be in between.")

    @property
    def is_special(self) -> bool:
        """Whether rows do not come as the table has them, in its order."""
        return self.sort is not None or self.reverse or self.all or self.strict

    def wanted(self, tasks: TaskTable, cwd: str) -> Wanted:
        """Which tasks. Raises NotFound, and what reading raises."""
        ids = None
        if self.workflow is not None:
            ids = task_query.workflows_meant(tasks, self.workflow, cwd, archived=self.all)
        return Wanted(
            statuses=self.statuses,
            workflows=ids,
            operation=self.operation,
            item=self.item,
            since_us=self.since_us,
            until_us=self.until_us,
            priority_min=self.priority_min,
            priority_max=self.priority_max,
        )


def run(call: "Call") -> "Encoded | Stream | Later":
    """A table of the tasks; a stream of them if they are very many."""
    options = _Options(call)
    tasks = TaskTable(call.data_dir, use_index=False) if options.reads_files else table_of(call.data_dir)

    def work() -> "Encoded | Stream":
        with tasks.lock:
            return _listed(call, options, tasks) if options.is_special else _selected(call, options, tasks)

    # Whoever holds the lock may read for long; and so may this call: what `--workflow` means is looked up in all tasks.
    is_long = options.is_special or options.reads_files or options.workflow is not None
    if is_long or not tasks.lock.acquire(blocking=False):
        return Later(work)
    try:
        return _selected(call, options, tasks, patient=False)
    except TakesLonger:
        return Later(work)
    finally:
        tasks.lock.release()


def _listed(call: "Call", options: _Options, tasks: TaskTable) -> "Encoded":
    """Rows in another order, or with other columns, or with rows that are not in the table."""
    wanted = options.wanted(tasks, call.cwd)
    rows, problems = task_query.list_tasks(
        tasks,
        wanted,
        limit=options.limit,
        sort=options.sort,
        reverse=options.reverse,
        all_rows=options.all,
        strict=options.strict,
    )
    _warn(call, options, tasks, wanted, problems, is_empty=not rows)
    return plain_table(rows, call.values.span, long=options.long)


def _selected(call: "Call", options: _Options, tasks: TaskTable, *, patient: bool = True) -> "Encoded | Stream":
    """Rows as the table has them. Raises TakesLonger if nobody is `patient`."""
    wanted = options.wanted(tasks, call.cwd)
    try:
        answer, is_empty = _encoded(call, options, tasks, wanted, patient)
    except DAMAGED:
        tasks.drop_index()
        answer, is_empty = _encoded(call, options, tasks, wanted, patient)
    _warn(call, options, tasks, wanted, tasks.problems, is_empty=is_empty)
    if tasks.problems and not tasks.count:
        corrupt = [row for row in tasks.corrupt() if wanted.matches(row)]
        return plain_table(corrupt[: options.limit], call.values.span, long=options.long)
    return answer


def _encoded(
    call: "Call", options: _Options, tasks: TaskTable, wanted: Wanted, patient: bool
) -> "tuple[Encoded | Stream, bool]":
    """(the answer, whether it has no rows)."""
    rows = EncodedRows(
        tasks.select(wanted, options.limit, patient=patient), long=options.long, statuses=wanted.statuses
    )
    if len(rows) >= STREAM_FROM:
        return Stream(RowStream(tasks, rows, call.values.span)), False
    if not patient and len(rows) > _QUICK_ROWS and (len(rows) > _QUICK_KEPT or rows.missing > _QUICK_ROWS):
        raise TakesLonger
    return rows.table(call.values.span), not len(rows)


def _warn(
    call: "Call",
    options: _Options,
    tasks: TaskTable,
    wanted: Wanted,
    problems: "list[dict[str, Any]]",
    *,
    is_empty: bool,
) -> None:
    """Say what the table does not tell."""
    for text in task_query.left_out(tasks, problems, "orch tasks --all"):
        call.warn(text)
    if is_empty and not tasks.count and (missing := task_query.no_directory(call.data_dir)) is not None:
        call.warn(missing)
        return
    for text in task_query.status_warnings(call.data_dir, wanted.statuses or (), is_empty=is_empty):
        call.warn(text)
    for text in task_query.unknown_names(tasks, wanted) if is_empty and options.limit != 0 else ():
        call.warn(text)


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Workflows, operations and items, for their flags."""
    return [(name, "") for name in _SORTABLE] if argument == "sort" else complete_task_flags(data_dir, argument, typed)


_SORTABLE = ("created_at", "started_at", "finished_at", "duration", "priority", "status", "id", "attempt", "workflow")
