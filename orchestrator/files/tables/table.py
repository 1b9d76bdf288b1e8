"""The tasks of one data directory as a table that stays current, for a reader that lives for a while.

A directory of ours with an index is read by `index_source`; every other by `folder_source`. Whatever is wrong with an
index (missing, stale, damaged), the files themselves are read instead: it is never needed, and never believed against
the journal. Nothing is created, changed or deleted.

Not for use by several threads at once: take `lock`.
"""

import os

from orchestrator.files.layout import JOURNAL
from orchestrator.files.locate import check_directory
from orchestrator.files.lock import is_held
from orchestrator.files.patience import QUICK_FILES, TakesLonger
from orchestrator.files.state.tasks import LIVE
from orchestrator.files.tables.folder_source import FolderSource
from orchestrator.files.tables.index import BadIndex, index_path
from orchestrator.files.tables.index_source import IndexSource
from orchestrator.model.errors import CursorLost, JournalDamaged, JournalUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any

    from orchestrator.files.rows import Row
    from orchestrator.files.tables.wanted import Wanted
    from orchestrator.model.errors import OrchestratorError

    Source = IndexSource | FolderSource
    Identity = tuple[int, ...]

#: What reading a damaged index comes to, whatever is damaged.
DAMAGED = (BadIndex, KeyError, IndexError, TypeError, ValueError)

#: Why a source by the index is none at the moment.
_UNUSABLE = (OSError, CursorLost, JournalUnreadable, JournalDamaged)

#: Rows that are made at a time, where all are wanted.
_CHUNK = 500


class Selection:
    """Tasks that were asked for: keys of one source, in order. Their rows are read when they are wanted.

    Attributes:
        keys: of the source.
        stale: no daemon runs on a directory of ours: what claims a process is marked in its rows.
    """

    __slots__ = ("_ours", "_source", "keys", "stale")

    def __init__(self, source: "Source", keys: "Sequence[Any]", *, ours: bool, stale: bool) -> None:
        self._source: Any = source
        self._ours = ours
        self.keys = keys
        self.stale = stale

    def __len__(self) -> int:
        return len(self.keys)

    def kept(self, form: str) -> "dict[Any, bytes]":
        """{key: what the reader has made of its row}; the reader's own to fill. Entries go when rows change."""
        found: dict[Any, bytes] = self._source.kept.setdefault(form, {})
        return found

    def rows(self, keys: "Sequence[Any] | None" = None) -> "list[Row]":
        """The rows of all keys, or of some; one that has gone since is left out. Raises one of `DAMAGED`."""
        found: list[Row] = self._source.rows(self.keys if keys is None else keys)
        return [self._marked(row) for row in found] if self._ours else found

    def pairs(self, keys: "Sequence[Any]") -> "list[tuple[Any, Row]]":
        """(key, row) of `keys`; one that has gone since is left out. Raises one of `DAMAGED`."""
        found = self.rows(keys)
        if len(found) == len(keys):
            return list(zip(keys, found, strict=True))
        return [(key, row) for key in keys for row in self.rows([key])]

    def with_status(self, keys: "Sequence[Any]", statuses: "Collection[str]") -> "set[Any]":
        """Those of `keys` whose tasks have one of `statuses`."""
        found: set[Any] = self._source.with_status(keys, statuses)
        return found

    def _marked(self, row: "Row") -> "Row":
        return {**row, "stale": self.stale and row["status"] in LIVE}

    def chunks(self) -> "Iterator[list[Row]]":
        """All rows, some at a time. Raises one of `DAMAGED`."""
        for begin in range(0, len(self.keys), _CHUNK):
            yield self.rows(self.keys[begin : begin + _CHUNK])


