"""Moments as people write them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.moments import parse_moment, parse_position, time_of_day_meant
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
        ("2025-01-11t10:00:00z", "2025-01-11T10:00:00Z"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),  # the clock goes from 2 to 3 o'clock
        ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),  # and comes back to 2
        ("now", NOW),
        (" Now ", NOW),
        ("today", "2026-07-09T22:00:00Z"),
        ("yesterday", "2026-07-08T22:00:00Z"),
        ("14:30", NOW),  # now itself is past
        ("14:30:01", "2026-07-09T12:30:01Z"),  # today's is still to come
        ("9:05", "2026-07-10T07:05:00Z"),
        ("09:05:07.25", "2026-07-10T07:05:07.250Z"),
        ("23:59", "2026-07-09T21:59:00Z"),
        ("today 9:05", "2026-07-10T07:05:00Z"),
        ("Today 23:59:59", "2026-07-10T21:59:59Z"),
        ("yesterday  9:05", "2026-07-09T07:05:00Z"),
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
        "24:00",
        "14:60",
        "14:5",
        "14:10:60",
        "tomorrow 14:10",
        "14:10 ago",
        "-14:10",
        "\N{FULLWIDTH DIGIT ONE}4:10",
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


def test_a_time_of_day_where_a_cursor_may_stand() -> None:
    """`14:10` is a cursor by its form; who means the time says the seconds, or the day, and is told so."""
    assert parse_position("14:10", NOW_US).time_us is None
    for text in ("14:10:00", "today 14:10"):
        assert parse_position(text, NOW_US).time_us == parse_rfc3339("2026-07-10T12:10:00Z")
    assert "14:10:00 or 'today 14:10'" in time_of_day_meant(parse_position("14:10", NOW_US))
    assert "3:07:00" in time_of_day_meant(parse_position("3:07", NOW_US))
    for text in ("24:10", "14:60", "42", "10min"):
        assert time_of_day_meant(parse_position(text, NOW_US)) == ""


def test_a_time_of_day_when_the_clock_changes() -> None:
    """Of an hour that comes twice the first; of one that is left out the later; a day has 23 or 25 hours then."""
    evening = parse_rfc3339("2026-10-25T20:00:00Z")
    assert parse_moment("02:30", evening) == parse_rfc3339("2026-10-25T00:30:00Z")
    assert parse_moment("today 12:00", evening) == parse_rfc3339("2026-10-25T11:00:00Z")
    assert parse_moment("yesterday 12:00", evening) == parse_rfc3339("2026-10-24T10:00:00Z")
    assert parse_moment("02:30", parse_rfc3339("2026-03-29T20:00:00Z")) == parse_rfc3339("2026-03-29T01:30:00Z")


def test_a_position_may_be_a_moment() -> None:
    """What is no number is read as a moment; nonsense tells of both."""
    assert parse_position("10min", NOW_US).time_us == NOW_US - 600_000_000
    for text in ("1:2:3", "x:3", "3:", "-3", "9" * 5000):
        with pytest.raises(UsageError, match="is no moment") as told:
            parse_position(text, NOW_US)
        assert "cursor (3:42)" in told.value.help


@pytest.mark.parametrize("zone", ["Africa/Cairo", "America/Havana", "America/Santiago"])
def test_a_day_begins_with_its_first_moment(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the clock leaves midnight out: then it begins at one."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    for number in range(365):
        year, month, day = time.gmtime(1_767_225_600 + number * 86_400)[:3]
        moment = time.localtime(parse_moment(f"{year}-{month:02}-{day:02}", 0) // 1_000_000)
        assert moment[:3] == (year, month, day)
        assert (moment.tm_hour, moment.tm_min) in ((0, 0), (1, 0))
