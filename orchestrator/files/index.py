"""The index of all tasks: one file from which some rows can be had without reading the others.

``index/tasks.jsonl`` is text, a JSON value a line: a header, a row for each task (what is in its file), and two lines
at the end of which each place can be computed: a letter for each row's status, and the place of each row in ten digits.
A reader of fifty rows among a hundred thousand reads the header, the letters, fifty places and fifty rows.

Rows are in the order in which tables show them: highest priority first, then the oldest, then by id. The file is
replaced as a whole. It shows every change up to the record ``seq`` of its header, and may show later ones; what is
behind it in the journal tells which tasks to read from their own files. It is never needed: without it, or when it
does not fit, the task files say the same.
"""

import os

from orchestrator.files.layout import FORMAT, FORMAT_MAJOR, INDEX, TASKS_INDEX
from orchestrator.model.states import TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: A letter for each status, in the order of `TASK_STATUSES`; any other status is "?".
LETTERS = "abcdefghijklmnopqrstuvwxyz"[: len(TASK_STATUSES)]
_LETTER_OF: "dict[str, str]" = dict(zip(TASK_STATUSES, LETTERS, strict=True))
_UNKNOWN = "?"

#: Digits of a row's place.
_WIDTH = 10

_STATUS_LINE, _PLACES_LINE, _END = b'{"statuses":"', b'{"places":"', b'"}\n'

#: Read of a file for its header.
_HEADER_BYTES = 1 << 12


class BadIndex(ValueError):
    """The file is not a whole index of a form this version knows."""


def encode(rows: "Iterable[tuple[str, bytes]]", epoch: int, seq: int) -> bytes:
    """The index of `rows` ((status, the row as JSON in one line), in order), complete up to record `epoch`:`seq`."""
    lines, letters = [], []
    for status, row in rows:
        lines.append(row)
        letters.append(_LETTER_OF.get(status, _UNKNOWN))
    body = b"\n".join(lines) + b"\n" if lines else b""
    header = _header(epoch, seq, len(lines), len(body))
    at, places = len(header), []
    for line in lines:
        places.append(b"%010d" % at)
        at += len(line) + 1
    status_line = _STATUS_LINE + "".join(letters).encode() + _END
    return b"".join((header, body, status_line, _PLACES_LINE, b"".join(places), _END))


def _header(epoch: int, seq: int, count: int, body_bytes: int) -> bytes:
    import json

    fields = {
        "format": FORMAT,
        "epoch": epoch,
        "seq": seq,
        "tasks": count,
        "rows_bytes": body_bytes,
        "statuses": dict(zip(LETTERS, TASK_STATUSES, strict=True)),
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


class Index:
    """An open index. `epoch`, `seq`: the record up to which it is complete. `count`: of its tasks."""

    def __init__(self, data_dir: str) -> None:
        """Open the index of `data_dir`.

        Raises:
            FileNotFoundError: there is none.
            OSError: it cannot be read.
            BadIndex: it is not whole, or of a newer form.
        """
        import json

        path = f"{data_dir}/{INDEX}/{TASKS_INDEX}"
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            head, newline, _ = os.pread(self._fd, _HEADER_BYTES, 0).partition(b"\n")
            fields = json.loads(head)
            if not newline or str(fields["format"]).split(".", 1)[0] != str(FORMAT_MAJOR):
                raise BadIndex(f"it has format {fields.get('format')}")
            self.epoch, self.seq, self.count = int(fields["epoch"]), int(fields["seq"]), int(fields["tasks"])
            self._legend = {letter: str(status) for letter, status in fields["statuses"].items()}
            self._rows_end = len(head) + 1 + int(fields["rows_bytes"])
            self._letters_at = self._rows_end + len(_STATUS_LINE)
            self._places_at = self._letters_at + self.count + len(_END) + len(_PLACES_LINE)
            size = self._places_at + self.count * _WIDTH + len(_END)
            if os.fstat(self._fd).st_size != size:
                raise BadIndex("it is not whole")
        except BadIndex:
            os.close(self._fd)
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            os.close(self._fd)
            raise BadIndex(f"it is no index: {error}") from error

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    def find(self, statuses: "Iterable[str] | None" = None, limit: "int | None" = None) -> "list[int]":
        """Numbers of the rows with one of `statuses` (all without), in order, `limit` at most."""
        if statuses is None:
            return list(range(self.count if limit is None else min(limit, self.count)))
        wanted = set(statuses)
        letters = os.pread(self._fd, self.count, self._letters_at).decode("ascii")
        keep = {letter for letter, status in self._legend.items() if status in wanted}
        found: list[int] = []
        for number, letter in enumerate(letters):
            if letter in keep:
                if limit is not None and len(found) >= limit:
                    break
                found.append(number)
        return found

    def rows(self, numbers: "Iterable[int]") -> "list[dict[str, Any]]":
        """The rows with these numbers. Raises BadIndex: what is there is no row."""
        import json

        found = []
        for number in numbers:
            begin = self._place(number)
            end = self._place(number + 1) if number + 1 < self.count else self._rows_end
            try:
                found.append(json.loads(os.pread(self._fd, end - begin, begin)))
            except ValueError as error:
                raise BadIndex(f"row {number} is no JSON") from error
        return found

    def _place(self, number: int) -> int:
        try:
            return int(os.pread(self._fd, _WIDTH, self._places_at + number * _WIDTH))
        except ValueError as error:
            raise BadIndex(f"row {number} has no place") from error
