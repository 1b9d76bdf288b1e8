"""The task table of a data directory: scanned, filtered, sorted, cut (requirements R2-14 to R2-20).

One file that cannot be read does not hide the others (ruling A-23): it becomes a problem beside the rows.
"""

import os
import stat

from orchestrator.files import document
from orchestrator.files.layout import TASKS
from orchestrator.files.locate import check_directory, check_format
from orchestrator.files.lock import is_held
from orchestrator.files.permissions import explain
from orchestrator.files.rows import corrupt_row, instants
from orchestrator.model.errors import FormatTooNew, OrchestratorError, TaskInvalid, TasksUnreadable, UsageError
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from orchestrator.files.rows import Row

#: Task statuses that claim a process; without a daemon nobody knows whether it lives.
LIVE = frozenset({"running", "rolling_back"})

_SUFFIX = ".json"

#: The fields of the oldest form, in its order, and what they are where a file lacks them (ruling A-50).
_FIRST: "Row" = {"id": None, "status": None, "created_at": None, "priority": 0}


def read_tasks(
    data_dir: str,
    *,
    statuses: "Collection[str] | None" = None,
    limit: "int | None" = None,
    strict: bool = False,
    all_rows: bool = False,
) -> "tuple[list[Row], list[dict[str, Any]]]":
    """(rows, problems): the tasks, and what was left out and why.

    Rows begin with ``id, status, created_at, priority`` and hold every other field of their file; in a directory
    of ours, ``stale`` tells those that say they run while no daemon does. Highest priority first, then the oldest
    (as instants; what is no time comes last), then by id. A problem is ``{file, code, message, help}``.

    Args:
        data_dir: without ``tasks/`` it has no tasks, which is no error.
        statuses: keep rows with exactly these.
        limit: of rows, after filtering and sorting.
        strict: the first problem is raised instead.
        all_rows: files that cannot be read get a row too, at the end, with status ``corrupt``; as they do when
            there is nothing else to show.

    Raises:
        UsageError: a negative limit.
        TasksUnreadable: the folder cannot be read, or under `strict` a file.
        TaskInvalid: under `strict`: a file is not a task.
        FormatTooNew: of the directory, or under `strict` of a file.
    """
    if limit is not None and limit < 0:
        raise UsageError(f"A limit of {limit} rows means nothing.", "Give 0 or more; leave it out to get all.")
    ours = check_directory(data_dir)
    rows: list[Row] = []
    problems: list[dict[str, Any]] = []
    for name, outcome in _scan(f"{data_dir}/{TASKS}"):
        if not isinstance(outcome, OrchestratorError):
            rows.append(outcome)
        elif strict:
            raise outcome
        else:
            problems.append(problem(f"{data_dir}/{TASKS}/{name}", outcome))
    sort_rows(rows)
    if ours:
        mark_stale(rows, is_held(data_dir))
    if all_rows or not rows:
        rows += [corrupt_row(os.path.basename(it["file"])[: -len(_SUFFIX)], it["message"]) for it in problems]
    if statuses is not None:
        rows = [row for row in rows if row["status"] in statuses]
    return rows[:limit], problems


def _scan(folder: str) -> "Iterator[tuple[str, Row | OrchestratorError]]":
    """(file name, its row or what is wrong with it) of each regular ``*.json`` directly in `folder`."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise folder_unreadable(error, folder) from error
    try:
        for name in sorted(os.listdir(fd)):
            if name.endswith(_SUFFIX) and not name.startswith("."):
                outcome = read_file(fd, folder, name)
                if outcome is not None:
                    yield name, outcome
    finally:
        os.close(fd)


def read_file(folder_fd: int, folder: str, name: str) -> "Row | OrchestratorError | None":
    """The row of one file, what is wrong with it, or None if it is gone or no regular file."""
    path = f"{folder}/{name}"
    try:
        content = document.load(name, SMALL_FILE_BYTES_MAX, dir_fd=folder_fd)
        check_format(content.get("format"), path)
        return _row(content)
    except FileNotFoundError:
        return None
    except FormatTooNew as error:
        return error
    except document.Malformed as fault:
        return TaskInvalid(f"Failed to parse task JSON {path}: {fault}", "Correct the file or remove it.")
    except OSError as error:
        if not _is_regular(name, folder_fd):
            return None
        why, remedy = explain(error, path)
        return TasksUnreadable(f"Failed to read task file {path}: {why}", remedy)


def _row(content: "dict[str, Any]") -> "Row":
    """The fields of a task file, the four that everybody knows first. Raises Malformed."""
    row = {**_FIRST, **content}
    for name in ("id", "status"):
        if not isinstance(row[name], str):
            raise document.Malformed(f"its `{name}` is not a string")
    if row["priority"] is None:
        row["priority"] = 0
    elif type(row["priority"]) is not int:
        raise document.Malformed("its `priority` is not an integer")
    return row


def sort_rows(rows: "list[Row]") -> None:
    """Highest priority first, then the oldest, then by id (requirement R2-19)."""
    instant = instants()
    rows.sort(key=lambda row: (-row["priority"], instant(row["created_at"]), row["id"]))


def mark_stale(rows: "list[Row]", held: bool) -> None:
    """Say of each whether it claims a process that nobody looks after."""
    for row in rows:
        row["stale"] = not held and row["status"] in LIVE


def _is_regular(name: str, folder_fd: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=folder_fd, follow_symlinks=False).st_mode)
    except OSError:
        return False


def folder_unreadable(error: OSError, folder: str) -> TasksUnreadable:
    """The folder of tasks cannot be listed."""
    why, remedy = explain(error, folder)
    return TasksUnreadable(f"Failed to read the tasks folder {folder}: {why}", remedy)


def problem(path: str, error: OrchestratorError) -> "dict[str, Any]":
    """What is wrong with a file, as `read_tasks` tells it."""
    return {"file": path, "code": error.code, "message": error.message, "help": error.help}
