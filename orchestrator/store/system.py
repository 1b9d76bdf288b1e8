"""This machine's calls, under the names of `orchestrator.store.disk.System`: those of `os`, and what it lacks."""

from __future__ import annotations

import ctypes
import os

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

_libc = ctypes.CDLL(None, use_errno=True)

close = os.close
fdatasync = os.fdatasync
fstat = os.fstat
fsync = os.fsync
ftruncate = os.ftruncate
listdir = os.listdir
lstat = os.lstat
mkdir = os.mkdir
open = os.open
pwrite = os.pwrite
read = os.read
rename = os.rename
rmdir = os.rmdir
unlink = os.unlink
write = os.write


def exchange(one: str, other: str) -> None:
    """Let two existing names change what they stand for, atomically. Raises OSError."""
    if _libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), one, None, other)


def kind_of(path: str) -> str:
    """The type of the file system that `path` is on, "" if the kernel does not tell."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with os.fdopen(os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC), encoding="utf-8") as file:
        for line in file:
            mount, _, source = line.partition(" - ")
            if mount.split(" ", 3)[2] == wanted:
                return source.split(" ", 1)[0]
    return ""
