"""What can be typed where a workflow, a task or a part of one is named: for Tab.

Somebody waits with a finger on the key, so the time is bounded: the workflows in which something happened last are
looked at first, and of a large one only the two ends of its state and its plan. What cannot be read is left out; a
failure has no place in the middle of a line.
"""

import errno
import os
import stat
import time

from orchestrator.files import document
from orchestrator.files.layout import PLAN_FILE, STATE_FILE, TASKS, WORKFLOWS, task_path, workflow_dir
from orchestrator.files.rows import CORRUPT
from orchestrator.model.ids import is_name_id, task_id
from orchestrator.model.states import TASK_STATUS_ALIASES, TASK_STATUSES, WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import Any

    Row = dict[str, Any]

    #: What is typed, and what it is.
    Offer = tuple[str, str]

#: How long is read; what is under way then is finished.
PATIENCE_S = 0.03

#: Offered at most: nobody looks through more.
WORKFLOWS_MAX = 500
NAMES_MAX = 500

#: A state up to this size is read as it is; of a larger one the two ends, which hold everything but the operations.
_WHOLE_BYTES = 32 << 10
_END_BYTES = 4 << 10

#: Of a state or plan of which the middle is wanted too: what can be understood within the patience, about.
_LARGE_BYTES_MAX = 3 << 19

_OPERATIONS, _METRICS = b'\n "operations":', b'\n "metrics":'


class Offers:
    """Looks at one data directory, for a while. `patience_s` is counted from now on."""

    def __init__(self, data_dir: str, patience_s: float = PATIENCE_S) -> None:
        self._data_dir = data_dir
        self._end = time.monotonic() + patience_s

    def workflows(self, statuses: "Collection[str] | None" = None, *, continued: bool = True) -> "list[Offer]":
        """Workflows, newest first: those with one of `statuses`; without `continued` none that another goes on with."""
        found = [
            row
            for row in self._states()
            if (statuses is None or _text(row.get("status")) in statuses) and (continued or not row.get("continued_by"))
        ]
        found.sort(key=lambda row: str(row.get("created_at")), reverse=True)
        return [(row["id"], _described(row)) for row in found]

    def unfinished(self) -> "list[Offer]":
        """Workflows that are not over, newest first."""
        return [offer for offer in self.workflows() if offer[1].partition(",")[0] not in WORKFLOW_FINAL]

    def tasks(self, statuses: "Collection[str] | None" = None) -> "list[Offer]":
        """Tasks of the workflows in which something happened last; in a foreign directory all there are, as named."""
        found: list[Offer] = []
        for row in self._states():
            counts = row.get("tasks")
            if statuses is not None and isinstance(counts, dict) and not any(counts.get(it) for it in statuses):
                continue
            found += self._tasks_of(row["id"], statuses)
            if len(found) >= NAMES_MAX:
                break
        if not found and not self._names():
            there = map(self._task_file, self._task_files())
            found = [it for it in there if statuses is None or TASK_STATUS_ALIASES.get(it[1], it[1]) in statuses]
        return found[:NAMES_MAX]

    def open_tasks(self) -> "list[Offer]":
        """Tasks that have not succeeded: those of which people ask."""
        return self.tasks([status for status in TASK_STATUSES if status != "succeeded"])

    def unknown_tasks(self) -> "list[Offer]":
        """Tasks of which nobody knows the end."""
        return self.tasks(["unknown"])

    def subjects(self) -> "list[Offer]":
        """Workflows, newest first, then tasks that have not succeeded."""
        return [*self.workflows(), *self.open_tasks()]

    def operations(self) -> "list[Offer]":
        """Operations of the workflows in which something happened last."""
        return _first(
            (_text(node.get("id")), _words(node.get("type"), node.get("target"))) for node in self._operations()
        )

    def items(self) -> "list[Offer]":
        """Items of those."""
        return _first(
            (item, _text(node.get("id"))) for node in self._operations() for item in _texts(node.get("items"))
        )

    def providers(self) -> "list[Offer]":
        """Providers of those."""
        return _first((name, "") for node in self._operations() for name in _texts(node.get("providers")))

    # --- reading ---------------------------------------------------------------------------------------------

    def _states(self) -> "Iterator[Row]":
        """The states without their operations, as far as the patience goes; the one that changed last first."""
        for name in self._names():
            row = _state(f"{workflow_dir(self._data_dir, name)}/{STATE_FILE}")
            if row is not None:
                yield {**row, "id": name}
            if time.monotonic() >= self._end:
                return

    def _names(self) -> "list[str]":
        """Ids of the workflows; the one in whose folder something changed last first."""
        found = []
        try:
            with os.scandir(f"{self._data_dir}/{WORKFLOWS}") as entries:
                for entry in entries:
                    try:
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
                    except OSError:
                        continue  # it went into the archive just now
        except OSError:
            return []
        return [name for _, name in sorted(found, reverse=True) if is_name_id(name)][:WORKFLOWS_MAX]

    def _tasks_of(self, workflow: str, statuses: "Collection[str] | None") -> "list[Offer]":
        state = _quietly(_whole, f"{workflow_dir(self._data_dir, workflow)}/{STATE_FILE}")
        if state is None:
            return self._planned(workflow) if statuses is None or "pending" in statuses else []
        found = []
        for operation in _records(state.get("operations")):
            for entry in _records(operation.get("items")):
                names = (_text(operation.get("id")), _text(entry.get("provider")), _text(entry.get("item")))
                status = _text(entry.get("status"))
                if all(names) and (statuses is None or status in statuses):
                    found.append((task_id(workflow, *names), status))
        return found

    def _planned(self, workflow: str) -> "list[Offer]":
        """Tasks of a workflow whose state is too large to be read now: those of its plan."""
        return [
            (task_id(workflow, _text(node.get("id")), provider, item), "")
            for node in self._plan_of(workflow)
            for provider in _texts(node.get("providers"))
            for item in _texts(node.get("items"))
        ]

    def _plan_of(self, workflow: str) -> "list[Row]":
        plan = _quietly(_whole, f"{workflow_dir(self._data_dir, workflow)}/{PLAN_FILE}") or {}
        return _records(plan.get("operations"))

    def _operations(self) -> "Iterator[Row]":
        for name in self._names():
            yield from self._plan_of(name)
            if time.monotonic() >= self._end:
                return

    def _task_file(self, stem: str) -> "Offer":
        """A task of a foreign directory; its status as long as there is time for it."""
        path = task_path(self._data_dir, stem)
        row = None if time.monotonic() >= self._end else _quietly(_whole, path)
        return (_text(row.get("id")) or stem, _text(row.get("status"))) if row else (stem, "")

    def _task_files(self) -> "list[str]":
        try:
            names = os.listdir(f"{self._data_dir}/{TASKS}")
        except OSError:
            return []
        return sorted(name[:-5] for name in names if name.endswith(".json") and name[0] != ".")[:NAMES_MAX]


