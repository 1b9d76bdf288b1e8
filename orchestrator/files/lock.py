"""Whether a daemon holds a data directory: asked of the kernel, without taking anything (DESIGN rule 4)."""

import fcntl
import os
import struct

from orchestrator.files.layout import LOCK_FILE

#: struct flock: type, whence, start, length, pid; pid must be 0 in a question about an open file description lock.
_FLOCK = "hhqqi"

_HOLDER_BYTES_MAX = 200


def is_held(data_dir: str) -> bool:
    """Whether a process holds the lock of `data_dir` now. No lock file, or none that may be opened: nobody does."""
    fd = _open(data_dir)
    if fd is None:
        return False
    try:
        question = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, question)
        return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
    finally:
        os.close(fd)


def holder_text(data_dir: str) -> str:
    """What the last holder wrote about itself, for people; empty if nothing. Says nothing about who holds it now."""
    fd = _open(data_dir)
    if fd is None:
        return ""
    try:
        return os.pread(fd, _HOLDER_BYTES_MAX, 0).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    finally:
        os.close(fd)


def _open(data_dir: str) -> "int | None":
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(f"{data_dir}/{LOCK_FILE}", flags)
    except OSError:
        return None
