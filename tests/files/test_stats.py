"""Figures about tasks."""

from __future__ import annotations

import math
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.tables.stats import GROUPS, of_table, summarize
from orchestrator.files.tables.table import TaskTable
from orchestrator.files.tables.wanted import Wanted
from orchestrator.model.errors import UsageError
from orchestrator.model.states import TASK_FINAL, TASK_STATUSES
from orchestrator.model.times import rfc3339
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def row(**fields: object) -> dict[str, Any]:
    """A row of a task."""
    return {"id": "t", "status": "succeeded", "created_at": "2025-01-11T10:00:00Z", "priority": 5, **fields}


def of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The summary of everything."""
    found = summarize(rows)
    assert isinstance(found, dict)
    return found


def by(rows: list[dict[str, Any]], what: str) -> list[dict[str, Any]]:
    """The table."""
    found = summarize(rows, what)
    assert isinstance(found, list)
    return found


@pytest.fixture
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The time zone is what the test sets, and then what it was."""
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def test_no_tasks() -> None:
    """Nothing is divided by zero; nothing is claimed of durations there are not."""
    assert of([]) == {
        "total": 0,
        "mean_ms": None,
        "median_ms": None,
        "p95_ms": None,
        "max_ms": None,
        "retries": 0,
        "failure_rate": None,
        "by_status": [],
        "by_priority": [],
        "by_date": [],
        "by_workflow": [],
    }
    assert by([], "status") == []


def test_unfinished_tasks_change_no_mean() -> None:
    """Requirement R2-07: a task that runs or waits has no duration yet, whatever its file says."""
    rows = [row(duration_ms=100), row(duration_ms=300), row(status="running", duration_ms=9_000), row(status="pending")]
    found = of([*rows, row(status="waiting_retry", duration_ms=7_000), row(status="skipped", duration_ms=None)])
    assert (found["total"], found["mean_ms"], found["median_ms"], found["max_ms"]) == (6, 200, 200, 300)


def test_figures_are_those_of_the_textbook() -> None:
    """Against the standard library; the 95th percentile is the nearest rank."""
    source = random.Random(4)
    for size in (1, 2, 3, 19, 20, 21, 100, 1001):
        durations = [source.randrange(100_000) for _ in range(size)]
        found = of([row(duration_ms=it) for it in durations])
        assert found["mean_ms"] == round(statistics.fmean(durations))
        assert found["median_ms"] == round(statistics.median(durations))
        assert found["p95_ms"] == sorted(durations)[math.ceil(0.95 * size) - 1]
        assert found["max_ms"] == max(durations)


def test_figures_have_no_more_digits_than_anybody_reads() -> None:
    """From ten milliseconds on they are whole; shorter ones keep their microseconds."""
    found = of([row(duration_ms=it) for it in (1000, 1001, 1003)] + [row(started_at=None, duration_ms=867.5)])
    assert (found["mean_ms"], found["median_ms"], found["max_ms"]) == (968, 1000, 1003)
    assert all(type(found[f"{name}_ms"]) is int for name in ("mean", "median", "p95", "max"))
    short = of([row(duration_ms=it) for it in (1, 2, 2, 9.1234)])
    assert (short["mean_ms"], short["median_ms"], short["max_ms"]) == (3.531, 2, 9.123)


def test_failures_are_counted_among_what_was_tried() -> None:
    """What was skipped, cancelled or stands behind a failure says nothing; a success that was undone was one."""
    statuses = ["succeeded", "failed", "timed_out", "rolled_back", "skipped", "upstream_failed", "cancelled", "running"]
    assert of([row(status=it) for it in statuses])["failure_rate"] == 0.5
    assert of([row(status="pending"), row(status="skipped")])["failure_rate"] is None


def test_retries_are_attempts_beyond_the_first() -> None:
    """Of all tasks, also those that run."""
    rows = [row(attempt=it) for it in (0, 1, 2, 5)] + [row(attempt=None), row(), row(status="running", attempt=3)]
    assert of(rows)["retries"] == 1 + 4 + 2


