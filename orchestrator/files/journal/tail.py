"""Following the journal of a data directory that another process writes.

Theory of operation
-------------------
A record is a line that ends in its checksum. Behind the last record a segment is blank (newlines, preallocated) or
ends; a line without its checksum is not there yet. A segment is left for the next one when that exists and nothing
is behind the last record: what is in a segment is durable before the writer begins another. Old segments are removed
(`orchestrator.store`); who was not done with one is told that records are missing, and where to go on.

A cursor is ``<epoch>:<seq>``: the last record its owner has seen, and the life of the daemon in which that was. Each
life begins with a segment whose first record tells its epoch. A record of an earlier epoch stands as long as the
next life began behind it; otherwise it was lost with the machine or taken back after a failed disk, and its
place belongs to another record by now. The reader is told so, and where to go on.
"""

import os

from orchestrator.files.journal.open_segment import Segment
from orchestrator.files.journal.record_shape import TELL_EPOCH, parse_record, seq_of
from orchestrator.files.layout import JOURNAL, segment_name, segment_number
from orchestrator.files.permissions import explain
from orchestrator.model.errors import CursorLost, JournalDamaged, JournalUnreadable, OrchestratorError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Record = dict[str, Any]

#: Read of a segment of which only the first record is wanted.
_HEAD_BYTES = 4 << 10

#: Digits of a cursor, with its colon.
_CURSOR_LENGTH_MAX = 40


