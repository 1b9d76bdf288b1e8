"""Lines of a file that may be large, read without trusting it (requirement F14)."""

import errno
import os
import stat

from orchestrator.files.document import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_PIECE_BYTES = 64 << 10


def first_lines(path: str, count: int, bytes_max: int) -> "list[bytes]":
    """The first `count` lines without their newlines, fewer if there are fewer.

    Raises:
        OSError: it cannot be opened or read, or is not a regular file.
        Malformed: they are larger than `bytes_max`.
    """
    fd = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        parts: list[bytes] = []
        size = found = 0
        while found < count and (piece := os.read(fd, _PIECE_BYTES)):
            parts.append(piece)
            size += len(piece)
            found += piece.count(b"\n")
            if size > bytes_max:
                raise Malformed(f"its first lines are larger than {bytes_max} bytes")
    finally:
        os.close(fd)
    return b"".join(parts).split(b"\n")[:count]


def lines_of(path: str, line_bytes_max: int) -> "Iterator[bytes]":
    """All lines without their newlines, one in memory at a time; what is behind the last newline is one, too.

    Raises:
        OSError: it cannot be opened or read, or is not a regular file.
        Malformed: a line is larger than `line_bytes_max`.
    """
    fd = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        parts: list[bytes] = []
        size = 0
        while piece := os.read(fd, _PIECE_BYTES):
            *ends, begin = piece.split(b"\n")
            for end in ends:
                yield b"".join((*parts, end))
                parts, size = [], 0
            parts.append(begin)
            size += len(begin)
            if size > line_bytes_max:
                raise Malformed(f"a line is larger than {line_bytes_max} bytes")
        if size:
            yield b"".join(parts)
    finally:
        os.close(fd)