def test_what_was_undone_counts_as_it_was_done() -> None:
    """Its latest attempt undid it: that time is none of the operation's, and that attempt no retry."""
    undone = row(status="rolled_back", duration_ms=9_000, attempt=3)
    found = of([{**undone, "undo_attempts": 1, "done_ms": 100}, row(duration_ms=300, done_ms=300, undo_attempts=0)])
    assert (found["mean_ms"], found["max_ms"], found["retries"]) == (200, 300, 1)
    taken_over = {**undone, "attempt": 2, "undo_attempts": 2, "done_ms": None, "started_at": "2025-01-11T10:00:00Z"}
    assert of([taken_over])["mean_ms"] is None
    assert of([{**taken_over, "finished_at": "2025-01-11T10:00:09Z"}])["mean_ms"] is None
    assert of([{**taken_over, "status": "skipped", "finished_at": "2025-01-11T10:00:09Z"}])["retries"] == 0


def test_what_was_undone_by_an_older_version_has_no_known_time() -> None:
    """Its row does not tell it; that the latest attempt undid it follows from its status."""
    times = {"started_at": "2025-01-11T10:00:00Z", "finished_at": "2025-01-11T10:00:09Z"}
    for status, retries in (("rolled_back", 1), ("rollback_failed", 2)):
        found = of([row(status=status, duration_ms=9_000, attempt=3, **times), row(duration_ms=300)])
        assert (found["mean_ms"], found["retries"]) == (300, retries)
        assert of([row(status=status, **times)])["mean_ms"] is None


def test_figures_of_a_rollback(tmp_path: Path) -> None:
    """Each event is a second after the one before: a ran for one and was undone for two."""
    own = OwnDirectory(tmp_path / "own")
    own.submit(plan(operation("a", undo="u"), operation("b", after=("a",), on_failure="rollback")), "w")
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    own.happen(AttemptExited("w.b.local.x", 1, 1))
    own.happen(started(epoch=2))
    own.happen(AttemptExited("w.a.local.x", 2, 0))
    a, b = (it for it in of_table(TaskTable(own.path), Wanted(), "operation") if isinstance(it, dict))
    assert (a["operation"], a["rolled_back"], a["mean_ms"], a["retries"]) == ("a", 1, 1000, 0)
    assert (b["operation"], b["failed"], b["mean_ms"], b["retries"]) == ("b", 1, 1000, 0)


def test_words_of_other_programs() -> None:
    """`completed` is a success; a duration that nobody states is the time from start to end."""
    times = {"started_at": "2025-01-11T10:00:00+02:00", "finished_at": "2025-01-11T08:00:01.5Z"}
    found = of([row(status="completed", **times), row(status="timeout"), row(status="wibble", duration_ms=5)])
    assert (found["mean_ms"], found["failure_rate"]) == (1500, 0.5)
    assert [it["status"] for it in found["by_status"]] == ["completed", "timeout", "wibble"]


def test_a_table_by_something() -> None:
    """One row for each value, a column for each status that occurs, zeros where it does not."""
    rows = [
        row(operation="a", duration_ms=100),
        row(operation="a", status="failed", duration_ms=300, attempt=2),
        row(operation="b", status="pending"),
    ]
    first, second = by(rows, "operation")
    figures = {"mean_ms": 200, "median_ms": 200, "p95_ms": 300, "max_ms": 300, "retries": 1, "failure_rate": 0.5}
    assert first == {"operation": "a", "total": 2, "pending": 0, "succeeded": 1, "failed": 1, **figures}
    assert list(first) == list(second)
    assert (second["operation"], second["total"], second["pending"], second["mean_ms"]) == ("b", 1, 1, None)


@pytest.mark.parametrize(
    ("what", "values", "order"),
    [
        ("status", ["skipped", "pending", "wibble", "running"], ["pending", "running", "skipped", "wibble"]),
        ("priority", [-1, 7, 0], [7, 0, -1]),
        ("workflow", ["b", "a", "c", "c", None], ["c", "a", "b", None]),
    ],
)
def test_rows_have_an_order(what: str, values: list[object], order: list[object]) -> None:
    """Statuses as everywhere, priorities from the highest, others by how many there are."""
    assert [it[what] for it in by([row(**{what: value}) for value in values], what)] == order


