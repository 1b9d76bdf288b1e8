"""Rows as records and tables with Nushell's own types."""

from __future__ import annotations

import json
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nu_plugin_orch.protocol.encoding import encode
from nu_plugin_orch.protocol.value import Values
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files import document
from tests.support.engine import HEAD, python, spans


def record(row: dict[str, Any], omit: tuple[str, ...] = ()) -> Any:
    """The record of `row`, in Python again."""
    return python(Cells(Values(HEAD)).record(row, omit))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2025-01-11T10:30:00Z", "2025-01-11T10:30:00.000000Z"),
        ("2025-01-11T10:30:00.123456Z", "2025-01-11T10:30:00.123456Z"),
        ("2025-01-11T12:30:00+02:00", "2025-01-11T10:30:00.000000Z"),
        ("1999-12-31T23:59:59.9-05:30", "2000-01-01T05:29:59.900000Z"),
    ],
)
def test_times_become_datetimes(text: str, date: str) -> None:
    """In columns whose names say so, in the one form that every engine takes (ruling A-49)."""
    for name in ("created_at", "last_check", "time"):
        assert record({name: text}) == {name: ("Date", date)}


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-01-11", "2025-01-11T10:30:00", "2025-13-11T10:30:00Z", "0001-01-01T00:00:00+10:00"]
)
def test_what_is_no_time_stays_as_it_is(text: str) -> None:
    """A date that the engine cannot decode would cost the connection."""
    assert record({"created_at": text}) == {"created_at": text}


def test_other_columns_keep_their_text() -> None:
    """A reason may look like a time."""
    assert record({"reason": "2025-01-11T10:30:00Z"}) == {"reason": "2025-01-11T10:30:00Z"}


def test_milliseconds_become_durations_without_their_unit() -> None:
    """Null stays null, and a column of that name is not replaced."""
    assert record({"duration_ms": 1500, "elapsed_ms": 0.25, "wait_ms": None}) == {
        "duration": ("Duration", 1_500_000_000),
        "elapsed": ("Duration", 250_000),
        "wait": None,
    }
    assert record({"wait": 1, "wait_ms": 5, "odd_ms": "5"}) == {"wait": 1, "wait_ms": 5, "odd": "5"}


@pytest.mark.parametrize("odd", [True, 1e302, 10**30, -1e20])
def test_what_is_no_duration_stays_as_it_is(odd: object) -> None:
    """Nor is a number longer than the age of the universe."""
    assert record({"took_ms": odd}) == {"took": str(odd) if odd == 10**30 else odd}


def test_null_is_an_empty_cell() -> None:
    """Not a word."""
    assert record({"exit_code": None}) == {"exit_code": None}


def test_nested_rows_are_converted_too() -> None:
    """A workflow's operations have times of their own."""
    row = {"operations": [{"started_at": "2025-01-11T10:30:00Z", "items": [{"duration_ms": 1}]}]}
    assert record(row) == {
        "operations": [
            {"started_at": ("Date", "2025-01-11T10:30:00.000000Z"), "items": [{"duration": ("Duration", 1_000_000)}]}
        ]
    }


def test_columns_can_be_left_out() -> None:
    """Those that say nothing about the thing itself."""
    assert record({"id": 1, "format": "1.0"}, omit=("format",)) == {"id": 1}


def test_names_that_are_no_text_stay_apart() -> None:
    """The engine refuses a record with a key twice."""
    surrogates = [chr(0xD800), chr(0xD801)]
    found = record({**dict.fromkeys(surrogates, 1), "?": 3, "é": 4})
    assert sorted(found.values()) == [1, 1, 3, 4]
    assert "é" in found


def test_what_is_nested_too_deeply_becomes_text() -> None:
    """The engine's decoder would give up, and with it the connection."""
    deep: Any = 5
    for _ in range(400):
        deep = [deep]
    content = encode(Cells(Values(HEAD)).record({"x": deep}))  # type: ignore[arg-type]
    assert b"[[[[[5]]]]]" in content


KEYS = st.text(max_size=12) | st.sampled_from(["time", "created_at", "duration_ms", "duration", "x_at"])
CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, CELLS, max_size=8))
def test_any_json_row_is_a_record_an_engine_can_decode(row: dict[str, Any]) -> None:
    """Valid text, distinct keys, 64 bits, one span; whatever a foreign file holds."""
    read = document.parse(json.dumps(row).encode())
    value = Cells(Values(HEAD)).record(read)  # type: ignore[arg-type]
    assert spans(value) == {(100, 110)}
    found = msgpack.unpackb(encode(value), object_pairs_hook=distinct)
    assert len(python(found)) == len(read)


def distinct(pairs: list[tuple[object, object]]) -> dict[object, object]:
    """A map as the engine takes it."""
    found = dict(pairs)
    assert len(found) == len(pairs), pairs
    return found
