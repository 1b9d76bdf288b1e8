"""A segment of the journal that another process may be writing: the records that are there, from a place on."""

import errno
import os
import stat

from orchestrator.files.journal.record_shape import SEQ_KEY, is_whole, seq_of
from orchestrator.model.limits import FILE_BYTES_MAX

#: Read at a time. Bounds what is returned at a time, but for a single longer record.
CHUNK_BYTES = 64 << 10

#: Read at first where one line is wanted: most are shorter. That of a large submission may be megabytes.
_LINE_BYTES = 4 << 10


class Segment:
    """An open segment, and how far it has been read. `offset` is always behind a whole record."""

    __slots__ = ("_fd", "number", "offset", "path")

    def __init__(self, number: int, path: str) -> None:
        self.number = number
        self.path = path
        self.offset = 0
        self._fd = -1
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            self.close()  # once: the number may belong to another file a moment later
            raise OSError(errno.EINVAL, "it is not a regular file", path)

    def lines(self, size: int = CHUNK_BYTES) -> "list[bytes]":
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
            if not is_whole(line):
                break
            found.append(line)
            self.offset += len(line) + 1
        return found

    def is_in_place(self) -> bool:
        """Whether the file at `path` is still this one."""
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(self.path, follow_symlinks=False))
        except FileNotFoundError:
            return False

    def is_blank(self) -> bool:
        """Whether nothing has been written behind `offset`."""
        return os.pread(self._fd, 1, self.offset) in (b"", b"\n")

    def skip_to(self, seq: "int | None") -> "int | None":
        """Move behind record `seq`, with None behind the last; the seq of the last record passed, None without one."""
        passed = self._approach(seq)
        while lines := self.lines():
            behind = [line for line in lines if seq is not None and seq_of(line) > seq]
            if len(behind) < len(lines):
                passed = seq_of(lines[len(lines) - len(behind) - 1])
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
        while high - low > 2 * CHUNK_BYTES:
            middle = (low + high) // 2
            begin, line = self._line_behind(middle, high)
            if line is None or (line and not (line.startswith(SEQ_KEY) and is_whole(line))):
                break
            if not line or (seq is not None and seq_of(line) > seq):
                high = middle
            else:
                low, passed = begin + len(line) + 1, seq_of(line)
        self.offset = low
        return passed

    def _line_behind(self, offset: int, end: int) -> "tuple[int, bytes | None]":
        """(where it begins, the first whole line that begins behind `offset`); empty where all is blank.

        None if there is none before `end`.
        """
        newline = self._newline_behind(offset, end)
        begin = -1 if newline is None else newline + 1
        newline = None if newline is None else self._newline_behind(begin, end)
        return (0, None) if newline is None else (begin, os.pread(self._fd, newline - begin, begin))

    def _newline_behind(self, offset: int, end: int) -> "int | None":
        """Where the next line ends; None if none does before `end`. A long line costs its reading, and no memory."""
        size, last = _LINE_BYTES, min(end, offset + FILE_BYTES_MAX)
        while offset < last:
            data = os.pread(self._fd, size, offset)
            at = data.find(b"\n")
            if at >= 0:
                return offset + at
            if not data:
                return None
            offset, size = offset + len(data), CHUNK_BYTES
        return None

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        """As `close`: a reader that was left in the middle keeps nothing."""
        self.close()
