"""One daemon per data directory, by a kernel lock (DESIGN rule 3).

An open file description lock goes with the last descriptor of its holder, however it died, and readers can ask
for it without taking it (`orchestrator.files.lock`). The text in the file names the holder for people; nothing
is decided by it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from contextlib import suppress

from orchestrator.files.layout import FILE_MODE, JOURNAL, LOCK_FILE
from orchestrator.model.errors import DiskFailed, Locked
from orchestrator.store.directory import alone

#: struct flock: type, whence, start, length, pid; the whole file.
_FLOCK = "hhqqi"


class DirectoryLock:
    """Held from construction until the process ends or `release` is called."""

    def __init__(self, data_dir: str, holder: str) -> None:
        """Take the lock of `data_dir` and write `holder` into its file.

        Raises:
            Locked: another process has it; the message says who.
            DiskFailed: its file cannot be opened, or something else lies in its place.
        """
        path = f"{data_dir}/{LOCK_FILE}"
        with alone(data_dir):  # so that who is refused finds the holder's text
            self._fd = _open_plain(path)
            self._folder_fd = -1
            try:
                self._take(data_dir)
            except OSError:
                owner = os.pread(self._fd, 200, 0).decode("utf-8", "replace").strip()
                self.release()
                raise Locked(
                    f"Another daemon holds {data_dir} ({owner or 'its lock file is gone, so nobody knows who'}).",
                    "Use it, or stop it first: orchestrator stop",
                ) from None
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, holder.encode() + b"\n", 0)

    def _take(self, data_dir: str) -> None:
        """Lock the file, which readers ask, and the journal's folder, which nobody can remove under a daemon."""
        fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        with suppress(FileNotFoundError):  # of a directory that is no daemon's yet
            self._folder_fd = os.open(f"{data_dir}/{JOURNAL}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Give the directory to the next daemon."""
        for fd in (self._fd, self._folder_fd):
            if fd >= 0:
                os.close(fd)


def _open_plain(path: str) -> int:
    """The lock file, made if there is none; what else may lie in its place is neither waited for nor changed."""
    remedy = "Check the owner and the mode of that directory."
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, FILE_MODE)
    except OSError as error:
        raise DiskFailed(f"opening {path}: {os.strerror(error.errno or 0)}", remedy) from error
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return fd
    os.close(fd)
    raise DiskFailed(f"opening {path}: it is no plain file, or has other names", "Remove what lies there.")
