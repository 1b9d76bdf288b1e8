"""The disk as the store sees it: a port, so that a simulated one can take its place.

What is promised
----------------
`replace` is atomic: a reader sees the old bytes or the new ones. With ``durable`` the new ones survive a power
cut once it returns; without, either may be there after one, or an empty file. `Log.write` promises nothing
until `Log.sync` returns; when `sync` raises, nothing written since the last good one may be believed, and it
must not be called again (POSIX lets a second call succeed although the data are gone).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from orchestrator.files.layout import DIRECTORY_MODE, FILE_MODE
from orchestrator.model.errors import DiskFailed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Log(Protocol):
    """A file that is written from front to back and synced."""

    def write(self, offset: int, data: bytes) -> None:
        """Put all of `data` at `offset`. Raises DiskFailed; then any part of it may be there."""

    def sync(self) -> None:
        """Return when everything written is on the disk. Raises DiskFailed: see the module's text."""

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes. Raises DiskFailed."""

    def close(self) -> None:
        """Give the file back. Does not sync."""


class Disk(Protocol):
    """Everything the store does with files. All paths are absolute."""

    def make_directory(self, path: str) -> None:
        """Create `path`, private, durably; fine if it exists."""

    def names(self, path: str) -> list[str]:
        """What is in the directory, sorted; empty if there is none."""

    def read(self, path: str) -> bytes | None:
        """The whole regular file, None if there is none. A link is not followed."""

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        """Make `data` the content of `path`, atomically."""

    def remove(self, path: str) -> None:
        """Unlink `path`; fine if it is gone."""

    def move(self, source: str, target: str) -> None:
        """Rename within one file system; replaces `target`."""

    def create_log(self, path: str) -> Log:
        """A new log; its name is durable when this returns. Raises DiskFailed if it exists."""

    def open_log(self, path: str) -> Log:
        """An existing log."""


class RealLog:
    """A log on a real file system."""

    def __init__(self, path: str, flags: int) -> None:
        self._path = path
        with _telling("opening", path):
            self._fd = os.open(path, flags | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)

    def write(self, offset: int, data: bytes) -> None:
        """See `Log`. Short writes are continued."""
        view = memoryview(data)
        while view:
            with _telling("writing", self._path):
                written = os.pwrite(self._fd, view, offset)
            if written == 0:
                raise DiskFailed(f"writing {self._path}: the disk took nothing")
            view, offset = view[written:], offset + written

    def sync(self) -> None:
        """See `Log`."""
        with _telling("syncing", self._path):
            os.fdatasync(self._fd)

    def truncate(self, size: int) -> None:
        """See `Log`."""
        with _telling("cutting", self._path):
            os.ftruncate(self._fd, size)

    def close(self) -> None:
        """See `Log`."""
        os.close(self._fd)


class RealDisk:
    """The file system of this machine."""

    def make_directory(self, path: str) -> None:
        """See `Disk`."""
        with _telling("creating directory", path):
            try:
                os.mkdir(path, DIRECTORY_MODE)
            except FileExistsError:
                return
        self._sync_directory(os.path.dirname(path))

    def names(self, path: str) -> list[str]:
        """See `Disk`."""
        with _telling("listing", path):
            try:
                return sorted(os.listdir(path))
            except FileNotFoundError:
                return []

    def read(self, path: str) -> bytes | None:
        """See `Disk`. Anything but a regular file counts as absent, and a FIFO does not block."""
        with _telling("reading", path):
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                    return None
                raise
            with os.fdopen(fd, "rb") as file:
                return file.read() if stat.S_ISREG(os.fstat(fd).st_mode) else None

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        """See `Disk`. Writes ``.<name>.tmp`` beside the file and renames it."""
        directory, name = os.path.split(path)
        temporary = f"{directory}/.{name}.tmp"
        with _telling("replacing", path):
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
            try:
                _write_all(fd, data)
                if durable:
                    os.fsync(fd)
            finally:
                os.close(fd)
            os.rename(temporary, path)
        if durable:
            self._sync_directory(directory)

    def remove(self, path: str) -> None:
        """See `Disk`."""
        with _telling("removing", path):
            try:
                os.unlink(path)
            except FileNotFoundError:
                return

    def move(self, source: str, target: str) -> None:
        """See `Disk`."""
        with _telling("moving", source):
            os.rename(source, target)

    def create_log(self, path: str) -> Log:
        """See `Disk`."""
        log = RealLog(path, os.O_CREAT | os.O_EXCL)
        self._sync_directory(os.path.dirname(path))
        return log

    def open_log(self, path: str) -> Log:
        """See `Disk`."""
        return RealLog(path, 0)

    def _sync_directory(self, path: str) -> None:
        with _telling("syncing directory", path):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


@contextmanager
def _telling(doing: str, path: str) -> Iterator[None]:
    """Turn the system's error into one that says what was tried, on what, and what to do."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "")
        raise DiskFailed(f"{doing} {path}: {os.strerror(error.errno or 0)}", remedy) from error


_REMEDIES = {
    errno.ENOSPC: "Free some space on that file system; nothing acknowledged was lost.",
    errno.EROFS: "The file system is mounted read-only.",
    errno.EACCES: "Check the owner and the mode of that directory.",
    errno.EMFILE: "Too many open files: raise the limit (ulimit -n) of the daemon.",
}
