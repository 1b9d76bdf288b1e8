"""A question about tasks as people put it: resolved to what is meant, answered in rows, with what the rows do not tell.

Shared by the plugin and the shell command, so that both mean the same.
"""

import os

from orchestrator.files.layout import FORMAT_FILE, STATUS_FILE, TASKS, archive_path, workflow_dir
from orchestrator.files.locate import is_ours
from orchestrator.files.rows import CORRUPT
from orchestrator.files.tasks import sort_rows
from orchestrator.files.wanted import sort_by
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.ids import is_name_id
from orchestrator.model.states import TASK_STATUS_ALIASES, TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from orchestrator.files.rows import Row
    from orchestrator.files.table import TaskTable
    from orchestrator.files.wanted import Wanted

#: Columns of a row that a table shows unless all are asked for; those of other programs are always shown.
HIDDEN = frozenset(
    {
        "name", "kind", "definition", "type", "target", "provider", "host", "max_attempts", "started_at",
        "finished_at", "exit_code", "due_at", "seq", "format", "archived",
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
    definitions = table.definitions()
    if given in definitions or _is_there(table.data_dir, given, archived=archived):
        return frozenset({given})
    if archived:
        from orchestrator.files.archived import archived_definitions

        definitions = {**archived_definitions(table.data_dir), **definitions}
    path = os.path.normpath(os.path.join(cwd, os.path.expanduser(given)))
    exact = frozenset(workflow for workflow, definition in definitions.items() if definition in (given, path))
    found = exact or frozenset(
        workflow for workflow, definition in definitions.items() if definition.endswith(f"/{given.removeprefix('./')}")
    )
    if found:
        return found
    in_archive = not archived and _is_there(table.data_dir, given, archived=True)
    hint = "It is archived: --all shows its tasks. " if in_archive else _near(given, _names(definitions))
    raise NotFound(
        f"No workflow has the id or the definition {given} in {table.data_dir}.",
        hint + "`orch workflows` lists the workflows there are.",
    )


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
        from orchestrator.files.archived import archived_tasks

        older, faults = archived_tasks(table.data_dir, wanted, table.definitions())
        rows, problems = rows + older, problems + faults
        sort_rows(rows)
    if sort is not None:
        sort_by(rows, _column(rows, sort), reverse=reverse)
    elif reverse:
        rows.reverse()
    if all_rows or (not rows and not table.count):
        rows += [row for row in table.corrupt() if wanted.matches(row)]
    return rows[:limit], problems


def check_limit(limit: "int | None") -> None:
    """Raise UsageError for a limit that means nothing (ruling A-26)."""
    if limit is not None and limit < 0:
        raise UsageError(f"A limit of {limit} rows means nothing.", "Give 0 or more; leave it out to get all.")


def unknown_statuses(statuses: "Iterable[str]") -> "list[str]":
    """A sentence for each of `statuses` that no task can have (ruling A-24)."""
    found = []
    for status in statuses:
        if status in TASK_STATUSES or status == CORRUPT:
            continue
        alias = TASK_STATUS_ALIASES.get(status.lower(), status.lower())
        if alias in TASK_STATUSES:
            found.append(f"no task has status `{status}`; the word here is `{alias}`.")
        else:
            hint = _near(status, list(TASK_STATUSES))
            found.append(f"no task has status `{status}`. {hint}Statuses are {', '.join(TASK_STATUSES)}.")
    return found


def no_directory(data_dir: str) -> "str | None":
    """A sentence about a place that is no data directory, though nothing says that it has tasks: for an empty table."""
    if not os.path.isdir(data_dir):
        return f"there is no data directory {data_dir}."
    parts = (FORMAT_FILE, STATUS_FILE, TASKS)
    if not any(os.path.lexists(f"{data_dir}/{name}") for name in parts):
        return f"{data_dir} is no data directory: it has neither {' nor '.join(parts)}."
    return None


def unknown_names(table: "TaskTable", wanted: "Wanted") -> "list[str]":
    """A sentence for each operation or item that is wanted and that no task has. For when nothing was found."""
    found = []
    for field, text in (("operation", wanted.operation), ("item", wanted.item)):
        if text is not None:
            known = table.values(field)
            if text not in known:
                found.append(f"no task has {field} `{text}`. {_near(text, known[:_NAMES_MAX])}".rstrip())
    return found


def left_out(problems: "list[dict[str, Any]]", how_to_see: str) -> str:
    """A sentence about files that could not be read; `how_to_see` is a command."""
    count = len(problems)
    what = "1 task file cannot" if count == 1 else f"{count} task files cannot"
    return f"{what} be read (`{how_to_see}` shows which). {problems[0]['message']}"


def _column(rows: "list[Row]", column: str) -> str:
    """The field of `rows` that is meant: Nushell's durations have no unit in their names. Raises UsageError."""
    for name in (column, f"{column}_ms"):
        if not rows or any(name in row for row in rows):
            return name
    known = sorted({name.removesuffix("_ms") for row in rows for name in row})
    raise UsageError(f"No task has a column {column}.", f"{_near(column, known)}Columns are {', '.join(known)}.")


def _is_there(data_dir: str, workflow: str, *, archived: bool) -> bool:
    if not is_name_id(workflow) or not is_ours(data_dir):
        return False
    return os.path.isdir(workflow_dir(data_dir, workflow)) or (
        archived and os.path.exists(archive_path(data_dir, workflow))
    )


def _names(definitions: "dict[str, str]") -> "list[str]":
    files = {definition.rpartition("/")[2] for definition in definitions.values() if definition}
    return sorted(definitions)[:_NAMES_MAX] + sorted(files)


def _near(given: str, known: "list[str]") -> str:
    from orchestrator.files.steer import near  # only where something went wrong

    return near(given, known)
