"""A question about tasks as people put it: resolved to what is meant, answered in rows, with what the rows do not tell.

Shared by the plugin and the shell command, so that both mean the same.
"""

import os

from orchestrator.files.layout import FORMAT_FILE, STATUS_FILE, TASKS
from orchestrator.files.locate import is_ours
from orchestrator.files.state.tasks import sort_rows
from orchestrator.files.tables.wanted import sort_by
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

    from orchestrator.files.rows import Row
    from orchestrator.files.tables.table import TaskTable
    from orchestrator.files.tables.wanted import Wanted

#: Columns of a row that a table shows unless all are asked for; those of other programs are always shown.
HIDDEN = frozenset(
    {
        "name", "kind", "definition", "type", "target", "provider", "host", "max_attempts", "started_at",
        "finished_at", "exit_code", "due_at", "undo_attempts", "done_ms", "seq", "format", "archived",
    }
)  # fmt: skip

#: The others of ours: the four of the oldest form (R2-04), then in the order in which people look at them, because a
#: terminal cuts tables at the right.
_IN_SIGHT = (
    "id", "status", "created_at", "priority", "attempt", "duration_ms", "error", "reason",
    "workflow", "operation", "item",
)  # fmt: skip

#: Names among which near ones are looked for.
_NAMES_MAX = 5000


def in_sight(row: "Row") -> "Row":
    """The fields of `row` that a table shows unless all are asked for, what people look at first.

    A row of another program keeps its order.
    """
    if "attempt" not in row:
        return {name: value for name, value in row.items() if name not in HIDDEN}
    first = {name: row[name] for name in _IN_SIGHT if name in row}
    return {**first, **{name: value for name, value in row.items() if name not in first and name not in HIDDEN}}


def workflows_meant(table: "TaskTable", given: str, cwd: str, *, archived: bool = False) -> "frozenset[str]":
    """Ids of the workflows that `given` names: an id, or the path of a definition, in full or its end (R2-12).

    Args:
        table: of the directory that is meant.
        given: as somebody typed it.
        cwd: what a relative path may be relative to.
        archived: archived workflows count, too.

    Raises:
        NotFound: none is meant; with near names.
        TasksUnreadable, FormatTooNew: as `TaskTable.select` says.
    """
    from orchestrator.files.state.workflows_meant import Word, is_there

    definitions = table.definitions()
    if given in definitions or is_there(table.data_dir, given, archived=archived):
        return frozenset({given})
    if archived:
        from orchestrator.files.state.archived import archived_definitions

        definitions = {**archived_definitions(table.data_dir), **definitions}
    found = Word(given, cwd).among(definitions)
    if found:
        return found
    if not archived and is_there(table.data_dir, given, archived=True):
        told = f"`orch tasks --all --workflow {given}` shows its tasks."
        raise NotFound(f"{given} is archived, and its tasks with it.", told)
    from orchestrator.files.state.not_there import no_workflow

    raise no_workflow(table.data_dir, given, definitions)


def list_tasks(
    table: "TaskTable",
    wanted: "Wanted",
    *,
    limit: "int | None" = None,
    sort: "str | None" = None,
    reverse: bool = False,
    all_rows: bool = False,
    strict: bool = False,
) -> "tuple[list[Row], list[dict[str, Any]]]":
    """(rows, problems): the tasks that are wanted, and what was left out and why, as `read_tasks` tells it.

    Args:
        table: of the tasks; made without `use_index` for `all_rows` and `strict`.
        wanted: which.
        limit: of rows, after sorting.
        sort: a column to order by, instead of by priority and age.
        reverse: turn the order around.
        all_rows: archived tasks, too, and at the end a row for each file that cannot be read.
        strict: the first file that cannot be read is raised instead.

    Raises:
        UsageError: a negative limit; no task has a column `sort`.
        TaskInvalid, TasksUnreadable, FormatTooNew: as `read_tasks` says.
    """
    check_limit(limit)
    simple = sort is None and not reverse and not all_rows
    rows = table.rows(wanted, limit if simple else None)
    problems = list(table.problems)
    if strict and (fault := table.first_fault()) is not None:
        raise fault
    if all_rows:
        from orchestrator.files.state.archived import archived_tasks

        older, faults = archived_tasks(table.data_dir, wanted, {row["id"] for row in rows})
        rows, problems = rows + older, problems + faults
        sort_rows(rows)
    if sort is not None:
        sort_by(rows, _column(rows, sort), reverse=reverse)
    elif reverse:
        rows.reverse()
    if all_rows or (not rows and not table.count):
        blank = (
            dict.fromkeys(rows[0]) if rows else {}
        )  # so that every row has the columns that one sorts and selects by
        rows += [{**blank, **row} for row in table.corrupt() if wanted.matches(row)]
    return rows[:limit], problems


