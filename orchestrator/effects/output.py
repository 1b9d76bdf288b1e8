"""Keeping an attempt's log files from filling the disk.

Commands write straight into their files, so nothing stands between them and the disk: no pipe, no copy, no memory
of ours. The price is that a flood is only seen by looking. A file that has outgrown its bound keeps its first half,
where a flood's cause usually stands; then comes a line that tells how much was dropped, and what the command writes
from then on follows it, since it appends. Between two looks a file may be larger than its bound.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

#: Bound of one log file.
OUTPUT_BYTES_MAX = 64 << 20

#: Time between two looks at the files of what runs.
LOOK_US = 500_000


def cut(log_base: str, bytes_max: int) -> int:
    """Cut both log files of an attempt where they are larger than `bytes_max`; returns the bytes dropped.

    A file that is missing, or that something else was put in place of, is left alone.
    """
    return sum(_cut_file(f"{log_base}.{stream}", bytes_max) for stream in ("out", "err"))


def _cut_file(path: str, bytes_max: int) -> int:
    with suppress(OSError):
        found = os.stat(path, follow_symlinks=False)
        if found.st_size > bytes_max and stat.S_ISREG(found.st_mode):
            return _truncate(path, bytes_max)
    return 0


def _truncate(path: str, bytes_max: int) -> int:
    kept = bytes_max // 2
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        dropped = os.fstat(fd).st_size - kept
        os.ftruncate(fd, kept)
        os.write(fd, f"\n[orchestrator: {dropped} bytes were dropped here, the limit is {bytes_max}]\n".encode())
    finally:
        os.close(fd)
    return dropped
