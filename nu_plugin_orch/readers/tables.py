"""Tables of tasks for Nushell, out of a table that stays current between calls.

A process of the plugin lives as long as it is used, so what it has read and encoded is kept: rows in the form in which
they are sent, as long as they do not change. A large answer goes out as a stream, the first rows while the others are
still being made.
"""

from nu_plugin_orch.readers import row_bytes
from nu_plugin_orch.readers.row_bytes import RowBytes
from orchestrator.files.state.tasks import LIVE
from orchestrator.files.tables.table import DAMAGED, TaskTable
from orchestrator.files.tables.task_query import in_sight
from orchestrator.model.errors import TasksUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from nu_plugin_orch.protocol.errors import Span
    from nu_plugin_orch.protocol.value import Encoded
    from orchestrator.files.rows import Row
    from orchestrator.files.tables.table import Selection

#: Directories whose tables are kept; the one that was not used for longest goes first.
_TABLES_MAX = 4

#: Encoded rows that are kept of one directory, by whether they have all columns: some fifty megabytes each.
_KEPT_MAX = {"short": 120_000, "long": 50_000}

#: Rows from which an answer is a stream: below, a whole table is quicker (and Nushell prints it as one).
STREAM_FROM = 20_000

#: Rows of a stream that are made at a time: as many as may be on their way.
_STEP = 100

#: Until a stream asks again for a table that somebody else is reading.
_LOCKED_PAUSE_S = 0.005

#: Columns that no table shows: they say nothing about what they describe.
_NEVER_SHOWN = frozenset({"format"})

_tables: "dict[str, TaskTable]" = {}


def table_of(data_dir: str) -> TaskTable:
    """The table of the tasks of `data_dir` that is kept here."""
    table = _tables.pop(data_dir, None) or TaskTable(data_dir)
    _tables[data_dir] = table
    while len(_tables) > _TABLES_MAX:
        del _tables[next(iter(_tables))]
    return table


def plain_table(rows: "Sequence[Row]", span: "Span", *, long: bool) -> "Encoded":
    """A table of `rows`, with all columns if `long`."""
    coder = RowBytes(_NEVER_SHOWN)
    return row_bytes.table([coder.encode(row if long else in_sight(row)) for row in rows], span)


class EncodedRows:
    """A selection's rows in the columns that tables show, or all; encoded as far as they are not already.

    With `statuses` a `part` leaves out what has none of them any more: it may have changed since it was selected.
    """

    def __init__(
        self, selection: "Selection", *, long: bool = False, statuses: "Collection[str] | None" = None
    ) -> None:
        self._selection = selection
        self._statuses = statuses
        self._coder = RowBytes(_NEVER_SHOWN)
        self._form = "long" if long else "short"
        #: Keys of tasks that claim a process which nobody looks after.
        self._stale = selection.with_status(selection.keys, LIVE) if selection.stale else ()

    def __len__(self) -> int:
        return len(self._selection)

    @property
    def missing(self) -> int:
        """How many of them are not encoded."""
        kept = self._selection.kept(self._form)
        return sum(key not in kept for key in self._selection.keys)

    def part(self, begin: int, end: int) -> "list[bytes]":
        """Those from `begin` to `end` that are still wanted; one that has gone is left out. Raises one of `DAMAGED`."""
        keys = self._selection.keys[begin:end]
        if self._statuses is not None:
            wanted = self._selection.with_status(keys, self._statuses)
            keys = [key for key in keys if key in wanted]
        return self._encoded(keys)

    def table(self, span: "Span") -> "Encoded":
        """All of them, right after they were selected. Raises one of `DAMAGED`."""
        return row_bytes.table(self._encoded(self._selection.keys), span)

    def _encoded(self, keys: "Sequence[Any]") -> "list[bytes]":
        kept, stale = self._selection.kept(self._form), self._stale
        found = [kept.get(key) for key in keys]
        if stale:
            found = [None if key in stale else row for key, row in zip(keys, found, strict=True)]
        if None in found:
            made = self._made([key for key, row in zip(keys, found, strict=True) if row is None])
            found = [made.get(key) if row is None else row for key, row in zip(keys, found, strict=True)]
        return [row for row in found if row is not None]

    def _made(self, keys: "Sequence[Any]") -> "dict[Any, bytes]":
        """{key: its row, encoded just now}, and kept for the next time."""
        kept, made = self._selection.kept(self._form), {}
        may_keep = len(kept) + len(keys) <= _KEPT_MAX[self._form]
        for key, row in self._selection.pairs(keys):
            encoded = made[key] = self._coder.encode(row if self._form == "long" else in_sight(row))
            if may_keep and not row.get("stale"):
                kept[key] = encoded
        return made


class RowStream:
    """The rows of a selection as a stream.

    Attributes:
        pause_s: how long the next `poll` may wait.
    """

    def __init__(self, table: TaskTable, rows: EncodedRows, span: "Span") -> None:
        self.pause_s = 0.0
        self._table, self._rows, self._span = table, rows, span
        self._at = 0

    def poll(self) -> "list[Encoded]":
        """The next rows. Raises StopIteration behind the last; TasksUnreadable if the index turns out to be damaged."""
        if self._at >= len(self._rows):
            raise StopIteration
        if not self._table.lock.acquire(blocking=False):
            self.pause_s = _LOCKED_PAUSE_S
            return []
        self.pause_s = 0.0
        try:
            found = self._rows.part(self._at, self._at + _STEP)
        except DAMAGED as error:
            self._table.drop_index()
            raise TasksUnreadable(
                f"The index of tasks in {self._table.data_dir} is damaged: {error}",
                "Ask again: the next answer comes from the files. A daemon writes the index anew.",
            ) from error
        finally:
            self._table.lock.release()
        self._at += _STEP
        return [row_bytes.record(row, self._span) for row in found]

    def close(self) -> None:
        """Nothing is held."""
