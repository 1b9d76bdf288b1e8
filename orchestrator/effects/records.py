"""What the wrappers have written into a workflow's ``attempts.log``.

A line is appended with one write, and counts only with its newline. A full disk can tear a line in two; the torn
piece then stands before the next writer's line without a newline of its own. So a line is not looked for at the
beginning of a line of text, and one that holds a word too many is no record.

Nobody reads this file when all is well: the exit code of a child that ended by itself is had from the kernel. It
is for the cases in which the kernel has nothing to tell, above all after a daemon's death, and so it is searched
when asked, without keeping any of it.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

#: Bytes read at a time.
_CHUNK = 1 << 24

#: A FIFO or a symbolic link put in the file's place is neither waited for nor followed.
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Claim(NamedTuple):
    """A wrapper says that the attempt is its own.

    `start`: of its process, in ticks since boot; None as wrappers write it since format 1.1.
    """

    pid: int
    start: int | None
    boot_id: str


class Records(NamedTuple):
    """What is known of one attempt. `taken`: a daemon took it, so that it never begins."""

    claim: Claim | None = None
    exit_code: int | None = None
    taken: bool = False


def read_records(path: str, stem: str, offset: int = 0) -> Records:
    """The lines about one attempt, by its log stem, that stand at `offset` or behind it.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | _SAFELY)
    except FileNotFoundError:
        return Records()
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        data = b"".join(_chunks(fd, offset))
    finally:
        os.close(fd)
    return search(data, stem)


def append_taken(path: str, stem: str) -> None:
    """Tell readers of the file that a daemon took the attempt. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFELY, 0o600)
    try:
        os.write(fd, f"taken {stem}\n".encode())
    finally:
        os.close(fd)


def size_of(path: str) -> int:
    """The size of the file, 0 if there is none.

    Raises:
        OSError: something else than a file is there.
    """
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "something else than a file lies there; remove it", path)
    return found.st_size


def _chunks(fd: int, offset: int) -> list[bytes]:
    chunks = []
    while chunk := os.pread(fd, _CHUNK, offset):
        chunks.append(chunk)
        offset += len(chunk)
    return chunks


def search(data: bytes, stem: str) -> Records:
    """What the lines in `data` say of the attempt with this log stem. The first claim and the first exit count."""
    needle = f" {stem}".encode()
    claim, exit_code, taken = None, None, False
    at = data.find(needle)
    while at >= 0 and (end := data.find(b"\n", at)) >= 0:
        keyword = data[max(0, at - 5) : at]
        match data[at + len(needle) : end].split(b" "):
            case [b"", pid, start, boot] if keyword == b"claim" and pid.isdigit() and start.isdigit():
                claim = claim or Claim(int(pid), int(start), boot.decode("ascii", "replace"))
            case [b"", pid, boot] if keyword == b"claim" and pid.isdigit():
                claim = claim or Claim(int(pid), None, boot.decode("ascii", "replace"))
            case [b"", code] if keyword.endswith(b"exit") and code.isdigit() and exit_code is None:
                exit_code = int(code) & 0xFF
            case [b""] if keyword == b"taken":
                taken = True
        at = data.find(needle, end)
    return Records(claim, exit_code, taken)
