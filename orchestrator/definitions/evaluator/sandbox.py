"""Giving up rights, for the rest of a process's life.

Landlock (Linux 5.13 and later) leaves reading below some folders and nothing else of the file system, and no TCP.
Where the kernel has none, the static rules of `orchestrator.definitions.kcl.rules` are the remaining fence.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Limits of one evaluation.
MEMORY_BYTES = 1 << 30
CPU_S = 5
OPEN_FILES = 64
STACK_BYTES = 64 << 20
#: Of any file it writes: that is only the memory behind its standard error.
FILE_BYTES = 1 << 20

#: Tells how large this process is; opened before the right to open it is given up.
_size_fd = -1

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS = 38
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3

#: {ABI version: bits of file system access it knows}; a later one is asked for the last.
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
_FS_BITS_LATEST = 16
_NET_BITS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def limit_resources() -> None:
    """Bound this process's memory, time, files and stack. Cannot be undone."""
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        _, hard = resource.getrlimit(what)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    enough = hard == resource.RLIM_INFINITY or hard >= STACK_BYTES
    resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES if enough else hard, hard))


def read_only(folders: Iterable[str]) -> bool:
    """Leave this process nothing of the file system but reading below `folders`; True if the kernel can do that."""
    _open_size()
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return False
    ruleset = _Ruleset((1 << _FS_BITS.get(version, _FS_BITS_LATEST)) - 1, _NET_BITS if version >= 4 else 0)
    size = ctypes.sizeof(ruleset) if version >= 4 else 8
    fd = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), size, 0)
    if fd < 0:
        return False
    for folder in folders:
        _allow(libc, fd, folder)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    restricted = libc.syscall(_RESTRICT_SELF, fd, 0) == 0
    os.close(fd)
    return bool(restricted)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: str) -> None:
    try:
        fd = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there need not be allowed
    rule = _PathBeneath(_READ_FILE | _READ_DIR, fd)
    libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(fd)


def _open_size() -> None:
    global _size_fd  # noqa: PLW0603 - the process's own, as the rights are
    with contextlib.suppress(OSError):
        _size_fd = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def address_space() -> int | None:
    """Bytes of address space that this process uses; None if `read_only` was not called, or nobody can tell."""
    try:
        return int(os.pread(_size_fd, 64, 0).split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None