def _state(path: str) -> "Row | None":
    """What `_ends` gives; one that cannot be understood says so, one that is not there is None."""
    try:
        return _ends(path)
    except document.Malformed:
        return {"status": CORRUPT}
    except OSError:
        return None


def _quietly(load: "Callable[[str], Row]", path: str) -> "Row | None":
    """What `load` gives for `path`, None if it cannot be read."""
    try:
        return load(path)
    except (OSError, document.Malformed):
        return None


def _whole(path: str) -> "Row":
    return document.load(path, _LARGE_BYTES_MAX)


def _ends(path: str) -> "Row":
    """What a state file says of the workflow itself. Raises as `document.load`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        size = found.st_size
        start = os.pread(fd, _WHOLE_BYTES, 0)
        tail = os.pread(fd, _END_BYTES, max(0, size - _END_BYTES))
    finally:
        os.close(fd)
    if size <= _WHOLE_BYTES:
        return document.parse(start)
    head, _, _ = start.partition(_OPERATIONS)
    _, mark, rest = tail.rpartition(_METRICS)
    if head == start or not mark:
        return document.load(path, _LARGE_BYTES_MAX)
    return document.parse(head + mark + rest)


def _described(row: "Row") -> str:
    return f"{_text(row.get('status'))}, {_text(row.get('name'))}".removesuffix(", ")


def _first(offers: "Iterable[Offer]") -> "list[Offer]":
    """`offers`, each name once."""
    found: dict[str, str] = {}
    for name, told in offers:
        if name:
            found.setdefault(name, told)
        if len(found) >= NAMES_MAX:
            break
    return list(found.items())


def _records(raw: object) -> "list[Row]":
    return [it for it in raw if isinstance(it, dict)] if isinstance(raw, list) else []


def _texts(raw: object) -> "list[str]":
    return [it for it in raw if isinstance(it, str)] if isinstance(raw, list) else []


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def _words(*raw: object) -> str:
    return " ".join(filter(None, map(_text, raw)))
