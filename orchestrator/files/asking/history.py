"""How long tasks took in earlier runs, for forecasts: medians of what succeeded, even if it was undone since.

What is read is bounded, and the newest is read first: tasks of at most `WORKFLOWS_MAX` workflows of the same name or
definition, for at most `TIME_MAX_S` and `BYTES_MAX` (`History.complete` tells whether that was all). A directory with
few tasks is read from the task files, which are always current; one with many from the index of tasks, which may lag
behind by a moment. Workflows whose files went into the archive come last. What cannot be read is left out: a forecast
is no better for a failure here.
"""

import os
import time

from orchestrator.files import document
from orchestrator.files.kinds import kind_of
from orchestrator.files.layout import ARCHIVE, ARCHIVE_SUFFIX, PLAN_FILE, TASKS, workflow_dir
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.tables.index import BadIndex, Index
from orchestrator.files.undone import UNDONE, done_time
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.ids import is_name_id, slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from orchestrator.files.rows import Row

    #: A row of a task, and its kind (`orchestrator.files.kinds`); None if nothing tells what it ran.
    Known = tuple[Row, str | None]

WORKFLOWS_MAX = 50
TIME_MAX_S = 0.5
BYTES_MAX = 64 << 20

#: Bytes of the names of tasks that are told; a request to the evaluator has to hold them.
NAMES_BYTES_MAX = 1 << 19

#: Up to here the task files themselves are read.
_TASK_FILES_MAX = 2000

#: Rows of the index that are read together.
_ROWS = 200

#: Of the plan of one workflow.
_PLAN_BYTES_MAX = 8 << 20

#: Of one archived workflow.
_ARCHIVE_BYTES_MAX = 8 << 20

#: Statuses of tasks that have succeeded.
_DONE = ("succeeded", *sorted(UNDONE))


class History:
    """Recorded durations.

    Attributes:
        durations_ms: {"operation/provider/item": median}, from workflows of the same name or definition.
        kinds_ms: {kind (`orchestrator.files.kinds`): median}, from all workflows that were read.
        workflows: how many of the same name or definition were found.
        tasks: how many rows with a duration were read.
        complete: nothing was left out for a bound.
    """

    __slots__ = ("_rows", "complete", "durations_ms", "kinds_ms", "tasks", "workflows")

    def __init__(self) -> None:
        self.durations_ms: dict[str, int] = {}
        self.kinds_ms: dict[str, int] = {}
        self.workflows = 0
        self.tasks = 0
        self.complete = True
        self._rows: list[Known] = []

    def of_name(self, name: str) -> "History":
        """What the same rows say of workflows of this name; nothing is read again."""
        reading = _Reading(slug(name), None)
        for row, kind in self._rows:
            if not reading.take(row, kind):
                break
        history = reading.result()
        history.complete = history.complete and self.complete
        return history


def read_history(data_dir: str, *, name: "str | None" = None, definition: "str | None" = None) -> History:
    """What `data_dir` knows of earlier runs. Never raises for what is there; without a directory it is empty.

    Args:
        data_dir: where earlier workflows ran.
        name: of the workflow that is meant; compared as in the ids of workflows (without case and punctuation).
        definition: absolute path of its definition.
    """
    reading = _Reading(None if name is None else slug(name), definition)
    for row, kind in _newest_rows(data_dir, reading):
        if not reading.take(row, kind):
            break
    return reading.result()


class _Reading:
    """The rows taken so far, and the bounds."""

    def __init__(self, name: "str | None", definition: "str | None") -> None:
        self._name = name
        self._definition = definition
        self._ends = time.monotonic() + TIME_MAX_S
        self._bytes = 0
        self._names_bytes = 0
        self._same: dict[str, list[int]] = {}
        self._kinds: dict[str, list[int]] = {}
        self._workflows: set[str] = set()
        self._rows: list[Known] = []
        self._complete = True

    def may_go_on(self, size: int = 0) -> bool:
        """Whether the bounds allow more; `size` bytes are about to be read."""
        self._bytes += size
        within = self._bytes <= BYTES_MAX and time.monotonic() < self._ends
        self._complete = self._complete and within
        return within

    def take(self, row: "Row", kind: "str | None") -> bool:
        """Count `row`, if it is one that succeeded. False when there are enough."""
        took = done_time(row)
        if row.get("status") not in _DONE or type(took) is not int or took < 0:
            return True
        workflow = str(row.get("workflow"))
        if self._is_same(workflow, row):
            if workflow not in self._workflows and len(self._workflows) == WORKFLOWS_MAX:
                self._complete = False
                return False
            self._workflows.add(workflow)
            self._append(self._same, f"{row.get('operation')}/{row.get('provider')}/{row.get('item')}", took)
        if kind is not None:
            self._append(self._kinds, kind, took)
        self._rows.append((row, kind))
        return True

    def result(self) -> History:
        """What the rows come to."""
        history = History()
        history.durations_ms, history.kinds_ms = _medians(self._same), _medians(self._kinds)
        history.workflows, history.tasks, history.complete = len(self._workflows), len(self._rows), self._complete
        history._rows = self._rows
        return history

    def _append(self, values: "dict[str, list[int]]", key: str, value: int) -> None:
        if key in values:
            values[key].append(value)
        elif self._names_bytes + len(key) <= NAMES_BYTES_MAX:
            self._names_bytes += len(key)
            values[key] = [value]
        else:
            self._complete = False

    def _is_same(self, workflow: str, row: "Row") -> bool:
        if self._definition is not None and row.get("definition") == self._definition:
            return True
        return self._name is not None and workflow.rpartition("-")[0] == self._name


