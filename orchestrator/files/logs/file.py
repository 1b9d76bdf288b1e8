"""One log: whose it is, and its lines.

A log is a file that a task's processes write, which are not trusted: it is opened without following links and read only
if it is a regular file, in pieces, so that its size costs no memory. What could act on a terminal is taken out of its
lines.
"""

import errno
import os
import stat

from orchestrator.files.permissions import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.rows import Row

#: Read of a file at a time. A line that is longer comes in pieces.
CHUNK_BYTES = 1 << 16

#: How the line begins that stands where a flood was cut (`orchestrator.effects.output`).
_CUT = b"\n[orchestrator: "

#: What acts on a terminal: sequences that begin with ESC, other control characters, and those that turn the direction
#: of text. Tabs stay. None of them goes on over the end of a line.
_ACTIVE = (
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


class Log:
    """One file: one stream of one attempt. It need not be there. `undo`: the attempt undoes the task."""

    __slots__ = ("attempt", "item", "operation", "path", "provider", "stream", "undo")

    def __init__(
        self, place: "tuple[str, str, str]", attempt: int, stream: str, path: str, *, undo: bool = False
    ) -> None:
        self.operation, self.provider, self.item = place
        self.attempt, self.undo, self.stream, self.path = attempt, undo, stream, path

    def row(self, line: str) -> "Row":
        """One line of it, as tables show it."""
        return {
            "operation": self.operation,
            "item": self.item,
            "provider": self.provider,
            "attempt": self.attempt,
            "undo": self.undo,
            "stream": self.stream,
            "line": line,
        }


class Lines:
    """The lines of one log from its beginning, in pieces.

    Attributes:
        log: which.
        problem: why it cannot be read; "" if nothing is wrong.
    """

    __slots__ = ("_offset", "_raw", "_rest", "log", "problem")

    def __init__(self, log: "Log", *, raw: bool = False, tail: "int | None" = None) -> None:
        """With `raw` nothing is taken out of the lines; with `tail` begin so many lines before the present end."""
        self.log = log
        self.problem = ""
        self._raw = raw
        self._rest = b""
        self._offset = 0 if tail is None else begin_of_last(log.path, tail)

    def next(self, *, final: bool = True) -> "list[str]":
        """Some more lines, none if there are none (yet).

        A line without an end is kept for the next time; with `final`, when the log will not grow any more, it is
        given when nothing comes behind it.
        """
        while True:
            chunk = self._read()
            data = self._rest + chunk
            end = data.rfind(b"\n") + 1
            if final and not chunk:
                end = len(data)
            elif not end and len(data) >= CHUNK_BYTES:
                end = _whole_characters(data)
            self._rest = data[end:]
            if end or not chunk:
                return self._split(data[:end])

    def _read(self) -> bytes:
        try:
            chunk = self._chunk()
        except FileNotFoundError:
            return b""
        except OSError as error:
            why, remedy = explain(error, self.log.path)
            self.problem = f"Failed to read the log {self.log.path}: {why}. {remedy}".strip()
            return b""
        self._offset += len(chunk)
        return chunk

    def _chunk(self) -> bytes:
        """Raises OSError."""
        fd = _open(self.log.path)
        try:
            if os.fstat(fd).st_size < self._offset:  # it flooded and was cut: what was told of its end is gone
                self._offset, self._rest = _place_of_cut(fd), b""
            return os.pread(fd, CHUNK_BYTES, self._offset)
        finally:
            os.close(fd)

    def _split(self, data: bytes) -> "list[str]":
        if not data:
            return []
        text = data.decode("utf-8", "replace")
        return (text if self._raw else clean(text)).removesuffix("\n").split("\n")


#: The pattern `_ACTIVE`, once it has been compiled.
_compiled: "list[Any]" = []


def clean(text: str) -> str:
    """`text` without what acts on a terminal. Line ends and tabs stay."""
    if not _compiled:
        import re

        _compiled.append(re.compile(_ACTIVE))
    cleaned: str = _compiled[0].sub("", text)
    return cleaned


def _whole_characters(data: bytes) -> int:
    """How much of `data` does not end within a character."""
    for back in range(1, 4):
        byte = data[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            return len(data) - back
    return len(data)


def _open(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return fd


def _place_of_cut(fd: int) -> int:
    """Where the line stands that tells of the latest cut; the end of the file without one."""
    size = end = os.fstat(fd).st_size
    while end > 0:
        begin = max(0, end - CHUNK_BYTES)
        block = os.pread(fd, end - begin + len(_CUT), begin)
        at = block.rfind(_CUT)
        if at >= 0:
            return begin + at + 1
        end = begin
    return size


def begin_of_last(path: str, count: int) -> int:
    """Where the last `count` lines of a file begin; 0 if it cannot be read, which is told when it is read."""
    try:
        fd = _open(path)
    except OSError:
        return 0
    try:
        end = position = os.fstat(fd).st_size
        wanted = count + (end > 0 and os.pread(fd, 1, end - 1) == b"\n")
        if not count:
            return end
        while position > 0:
            start = max(0, position - CHUNK_BYTES)
            block = os.pread(fd, position - start, start)
            ends = block.count(b"\n")
            if ends >= wanted:
                place = len(block)
                for _ in range(wanted):
                    place = block.rindex(b"\n", 0, place)
                return start + place + 1
            wanted -= ends
            position = start
        return 0
    finally:
        os.close(fd)
