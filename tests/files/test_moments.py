"""Moments as people write them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.moments import parse_moment, parse_position
from orchestrator.model.errors import UsageError
from orchestrator.model.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A summer's day, 14:30 in Madrid.
NOW = "2026-07-10T12:30:00Z"
NOW_US = parse_rfc3339(NOW)


@pytest.fixture(autouse=True)
def in_madrid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The user's local time is two hours ahead in summer, one in winter."""
    monkeypatch.setenv("TZ", "Europe/Madrid")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-11T10:00:00Z", "2025-01-11T10:00:00Z"),
        ("2025-01-11T10:00:00.123456789+00:00", "2025-01-11T10:00:00.123456Z"),
        ("2025-01-11 10:00:00 +02:00", "2025-01-11T08:00:00Z"),
        ("2025-01-11 10:00+02:00", "2025-01-11T08:00:00Z"),
        ("2025-01-11 10:00", "2025-01-11T09:00:00Z"),
        ("2026-07-09T10:00", "2026-07-09T08:00:00Z"),
        ("2025-01-11", "2025-01-10T23:00:00Z"),
        ("now", NOW),
        (" Now ", NOW),
        ("today", "2026-07-09T22:00:00Z"),
        ("yesterday", "2026-07-08T22:00:00Z"),
        ("10min", "2026-07-10T12:20:00Z"),
        ("10min ago", "2026-07-10T12:20:00Z"),
        ("1hr 30min", "2026-07-10T11:00:00Z"),
        ("1hr30min ago", "2026-07-10T11:00:00Z"),
        ("2wk", "2026-06-26T12:30:00Z"),
        ("1.5day", "2026-07-09T00:30:00Z"),
        ("5 minutes ago", "2026-07-10T12:25:00Z"),
        ("250ms", "2026-07-10T12:29:59.750Z"),
        ("3us", "2026-07-10T12:29:59.999997Z"),
        ("3000ns", "2026-07-10T12:29:59.999997Z"),
        ("90sec", "2026-07-10T12:28:30Z"),
        ("99999999wk", "0001-01-01T00:00:00Z"),
    ],
)
def test_reads(text: str, expected: str) -> None:
    """Times with a zone, local ones, dates, and how long ago."""
    assert parse_moment(text, NOW_US) == parse_rfc3339(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ago",
        "10",
        "20250111",
        "2025-13-01",
        "2025-02-30",
        "10 fortnights",
        "-5min",
        "min",
        "nowish",
        "10min later",
        "9" * 5000,
    ],
)
def test_nonsense_is_told_with_examples(text: str) -> None:
    """Nothing is guessed; a number alone is no moment."""
    with pytest.raises(UsageError, match="is no moment") as told:
        parse_moment(text, NOW_US)
    assert "2025-01-11 10:00" in told.value.help


@pytest.mark.parametrize(("text", "seq", "epoch"), [("42", 42, None), (" 0 ", 0, None), ("3:42", 42, 3), ("0:0", 0, 0)])
def test_a_record_is_named_by_its_seq_or_a_cursor(text: str, seq: int, epoch: int | None) -> None:
    """As `orch status` shows them."""
    position = parse_position(text, NOW_US)
    assert (position.seq, position.epoch, position.time_us) == (seq, epoch, None)


def test_a_position_may_be_a_moment() -> None:
    """What is no number is read as a moment; nonsense tells of both."""
    assert parse_position("10min", NOW_US).time_us == NOW_US - 600_000_000
    for text in ("1:2:3", "x:3", "3:", "-3", "9" * 5000):
        with pytest.raises(UsageError, match="is no moment") as told:
            parse_position(text, NOW_US)
        assert "cursor (3:42)" in told.value.help