class _Plans:
    """What the tasks of workflows run, by their pinned plans. Each plan is read once."""

    def __init__(self, data_dir: str, reading: _Reading) -> None:
        self._data_dir, self._reading = data_dir, reading
        self._operations: dict[str, dict[str, dict[str, Any]]] = {}

    def kind(self, row: "Row") -> "str | None":
        """The kind of the task of `row`."""
        workflow = str(row.get("workflow"))
        if workflow not in self._operations:
            self._operations[workflow] = self._read(workflow)
        return _kind(row, self._operations[workflow])

    def _read(self, workflow: str) -> "dict[str, dict[str, Any]]":
        if not is_name_id(workflow):
            return {}
        path = f"{workflow_dir(self._data_dir, workflow)}/{PLAN_FILE}"
        try:
            if not self._reading.may_go_on(os.stat(path).st_size):
                return {}
            return _operations(document.load(path, _PLAN_BYTES_MAX))
        except (OSError, document.Malformed):
            return {}


def _operations(plan: object) -> "dict[str, dict[str, Any]]":
    """The operations of a plan by their ids."""
    found = plan.get("operations") if isinstance(plan, dict) else None
    return {str(it.get("id")): it for it in found if isinstance(it, dict)} if isinstance(found, list) else {}


def _kind(row: "Row", operations: "dict[str, dict[str, Any]]") -> "str | None":
    """What `row` did, its command included; None if the plan does not say it."""
    operation = operations.get(str(row.get("operation")), {})
    own, shared = operation.get("item_actions"), operation.get("actions")
    action = own.get(str(row.get("item"))) if isinstance(own, dict) else None
    if action is None and isinstance(shared, dict):
        action = shared.get(str(row.get("provider")))
    command = action.get("command") if isinstance(action, dict) else None
    if not isinstance(command, str):
        return None
    return kind_of(str(row.get("type")), str(row.get("target")), str(row.get("provider")), command)


def _newest_rows(data_dir: str, reading: _Reading) -> "Iterator[Known]":
    """Rows of tasks as far as the bounds allow, the newest first; those of the archive behind all others."""
    names = _names(f"{data_dir}/{TASKS}")
    plans = _Plans(data_dir, reading)
    rows = _from_files if len(names) <= _TASK_FILES_MAX else _from_index
    for row in rows(data_dir, reading):
        yield row, plans.kind(row)
    yield from _from_archive(f"{data_dir}/{ARCHIVE}", reading)


def _from_files(data_dir: str, reading: _Reading) -> "Iterator[Row]":
    if not reading.may_go_on():
        return
    try:
        rows, _ = read_tasks(data_dir, statuses=_DONE)
    except OrchestratorError:
        return
    rows.sort(key=lambda row: str(row.get("created_at")), reverse=True)
    yield from rows


def _from_index(data_dir: str, reading: _Reading) -> "Iterator[Row]":
    """The index lists the oldest of each priority first, so it is read from its end."""
    try:
        index = Index(data_dir)
    except (OSError, BadIndex):
        return
    try:
        numbers = index.find(_DONE)
        numbers.reverse()
        for first in range(0, len(numbers), _ROWS):
            if not reading.may_go_on():
                return
            yield from index.rows(numbers[first : first + _ROWS])
    except (OSError, BadIndex):
        return
    finally:
        index.close()


def _from_archive(folder: str, reading: _Reading) -> "Iterator[Known]":
    found = []
    for name in _names(folder):
        if name.endswith(ARCHIVE_SUFFIX) and not name.startswith("."):
            try:
                about = os.stat(f"{folder}/{name}", follow_symlinks=False)
            except OSError:
                continue
            found.append((-about.st_mtime_ns, about.st_size, name))
    found.sort()
    for _, size, name in found:
        if size <= _ARCHIVE_BYTES_MAX:
            if not reading.may_go_on(size):
                return
            yield from _archived(f"{folder}/{name}")


def _archived(path: str) -> "Iterator[Known]":
    """The tasks of one archived workflow. Their lines are behind those of the workflow and its plan."""
    try:
        lines = document.read(path, _ARCHIVE_BYTES_MAX).split(b"\n")[1:-1]
        rows = [document.parse(line) for line in lines]
    except (OSError, document.Malformed):
        return
    operations = _operations(rows[0].get("plan")) if rows else {}
    yield from ((row, _kind(row, operations)) for row in rows if row.get("entry") == "task")


def _names(folder: str) -> "list[str]":
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _medians(values: "dict[str, list[int]]") -> "dict[str, int]":
    return {key: _median(found) for key, found in values.items()}


def _median(values: "Iterable[int]") -> int:
    """The middle one; the lower of two."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]
