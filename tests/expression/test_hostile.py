"""Expressions made to get out, to hang or to fill the memory: each comes to what outcomes.toml says of it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from orchestrator.expression import EvaluationFault, ExpressionFault, evaluate, parse

CORPUS = Path(__file__).parents[1] / "corpora" / "expression"
OUTCOMES: dict[str, dict[str, str]] = tomllib.loads((CORPUS / "outcomes.toml").read_text(encoding="utf-8"))


class Sly(str):
    """A text that is equal to everything."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    __hash__ = str.__hash__


def deep(levels: int) -> list[object]:
    """A list in a list in a list."""
    found: list[object] = []
    for _ in range(levels):
        found = [found]
    return found


def cyclic() -> list[object]:
    """A list that holds itself."""
    found: list[object] = []
    found.append(found)
    return found


DATA: dict[str, object] = {
    "data": {"a": {}},
    "million": [0] * 1_000_000,
    "wide": {str(number): number for number in range(200_000)},
    "long": "a" * 100_000,
    "digits": "0." + "1" * 1_000_000,
    "deep": deep(100_000),
    "cyclic": cyclic(),
    "wild": {
        "object": object(),
        "text": Sly("b"),
        "nan": float("nan"),
        "infinity": float("inf"),
        "huge": 10**1000,
        "keys": {1: 2},
    },
}


def outcome(text: str) -> dict[str, str]:
    """What evaluating the text comes to, in the words of outcomes.toml."""
    try:
        return {"value": json.dumps(evaluate(parse(text), DATA))}
    except ExpressionFault as fault:
        return {"refused": str(fault)}
    except EvaluationFault as fault:
        return {"fault": fault.message}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_hostile_expression_comes_to_what_is_expected(name: str) -> None:
    """It is refused, has no value, or has a harmless one."""
    found = outcome((CORPUS / f"{name}.expr").read_bytes().decode())
    (kind,) = OUTCOMES[name].keys() - {"why"}
    assert found.keys() == {kind}
    expected = OUTCOMES[name][kind]
    assert (expected == found[kind]) if kind == "value" else (expected in found[kind])


def test_every_file_of_the_corpus_has_an_outcome() -> None:
    """And every outcome a file."""
    assert {path.stem for path in CORPUS.glob("*.expr")} == OUTCOMES.keys()
