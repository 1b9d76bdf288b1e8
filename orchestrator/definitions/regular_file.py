"""Reading a file that somebody else wrote: whatever it turns out to be, neither waiting nor without a bound."""

from __future__ import annotations

import errno
import os
import stat


def read(path: str, most: int, *, follow: bool = True) -> bytes:
    """What the regular file at `path` holds, up to one byte more than `most`. `follow`: it may be a link.

    A pipe, a device or a socket is refused before anything is read of it: it might never answer.

    Raises:
        OSError: it cannot be read; `strerror` says why, also for a path that no file can have.
    """
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        fd = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except ValueError as error:  # a NUL character, or what has no bytes
        raise OSError(errno.EINVAL, "no file can have this name", path) from error
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        return _all(fd, most + 1)
    finally:
        os.close(fd)


def _all(fd: int, most: int) -> bytes:
    parts: list[bytes] = []
    while most:
        part = os.read(fd, most)
        if not part:
            break
        parts.append(part)
        most -= len(part)
    return b"".join(parts)
