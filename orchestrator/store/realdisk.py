"""The disk of a machine: `orchestrator.store.disk.Disk` by the calls of a `System`."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.files.layout import DIRECTORY_MODE, FILE_MODE
from orchestrator.model.errors import DiskFailed
from orchestrator.store import system as this_system
from orchestrator.store.disk import Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.store.disk import Log, System

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
