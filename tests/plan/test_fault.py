"""Names that are offered for those that do not exist."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.fault import did_you_mean

MANY = [f"{kind}-{number:04d}" for kind in ("server", "service", "volume") for number in range(2000)]


@pytest.mark.parametrize("given_name", ["servr-1234", "servver-1234", "srever-1234", "Server-1234", "server_1234"])
def test_a_near_name_is_found_among_many(given_name: str) -> None:
    """Whatever slipped: a letter too few or too many, two exchanged, another case."""
    assert did_you_mean(given_name, MANY) == "Did you mean 'server-1234'?"


@given(st.sampled_from(MANY), st.integers(0, 10), st.sampled_from(["", "x"]))
def test_one_letter_that_is_wrong_is_never_too_much(name: str, place: int, letter: str) -> None:
    """What is offered is as near as anything is (law)."""
    said = did_you_mean(name[:place] + letter + name[place + 1 :], MANY)
    offered = said.split("'")[1]
    wrong = name[:place] + letter + name[place + 1 :]
    best = max(difflib.SequenceMatcher(None, wrong, each).ratio() for each in (name, offered))
    assert difflib.SequenceMatcher(None, wrong, offered).ratio() == best


def test_few_names_are_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, and none for a name nobody can have meant."""
    compared: list[int] = []
    real = difflib.get_close_matches

    def counting(word: str, choices: list[str], count: int) -> list[str]:
        compared.append(len(choices))
        return real(word, choices, count)

    monkeypatch.setattr(difflib, "get_close_matches", counting)
    did_you_mean("server-99999", MANY)
    assert compared == [50]
    did_you_mean("x" * 100_000, MANY, only_near=True)
    assert compared == [50]


def test_where_nothing_is_near_a_few_are_listed() -> None:
    """All, if they are few; nothing, if only near ones are wanted."""
    assert did_you_mean("zzz", ["a", "b"]) == "There is 'a', 'b'."
    assert did_you_mean("zzz", MANY).endswith(" and 5980 more.")
    assert did_you_mean("zzz", ["a", "b"], only_near=True) == ""
    assert did_you_mean("zzz", []) == ""