def check_limit(limit: "int | None") -> None:
    """Raise UsageError for a limit that means nothing (ruling A-26)."""
    if limit is not None and limit < 0:
        raise UsageError(f"A limit of {limit} rows means nothing.", "Give 0 or more; leave it out to get all.")


def check_interval(since_us: "int | None", until_us: "int | None") -> None:
    """Raise UsageError if nothing can be between the two moments."""
    if since_us is not None and until_us is not None and since_us > until_us:
        raise UsageError("--to is before --from.", "No task can be in between.")


def unknown_statuses(statuses: "Iterable[str]") -> "list[str]":
    """A sentence for each of `statuses` that no task can have (ruling A-24)."""
    from orchestrator.files.state.status_words import told_of

    return told_of(statuses, "task", TASK_STATUSES)


def status_warnings(data_dir: str, statuses: "Iterable[str]", *, is_empty: bool) -> "list[str]":
    """`unknown_statuses`; of a foreign directory only where nothing was found: another program may write any word."""
    told = unknown_statuses(statuses)
    return told if told and (is_empty or is_ours(data_dir)) else []


def no_directory(data_dir: str) -> "str | None":
    """A sentence about a place that is no data directory, though nothing says that it has tasks: for an empty table."""
    if not os.path.isdir(data_dir):
        return f"There is no data directory {data_dir}."
    parts = (FORMAT_FILE, STATUS_FILE, TASKS)
    if not any(os.path.lexists(f"{data_dir}/{name}") for name in parts):
        return f"{data_dir} is no data directory: it has neither {' nor '.join(parts)}."
    return None


def unknown_names(table: "TaskTable", wanted: "Wanted") -> "list[str]":
    """A sentence for each operation or item that is wanted and that no task has. For when nothing was found."""
    given = (("operation", wanted.operation), ("item", wanted.item))
    return [told for field, text in given if text is not None for told in unknown_values(table, field, [text])]


def unknown_values(table: "TaskTable", field: str, words: "Collection[str]") -> "list[str]":
    """A sentence for each of `words` that no task has as its `field`."""
    if not words:
        return []
    known = table.values(field)
    missing = [word for word in words if word not in known]
    return [f"No task has {field} `{word}`. {_near(word, known[:_NAMES_MAX])}".rstrip() for word in missing]


def left_out(table: "TaskTable", problems: "Sequence[dict[str, Any]]", how_to_see: str) -> "list[str]":
    """A sentence for each reason why the last answer of `table` lacks tasks; `how_to_see` is a command.

    They are files that cannot be read, and files that the daemon has not written yet: of a large workflow they follow
    within seconds.
    """
    found = []
    if problems:
        count = len(problems)
        what = "1 task file cannot" if count == 1 else f"{count} task files cannot"
        found.append(f"{what} be read (`{how_to_see}` shows which). {problems[0]['message']}")
    if count := table.unwritten:
        what = "1 task has been submitted and is" if count == 1 else f"{count} tasks have been submitted and are"
        found.append(f"{what} not written yet: ask again in a moment.")
    return found


def _column(rows: "list[Row]", column: str) -> str:
    """The field of `rows` that is meant: Nushell's durations have no unit in their names. Raises UsageError."""
    for name in (column, f"{column}_ms"):
        if not rows or any(name in row for row in rows):
            return name
    known = sorted({name.removesuffix("_ms") for row in rows for name in row})
    raise UsageError(f"No task has a column {column}.", f"{_near(column, known)}Columns are {', '.join(known)}.")


def _near(given: str, known: "list[str]") -> str:
    from orchestrator.files.near import near  # only where something went wrong

    return near(given, known)
