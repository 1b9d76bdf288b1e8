"""Figures about tasks."""

from __future__ import annotations

import math
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.stats import GROUPS, of_table, summarize
from orchestrator.files.table import TaskTable
from orchestrator.files.tasks import read_tasks
from orchestrator.files.wanted import Wanted
from orchestrator.model.errors import UsageError
from orchestrator.model.states import TASK_FINAL, TASK_STATUSES
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

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
        assert found["mean_ms"] == pytest.approx(statistics.fmean(durations), abs=0.001)
        assert found["median_ms"] == statistics.median(durations)
        assert found["p95_ms"] == sorted(durations)[math.ceil(0.95 * size) - 1]
        assert found["max_ms"] == max(durations)


def test_failures_are_counted_among_what_was_tried() -> None:
    """What was skipped, cancelled or stands behind a failure says nothing; a success that was undone was one."""
    statuses = ["succeeded", "failed", "timed_out", "rolled_back", "skipped", "upstream_failed", "cancelled", "running"]
    assert of([row(status=it) for it in statuses])["failure_rate"] == 0.5
    assert of([row(status="pending"), row(status="skipped")])["failure_rate"] is None


def test_retries_are_attempts_beyond_the_first() -> None:
    """Of all tasks, also those that run."""
    rows = [row(attempt=it) for it in (0, 1, 2, 5)] + [row(attempt=None), row(), row(status="running", attempt=3)]
    assert of(rows)["retries"] == 1 + 4 + 2


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