def test_days_are_those_of_the_user(local_zone: pytest.MonkeyPatch) -> None:
    """Late in the evening in London is early in the morning in Tokyo."""
    rows = [row(created_at=it) for it in ("2025-01-11T20:30:00.123Z", "2025-01-11T08:30:00Z", "soon", None, 5)]
    for zone, days in (("Asia/Tokyo", ["2025-01-11", "2025-01-12", None]), ("UTC", ["2025-01-11", None])):
        local_zone.setenv("TZ", zone)
        time.tzset()
        assert [it["date"] for it in by(rows, "date")] == days
    local_zone.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    assert [it["hour"] for it in by(rows, "hour")] == ["2025-01-11 14:00", "2025-01-12 02:00", None]


def test_strange_values_do_no_harm() -> None:
    """Files of other programs hold anything; a status may even be called as a column is."""
    rows = [
        row(status="total", attempt=True, duration_ms="5", priority=1 << 80, workflow=["a"], host={"b": 1}),
        row(status="priority", attempt="2", duration_ms=-5, workflow=7),
        row(duration_ms=True, started_at=5, finished_at="2025-01-11T10:00:00Z"),
        row(started_at="2025-01-11T10:00:00Z", finished_at="yesterday"),
    ]
    for what in GROUPS:
        assert sum(it["total"] for it in by(rows, what)) == 4
    first = by(rows, "workflow")[0]
    assert {"status total", "status priority"} <= set(first)
    assert of(rows)["mean_ms"] is None
    many = by([row(status=f"word{number}") for number in range(100)], "priority")[0]
    assert (len([name for name in many if name.startswith("word")]), many["other"]) == (24, 76)


def test_an_unknown_way_to_put_them_together() -> None:
    """With what may be meant."""
    with pytest.raises(UsageError) as told:
        summarize([], "opration")
    assert "Did you mean operation?" in told.value.help


def test_totals_are_those_of_the_table(tmp_path: Path) -> None:
    """Requirement R2-07, whatever they are counted by; in a directory of ours and in a foreign one."""
    own = OwnDirectory(tmp_path / "own")
    own.submit(plan(operation("a", ("x", "y", "z")), operation("b", after=("a",))), "w")
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    own.happen(AttemptExited("w.a.local.y", 1, 1))
    foreign = make_foreign(tmp_path / "foreign", TASK, {**TASK, "id": "b", "status": "failed"})
    damaged = make_foreign(tmp_path / "damaged")
    write(tmp_path / "damaged" / "tasks" / "bad.json", "{")
    for folder in (own.path, foreign, damaged, str(tmp_path)):
        rows, _ = read_tasks(folder)
        found = of_table(TaskTable(folder), Wanted())
        assert isinstance(found, dict)
        assert found["total"] == len(rows)
        for name in ("by_status", "by_priority", "by_date", "by_workflow"):
            assert sum(it["total"] for it in found[name]) == len(rows)
        for what in GROUPS:
            table = of_table(TaskTable(folder), Wanted(), what)
            assert isinstance(table, list)
            assert sum(it["total"] for it in table) == len(rows)
    only = of_table(TaskTable(own.path), Wanted(statuses=("failed",), workflows=("w",)))
    assert isinstance(only, dict)
    assert only["total"] == 1


def test_a_large_table_takes_a_moment() -> None:
    """A hundred thousand rows in one pass: two seconds would be felt, and would mean that something is quadratic."""
    source = random.Random(9)
    rows = [
        row(
            status=source.choice(TASK_STATUSES),
            workflow=f"w{number % 1000}",
            duration_ms=source.randrange(10_000),
            created_at=f"2025-01-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00.{number % 1000:06}Z",
        )
        for number in range(100_000)
    ]
    began = time.process_time()
    found = of(rows)
    assert time.process_time() - began < 2
    assert found["total"] == 100_000
    assert sum(it["total"] for it in found["by_status"] if it["status"] in TASK_FINAL) > 40_000


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"])
def test_the_hour_that_comes_twice_is_two_hours(zone: str, local_zone: pytest.MonkeyPatch) -> None:
    """In the night in which summer ends; every other hour of the year is one row."""
    local_zone.setenv("TZ", zone)
    time.tzset()
    begin = 1_767_225_600
    starts = [begin + half * 1800 for half in range(2 * 24 * 365)]
    hours = by([row(created_at=rfc3339(start * 1_000_000)) for start in starts], "hour")
    assert 365 * 24 - 1 <= len(hours) <= 365 * 24 + 2
    twice = [it for it in hours if len(it["hour"]) > len("2026-01-01 00:00")]
    assert len(twice) == (0 if zone == "Asia/Kolkata" else 2)
