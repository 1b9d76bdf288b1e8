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
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from orchestrator.files.layout import DIRECTORY_MODE, FILE_MODE
from orchestrator.model.errors import DiskFailed
from orchestrator.store import system as this_system

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

    def read_strange(self, path: str, bytes_max: int) -> bytes | None:
        """A file that somebody else put there, None if it is gone.

        Raises:
            Unfit: it is no regular file, not this user's, too large, or cannot be opened. Nothing was waited for.
            DiskFailed: it says nothing about the file that it could not be opened.
        """

    def modified_us(self, path: str) -> int | None:
        """When the file was last written, in microseconds since 1970; None if there is none."""

    def size(self, path: str) -> int:
        """Bytes in the file; 0 if there is none."""

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        """Make `data` the content of `path`, atomically."""

    def write_new(self, path: str, data: bytes) -> None:
        """A new file with this content, in the place of whatever was there. Not atomic, not durable."""

    def overwrite(self, path: str, data: bytes) -> None:
        """Make `data` the content of an existing file, in place: a reader may see a part of it. Not durable."""

    def links(self, path: str) -> int:
        """How many names the file has; 0 if there is none."""

    def exchange(self, one: str, other: str) -> bool:
        """Let two files change places, atomically. False if there is no `other`: then nothing has changed."""

    def kind_of(self, path: str) -> str:
        """The kind of file system `path` is on, as ``mount`` tells it; "" if it is not known."""

    def remove(self, path: str) -> None:
        """Unlink `path`; fine if it is gone."""

    def remove_tree(self, path: str) -> None:
        """Remove a directory and everything in it; fine if it is gone. Links in it are removed, not followed."""

    def sync_directory(self, path: str) -> None:
        """Return when the names in the directory are on the disk as they are. Raises DiskFailed."""

    def move(self, source: str, target: str) -> None:
        """Rename within one file system; replaces `target`."""

    def create_log(self, path: str) -> Log:
        """A new log; its name is durable when this returns. Raises DiskFailed if it exists."""

    def open_log(self, path: str) -> Log:
        """An existing log."""


class Unfit(ValueError):
    """A file is not what may be read; the text says why."""


class System(Protocol):
    """The calls of the operating system that a disk is made of: those of module `os`, of the same names, and two more.

    They are a port of their own so that a simulation can fail, tear and lose at each of them, and the code that
    copes with it is the code that is run.
    """

    def open(self, path: str, flags: int, mode: int = 0o777) -> int: ...
    def close(self, fd: int) -> None: ...
    def read(self, fd: int, size: int) -> bytes: ...
    def write(self, fd: int, data: memoryview) -> int: ...
    def pwrite(self, fd: int, data: memoryview, offset: int) -> int: ...
    def ftruncate(self, fd: int, size: int) -> None: ...
    def fsync(self, fd: int) -> None: ...
    def fdatasync(self, fd: int) -> None: ...
    def fstat(self, fd: int) -> os.stat_result: ...
    def lstat(self, path: str) -> os.stat_result: ...
    def mkdir(self, path: str, mode: int) -> None: ...
    def listdir(self, path: str) -> list[str]: ...
    def rename(self, source: str, target: str) -> None: ...
    def unlink(self, path: str) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def exchange(self, one: str, other: str) -> None: ...
    def kind_of(self, path: str) -> str: ...


#: The running system.
THIS: System = this_system

_READ_ANY = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_WRITE = os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_CHUNK = 1 << 20


class RealLog:
    """A log on a file system."""

    def __init__(self, path: str, flags: int, system: System = THIS) -> None:
        self._path = path
        self._system = system
        with _telling("opening", path):
            self._fd = system.open(path, flags | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)

    def write(self, offset: int, data: bytes) -> None:
        """See `Log`. Short writes are continued."""
        view = memoryview(data)
        while view:
            with _telling("writing", self._path):
                written = self._system.pwrite(self._fd, view, offset)
            if written == 0:
                raise DiskFailed(f"writing {self._path}: the disk took nothing")
            view, offset = view[written:], offset + written

    def sync(self) -> None:
        """See `Log`."""
        with _telling("syncing", self._path, is_sync=True):
            self._system.fdatasync(self._fd)

    def truncate(self, size: int) -> None:
        """See `Log`."""
        with _telling("cutting", self._path):
            self._system.ftruncate(self._fd, size)

    def close(self) -> None:
        """See `Log`."""
        self._system.close(self._fd)


