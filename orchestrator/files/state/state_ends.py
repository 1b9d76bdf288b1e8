"""What a state file says of the workflow itself, without reading the operations that lie between its two ends.

A large workflow has a state of many megabytes. Who lists workflows wants a few fields of each: they stand before the
operations and behind them.
"""

import errno
import os
import stat

from orchestrator.files import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: A state up to this size is read as it is; of a larger one the two ends.
_WHOLE_BYTES = 32 << 10
_END_BYTES = 4 << 10

_OPERATIONS, _METRICS = b'\n "operations":', b'\n "metrics":'


def state_ends(path: str, bytes_max: int) -> "dict[str, Any]":
    """The fields of the state at `path` but its operations.

    One that is not written as ours are is read whole, up to `bytes_max`.

    Raises:
        OSError, Malformed: as `document.load`.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        size = found.st_size
        start = os.pread(fd, _WHOLE_BYTES, 0)
        tail = os.pread(fd, _END_BYTES, max(0, size - _END_BYTES))
    finally:
        os.close(fd)
    if size <= _WHOLE_BYTES:
        return document.parse(start)
    head, _, _ = start.partition(_OPERATIONS)
    _, mark, rest = tail.rpartition(_METRICS)
    if head == start or not mark:
        return document.load(path, bytes_max)
    return document.parse(head + mark + rest)
