"""The index of all tasks: one file from which some rows can be had without reading the others.

``index/tasks.jsonl`` is text, a JSON value a line: a header, a row for each task (what is in its file), and two lines
at the end of which each place can be computed: a letter for each row's status, and in 18 digits for each row its place
behind the header and its checksum (CRC-32). A reader of fifty rows among a hundred thousand reads the header, the
letters, fifty places and fifty rows. The header has checksums: of all rows, of all places, and of the letters with
itself; a single place is checked with the row that is there. What lost a piece with the machine is not believed.

Rows are in the order in which tables show them: highest priority first, then the oldest, then by id. The file is
replaced as a whole. It shows every change up to the record ``seq`` of its header, and may show later ones; what is
behind it in the journal tells which tasks to read from their own files. It is never needed: without it, or when it
does not fit, the task files say the same.
"""

import os
import stat
from bisect import bisect_right
from itertools import islice

from orchestrator.files import document
from orchestrator.files.layout import FORMAT, FORMAT_MAJOR, INDEX, TASKS_INDEX
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: A letter for each status, in the order of `TASK_STATUSES`; any other status is "?".
LETTERS = "abcdefghijklmnopqrstuvwxyz"[: len(TASK_STATUSES)]
LETTER_OF: "dict[str, str]" = dict(zip(TASK_STATUSES, LETTERS, strict=True))
UNKNOWN_LETTER = "?"

#: Of a row: ten digits of its place, eight hexadecimal ones of its checksum.
_PLACE, _WIDTH = 10, 18

_STATUS_LINE, _PLACES_LINE, _END = b'{"statuses":"', b'{"places":"', b'"}\n'

#: Tasks that anybody has; letters and places of so many are read at once.
_TASKS_MAX = 10_000_000

#: Read of a file for its header.
_HEADER_BYTES = 1 << 12


class BadIndex(ValueError):
    """The file is not a whole index of a form this version knows."""


def encode(rows: "Iterable[tuple[str, bytes]]", epoch: int, seq: int) -> bytes:
    """The index of `rows` ((status, the row as JSON in one line), in order), complete up to record `epoch`:`seq`."""
    from zlib import crc32

    lines, letters, places, at = [], [], [], 0
    for status, row in rows:
        lines.append(row)
        letters.append(LETTER_OF.get(status, UNKNOWN_LETTER))
        places.append(b"%010d%08x" % (at, crc32(row)))
        at += len(row) + 1
    body = b"\n".join(lines) + b"\n" if lines else b""
    statuses = b"".join((_STATUS_LINE, "".join(letters).encode(), _END))
    placed = b"".join(places)
    header = _header(epoch, seq, len(lines), body, statuses, placed)
    return b"".join((header, body, statuses, _PLACES_LINE, placed, _END))


def _header(epoch: int, seq: int, count: int, body: bytes, statuses: bytes, places: bytes) -> bytes:
    """The first line. Its last field is the checksum of its others and of the line of letters."""
    import json
    from zlib import crc32

    fields: dict[str, Any] = {
        "format": FORMAT,
        "epoch": epoch,
        "seq": seq,
        "tasks": count,
        "rows_bytes": len(body),
        "rows_sum": crc32(body),
        "places_sum": crc32(places),
        "statuses": dict(zip(LETTERS, TASK_STATUSES, strict=True)),
    }
    fields["statuses_sum"] = crc32(statuses, crc32(_told(fields)))
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _told(fields: "dict[str, Any]") -> bytes:
    """What a header says besides its own checksum."""
    return repr(sorted((name, value) for name, value in fields.items() if name != "statuses_sum")).encode()


