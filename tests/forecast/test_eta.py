"""How long a workflow still takes, from its public state alone."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.engine.events import AttemptExited, Event, RetryDue
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.forecast import Assumptions, remaining
from orchestrator.plan.ir import Plan, RetryPolicy
from orchestrator.store import project
from tests.support.plans import at, operation, plan, started, submitted

S = 1000

TWO_WAVES = plan(
    operation("a", ("x", "y"), undo="undo", on_failure="rollback"),
    operation("b", ("z",), ("a",), undo="undo", on_failure="rollback", retry=RetryPolicy(3, "linear", 4, 60)),
)

KNOWN = Assumptions(durations_ms={"a": 10 * S, "b/local/z": 20 * S})


def state_after(of: Plan, *events: Event) -> dict[str, Any]:
    """state.json after `events`, as a reader finds it."""
    world = World()
    step(world, started(), at(0))
    step(world, submitted(of), at(0))
    for number, event in enumerate(events, start=1):
        assert step(world, event, at(number * 100)).seq
    return project.workflow_state(world.workflows["w"])


def ended(place: str, attempt: int = 1, exit_code: int = 0) -> AttemptExited:
    """The end of an attempt."""
    return AttemptExited(f"w.{place}", attempt, exit_code)


def test_at_its_beginning_all_is_left() -> None:
    """As a forecast says."""
    found = remaining(TWO_WAVES, state_after(TWO_WAVES), KNOWN)
    assert (found.status, found.remaining_ms, found.tasks, found.recorded) == ("running", 30 * S, 3, 3)
    assert [entry.item for entry in found.critical_path] == ["y", "z"]
    assert found.confidence == 1.0


def test_what_is_over_takes_nothing_and_what_runs_what_is_left() -> None:
    """X is over, y has run for 4 of 10 s."""
    state = state_after(TWO_WAVES, ended("a.local.x"))
    found = remaining(TWO_WAVES, state, KNOWN, {"a/local/y": 4 * S})
    assert (found.remaining_ms, found.tasks) == (26 * S, 2)


def test_what_runs_longer_than_usual_may_end_at_any_moment() -> None:
    """Nothing is ever less than nothing."""
    state = state_after(TWO_WAVES, ended("a.local.x"))
    assert remaining(TWO_WAVES, state, KNOWN, {"a/local/y": 99 * S}).remaining_ms == 20 * S


def test_the_delay_before_the_next_attempt_is_waited_for() -> None:
    """b/z failed once 1 s ago, and is tried again 4 s after it ended."""
    state = state_after(TWO_WAVES, ended("a.local.x"), ended("a.local.y"), ended("b.local.z", 1, 1))
    found = remaining(TWO_WAVES, state, KNOWN, {"b/local/z": S})
    assert (found.remaining_ms, found.tasks) == (23 * S, 1)


def test_slots_hold_for_the_rest_too() -> None:
    """Two tasks that run, two that wait for their slots."""
    of = plan(operation("a", ("w", "x", "y", "z")))
    world = World()
    step(world, started(max_running=2), at(0))
    step(world, submitted(of), at(0))
    state = project.workflow_state(world.workflows["w"])
    found = remaining(
        of, state, Assumptions(max_running=2, assumed_ms=10 * S), {"a/local/w": 5 * S, "a/local/x": 5 * S}
    )
    assert (found.remaining_ms, found.tasks, found.recorded, found.confidence) == (15 * S, 4, 0, 0.0)


def test_an_old_failure_is_not_forgotten() -> None:
    """Y failed for good while x still runs: then what had succeeded is undone, and b never starts."""
    state = state_after(TWO_WAVES, ended("a.local.y", 1, 1))
    assert state["status"] == "running"
    found = remaining(TWO_WAVES, state, KNOWN, {"a/local/x": 4 * S})
    assert [(entry.item, entry.undo) for entry in found.critical_path] == [("x", False), ("x", True)]
    assert (found.remaining_ms, found.tasks) == (16 * S, 1)


def test_a_rollback_under_way_has_its_rest() -> None:
    """X is being undone for 3 s."""
    state = state_after(TWO_WAVES, ended("a.local.y", 1, 1), ended("a.local.x"))
    assert state["status"] == "rolling_back"
    found = remaining(TWO_WAVES, state, KNOWN, {"a/local/x": 3 * S})
    assert (found.remaining_ms, found.tasks) == (7 * S, 1)


def test_a_rollback_that_somebody_asked_for_is_found_in_the_state() -> None:
    """Nothing failed, so that no rehearsal would come to it."""
    state = state_after(TWO_WAVES)
    state["status"] = "rolling_back"
    for row in state["operations"][0]["items"]:
        row["status"] = "rolling_back"
    state["operations"][1]["items"][0]["status"] = "rolled_back"
    found = remaining(TWO_WAVES, state, KNOWN, {"a/local/y": 3 * S})
    assert (found.remaining_ms, found.tasks) == (17 * S, 2)


def test_a_later_attempt_is_as_long_as_the_first() -> None:
    """After a retry the task runs again."""
    state = state_after(
        TWO_WAVES, ended("a.local.x"), ended("a.local.y"), ended("b.local.z", 1, 1), RetryDue("w.b.local.z")
    )
    assert remaining(TWO_WAVES, state, KNOWN, {"b/local/z": 5 * S}).remaining_ms == 15 * S


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "rolled_back"])
def test_what_is_over_takes_no_time(status: str) -> None:
    """Whatever its tasks say."""
    found = remaining(TWO_WAVES, {"status": status}, KNOWN)
    assert (found.remaining_ms, found.tasks, found.confidence) == (0, 0, 1.0)
