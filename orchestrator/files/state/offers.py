"""What can be typed where a workflow, a task or a part of one is named: for Tab.

Somebody waits with a finger on the key, so the time is bounded: the workflows in which something happened last are
looked at first, and of a large one only the two ends of its state and its plan. What cannot be read is left out; a
failure has no place in the middle of a line.
"""

import os
import time

from orchestrator.files import document
from orchestrator.files.fields import records, text, texts
from orchestrator.files.layout import PLAN_FILE, STATE_FILE, TASKS, WORKFLOWS, archive_path, task_path, workflow_dir
from orchestrator.files.rows import CORRUPT
from orchestrator.files.state.ages import ago
from orchestrator.files.state.state_ends import state_ends
from orchestrator.files.state.workflows_meant import Word, is_there
from orchestrator.model.ids import is_name_id, task_id
from orchestrator.model.states import TASK_STATUS_ALIASES, TASK_STATUSES, WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Any

    Row = dict[str, Any]

    #: What is typed, and what it is.
    Offer = tuple[str, str]

#: How long is read; what is under way then is finished.
PATIENCE_S = 0.03

#: Offered at most: nobody looks through more.
WORKFLOWS_MAX = 500
NAMES_MAX = 500

#: Of a state or plan of which the middle is wanted too: what can be understood within the patience, about.
_LARGE_BYTES_MAX = 3 << 19


class Offers:
    """Looks at one data directory, for a while. `patience_s` is counted from now on.

    Tasks, operations, items and providers are those of the workflows that the line names already: by an id (also that
    of a task) or a definition; items those of its operations. Without such words they are of all workflows.
    """

    def __init__(
        self,
        data_dir: str,
        patience_s: float = PATIENCE_S,
        *,
        workflows: "Sequence[str]" = (),
        operations: "Collection[str]" = (),
        cwd: str = "/",
    ) -> None:
        self._data_dir = data_dir
        self._end = time.monotonic() + patience_s
        self._words, self._within, self._cwd = workflows, operations, cwd

    def workflows(self, statuses: "Collection[str] | None" = None, *, continued: bool = True) -> "list[Offer]":
        """Workflows, newest first: those with one of `statuses`; without `continued` none that another goes on with."""
        return _newest_first(
            row
            for row in self._states()
            if (statuses is None or text(row.get("status")) in statuses) and (continued or not row.get("continued_by"))
        )

    def unfinished(self) -> "list[Offer]":
        """Workflows that are not over, newest first."""
        return _newest_first(row for row in self._states() if row.get("status") not in WORKFLOW_FINAL)

    def tasks(self, statuses: "Collection[str] | None" = None) -> "list[Offer]":
        """Tasks of the workflows in which something happened last; in a foreign directory all there are, as named."""
        found: list[Offer] = []
        for row in self._states(self._meant()):
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
            (text(node.get("id")), _told(node.get("status"), _words(node.get("type"), node.get("target"))))
            for node in self._operations()
        )

    def items(self) -> "list[Offer]":
        """Items of those."""
        return _first(
            (item, _told(node.get("id"), status))
            for node in self._operations()
            if not self._within or node.get("id") in self._within
            for item, status in _items(node)
        )

    def providers(self) -> "list[Offer]":
        """Providers of those."""
        return _first((name, "") for node in self._operations() for name in _providers(node))

    def restore_points(self) -> "list[Offer]":
        """Restore points of the workflows that the line names."""
        states = [self._state_of(name) for name in self._meant()] if self._words else []
        return _first(
            (text(point.get("name")), f"{point.get('operations')} operations and {point.get('tasks')} tasks done")
            for state in states
            for point in records((state or {}).get("checkpoints"))
        )

    # --- reading ---------------------------------------------------------------------------------------------

    def _states(self, names: "Sequence[str] | None" = None) -> "Iterator[Row]":
        """The states without their operations, as far as the patience goes; the one that changed last first."""
        for name in self._names() if names is None else names:
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

    def _meant(self) -> "list[str]":
        """Ids of the workflows that the line names, those in the archive too; of all there are if it names none."""
        if not self._words:
            return self._names()
        found = []
        for word in self._words:
            name = word.partition(".")[0]
            if is_there(self._data_dir, name, archived=True):
                found.append(name)
                continue
            definitions = {row["id"]: text(row.get("definition")) for row in self._states()}
            found += sorted(Word(word, self._cwd).among(definitions))
        return found

    def _state_of(self, workflow: str) -> "Row | None":
        """The state of a workflow with its operations, None for one that cannot be read, or is too large for now."""
        found = _quietly(_whole, f"{workflow_dir(self._data_dir, workflow)}/{STATE_FILE}")
        return found or _quietly(_first_entry, archive_path(self._data_dir, workflow))

    def _tasks_of(self, workflow: str, statuses: "Collection[str] | None") -> "list[Offer]":
        state = _quietly(_whole, f"{workflow_dir(self._data_dir, workflow)}/{STATE_FILE}")
        if state is None:
            return self._planned(workflow) if statuses is None or "pending" in statuses else []
        found = []
        for operation in records(state.get("operations")):
            for entry in records(operation.get("items")):
                names = (text(operation.get("id")), text(entry.get("provider")), text(entry.get("item")))
                status = text(entry.get("status"))
                if all(names) and (statuses is None or status in statuses):
                    found.append((task_id(workflow, *names), status))
        return found

    def _planned(self, workflow: str) -> "list[Offer]":
        """Tasks of a workflow whose state is too large to be read now: those of its plan."""
        return [
            (task_id(workflow, text(node.get("id")), provider, item), "")
            for node in self._plan_of(workflow)
            for provider in texts(node.get("providers"))
            for item in texts(node.get("items"))
        ]

    def _plan_of(self, workflow: str) -> "list[Row]":
        plan = _quietly(_whole, f"{workflow_dir(self._data_dir, workflow)}/{PLAN_FILE}") or {}
        return records(plan.get("operations"))

    def _operations(self) -> "Iterator[Row]":
        for name in self._meant():
            state = self._state_of(name) if self._words else None
            yield from self._plan_of(name) if state is None else records(state.get("operations"))
            if time.monotonic() >= self._end:
                return

    def _task_file(self, stem: str) -> "Offer":
        """A task of a foreign directory; its status as long as there is time for it."""
        path = task_path(self._data_dir, stem)
        row = None if time.monotonic() >= self._end else _quietly(_whole, path)
        return (text(row.get("id")) or stem, text(row.get("status"))) if row else (stem, "")

    def _task_files(self) -> "list[str]":
        try:
            names = os.listdir(f"{self._data_dir}/{TASKS}")
        except OSError:
            return []
        return sorted(name[:-5] for name in names if name.endswith(".json") and name[0] != ".")[:NAMES_MAX]


