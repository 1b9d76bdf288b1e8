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

import errno
import os
import stat

from orchestrator.files.layout import JOURNAL, segment_name, segment_number
from orchestrator.files.permissions import explain
from orchestrator.files.record_shape import TELL_EPOCH as _TELL_EPOCH
from orchestrator.files.record_shape import parse_record as _parse
from orchestrator.files.record_shape import seq_of as _seq_of
from orchestrator.model.errors import CursorLost, JournalDamaged, JournalUnreadable, OrchestratorError, UsageError
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from orchestrator.files.rows import Row

    Record = dict[str, Any]

#: Read at a time. Bounds what one `JournalTail.poll` returns, but for a single longer record.
_CHUNK_BYTES = 64 << 10

#: Read of a segment of which only the first record is wanted.
_HEAD_BYTES = 4 << 10

#: Digits of a cursor, with its colon.
_CURSOR_LENGTH_MAX = 40

_SUM_KEY = b',"sum":"'
_TAIL_BYTES = len(_SUM_KEY) + 16 + len(b'"}')
_SEQ_KEY = b'{"seq":'


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
        self._segment: _Segment | None = None
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
            if first["event"] in _TELL_EPOCH:
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
            if first["event"] in _TELL_EPOCH:
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
            raise _lost(cursor, f"the oldest record that is kept is {oldest}", self._epoch, oldest)
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
                    yield number, _parse(lines[0])

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
        following = self._following(segment.number)
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

    def _following(self, number: int) -> "_Segment | None":
        """The segment to go on with: the next, or the oldest that is kept if the next ones are gone already."""
        following = self._open(number + 1)
        if following is not None or os.path.exists(f"{self._folder}/{segment_name(number)}"):
            return following
        later = [other for other in self._numbers() if other > number]
        return self._open(min(later)) if later else None

    def _check_place(self, lines: "list[bytes]") -> None:
        """Raise if the first of `lines` does not follow what was returned; they then wait for the next call."""
        seq = _seq_of(lines[0])
        if self._seq is None or seq == self._seq + 1:
            return
        cursor, lost = self.cursor, self._seq
        self._waiting, self._seq = lines, seq - 1
        what = (
            f"records {seq} to {lost} were taken back"
            if seq <= lost
            else f"records {lost + 1} to {seq - 1} are missing"
        )
        raise _lost(cursor, what, self._epoch, seq)

    def _accept(self, line: bytes) -> "Record":
        record = _parse(line)
        self._seq = record["seq"]
        if record["event"] in _TELL_EPOCH:
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

    def _open(self, number: int) -> "_Segment | None":
        path = f"{self._folder}/{segment_name(number)}"
        try:
            return _Segment(number, path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(error, path) from error


class _Segment:
    """An open segment, and how far it has been read. `offset` is always behind a whole record."""

    __slots__ = ("_fd", "number", "offset", "path")

    def __init__(self, number: int, path: str) -> None:
        self.number = number
        self.path = path
        self.offset = 0
        self._fd = -1
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise OSError(errno.EINVAL, "it is not a regular file", path)

    def lines(self, size: int = _CHUNK_BYTES) -> "list[bytes]":
        """Whole records behind `offset` within `size` bytes, one at least if there is one. Moves behind them."""
        if self.is_blank():
            return []
        data = os.pread(self._fd, size, self.offset)
        while len(data) == size and b"\n" not in data and size < FILE_BYTES_MAX:
            size *= 4
            data = os.pread(self._fd, size, self.offset)
        # What is preallocated would be split into a hundred thousand empty lines.
        data, _, _ = data.partition(b"\n\n") if b"\n\n" in data else data.rpartition(b"\n")
        found = []
        for line in data.split(b"\n"):
            if not _is_whole(line):
                break
            found.append(line)
            self.offset += len(line) + 1
        return found

    def is_blank(self) -> bool:
        """Whether nothing has been written behind `offset`."""
        return os.pread(self._fd, 1, self.offset) in (b"", b"\n")

    def skip_to(self, seq: "int | None") -> "int | None":
        """Move behind record `seq`, with None behind the last; the seq of the last record passed, None without one."""
        passed = self._approach(seq)
        while lines := self.lines():
            behind = [line for line in lines if seq is not None and _seq_of(line) > seq]
            if len(behind) < len(lines):
                passed = _seq_of(lines[len(lines) - len(behind) - 1])
            if behind:
                self.offset -= sum(len(line) + 1 for line in behind)
                break
        return passed

    def _approach(self, seq: "int | None") -> "int | None":
        """Move close to where `skip_to` ends, without reading what is before; the seq of the last record passed.

        Records stand in the order of their seq, and behind the last one all is blank: the place is found by halving.
        Where what is met is not what is expected, nothing more is left out.
        """
        passed = None
        low, high = self.offset, os.fstat(self._fd).st_size
        while high - low > 2 * _CHUNK_BYTES:
            middle = (low + high) // 2
            begin, line = self._line_behind(middle, high)
            if line is None or (line and not (line.startswith(_SEQ_KEY) and _is_whole(line))):
                break
            if not line or (seq is not None and _seq_of(line) > seq):
                high = middle
            else:
                low, passed = begin + len(line) + 1, _seq_of(line)
        self.offset = low
        return passed

    def _line_behind(self, offset: int, end: int) -> "tuple[int, bytes | None]":
        """(where it begins, the first whole line that begins behind `offset`); empty where all is blank.

        None if there is none before `end`.
        """
        size = _CHUNK_BYTES
        while True:
            data = os.pread(self._fd, size, offset)
            begin = data.find(b"\n") + 1
            if begin and (at := data.find(b"\n", begin)) >= 0:
                return offset + begin, data[begin:at]
            if offset + size >= end or size >= FILE_BYTES_MAX:
                return 0, None
            size = min(size * 4, FILE_BYTES_MAX)

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        """As `close`: a reader that was left in the middle keeps nothing."""
        self.close()


def rows(record: "Record") -> "list[Row]":
    """One row for each transition of `record`, as tables and streams show them.

    ``time, seq, workflow, task, previous_status, status, attempt, reason``; a row without a task is the workflow's
    own, and has no attempt. Equal statuses mean that only the reason changed.
    """
    transitions = record["transitions"]
    found = []
    for position, (task, previous, status, attempt, reason, *_) in enumerate(transitions):
        found.append(
            {
                "time": record["time"],
                "seq": record["seq"],
                "workflow": _owner(record, position),
                "task": task,
                "previous_status": previous,
                "status": status,
                "attempt": attempt if task is not None else None,
                "reason": reason or None,
            }
        )
    return found


def _owner(record: "Record", position: int) -> "str | None":
    """The workflow that a transition belongs to.

    That of the task; a workflow's own transition belongs to the workflow of the record. Except for one: a free slot
    may start the first task of any workflow, whose ``running`` then stands right before that task's.
    """
    transitions = record["transitions"]
    task, previous, status = transitions[position][:3]
    if task is None and (previous, status) == ("queued", "running") and position + 1 < len(transitions):
        task = transitions[position + 1][0]
    workflow: str | None = record["workflow"] if task is None else task.partition(".")[0]
    return workflow


def _parse_cursor(cursor: str) -> "tuple[int, int]":
    epoch, colon, seq = cursor.partition(":")
    if not (colon and epoch.isdecimal() and seq.isdecimal() and len(cursor) <= _CURSOR_LENGTH_MAX):
        raise UsageError(
            f"{cursor[:_CURSOR_LENGTH_MAX]!r} is no cursor.",
            "A cursor is <epoch>:<seq>, as in status.json; 0:0 is before everything.",
        )
    return int(epoch), int(seq)


def _lost(cursor: str, why: str, epoch: int, seq: int) -> CursorLost:
    resume = f"{epoch}:{seq - 1}"
    return CursorLost(
        f"Record {cursor} is not in the journal: {why}.", f"Go on from {resume}, which misses nothing.", resume
    )


def _unreadable(error: OSError, path: str) -> JournalUnreadable:
    why, remedy = explain(error, path)
    return JournalUnreadable(f"Failed to read the journal {path}: {why}", remedy)


def _is_whole(line: bytes) -> bool:
    return line.endswith(b'"}') and line[-_TAIL_BYTES:].startswith(_SUM_KEY)
