"""Tasks of workflows that went into the archive.

An archive file is one workflow: itself, its plan, its tasks, a line each. What cannot be read is told as the files of
tasks are.
"""

import os

from orchestrator.files import document
from orchestrator.files.heads import first_lines, lines_of
from orchestrator.files.layout import ARCHIVE, ARCHIVE_SUFFIX
from orchestrator.files.permissions import explain
from orchestrator.files.state.tasks import problem
from orchestrator.model.errors import TaskInvalid, TasksUnreadable
from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from orchestrator.files.rows import Row
    from orchestrator.files.tables.wanted import Wanted


#: How the line of the plan begins.
_PLAN = b'{"entry":"plan"'


def archived_tasks(
    data_dir: str, wanted: "Wanted", without: "Collection[str]" = ()
) -> "tuple[list[Row], list[dict[str, Any]]]":
    """(rows, problems) of the archived tasks that are wanted, in no order; ``archived`` is the path of their file.

    Tasks `without` are left out. Of a workflow that is being archived some still have their files: read those first.
    """
    rows: list[Row] = []
    problems = []
    folder = f"{data_dir}/{ARCHIVE}"
    for name in _names(folder):
        workflow = name[: -len(ARCHIVE_SUFFIX)]
        if wanted.workflows is not None and workflow not in wanted.workflows:
            continue
        path = f"{folder}/{name}"
        try:
            found = [row for row in _tasks(path) if row["id"] not in without and wanted.matches(row)]
        except document.Malformed as fault:
            problems.append(problem(path, TaskInvalid(f"Failed to parse archive {path}: {fault}", "Restore the file.")))
        except OSError as error:
            why, remedy = explain(error, path)
            problems.append(problem(path, TasksUnreadable(f"Failed to read archive {path}: {why}", remedy)))
        else:
            rows += [{**row, "archived": path} for row in found]
    return rows, problems


def archived_definitions(data_dir: str) -> "dict[str, str]":
    """{workflow: path of its definition} of the archived workflows whose files can be read."""
    found = {}
    folder = f"{data_dir}/{ARCHIVE}"
    for name in _names(folder):
        try:
            state = document.parse(first_lines(f"{folder}/{name}", 1, FILE_BYTES_MAX)[0])
        except (OSError, document.Malformed, IndexError):
            continue
        found[name[: -len(ARCHIVE_SUFFIX)]] = str(state.get("definition") or "")
    return found


def _tasks(path: str) -> "Iterator[Row]":
    """The tasks of one archived workflow. Raises OSError, Malformed."""
    for line in lines_of(path, FILE_BYTES_MAX):
        if line.startswith(_PLAN):
            continue  # as long as all the others, and not looked at
        row = document.parse(line)
        if row.pop("entry", None) != "task":
            continue
        for name in ("id", "status"):
            if not isinstance(row.get(name), str):
                raise document.Malformed(f"the `{name}` of a task is not a string")
        if type(row.setdefault("priority", 0)) is not int:
            raise document.Malformed("the `priority` of a task is not an integer")
        row.setdefault("created_at", None)
        yield row


def _names(folder: str) -> "list[str]":
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    ends = len(ARCHIVE_SUFFIX)
    return sorted(name for name in names if name.endswith(ARCHIVE_SUFFIX) and is_name_id(name[:-ends]))