def _state(path: str) -> "Row | None":
    """What `state_ends` gives; one that cannot be understood says so, one that is not there is None."""
    try:
        return state_ends(path, _LARGE_BYTES_MAX)
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


def _first_entry(path: str) -> "Row":
    """The workflow of an archive file."""
    from orchestrator.files.heads import first_lines

    return document.parse(first_lines(path, 1, _LARGE_BYTES_MAX)[0])


def _items(node: "Row") -> "Iterator[tuple[str, str]]":
    """(item, status) of an operation, in a plan (which knows no statuses) or a state."""
    entries = node.get("items")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            yield entry, ""
        elif isinstance(entry, dict):
            yield text(entry.get("item")), text(entry.get("status"))


def _providers(node: "Row") -> "list[str]":
    return texts(node.get("providers")) or [text(entry.get("provider")) for entry in records(node.get("items"))]


def _told(*raw: object) -> str:
    """The texts of these, put together."""
    return ", ".join(filter(None, map(text, raw)))


def _newest_first(rows: "Iterable[Row]") -> "list[Offer]":
    found = sorted(rows, key=lambda row: str(row.get("created_at")), reverse=True)
    now_us = time.time_ns() // 1000
    return [(row["id"], _described(row, now_us)) for row in found]


def _described(row: "Row", now_us: int) -> str:
    """How it stands, and how old that is: runs of one name differ by nothing else that a person knows."""
    status = text(row.get("status"))
    if status in WORKFLOW_FINAL:
        return _told(status, ago(row.get("finished_at") or row.get("created_at"), now_us))
    begun = ago(row.get("created_at"), now_us)
    return _told(status, f"begun {begun}" if begun else "")


def _first(offers: "Iterable[Offer]") -> "list[Offer]":
    """`offers`, each name once."""
    found: dict[str, str] = {}
    for name, told in offers:
        if name:
            found.setdefault(name, told)
        if len(found) >= NAMES_MAX:
            break
    return list(found.items())


def _words(*raw: object) -> str:
    return " ".join(filter(None, map(text, raw)))