class Index:
    """An open index.

    Attributes:
        epoch, seq: the record up to which it is complete.
        count: of its tasks; their numbers are 0 to `count` - 1.
        rows_bytes: size of all rows.
        letters: the status of each, as its letter in `LETTER_OF`, whichever letters the file uses.
    """

    def __init__(self, data_dir: str) -> None:
        """Open the index of `data_dir`.

        Raises:
            FileNotFoundError: there is none.
            OSError: it cannot be read.
            BadIndex: it is not whole, or of a newer form.
        """
        self._fd = os.open(index_path(data_dir), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            self._read_frame()
        except BadIndex:
            self.close()
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            self.close()
            raise BadIndex(f"it is no index: {error}") from error
        except OSError:
            self.close()
            raise

    def _read_frame(self) -> None:
        """Everything but the rows."""
        from zlib import crc32

        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            raise BadIndex("it is no regular file")
        head, newline, _ = os.pread(self._fd, _HEADER_BYTES, 0).partition(b"\n")
        fields = document.parse(head)
        if not newline or str(fields["format"]).split(".", 1)[0] != str(FORMAT_MAJOR):
            raise BadIndex(f"it has format {fields.get('format')}")
        self.epoch, self.seq, self.count = int(fields["epoch"]), int(fields["seq"]), int(fields["tasks"])
        legend = {ord(it): LETTER_OF.get(status, UNKNOWN_LETTER) for it, status in fields["statuses"].items()}
        self.rows_bytes, self._rows_sum = int(fields["rows_bytes"]), fields["rows_sum"]
        self._rows_at = len(head) + 1
        statuses_at = self._rows_at + self.rows_bytes
        statuses_bytes = len(_STATUS_LINE) + self.count + len(_END)
        self._places_at = statuses_at + statuses_bytes + len(_PLACES_LINE)
        self._places_sum = fields["places_sum"]
        if not 0 <= self.count <= _TASKS_MAX or found.st_size != self._places_at + self.count * _WIDTH + len(_END):
            raise BadIndex("it is not whole")
        statuses = os.pread(self._fd, statuses_bytes, statuses_at)
        if crc32(statuses, crc32(_told(fields))) != fields["statuses_sum"]:
            raise BadIndex("its checksum is another")
        self.letters = statuses[len(_STATUS_LINE) : len(_STATUS_LINE) + self.count].decode("ascii").translate(legend)
        #: All of them, once they have been wanted.
        self._places: bytes | None = None

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    def find(self, statuses: "Iterable[str] | None" = None, limit: "int | None" = None) -> "list[int]":
        """Numbers of the rows with one of `statuses` (all without), in order, `limit` at most."""
        if statuses is None:
            return list(range(self.count if limit is None else min(limit, self.count)))
        letters = "".join({LETTER_OF[status] for status in statuses if status in LETTER_OF})
        return list(islice(positions(self.letters, letters), limit))

    def rows(self, numbers: "Iterable[int]") -> "list[dict[str, Any]]":
        """The rows with these numbers. Raises BadIndex: what is there is no row."""
        return [self.row(number) for number in numbers]

    def row(self, number: int) -> "dict[str, Any]":
        """One row. Raises BadIndex: what is there is none, or not the one that the letters tell of."""
        try:
            found = document.parse(self.raw(number))
        except document.Malformed as error:
            raise BadIndex(f"row {number} is no JSON") from error
        if not isinstance(found.get("id"), str):
            raise BadIndex(f"row {number} is no task")
        if LETTER_OF.get(str(found.get("status")), UNKNOWN_LETTER) != self.letters[number]:
            raise BadIndex(f"row {number} has another status than its letter tells")
        return found

    def raw(self, number: int) -> bytes:
        """The bytes of one row, without its newline. Raises BadIndex."""
        from zlib import crc32

        begin, end, checksum = self._where(number)
        if not 0 <= begin < end <= self.rows_bytes:
            raise BadIndex(f"row {number} has no place")
        found = os.pread(self._fd, end - begin - 1, self._rows_at + begin)
        if b"%08x" % crc32(found) != checksum:
            raise BadIndex(f"row {number} has another checksum")
        return found

    def lines(self) -> "list[bytes]":
        """The bytes of all rows: quicker than one by one where many are wanted. Raises BadIndex."""
        lines = self.body().split(b"\n")
        if len(lines) != self.count + 1:
            raise BadIndex(f"it has {len(lines) - 1} rows and says {self.count}")
        lines.pop()
        return lines

    def holding(self, text: bytes) -> "Iterator[int]":
        """Numbers of the rows in whose bytes `text` occurs, in order. Raises BadIndex."""
        self._load_places()
        body, number, end = self.body(), -1, 0
        at = body.find(text)
        while at >= 0:
            number = self._number_at(at, number)
            end = self._end(number)
            if end <= at:
                raise BadIndex(f"row {number} has no place")
            yield number
            at = body.find(text, end)

    def body(self) -> bytes:
        """All rows, a line each: for looking through them at once. Raises BadIndex."""
        from zlib import crc32

        found = os.pread(self._fd, self.rows_bytes, self._rows_at)
        if crc32(found) != self._rows_sum:
            raise BadIndex("its rows have another checksum")
        return found

    def _number_at(self, at: int, number: int) -> int:
        """The row that has the byte `at`, behind row `number`. It is mostly one of the next."""
        for following in range(number + 1, min(number + 9, self.count)):
            if at < self._end(following):
                return following
        return bisect_right(range(self.count), at, key=self._place) - 1

    def _where(self, number: int) -> "tuple[int, int, bytes]":
        """(place, end, checksum) of a row, from its own entry and the next."""
        at, size = number * _WIDTH, min(2, self.count - number) * _WIDTH
        if self._places is not None:
            entries = self._places[at : at + size]
        else:
            entries = os.pread(self._fd, size, self._places_at + at)
        try:
            end = int(entries[_WIDTH : _WIDTH + _PLACE]) if number + 1 < self.count else self.rows_bytes
            return int(entries[:_PLACE]), end, entries[_PLACE:_WIDTH]
        except ValueError as error:
            raise BadIndex(f"row {number} has no place") from error

    def _load_places(self) -> None:
        """Have all of them at hand. Raises BadIndex."""
        from zlib import crc32

        if self._places is None:
            found = os.pread(self._fd, self.count * _WIDTH, self._places_at)
            if crc32(found) != self._places_sum:
                raise BadIndex("its places have another checksum")
            self._places = found

    def _end(self, number: int) -> int:
        return self._where(number)[1]

    def _place(self, number: int) -> int:
        return self._where(number)[0]


def positions(letters: "str | bytearray", wanted: "str") -> "Iterator[int]":
    """Where in `letters` one of `wanted` stands, in order."""
    if len(wanted) == 1:
        one: Any = wanted if isinstance(letters, str) else wanted.encode()
        at = letters.find(one)
        while at >= 0:
            yield at
            at = letters.find(one, at + 1)
        return
    keep = frozenset(wanted if isinstance(letters, str) else wanted.encode())
    for number, letter in enumerate(letters):
        if letter in keep:
            yield number


def index_path(data_dir: str) -> str:
    """Where the index of `data_dir` is."""
    return f"{data_dir}/{INDEX}/{TASKS_INDEX}"
