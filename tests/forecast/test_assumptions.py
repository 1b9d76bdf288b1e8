"""What may be said to a forecast, and what is not understood."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.forecast import Assumptions, from_plain
from orchestrator.forecast.assumptions import Amount, parse_amount
from orchestrator.forecast.report import answer
from orchestrator.model.errors import UsageError
from tests.support.plans import operation, plan


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2x", Amount(2.0)),
        ("0.5x", Amount(0.5)),
        (3, Amount(3)),
        ("90s", Amount(ms=90_000)),
        ("1500ms", Amount(ms=1500)),
        ("1.5m", Amount(ms=90_000)),
        ("5min", Amount(ms=300_000)),
        ("2h", Amount(ms=7_200_000)),
        ("0s", Amount(ms=0)),
    ],
)
def test_a_change_is_a_factor_or_a_time(text: float | str, meant: Amount) -> None:
    """In the words that people use."""
    assert parse_amount(text) == meant


@pytest.mark.parametrize(
    "text", ["", "2", "x", "-1x", "1e3s", "90 s", "1y", "9999999999s", -1, float("inf"), float("nan")]
)
def test_anything_else_is_refused(text: float | str) -> None:
    """With an example of what is meant."""
    with pytest.raises(UsageError):
        parse_amount(text)


def test_plain_values_are_assumptions() -> None:
    """Every name may be left out."""
    assert from_plain({}) == Assumptions()
    plain = {"max_running": 2, "failures": {"a": 1, "b": "always"}, "factors": {"a": 2, "b": "2x"}}
    assert from_plain(plain) == Assumptions(2, failures={"a": 1, "b": "always"}, factors={"a": 2, "b": "2x"})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"max_runing": 2}, "max_runing"),
        ({"max_running": 0}, ">= 1"),
        ({"assumed_ms": "long"}, "$.assumed_ms"),
        ({"failures": {"a": "often"}}, "$.failures"),
        ({"durations_ms": {"a": -1}}, "$.durations_ms"),
    ],
)
def test_other_values_are_refused_with_their_place(values: dict[str, Any], told: str) -> None:
    """They come from another process: nothing of them is believed."""
    with pytest.raises(UsageError) as caught:
        from_plain(values)
    assert told in caught.value.message
    assert "max_running" in caught.value.help


def test_a_report_holds_the_forecast_or_the_refusal() -> None:
    """Nothing is raised where a definition is looked at."""
    one = plan(operation("a"))
    assert answer(one, None) == {}
    assert answer(one, {"assumed_ms": 5})["forecast"]["total_ms"] == 5
    refused = answer(one, {"failures": {"c": 1}})["refused"]
    assert refused["code"] == UsageError.code
    assert "'c'" in refused["message"]
