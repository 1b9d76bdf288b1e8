"""The tasks of a directory by their files: for directories that others write, and ours without an index.

Each time the folder is listed and each file asked for its time, size and inode (some three microseconds a file); those
that are new or have changed are read. Nobody tells what happens there, so nothing less would be right.
"""

import os

from orchestrator.files.identity import UNSURE, identity, once_read
from orchestrator.files.layout import TASKS
from orchestrator.files.patience import QUICK_FILES, TakesLonger
from orchestrator.files.rows import CORRUPT, corrupt_row
from orchestrator.files.state.tasks import folder_unreadable, problem, read_file, sort_rows
from orchestrator.model.errors import OrchestratorError, TasksUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from orchestrator.files.identity import Identity
    from orchestrator.files.rows import Row
    from orchestrator.files.tables.wanted import Wanted

_SUFFIX = ".json"

#: Of a folder, for a name in it: so that nobody counts who only wants to know whether it is large.
_BYTES_PER_NAME = 64


class FolderSource:
    """The files of one folder, as they were when it was last looked through.

    Attributes:
        kept: {key: what a reader has made of the row}, by the form it was made for. An entry goes when its file
            changes. Keys are names of files.
        problems: of the files that cannot be read, as `read_tasks` tells them.
    """

    def __init__(self, data_dir: str) -> None:
        """Nothing is read before `refresh`."""
        self.kept: dict[str, dict[str, bytes]] = {}
        self.problems: list[dict[str, Any]] = []
        self._folder = f"{data_dir}/{TASKS}"
        self._met: dict[str, Identity] = {}
        self._rows: dict[str, Row] = {}
        self._faults: dict[str, OrchestratorError] = {}
        self._order: list[str] = []
        self._is_in_order = False

    def refresh(self, *, patient: bool = True) -> None:
        """Look through the folder. Raises TasksUnreadable; TakesLonger if it is large and nobody is patient."""
        if not patient and self._size() > QUICK_FILES:
            raise TakesLonger
        try:
            fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            for name in list(self._met):
                self._drop(name)
            self._order, self.problems = [], []
            return
        except OSError as error:
            raise folder_unreadable(error, self._folder) from error
        try:
            self._is_in_order = not self._look(fd) and self._is_in_order
        except OSError as error:
            self._is_in_order = False
            raise folder_unreadable(error, self._folder) from error
        finally:
            os.close(fd)
        if not self._is_in_order:
            names = {id(row): name for name, row in self._rows.items()}
            rows = list(self._rows.values())
            sort_rows(rows)
            self._order = [names[id(row)] for row in rows]
            self.problems = [problem(f"{self._folder}/{name}", self._faults[name]) for name in sorted(self._faults)]
            self._is_in_order = True

    @property
    def count(self) -> int:
        """How many tasks there are."""
        return len(self._rows)

    def statuses(self) -> "dict[str, int]":
        """{status: number of tasks}."""
        found: dict[str, int] = {}
        for row in self._rows.values():
            found[row["status"]] = found.get(row["status"], 0) + 1
        return found

    def select(self, wanted: "Wanted", limit: "int | None" = None) -> "list[str]":
        """Keys of the tasks that are wanted, in the order of tables, `limit` at most."""
        found: list[str] = []
        for name in self._order:
            if limit is not None and len(found) >= limit:
                break
            if wanted.matches(self._rows[name]):
                found.append(name)
        return found

    def rows(self, keys: "Sequence[str]") -> "list[Row]":
        """The rows of `keys`; one that has gone since is left out."""
        return [self._rows[name] for name in keys if name in self._rows]

    def with_status(self, keys: "Sequence[str]", statuses: "Collection[str]") -> "set[str]":
        """Those of `keys` whose tasks have one of `statuses`."""
        return {key for key in keys if key in self._rows and self._rows[key]["status"] in statuses}

    def corrupt(self) -> "list[Row]":
        """A row for each file that cannot be read (ruling A-23)."""
        return [corrupt_row(name[: -len(_SUFFIX)], self._faults[name].message) for name in sorted(self._faults)]

    def first_fault(self) -> "OrchestratorError | None":
        """What is wrong with the first file that cannot be read."""
        return self._faults[min(self._faults)] if self._faults else None

    def definitions(self) -> "dict[str, str]":
        """{workflow: path of its definition} of all tasks that name both."""
        found = {}
        for row in self._rows.values():
            workflow, definition = row.get("workflow"), row.get("definition")
            if isinstance(workflow, str):
                found[workflow] = definition if isinstance(definition, str) else ""
        return found

    def values(self, field: str) -> "set[str]":
        """The texts that `field` has in any task: for looking for near ones."""
        return {text for row in self._rows.values() if isinstance(text := row.get(field), str)} - {CORRUPT}

    def _size(self) -> int:
        """How many files there are, roughly."""
        try:
            return len(self._met) or os.stat(self._folder).st_size // _BYTES_PER_NAME
        except OSError:
            return 0

    def _look(self, fd: int) -> bool:
        """Read what is new or has changed; whether anything has."""
        changed, names = False, set()
        with os.scandir(fd) as entries:
            for entry in entries:
                name = entry.name
                if not name.endswith(_SUFFIX) or name[0] == ".":
                    continue
                names.add(name)
                try:
                    found = identity(entry.stat(follow_symlinks=False))
                except OSError:
                    continue
                if self._met.get(name) != found:
                    changed = self._read(fd, name, found) or changed
        for name in [name for name in self._met if name not in names]:
            changed = True
            self._drop(name)
        return changed

    def _read(self, fd: int, name: str, found: "Identity") -> bool:
        """Whether that may have changed anything."""
        outcome = read_file(fd, self._folder, name)
        if outcome is None:
            was_there = name in self._rows or name in self._faults
            self._drop(name)
            return was_there
        # Why a file cannot be read may pass without a trace on it.
        self._met[name] = UNSURE if isinstance(outcome, TasksUnreadable) else once_read(found)
        self._drop_kept(name)
        if isinstance(outcome, OrchestratorError):
            self._rows.pop(name, None)
            self._faults[name] = outcome
        else:
            self._rows[name] = outcome
            self._faults.pop(name, None)
        return True

    def _drop_kept(self, name: str) -> None:
        for kept in self.kept.values():
            kept.pop(name, None)

    def _drop(self, name: str) -> None:
        self._met.pop(name, None)
        self._rows.pop(name, None)
        self._faults.pop(name, None)
        self._drop_kept(name)
