"""Where the service is found: a socket in a private folder, which one service holds at a time."""

from __future__ import annotations

import fcntl
import os
import socket

from orchestrator.model.errors import UsageError


def check_folder(path: str) -> None:
    """Make sure that the folder of the socket is this user's alone.

    Raises:
        UsageError: somebody else could reach into it.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or not os.path.isdir(folder) or os.path.islink(folder):
        raise UsageError(f"{folder} is not a private folder of this user.", "Remove it, or set XDG_RUNTIME_DIR.")


def claim(path: str) -> bool:
    """Hold `path` until this process and its children end; False if another service has it."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True


class Listener:
    """The socket. It appears under its name when it takes requests."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        temporary = f"{path}.{os.getpid()}"
        self.socket.bind(temporary)
        self.socket.listen(64)
        os.rename(temporary, path)
        self._path = path
        self._place = os.stat(path)

    def is_there(self) -> bool:
        """Whether anybody can still find it: the folder may have been removed, or another service have the name."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == (self._place.st_dev, self._place.st_ino)
