"""What a task tells of its undoing: how many of its attempts undo it, and how long it had taken to do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from orchestrator.engine import flags, image
from orchestrator.engine.events import AttemptExited, AttemptLost, RetryRequested, RollbackRequested
from orchestrator.plan.ir import RetryPolicy
from orchestrator.store import project
from tests.engine.run import Run
from tests.engine.test_image import restored
from tests.support.plans import operation, plan, submitted

if TYPE_CHECKING:
    from orchestrator.engine.world import Task
    from orchestrator.plan.ir import Plan

OLDER = tuple(name for name in flags.CURRENT if name != flags.TELLS_UNDOING)
TWO_TRIES = RetryPolicy(max_attempts=2, initial_delay=1)


def one() -> Plan:
    """One task with an undo, each of which has two tries."""
    return plan(operation("a", retry=TWO_TRIES, undo="u"))


def told(task: Task) -> tuple[object, ...]:
    """(status, attempt, attempts that undo, time of the latest attempt, time of the latest that did it) of its file."""
    row = project.task_row(task)
    return tuple(row[name] for name in ("status", "attempt", "undo_attempts", "duration_ms", "done_ms"))


def entry(run: Run) -> dict[str, object]:
    """Its entry in the state of its workflow."""
    operations = project.workflow_state(run.workflow)["operations"]
    assert isinstance(operations, list)
    return dict(operations[0]["items"][0])


def test_over_a_whole_life() -> None:
    """Done at the second try, undone at the second try, run again, undone again; and the same behind a snapshot."""
    run = Run(one())

    def ends(code: int, after_s: float) -> tuple[object, ...]:
        run.happen(AttemptExited("w.a.local.x", run.task("a.local.x").attempt, code), after_s)
        return now()

    def now() -> tuple[object, ...]:
        assert image.of_world(restored(run.world)) == image.of_world(run.world)
        assert [told(task) for task in restored(run.world).tasks.values()] == [told(run.task("a.local.x"))]
        return told(run.task("a.local.x"))

    assert now() == ("running", 1, 0, None, None)
    assert ends(1, 2) == ("waiting_retry", 1, 0, 2000, 2000)
    run.wait(1)
    assert now() == ("running", 2, 0, None, None)
    assert ends(0, 3) == ("succeeded", 2, 0, 3000, 3000)
    assert "undoings" not in entry(run)
    run.roll_back()
    assert now() == ("rolling_back", 3, 1, None, 3000)
    assert ends(1, 4) == ("rolling_back", 3, 1, 4000, 3000)
    run.wait(1)
    assert now() == ("rolling_back", 4, 2, None, 3000)
    assert ends(0, 5) == ("rolled_back", 4, 2, 5000, 3000)
    run.retry()
    assert now() == ("running", 5, 2, None, None)
    assert ends(0, 6) == ("succeeded", 5, 2, 6000, 6000)
    run.roll_back()
    assert ends(0, 7) == ("rolled_back", 6, 3, 7000, 6000)
    assert entry(run) == {
        "item": "x",
        "provider": "local",
        "status": "rolled_back",
        "attempt": 6,
        "undoings": (3, 4, 6),
    }


def test_an_undo_that_is_interrupted_is_followed_by_another() -> None:
    """Both undo; what it took to do it stays known."""
    run = Run(one())
    run.happen(AttemptExited("w.a.local.x", 1, 0), 2)
    run.roll_back()
    run.happen(AttemptLost("w.a.local.x", 2, "gone", has_begun=True), 3)
    run.happen(AttemptExited("w.a.local.x", 3, 0), 4)
    assert told(run.task("a.local.x")) == ("rolled_back", 3, 2, 4000, 2000)


def test_what_waits_to_run_again_tells_of_before_until_it_starts() -> None:
    """No slot is free: the latest attempt is still the one that undid it."""
    run = Run(one(), local=1)
    run.exit("a.local.x")
    run.roll_back()
    run.happen(AttemptExited("w.a.local.x", 2, 0), 4)
    run.happen(submitted(plan(operation("other")), "v"))
    run.retry()
    assert told(run.task("a.local.x")) == ("pending", 2, 1, 4000, 0)
    run.happen(AttemptExited("v.other.local.x", 1, 0))
    assert told(run.task("a.local.x")) == ("running", 3, 1, None, None)


def test_what_was_not_tried_to_be_undone_was_not() -> None:
    """It stands below one whose undo failed; its own attempt is the one that did it."""
    run = Run(plan(operation("a", undo="u"), operation("b", after=("a",), undo="u")))
    run.happen(AttemptExited("w.a.local.x", 1, 0), 2)
    run.happen(AttemptExited("w.b.local.x", 1, 0), 3)
    run.roll_back()
    run.happen(AttemptExited("w.b.local.x", 2, 1), 1)
    assert told(run.task("a.local.x")) == ("rollback_failed", 1, 0, 2000, 2000)
    assert told(run.task("b.local.x")) == ("rollback_failed", 2, 1, 1000, 3000)


def test_what_was_taken_over_and_is_undone_took_no_time_here() -> None:
    """It was done in another workflow; its only attempt undoes it."""
    run = Run(plan(operation("a", undo="u"), operation("b", after=("a",))))
    run.exit("a.local.x")
    run.exit("b.local.x", 1)
    run.happen(msgspec.structs.replace(submitted(one(), "v"), continues="w"))
    later = run.world.tasks["v.a.local.x"]
    assert told(later) == ("succeeded", 0, 0, None, None)
    run.happen(RollbackRequested("v", run.key(), "ann", "", flags.CURRENT))
    run.happen(AttemptExited("v.a.local.x", 1, 0), 2)
    assert told(later) == ("rolled_back", 1, 1, 2000, None)


@pytest.mark.parametrize("code", [0, 1])
def test_a_workflow_of_an_older_version_tells_what_is_known(code: int) -> None:
    """Its files stay as they were; steered by this version, they tell that the latest attempt was one that undid it."""
    run = Run(plan(operation("other")))
    failing = plan(operation("a", undo="u", on_failure="rollback"), operation("b", after=("a",), on_failure="rollback"))
    run.happen(msgspec.structs.replace(submitted(failing, "u"), flags=OLDER))
    run.happen(AttemptExited("u.a.local.x", 1, 0), 2)
    run.happen(AttemptExited("u.b.local.x", 1, 1), 1)
    run.happen(AttemptExited("u.a.local.x", 2, code), 4)
    task, other = run.world.tasks["u.a.local.x"], run.world.tasks["u.b.local.x"]
    assert task.status == ("rollback_failed" if code else "rolled_back")
    assert {"undo_attempts", "done_ms"}.isdisjoint(project.task_row(task))
    assert (task.undoings, task.done_ms) == ((), None)
    run.happen(RetryRequested("u", run.key(), "ann", tasks=(task.id,), flags=flags.CURRENT))
    assert told(task) == ("running", 3, 1, None, None)
    assert told(other) == ("failed", 1, 0, 1000, 1000)
    run.happen(AttemptExited("u.a.local.x", 3, 0), 5)
    assert told(task) == ("succeeded", 3, 1, 5000, 5000)
