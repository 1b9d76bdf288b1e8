"""How long tasks took in earlier runs, for forecasts: medians of what succeeded.

What is read is bounded, and the newest is read first: tasks of at most `WORKFLOWS_MAX` workflows of the same name or
definition, for at most `TIME_MAX_S` and `BYTES_MAX` (`History.complete` tells whether that was all). A directory with
few tasks is read from the task files, which are always current; one with many from the index of tasks, which may lag
behind by a moment. Workflows whose files went into the archive come last. What cannot be read is left out: a forecast
is no better for a failure here.
"""

import os
import time

from orchestrator.files import document
from orchestrator.files.index import BadIndex, Index
from orchestrator.files.layout import ARCHIVE, ARCHIVE_SUFFIX, TASKS
from orchestrator.files.tasks import read_tasks
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.ids import slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.files.rows import Row

WORKFLOWS_MAX = 50
TIME_MAX_S = 0.5
BYTES_MAX = 64 << 20

#: Bytes of the names of tasks that are told; a request to the evaluator has to hold them.
NAMES_BYTES_MAX = 1 << 19

#: Up to here the task files themselves are read.
_TASK_FILES_MAX = 2000

#: Rows of the index that are read together.
_ROWS = 200

#: Of one archived workflow.
_ARCHIVE_BYTES_MAX = 8 << 20

_SUCCEEDED = "succeeded"


class History:
    """Recorded durations.

    Attributes:
        durations_ms: {"operation/provider/item": median}, from workflows of the same name or definition.
        kinds_ms: {"type/target/provider": median}, from all workflows that were read.
        workflows: how many of the same name or definition were found.
        tasks: how many rows count in `kinds_ms`.
        complete: nothing was left out for a bound.
    """

    __slots__ = ("_rows", "complete", "durations_ms", "kinds_ms", "tasks", "workflows")

    def __init__(self) -> None:
        self.durations_ms: dict[str, int] = {}
        self.kinds_ms: dict[str, int] = {}
        self.workflows = 0
        self.tasks = 0
        self.complete = True
        self._rows: list[Row] = []

    def of_name(self, name: str) -> "History":
        """What the same rows say of workflows of this name; nothing is read again."""
        reading = _Reading(slug(name), None)
        for row in self._rows:
            if not reading.take(row):
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
    for row in _newest_rows(data_dir, reading):
        if not reading.take(row):
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
        self._rows: list[Row] = []
        self._complete = True

    def may_go_on(self, size: int = 0) -> bool:
        """Whether the bounds allow more; `size` bytes are about to be read."""
        self._bytes += size
        within = self._bytes <= BYTES_MAX and time.monotonic() < self._ends
        self._complete = self._complete and within
        return within

    def take(self, row: "Row") -> bool:
        """Count `row`, if it is one that succeeded. False when there are enough."""
        took = row.get("duration_ms")
        if row.get("status") != _SUCCEEDED or type(took) is not int or took < 0:
            return True
        workflow = str(row.get("workflow"))
        if self._is_same(workflow, row):
            if workflow not in self._workflows and len(self._workflows) == WORKFLOWS_MAX:
                self._complete = False
                return False
            self._workflows.add(workflow)
            self._append(self._same, f"{row.get('operation')}/{row.get('provider')}/{row.get('item')}", took)
        self._append(self._kinds, f"{row.get('type')}/{row.get('target')}/{row.get('provider')}", took)
        self._rows.append(row)
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


def _newest_rows(data_dir: str, reading: _Reading) -> "Iterator[Row]":
    """Rows of tasks as far as the bounds allow, the newest first; those of the archive behind all others."""
    names = _names(f"{data_dir}/{TASKS}")
    if len(names) <= _TASK_FILES_MAX:
        yield from _from_files(data_dir, reading)
    else:
        yield from _from_index(data_dir, reading)
    yield from _from_archive(f"{data_dir}/{ARCHIVE}", reading)


def _from_files(data_dir: str, reading: _Reading) -> "Iterator[Row]":
    if not reading.may_go_on():
        return
    try:
        rows, _ = read_tasks(data_dir, statuses=(_SUCCEEDED,))
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
        numbers = index.find((_SUCCEEDED,))
        numbers.reverse()
        for first in range(0, len(numbers), _ROWS):
            if not reading.may_go_on():
                return
            yield from index.rows(numbers[first : first + _ROWS])
    except (OSError, BadIndex):
        return
    finally:
        index.close()


def _from_archive(folder: str, reading: _Reading) -> "Iterator[Row]":
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


def _archived(path: str) -> "Iterator[Row]":
    """The tasks of one archived workflow. Their lines are behind those of the workflow and its plan."""
    try:
        lines = document.read(path, _ARCHIVE_BYTES_MAX).split(b"\n")[2:-1]
        rows = [document.parse(line) for line in lines]
    except (OSError, document.Malformed):
        return
    yield from (row for row in rows if row.get("entry") == "task")


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
