"""Rows in bytes are the same values that `Cells` makes, whatever is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgpack import Packer, unpackb  # type: ignore[import-untyped]

from nu_plugin_orch.protocol.value import Values
from nu_plugin_orch.readers import row_bytes
from nu_plugin_orch.readers.cells import Cells
from nu_plugin_orch.readers.row_bytes import RowBytes

if TYPE_CHECKING:
    from nu_plugin_orch.protocol.errors import Span

SPAN: Span = {"start": 7, "end": 70_000}

#: As the fields of files are called, and as hostile ones are.
names = st.sampled_from(
    ["id", "status", "created_at", "priority", "duration_ms", "duration", "time", "error", "at_ms", "x_ms", "x", "é"]
) | st.text(max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=40)
    | st.sampled_from(["2025-01-11T10:00:00Z", "2025-01-11T10:00:00+01:00", "x" * 300, "y" * 70_000, "\ud800"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
rows = st.dictionaries(names, values, max_size=20)


def as_sent(value: object) -> Any:
    """A value as it comes out of the engine's decoder."""
    return unpackb(Packer(unicode_errors="replace").pack(value), strict_map_key=False)


@settings(max_examples=400, deadline=None)
@given(st.lists(rows, max_size=4), st.sets(names, max_size=3))
@example([{"id": "a", "duration_ms": 5, "duration": 6}, {"duration_ms": True}], set())
@example([{"id": "a", "text": "\x92\xce\xff\xfe"}], {"id"})
def test_the_same_values_as_cells_makes(given_rows: list[dict[str, Any]], hidden: set[str]) -> None:
    """Types, names, order and spans."""
    coder = RowBytes(hidden)
    found = row_bytes.table([coder.encode(row) for row in given_rows], SPAN)
    expected = Cells(Values(SPAN)).table(given_rows, hidden)
    assert unpackb(found.data, strict_map_key=False) == as_sent(expected)
    for row in given_rows:  # what it remembers changes nothing
        one = row_bytes.record(coder.encode(row), SPAN)
        expected = Cells(Values(SPAN)).record(row, hidden)
        assert unpackb(one.data, strict_map_key=False) == as_sent(expected)
        assert list(unpackb(one.data, strict_map_key=False)["Record"][0]) == list(as_sent(expected)["Record"][0])


def test_a_large_table_is_made_while_it_is_sent() -> None:
    """In pieces, so that the engine can begin; together they are the table."""
    given_rows = [{"id": f"t{number}", "priority": number} for number in range(1_700)]
    coder = RowBytes(())
    pieces = list(row_bytes.table([coder.encode(row) for row in given_rows], SPAN).pieces)
    assert len(pieces) > 3
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2
    assert unpackb(b"".join(pieces)) == as_sent(Cells(Values(SPAN)).table(given_rows, ()))
