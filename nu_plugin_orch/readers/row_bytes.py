"""Rows as Nushell records, in bytes, made once and sent often.

Every value holds the span of the call it answers. So rows are encoded with a mark where spans belong, as long as a span
and like nothing else: bytes that no UTF-8 holds are part of it, and it is longer than any number. Sending a row then
means putting the span in place of the marks. What a cell holds follows `readers.cells`, which also makes the cells that
are out of the ordinary.
"""

from msgpack import Packer  # type: ignore[import-untyped]

from nu_plugin_orch.protocol.value import INT_MAX, INT_MIN, Encoded, Values
from nu_plugin_orch.readers.cells import Cells, is_told_by_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nu_plugin_orch.protocol.errors import Span
    from orchestrator.files.rows import Row

#: A span that no engine sends; both ends take five bytes.
_MARK_SPAN: "Span" = {"start": 0xFFFEFFFD, "end": 0xFFFCFFFB}
_MARK = b"\x92\xce\xff\xfe\xff\xfd\xce\xff\xfc\xff\xfb"

_RECORD = b"\x81\xa6Record\x92"
_LIST = b"\x81\xa4List\x92\xdd"
_NOTHING = b"\x81\xa7Nothing\x91" + _MARK
_STRING, _INT = b"\x81\xa6String\x92", b"\x81\xa3Int\x92"
_TRUE, _FALSE = (b"\x81\xa4Bool\x92" + it + _MARK for it in (b"\xc3", b"\xc2"))

#: Maps in MessagePack up to this length tell it in their first byte.
_SMALL_MAP_MAX = 15

#: Cells that are remembered; and columns whose texts do not come again.
_KNOWN_MAX = 20_000
_UNIQUE = frozenset({"id", "item", "name"})

#: Rows of a table that are put together at a time: some hundred kilobytes.
_PIECE_ROWS = 500

_DURATION_SUFFIX = "_ms"


class RowBytes:
    """Encodes rows without the columns `hidden`. Not for use by several threads at once."""

    def __init__(self, hidden: "Collection[str]") -> None:
        self._hidden = hidden
        self._cells = Cells(Values(_MARK_SPAN))
        self._pack = Packer(unicode_errors="replace").pack
        #: {name of a column: its key as bytes}; None where the name says what the cell holds.
        self._keys: dict[str, bytes | None] = {}
        #: {(name, value): key and cell} of what comes again and again: times, durations, texts.
        self._known: dict[tuple[str, object], bytes] = {}

    def encode(self, row: "Row") -> bytes:
        """The record of `row`, with marks for spans."""
        parts = []
        keys, known = self._keys, self._known
        for name, value in row.items():
            if name in self._hidden:
                continue
            key = keys[name] if name in keys else self._key(name)
            kind = type(value)
            if key is None:
                told = self._told(name, value, row)
                if told is None:
                    return self._strange(row)
                parts.append(told)
            elif value is None:
                parts.append(key + _NOTHING)
            elif kind is str:
                cell = known.get((name, value))
                if cell is None:
                    text = value.encode("utf-8", "replace")
                    cell = key + _STRING + _text_head(len(text)) + text + _MARK
                    if name not in _UNIQUE:
                        self._remember(name, value, cell)
                parts.append(cell)
            elif kind is int and INT_MIN <= value <= INT_MAX:
                parts.append(key + _INT + self._pack(value) + _MARK)
            elif kind is bool:
                parts.append(key + (_TRUE if value else _FALSE))
            else:
                return self._strange(row)
        return _RECORD + _map_head(len(parts)) + b"".join(parts) + _MARK

    def _key(self, name: str) -> "bytes | None":
        plain = name.isascii() and not is_told_by_name(name)
        key = self._keys[name] = _text_head(len(name)) + name.encode() if plain else None
        return key

    def _told(self, name: str, value: object, row: "Row") -> "bytes | None":
        """Key and cell of a column whose name says what it holds; None if that takes a closer look."""
        if not name.isascii() or (value is not None and type(value) not in (str, int)):
            return None
        if name.endswith(_DURATION_SUFFIX) and name[: -len(_DURATION_SUFFIX)] in row:
            return None
        found = self._known.get((name, value))
        if found is None:
            fields = self._cells.fields({name: value})
            found = b"".join(self._pack(shown) + self._pack(cell) for shown, cell in fields.items())
            self._remember(name, value, found)
        return found

    def _remember(self, name: str, value: object, cell: bytes) -> None:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[name, value] = cell

    def _strange(self, row: "Row") -> bytes:
        found: bytes = self._pack(self._cells.record(row, self._hidden))
        return found


def table(rows: "Sequence[bytes]", span: "Span") -> Encoded:
    """A table of rows that `RowBytes` has encoded, as an answer to the call at `span`."""
    return Encoded(more=_table(rows, span))


def record(row: bytes, span: "Span") -> Encoded:
    """One such row, as an item of a stream."""
    return Encoded(_placed(row, span))


def _table(rows: "Sequence[bytes]", span: "Span") -> "Iterator[bytes]":
    """In pieces: the engine decodes the first rows while the others are put together."""
    yield _LIST + len(rows).to_bytes(4, "big")
    for begin in range(0, len(rows), _PIECE_ROWS):
        yield _placed(b"".join(rows[begin : begin + _PIECE_ROWS]), span)
    yield _placed(_MARK, span)


def _placed(data: bytes, span: "Span") -> bytes:
    start, end = span["start"].to_bytes(4, "big"), span["end"].to_bytes(4, "big")
    return data.replace(_MARK, b"\x92\xce" + start + b"\xce" + end)


def _map_head(size: int) -> bytes:
    """What stands before a map of `size` fields."""
    if size <= _SMALL_MAP_MAX:
        return (0x80 | size).to_bytes(1, "big")
    return b"\xde" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xdf" + size.to_bytes(4, "big")


def _text_head(size: int) -> bytes:
    """What stands before a text of `size` bytes."""
    if size < 32:
        return (0xA0 | size).to_bytes(1, "big")
    if size < 1 << 8:
        return b"\xd9" + size.to_bytes(1, "big")
    return b"\xda" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xdb" + size.to_bytes(4, "big")