class RealDisk:
    """A file system, by the calls of a `System`: this machine's, unless another is given."""

    def __init__(self, system: System = THIS) -> None:
        self._system = system

    def make_directory(self, path: str) -> None:
        """See `Disk`."""
        with _telling("creating directory", path), suppress(FileExistsError):
            self._system.mkdir(path, DIRECTORY_MODE)
        # Also when it was there: whoever made it may have died before it was on the disk.
        self.sync_directory(os.path.dirname(path))

    def names(self, path: str) -> list[str]:
        """See `Disk`."""
        with _telling("listing", path):
            try:
                return sorted(self._system.listdir(path))
            except FileNotFoundError:
                return []

    def read(self, path: str) -> bytes | None:
        """See `Disk`. Anything but a regular file counts as absent, and a FIFO does not block."""
        with _telling("reading", path):
            try:
                fd = self._system.open(path, _READ_ANY)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                    return None
                raise
            try:
                is_regular = stat.S_ISREG(self._system.fstat(fd).st_mode)
                return b"".join(iter(lambda: self._system.read(fd, _CHUNK), b"")) if is_regular else None
            finally:
                self._system.close(fd)

    def read_strange(self, path: str, bytes_max: int) -> bytes | None:
        """See `Disk`."""
        try:
            fd = self._system.open(path, _READ_ANY)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _OURS_TO_LACK:
                raise DiskFailed(f"opening {path}: {error.strerror}", _REMEDIES[error.errno], may_pass=True) from error
            raise Unfit(f"it cannot be opened: {os.strerror(error.errno or 0)}") from error
        try:
            found = self._system.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise Unfit("it is not a regular file")
            if found.st_uid != os.geteuid():
                raise Unfit(f"it belongs to user {found.st_uid}")
            if found.st_size > bytes_max:
                raise Unfit(f"it is larger than {bytes_max} bytes")
            return self._system.read(fd, bytes_max)
        except OSError as error:
            raise Unfit(f"it cannot be read: {os.strerror(error.errno or 0)}") from error
        finally:
            self._system.close(fd)

    def modified_us(self, path: str) -> int | None:
        """See `Disk`."""
        try:
            return self._system.lstat(path).st_mtime_ns // 1000
        except FileNotFoundError:
            return None

    def size(self, path: str) -> int:
        """See `Disk`."""
        try:
            return self._system.lstat(path).st_size
        except FileNotFoundError:
            return 0

    def links(self, path: str) -> int:
        """See `Disk`."""
        try:
            return self._system.lstat(path).st_nlink
        except FileNotFoundError:
            return 0

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        """See `Disk`. Writes ``.<name>.tmp`` beside the file and renames it; a failed one leaves nothing behind."""
        directory, name = os.path.split(path)
        temporary = f"{directory}/.{name}.tmp"
        with _telling("replacing", path):
            try:
                self._write_new(temporary, data, durable=durable)
                self._system.rename(temporary, path)
            except OSError:
                with suppress(OSError):
                    self._system.unlink(temporary)
                raise
        if durable:
            self.sync_directory(directory)

    def overwrite(self, path: str, data: bytes) -> None:
        """See `Disk`."""
        with _telling("writing", path):
            self._fill(self._system.open(path, _WRITE | os.O_TRUNC, FILE_MODE), data, durable=False)

    def write_new(self, path: str, data: bytes) -> None:
        """See `Disk`."""
        with _telling("writing", path):
            self._write_new(path, data, durable=False)

    def exchange(self, one: str, other: str) -> bool:
        """See `Disk`."""
        with _telling("exchanging", other):
            try:
                self._system.exchange(one, other)
            except FileNotFoundError:
                return False
            return True

    def kind_of(self, path: str) -> str:
        """See `Disk`."""
        return self._system.kind_of(path)

    def remove(self, path: str) -> None:
        """See `Disk`."""
        with _telling("removing", path), suppress(FileNotFoundError):
            self._system.unlink(path)

    def remove_tree(self, path: str) -> None:
        """See `Disk`."""
        with _telling("removing", path), suppress(FileNotFoundError):
            for name in self._system.listdir(path):
                inside = f"{path}/{name}"
                if stat.S_ISDIR(self._system.lstat(inside).st_mode):
                    self.remove_tree(inside)
                else:
                    self._system.unlink(inside)
            self._system.rmdir(path)

    def move(self, source: str, target: str) -> None:
        """See `Disk`."""
        with _telling("moving", source):
            self._system.rename(source, target)

    def create_log(self, path: str) -> Log:
        """See `Disk`."""
        log = RealLog(path, os.O_CREAT | os.O_EXCL, self._system)
        try:
            self.sync_directory(os.path.dirname(path))
        except DiskFailed:
            log.close()
            with suppress(OSError):
                self._system.unlink(path)
            raise
        return log

    def open_log(self, path: str) -> Log:
        """See `Disk`."""
        return RealLog(path, 0, self._system)

    def _write_new(self, path: str, data: bytes, *, durable: bool) -> None:
        """Make a file of our own. What lies in its place is removed, not written: it may have other names."""
        try:
            fd = self._system.open(path, _WRITE | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            self._system.unlink(path)
            fd = self._system.open(path, _WRITE | os.O_CREAT | os.O_EXCL, FILE_MODE)
        self._fill(fd, data, durable=durable)

    def _fill(self, fd: int, data: bytes, *, durable: bool) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[self._system.write(fd, view) :]
            if durable:
                self._system.fsync(fd)
        finally:
            self._system.close(fd)

    def sync_directory(self, path: str) -> None:
        """See `Disk`."""
        with _telling("syncing directory", path):
            fd = self._system.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._system.fsync(fd)
            finally:
                self._system.close(fd)


@contextmanager
def _telling(doing: str, path: str, *, is_sync: bool = False) -> Iterator[None]:
    """Turn the system's error into one that says what was tried, on what, and what to do."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        what = f"{doing} {path}: {os.strerror(number)}"
        raise DiskFailed(what, _REMEDIES.get(number, ""), number in _PASSING and not is_sync) from error


_REMEDIES = {
    errno.ENOSPC: "Free some space on that file system; nothing acknowledged was lost.",
    errno.EDQUOT: "The disk quota is used up; nothing acknowledged was lost.",
    errno.EROFS: "The file system is mounted read-only.",
    errno.EACCES: "Check the owner and the mode of that directory.",
    errno.EMFILE: "Too many open files: raise the limit (ulimit -n) of the daemon.",
    errno.ENFILE: "The machine has too many files open.",
    errno.ENOMEM: "The machine is short of memory.",
}

#: Reasons not to open a file that are no fault of the file.
_OURS_TO_LACK = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))

#: What passes when somebody has made room or put right what was in the way.
_PASSING = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
)
