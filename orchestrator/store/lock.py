"""One daemon per data directory, by a kernel lock (DESIGN rule 3).

An open file description lock goes with the last descriptor of its holder, however it died, and readers can ask
for it without taking it (`orchestrator.files.lock`). The text in the file names the holder for people; nothing
is decided by it.
"""

from __future__ import annotations

import fcntl
import os
import struct

from orchestrator.files.layout import FILE_MODE, LOCK_FILE
from orchestrator.model.errors import DiskFailed, Locked

#: struct flock: type, whence, start, length, pid; the whole file.
_FLOCK = "hhqqi"


class DirectoryLock:
    """Held from construction until the process ends or `release` is called."""

    def __init__(self, data_dir: str, holder: str) -> None:
        """Take the lock of `data_dir` and write `holder` into its file.

        Raises:
            Locked: another process has it; the message says who.
            DiskFailed: its file cannot be opened.
        """
        path = f"{data_dir}/{LOCK_FILE}"
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise DiskFailed(f"opening {path}: {why}", "Check the owner and the mode of that directory.") from error
        request = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        try:
            fcntl.fcntl(self._fd, fcntl.F_OFD_SETLK, request)
        except OSError:
            owner = os.pread(self._fd, 200, 0).decode("utf-8", "replace").strip()
            os.close(self._fd)
            raise Locked(
                f"Another daemon holds {data_dir} ({owner or 'it has not said who it is yet'}).",
                "Use it, or stop it first: orchestrator stop",
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, holder.encode() + b"\n", 0)

    def release(self) -> None:
        """Give the directory to the next daemon."""
        os.close(self._fd)