class TaskTable:
    """See the text of the module.

    Attributes:
        data_dir: whose tasks.
        lock: for several threads.
        problems: files that cannot be read, as `read_tasks` tells them. Where the index is read, none is looked for.
    """

    def __init__(self, data_dir: str, *, use_index: bool = True) -> None:
        """Nothing is read before the first question. Without `use_index` the files are read in any case."""
        from _thread import allocate_lock

        self.data_dir = data_dir
        self.lock = allocate_lock()
        self._use_index = use_index
        self._source: Source | None = None
        self._ours = False
        self._is_live = False
        #: What the index was when it was last looked at.
        self._seen: Identity | None = None
        self._place: tuple[Identity | None, ...] = ()

    @property
    def problems(self) -> "list[dict[str, Any]]":
        """See above."""
        return self._source.problems if isinstance(self._source, FolderSource) else []

    @property
    def unwritten(self) -> int:
        """How many tasks were submitted before the last question and have no file yet, if there is an index."""
        return self._source.unwritten if isinstance(self._source, IndexSource) else 0

    @property
    def count(self) -> int:
        """How many tasks there were at the last question."""
        return self._source.count if self._source is not None else 0

    def select(self, wanted: "Wanted", limit: "int | None" = None, *, patient: bool = True) -> Selection:
        """The tasks that are wanted as things are now, in the order of tables, `limit` at most.

        Raises:
            TakesLonger: it would take too long for somebody who is not `patient`.
            TasksUnreadable: the folder cannot be read.
            FormatTooNew: of the directory.
        """

        def select(source: "Source") -> Selection:
            if not patient and isinstance(source, IndexSource):
                source.require_patience(wanted)
            return self._selection(source, wanted, limit)

        found: Selection = self._ask(select, patient=patient)
        return found

    def rows(self, wanted: "Wanted", limit: "int | None" = None) -> "list[Row]":
        """The rows of `select`. Raises as it does."""

        def read(source: "Source") -> "list[Row]":
            return self._selection(source, wanted, limit).rows()

        found: list[Row] = self._ask(read)
        return found

    def statuses(self) -> "dict[str, int]":
        """{status: number of tasks} as things are now. Raises as `select` does."""
        found: dict[str, int] = self._ask(lambda source: source.statuses())
        return found

    def definitions(self) -> "dict[str, str]":
        """{workflow: path of its definition} of all tasks. Raises as `select` does."""
        found: dict[str, str] = self._ask(lambda source: source.definitions())
        return found

    def values(self, field: str) -> "list[str]":
        """The texts that `field` has in any task, sorted: for looking for near ones. Raises as `select` does."""
        return sorted(self._ask(lambda source: source.values(field)))

    def corrupt(self) -> "list[Row]":
        """A row for each file that could not be read at the last question (ruling A-23)."""
        return self._source.corrupt() if isinstance(self._source, FolderSource) else []

    def first_fault(self) -> "OrchestratorError | None":
        """What is wrong with the first file that could not be read at the last question."""
        return self._source.first_fault() if isinstance(self._source, FolderSource) else None

    def drop_index(self) -> None:
        """The index turned out to be damaged after a selection was made: the next question reads the files."""
        self._source = FolderSource(self.data_dir)

    def _selection(self, source: "Source", wanted: "Wanted", limit: "int | None") -> Selection:
        stale = self._ours and not self._is_live
        return Selection(source, source.select(wanted, limit), ours=self._ours, stale=stale)

    def _ask(self, question: "Callable[[Any], Any]", *, patient: bool = True) -> "Any":
        source = self._current(patient)
        if not isinstance(source, IndexSource):
            return question(source)
        try:
            return question(source)
        except DAMAGED:
            self.drop_index()
            return question(self._current(patient))

    def _current(self, patient: bool) -> "Source":
        """The source, brought up to date."""
        self._ours = check_directory(self.data_dir)
        self._is_live = self._ours and is_held(self.data_dir)
        self._check_place()
        if self._ours and self._use_index:
            self._look_for_index(patient)
        if isinstance(self._source, IndexSource):
            try:
                self._source.refresh(patient=patient)
            except (*_UNUSABLE, *DAMAGED):
                self._source = None
        if self._source is None:
            self._source = FolderSource(self.data_dir)
        if isinstance(self._source, FolderSource):
            self._source.refresh(patient=patient)
        return self._source

    def _check_place(self) -> None:
        """Forget everything if the directory is another one than it was, or its journal is."""
        place = tuple(_identity(path) for path in (self.data_dir, f"{self.data_dir}/{JOURNAL}"))
        if place != self._place or (not self._ours and isinstance(self._source, IndexSource)):
            self._place, self._source, self._seen = place, None, None

    def _look_for_index(self, patient: bool) -> None:
        """Go over to the index there is now, if it is another one than when it was last looked at."""
        identity = _identity(index_path(self.data_dir), whole=True)
        if identity is None or identity == self._seen:
            return
        before = self._source if isinstance(self._source, IndexSource) else None
        if before is not None and before.keeps > QUICK_FILES and not patient:
            raise TakesLonger
        try:
            source = IndexSource(self.data_dir)
            if before is not None:
                source.take_over(before)
        except DAMAGED:
            self._seen = identity  # it will not get better
            return
        except _UNUSABLE:
            return
        self._seen, self._source = identity, source


def _identity(path: str, *, whole: bool = False) -> "Identity | None":
    """What tells a file (`whole`: and its content) from another one at the same place; None if there is none."""
    try:
        found = os.stat(path, follow_symlinks=not whole)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, *((found.st_mtime_ns, found.st_size) if whole else ()))
