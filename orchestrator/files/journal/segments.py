"""The segments of a journal, read once and as a whole, for looking back.

Who follows a journal uses `orchestrator.files.journal.tail`. A segment is read piece by piece: it may be large, and
what is read is needed for a moment only. The lines that are given are whole records; the first that is not, or a blank
one, is the end.
"""

import errno
import os
import stat

from orchestrator.files.journal.record_shape import SEQ_KEY, is_whole, seq_of
from orchestrator.files.layout import JOURNAL, segment_name, segment_number, snapshot_number
from orchestrator.files.permissions import explain
from orchestrator.model.errors import JournalUnreadable
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_PIECE_BYTES = 1 << 20

#: Of one record; what is longer is none.
_PIECES_MAX = FILE_BYTES_MAX // _PIECE_BYTES

_TIME_KEY = b'"time":"'

#: ``2026-01-31T08:05:09.000123Z``: texts of one length, so that they are in the order of their times.
_TIME_LENGTH = 27


def numbers(data_dir: str) -> "tuple[list[int], list[int]]":
    """The segments there are, and those before which there is a snapshot; ascending.

    Raises:
        JournalUnreadable: the folder may not be read.
    """
    folder = f"{data_dir}/{JOURNAL}"
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return [], []
    except OSError as error:
        raise unreadable(error, folder) from error
    segments = sorted(number for number in map(segment_number, names) if number is not None)
    snapshots = sorted(number for number in map(snapshot_number, names) if number is not None)
    return segments, snapshots


def lines(data_dir: str, number: int) -> "Iterator[bytes]":
    """The records of a segment, as they are written.

    Raises:
        FileNotFoundError: there is no such segment (any more).
        JournalUnreadable: it may not be read.
    """
    path = f"{data_dir}/{JOURNAL}/{segment_name(number)}"
    try:
        fd = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(error, path) from error
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise unreadable(OSError(errno.EINVAL, "it is not a regular file", path), path)
        yield from _lines(fd)
    finally:
        os.close(fd)


def first_seq(data_dir: str, number: int) -> "int | None":
    """The seq of the first record of a segment, None if there is none yet. Raises as `lines`."""
    return next((seq_of(line) for line in lines(data_dir, number)), None)


def last_at(data_dir: str, number: int, time: str) -> "int | None":
    """The seq of the last record of a segment whose time is not after `time`, None without one. Raises as `lines`."""
    wanted, found = time.encode(), None
    for line in lines(data_dir, number):
        if time_of(line) <= wanted:
            found = line
    return None if found is None else seq_of(found)


def time_of(line: bytes) -> bytes:
    """The time of a record."""
    return line.partition(_TIME_KEY)[2][:_TIME_LENGTH]


def unreadable(error: OSError, path: str) -> JournalUnreadable:
    """The failure for a part of the journal that may not be read."""
    why, remedy = explain(error, path)
    return JournalUnreadable(f"Failed to read the journal {path}: {why}", remedy)


def _lines(fd: int) -> "Iterator[bytes]":
    parts: list[bytes] = []
    while piece := os.read(fd, _PIECE_BYTES):
        head, newline, rest = piece.partition(b"\n")
        parts.append(head)
        if not newline:
            if not parts[0].startswith(SEQ_KEY[: len(parts[0])]) or len(parts) > _PIECES_MAX:
                return
            continue
        first, parts = b"".join(parts), [rest]
        if not _is_record(first):
            return
        yield first
        complete, newline, rest = rest.rpartition(b"\n")
        if not newline:
            continue
        parts = [rest]
        complete, blank, _ = complete.partition(b"\n\n")  # what is preallocated would be a million lines
        for line in complete.split(b"\n"):
            if not _is_record(line):
                return
            yield line
        if blank:
            return


def _is_record(line: bytes) -> bool:
    return is_whole(line) and line.startswith(SEQ_KEY)
