"""Values as they travel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nu_plugin_orch.protocol.encoding import Decoder, encode
from nu_plugin_orch.protocol.value import INT_MAX, INT_MIN, NotPlain, Values, plain, span_of
from tests.support.engine import ARGUMENT, HEAD, python, spans, wire

if TYPE_CHECKING:
    from collections.abc import Callable

MAKERS: dict[str, Callable[[Values], dict[str, object]]] = {
    "Bool": lambda make: make.boolean(True),
    "Int": lambda make: make.integer(-5),
    "Float": lambda make: make.real(1.5),
    "String": lambda make: make.string("é"),
    "Date": lambda make: make.date("2025-01-11T10:30:00.000000Z"),
    "Duration": lambda make: make.duration(1_500_000_000),
    "Nothing": lambda make: make.nothing(),
    "List": lambda make: make.list_of([make.integer(1), make.nothing()]),
    "Record": lambda make: make.record({"a": make.string("x"), "b": make.list_of([])}),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_the_form_by_name_and_the_compact_one_say_the_same(kind: str) -> None:
    """The compact one is an array of the same fields in the engine's order."""
    named, compact = (MAKERS[kind](Values(HEAD, compact=short)) for short in (False, True))  # type: ignore[arg-type]
    assert list(named) == list(compact) == [kind]
    assert python(named) == python(compact)
    assert len(encode(compact)) < len(encode(named))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("compact", [True, False])
def test_every_value_carries_the_span_of_the_call(kind: str, compact: bool) -> None:
    """An error about any part of an answer points at the command, and never at nothing."""
    assert spans(MAKERS[kind](Values(HEAD, compact=compact))) == {(100, 110)}  # type: ignore[arg-type]


def test_integers_beyond_64_bits_become_text() -> None:
    """The engine would drop the connection over them."""
    make = Values(HEAD)  # type: ignore[arg-type]
    assert [python(make.integer(n)) for n in (INT_MIN, INT_MAX)] == [INT_MIN, INT_MAX]
    assert [python(make.integer(n)) for n in (INT_MIN - 1, 10**30)] == [str(INT_MIN - 1), str(10**30)]


def test_durations_beyond_64_bits_become_the_longest_there_is() -> None:
    """Three hundred years."""
    assert python(Values(HEAD).duration(10**30)) == ("Duration", INT_MAX)  # type: ignore[arg-type]


def test_a_lone_surrogate_travels_as_a_question_mark() -> None:
    """JSON can hold one, UTF-8 cannot."""
    (found,) = Decoder().feed(encode(Values(HEAD).string("a\ud800b")))  # type: ignore[arg-type]
    assert python(found) == "a?b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_plain_values_come_back_as_they_were(value: object) -> None:
    """What an engine sends as bool, number, string, list or record is that in Python."""
    assert plain(wire(value)) == value


@pytest.mark.parametrize("kind", ["Date", "Duration", "Closure", "Binary", "Range"])
def test_a_value_json_has_no_word_for_is_not_plain(kind: str) -> None:
    """Also inside of others; its kind is named."""
    value = {kind: {"val": 5, "span": ARGUMENT}}
    for given_value in (
        value,
        {"List": {"vals": [value], "span": HEAD}},
        {"Record": {"val": {"x": value}, "span": HEAD}},
    ):
        with pytest.raises(NotPlain, match=kind.lower()):
            plain(given_value)


def test_tells_where_a_value_stands() -> None:
    """For labels."""
    assert span_of(wire("x")) == ARGUMENT
