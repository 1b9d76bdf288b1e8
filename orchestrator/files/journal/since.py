"""Where in a journal a moment lies: which segment to begin with, found by the first record of each.

Inside the segment whoever follows looks for the first record of that moment or later himself. Times are those of the
daemon's wall clock, which may have been put back: the newest segment that began before the moment is taken.
"""

import os

from orchestrator.files import document
from orchestrator.files.layout import JOURNAL, segment_name, segment_number
from orchestrator.files.permissions import explain
from orchestrator.model.errors import JournalUnreadable
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Records that begin a segment, and tell the epoch: of a daemon's life, and of each further segment of it.
TELL_EPOCH = ("DaemonStarted", "JournalContinued")

#: Read of a segment for its first record; most are shorter.
_HEAD_BYTES = 4 << 10


class Beginning:
    """The place from which everything of a moment, and later, can be met.

    Attributes:
        cursor: of that place; None if the journal is empty.
        oldest: the time of the oldest record that is kept, if the moment lies before it and older ones are gone.
    """

    __slots__ = ("cursor", "oldest")

    def __init__(self, data_dir: str, since: str) -> None:
        """Look for the moment `since`, as files write times. Raises JournalUnreadable."""
        self.cursor: str | None = None
        self.oldest: str | None = None
        first = _newest(data_dir, lambda record: record["time"] < since)
        if first is not None:
            self.cursor = f"{first['data']['epoch']}:{first['seq'] - 1}"
            if first["time"] >= since and first["seq"] > 1:
                self.oldest = first["time"]


def cursor_behind(data_dir: str, seq: int) -> "str | None":
    """A cursor behind the record `seq`, or before the oldest that is kept; None if the journal is empty.

    Raises JournalUnreadable.
    """
    first = _newest(data_dir, lambda record: record["seq"] <= seq + 1)
    return None if first is None else f"{first['data']['epoch']}:{max(seq, first['seq'] - 1)}"


def _newest(data_dir: str, fits: "Callable[[dict[str, Any]], bool]") -> "dict[str, Any] | None":
    """The first record of the newest segment whose first record `fits`; of the oldest segment if none does."""
    first = None
    for number in sorted(_numbers(f"{data_dir}/{JOURNAL}"), reverse=True):
        found = _first_record(f"{data_dir}/{JOURNAL}/{segment_name(number)}")
        if found is not None:
            first = found
            if fits(first):
                break
    return first


def _numbers(folder: str) -> "list[int]":
    try:
        return [number for number in map(segment_number, os.listdir(folder)) if number is not None]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        why, remedy = explain(error, folder)
        raise JournalUnreadable(f"Failed to read the journal {folder}: {why}", remedy) from error


def _first_record(path: str) -> "dict[str, Any] | None":
    """The first record of a segment, None if it has none yet, is gone by now, or does not begin with one."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        why, remedy = explain(error, path)
        raise JournalUnreadable(f"Failed to read the journal {path}: {why}", remedy) from error
    try:
        size = _HEAD_BYTES
        data = os.pread(fd, size, 0)
        while len(data) == size and b"\n" not in data and size < SMALL_FILE_BYTES_MAX:
            size *= 4
            data = os.pread(fd, size, 0)
    finally:
        os.close(fd)
    try:
        record = document.parse(data.partition(b"\n")[0])
        is_first = record["event"] in TELL_EPOCH and isinstance(record["data"]["epoch"], int)
        return record if is_first and isinstance(record["time"], str) and isinstance(record["seq"], int) else None
    except (document.Malformed, KeyError, TypeError):
        return None