class JournalTail:
    """Gives the records of a journal as they appear. Not for use by several threads."""

    def __init__(self, data_dir: str, cursor: "str | None" = None, from_start: bool = False) -> None:
        """Begin behind `cursor`; without one, behind everything there is now, or with `from_start` before it.

        Raises:
            UsageError: `cursor` is none.
            CursorLost: the record of `cursor` is not in the journal (any more); `resume` says where to begin.
            JournalUnreadable: the journal may not be read.
        """
        self._folder = f"{data_dir}/{JOURNAL}"
        self._segment: Segment | None = None
        self._waiting: list[bytes] = []
        self._epoch = 0
        #: None: whatever the first record is, it is right.
        self._seq: int | None = 0
        try:
            if cursor is not None:
                self._begin_behind(*_parse_cursor(cursor))
            elif from_start:
                self._seq = None
            else:
                self._begin_at_end()
        except OrchestratorError:
            self.close()
            raise

    @property
    def cursor(self) -> str:
        """The position behind the last record that `poll` has returned."""
        return f"{self._epoch}:{self._seq or 0}"

    def poll(self) -> "list[Record]":
        """The records that came since, in order, none if nothing has. Costs a few microseconds then.

        At most as many as fit 64 KiB, but one at least: where something was returned there may be more.

        Raises:
            CursorLost: records that were returned have been taken back. The next call goes on with what
                stands in their place.
            JournalDamaged: a segment that is complete holds a line that is no record.
            JournalUnreadable: a segment may not be read.
        """
        lines = self._waiting or self._next_lines()
        self._waiting = []
        if not lines:
            return []
        self._check_place(lines)
        return [self._accept(line) for line in lines]

    def close(self) -> None:
        """Give the open file back."""
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    # --- where to begin --------------------------------------------------------------------------------------

    def _begin_at_end(self) -> None:
        newest = None
        for number, first in self._newest_first():
            newest = number if newest is None else newest
            if first["event"] in TELL_EPOCH:
                self._epoch = first["data"]["epoch"]
                break
        if newest is not None:
            self._segment = self._open(newest)
        if self._segment is not None:
            self._seq = self._segment.skip_to(None)

    def _begin_behind(self, epoch: int, seq: int) -> None:
        """Find the record of the cursor, from the newest segment backwards until the life it belongs to is known."""
        cursor = f"{epoch}:{seq}"
        start = newest_epoch = next_life = None
        oldest, self._epoch = 1, epoch
        for number, first in self._newest_first():
            oldest = first["seq"]
            if start is None and oldest <= seq + 1:
                start = number
            if first["event"] in TELL_EPOCH:
                life = first["data"]["epoch"]
                newest_epoch = newest_epoch or life
                if life > epoch:
                    next_life = (life, oldest)
                if oldest <= seq:
                    self._epoch = life
                    break
        if next_life is not None and seq >= next_life[1]:
            raise _lost(cursor, f"it was not kept: epoch {next_life[0]} began in its place", *next_life)
        # One epoch ahead is fine: status.json may name a life whose first record is on its way.
        if epoch > (newest_epoch or 0) + 1:
            raise _lost(cursor, f"the newest epoch here is {newest_epoch or 0}", 0, 1)
        if start is None and oldest > seq + 1:
            raise _lost(cursor, f"the oldest record that is kept is {oldest}", self._epoch, oldest, gone=True)
        if start is not None:
            self._segment = self._open(start)
            passed = self._segment.skip_to(seq) if self._segment is not None else None
            self._seq = seq if passed is None else passed
        if self._seq != seq:
            raise _lost(cursor, f"the newest record is {self._seq}", self._epoch, (self._seq or 0) + 1)

    def _newest_first(self) -> "Iterator[tuple[int, Record]]":
        """(number, first record) of each segment that has a record."""
        for number in sorted(self._numbers(), reverse=True):
            segment = self._open(number)
            if segment is not None:
                lines = segment.lines(_HEAD_BYTES)
                segment.close()
                if lines:
                    yield number, parse_record(lines[0])

    # --- going on --------------------------------------------------------------------------------------------

    def _next_lines(self) -> "list[bytes]":
        if self._segment is None:
            self._segment = self._open(min(self._numbers(), default=0))
        segment = self._segment
        if segment is None:
            return []
        lines = segment.lines()
        if lines:
            return lines
        following = self._following(segment)
        if following is None:
            return []
        lines = segment.lines()  # what was written between the look at this segment and the look at the next
        if lines or not segment.is_blank():
            following.close()
            if not lines:
                raise JournalDamaged(
                    f"{segment.path}, byte {segment.offset}: a line that is no record, and another segment follows.",
                    "orchestrator verify tells more.",
                )
            return lines
        segment.close()
        self._segment = following
        return following.lines()

    def _following(self, segment: Segment) -> "Segment | None":
        """The segment to go on with: the next, or the oldest that is kept if the next ones are gone already.

        Raises:
            CursorLost: `segment` belongs to a journal that was removed. The next call begins with the one there is now.
        """
        following = self._open(segment.number + 1)
        if following is not None or segment.is_in_place():
            return following
        numbers = self._numbers()
        later = [number for number in numbers if number > segment.number]
        if later and segment.number not in numbers:
            return self._open(min(later))
        cursor = self.cursor
        self.close()
        self._epoch, self._seq = 0, None
        what = "the journal was removed, and another began" if numbers else "the journal was removed"
        raise _lost(cursor, what, 0, 1)

    def _check_place(self, lines: "list[bytes]") -> None:
        """Raise if the first of `lines` does not follow what was returned; they then wait for the next call."""
        seq = seq_of(lines[0])
        if self._seq is None or seq == self._seq + 1:
            return
        cursor, lost = self.cursor, self._seq
        self._waiting, self._seq = lines, seq - 1
        what = (
            f"records {seq} to {lost} were taken back"
            if seq <= lost
            else f"records {lost + 1} to {seq - 1} are missing"
        )
        raise _lost(cursor, what, self._epoch, seq, gone=seq > lost)

    def _accept(self, line: bytes) -> "Record":
        record = parse_record(line)
        self._seq = record["seq"]
        if record["event"] in TELL_EPOCH:
            self._epoch = record["data"]["epoch"]
        return record

    def _numbers(self) -> "list[int]":
        try:
            names = os.listdir(self._folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(error, self._folder) from error
        return [number for number in map(segment_number, names) if number is not None]

    def _open(self, number: int) -> "Segment | None":
        path = f"{self._folder}/{segment_name(number)}"
        try:
            return Segment(number, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(error, path) from error


def _parse_cursor(cursor: str) -> "tuple[int, int]":
    epoch, colon, seq = cursor.partition(":")
    if not (colon and epoch.isdecimal() and seq.isdecimal() and len(cursor) <= _CURSOR_LENGTH_MAX):
        raise UsageError(
            f"{cursor[:_CURSOR_LENGTH_MAX]!r} is no cursor.",
            "A cursor is <epoch>:<seq>, as in status.json; 0:0 is before everything.",
        )
    return int(epoch), int(seq)


def _lost(cursor: str, why: str, epoch: int, seq: int, *, gone: bool = False) -> CursorLost:
    """`seq`: the first record to go on with; `gone`: records between the two were removed."""
    resume = f"{epoch}:{seq - 1}"
    rest = "what came before it is not kept any more" if gone else "which misses nothing"
    return CursorLost(f"Record {cursor} is not in the journal: {why}.", f"Go on from {resume}, {rest}.", resume)


def _unreadable(error: OSError, path: str) -> JournalUnreadable:
    why, remedy = explain(error, path)
    return JournalUnreadable(f"Failed to read the journal {path}: {why}", remedy)
