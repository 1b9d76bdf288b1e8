"""What single events do: one behaviour a test, on small plans."""

from __future__ import annotations

import pytest

from orchestrator.engine import retry, timers
from orchestrator.engine.commands import Refuse, StartAttempt, StopAttempt
from orchestrator.engine.events import (
    AttemptExited,
    AttemptLost,
    CancelRequested,
    DrainRequested,
    Event,
    Moment,
    RetryDue,
    TimeoutExpired,
)
from orchestrator.engine.machine import step
from orchestrator.plan.ir import RetryPolicy, RollbackStrategy
from tests.engine.run import Run, starts
from tests.support.plans import ONE_TRY, at, operation, plan, started, submitted


def test_starts_what_depends_on_nothing() -> None:
    """Items of operations without predecessors start at once, in listed order."""
    run = Run(plan(operation("a", ("x", "y")), operation("b", after=("a",)), operation("c")))
    assert starts(run.first.commands) == ["a.local.x", "a.local.y", "c.local.x"]
    assert run.reason("b.local.x") == "waits for a"


def test_opens_an_operation_when_the_last_task_it_waits_for_succeeds() -> None:
    """The start of the next operation is in the same step as the end of the last task."""
    run = Run(plan(operation("a", ("x", "y")), operation("b", after=("a",))))
    assert starts(run.exit("a.local.x").commands) == []
    assert starts(run.exit("a.local.y").commands) == ["b.local.x"]
    run.exit("b.local.x")
    assert run.state == "succeeded"


def test_an_operation_that_is_not_parallel_goes_item_by_item() -> None:
    """R1-19: one after another, in listed order."""
    run = Run(plan(operation("a", ("x", "y", "z"), parallel=False)))
    assert starts(run.first.commands) == ["a.local.x"]
    assert starts(run.exit("a.local.x").commands) == ["a.local.y"]


def test_never_runs_more_than_the_limit() -> None:
    """The next task starts in the step that frees the slot."""
    run = Run(plan(operation("a", ("x", "y", "z"))), max_running=2)
    assert starts(run.first.commands) == ["a.local.x", "a.local.y"]
    assert starts(run.exit("a.local.y").commands) == ["a.local.z"]


def test_a_full_provider_does_not_hold_up_another() -> None:
    """The operator's limit on one provider leaves the others alone."""
    run = Run(plan(operation("a", ("x", "y"), providers=("slow", "fast"))), slow=1)
    assert starts(run.first.commands) == ["a.slow.x", "a.fast.x", "a.fast.y"]


@pytest.mark.parametrize(("kind", "running"), [("batch", 1), ("sequential", 1), ("parallel", 3)])
def test_a_batch_size_binds_all_but_parallel_workflows(kind: str, running: int) -> None:
    """A-11: `parallel` starts everything without a declared dependency together."""
    run = Run(plan(operation("a", ("x", "y", "z")), kind=kind, batch_size=1))  # type: ignore[arg-type]
    assert len(run.world.live) == running


def test_the_higher_priority_goes_first() -> None:
    """Workflow and operation priorities add up; equals go in order."""
    run = Run(plan(operation("a"), operation("b", priority=5), operation("c", priority=5)), max_running=1)
    assert starts(run.first.commands) == ["b.local.x"]
    assert starts(run.exit("b.local.x").commands) == ["c.local.x"]
    assert starts(run.exit("c.local.x").commands) == ["a.local.x"]


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        (RetryPolicy(9, "exponential", 5, 300), [5, 10, 20, 40, 80, 160, 300, 300]),
        (RetryPolicy(9, "linear", 5, 30), [5, 10, 15, 20, 25, 30, 30, 30]),
        (RetryPolicy(3, "exponential", 0, 300), [0, 0, 0]),
        (RetryPolicy(200, "exponential", 5, 300), [5]),
    ],
)
def test_delays_grow_as_the_policy_says(policy: RetryPolicy, delays: list[int]) -> None:
    """R1-32, R1-33: linear or exponential, capped, zero allowed."""
    assert [retry.delay_s(policy, number) for number in range(1, len(delays) + 1)] == delays
    assert retry.delay_s(policy, 150) == min(policy.max_delay, retry.delay_s(policy, 149) or 0)


def test_tries_again_after_the_delay_and_no_oftener_than_allowed() -> None:
    """R1-31: max_attempts 3 means three starts, with two delays between them."""
    run = Run(plan(operation("a", retry=RetryPolicy(3, "exponential", 5, 300))))
    for attempt, delay in ((1, 5), (2, 10)):
        run.exit("a.local.x", 1, attempt)
        assert run.status("a.local.x") == "waiting_retry"
        due = timers.next_due_us(run.world)
        assert due == at(run.seconds + delay).mono_us
        assert starts(run.happen(RetryDue("w.a.local.x"), delay).commands) == ["a.local.x"]
    run.exit("a.local.x", 1, 3)
    assert (run.status("a.local.x"), run.state) == ("failed", "failed")
    assert run.world.tasks["w.a.local.x"].error == "exit code 1"


def test_a_timeout_stops_the_attempt_and_is_its_outcome() -> None:
    """A-12: the process is told to end; whatever code it ends with, it has timed out."""
    run = Run(plan(operation("a", timeout_s=7)))
    assert timers.next_due_us(run.world) == at(7).mono_us
    assert timers.due_event(run.world, at(6.9).mono_us) is None
    assert timers.due_event(run.world, at(7).mono_us) == TimeoutExpired("w.a.local.x", 1)
    stopped = run.happen(TimeoutExpired("w.a.local.x", 1), 7)
    assert stopped.commands == [StopAttempt("w.a.local.x", 1, "timeout")]
    run.exit("a.local.x", 0)
    assert (run.status("a.local.x"), run.state) == ("timed_out", "failed")
    assert run.world.tasks["w.a.local.x"].error == "timed out after 7 s"


def test_an_interrupted_attempt_costs_no_try_but_three_in_a_row_fail() -> None:
    """A-59: the machine's fault is not the task's, up to a point."""
    run = Run(plan(operation("a", retry=ONE_TRY)))
    for attempt in (1, 2):
        again = run.happen(AttemptLost("w.a.local.x", attempt, "power cut"))
        assert again.commands == [StartAttempt("w.a.local.x", attempt + 1, undo=False)]
    run.happen(AttemptLost("w.a.local.x", 3, "power cut"))
    assert (run.status("a.local.x"), run.state) == ("failed", "failed")


def test_fail_starts_nothing_new_and_lets_what_runs_finish() -> None:
    """R1-21 `fail`: dependents are upstream_failed, the rest is skipped."""
    run = Run(plan(operation("a"), operation("b", after=("a",)), operation("c", ("x", "y"))), max_running=2)
    assert starts(run.exit("a.local.x", 1).commands) == []
    assert [run.status(task) for task in ("a.local.x", "b.local.x", "c.local.x", "c.local.y")] == [
        "failed",
        "upstream_failed",
        "running",
        "skipped",
    ]
    assert run.state == "running"
    run.exit("c.local.x")
    assert run.state == "failed"


def test_continue_only_stops_what_needs_the_failed_operation() -> None:
    """R1-21 `continue`: the others go on, the workflow has failed in the end."""
    run = Run(
        plan(
            operation("a", ("x", "y"), on_failure="continue"),
            operation("b", after=("a",)),
            operation("c", after=("b",)),
            operation("d"),
            operation("e", after=("d",)),
        )
    )
    run.exit("a.local.x", 1)
    assert run.status("b.local.x") == "pending"
    run.exit("a.local.y")
    assert [run.status("b.local.x"), run.status("c.local.x")] == ["upstream_failed", "upstream_failed"]
    assert starts(run.exit("d.local.x").commands) == ["e.local.x"]
    run.exit("e.local.x")
    assert run.state == "failed"


def test_rollback_undoes_in_reverse_order_of_success() -> None:
    """R1-29: the last to succeed is undone first; what has no undo stays and says so."""
    run = Run(
        plan(
            operation("a", ("x", "y"), undo="u"),
            operation("b", after=("a",)),
            operation("c", after=("b",), undo="u", on_failure="rollback"),
        ),
        max_running=1,
    )
    run.exit("a.local.x")
    run.exit("a.local.y")
    run.exit("b.local.x")
    assert run.exit("c.local.x", 1).commands == [StartAttempt("w.a.local.y", 2, undo=True)]
    assert run.state == "rolling_back"
    assert run.exit("a.local.y", 0, 2).commands == [StartAttempt("w.a.local.x", 2, undo=True)]
    run.exit("a.local.x", 0, 2)
    assert [run.status(task) for task in ("a.local.x", "a.local.y", "b.local.x", "c.local.x")] == [
        "rolled_back",
        "rolled_back",
        "succeeded",
        "failed",
    ]
    assert run.reason("b.local.x") == "stays as it is: it declares no way to undo it"
    assert run.state == "rolled_back"
    assert run.workflow.reason == "task c/x failed; 2 undone, 1 kept"


def test_a_failed_undo_is_shown_and_the_others_go_on() -> None:
    """R1-30: rollback_failed, with the independent ones undone."""
    run = Run(plan(operation("a", ("x", "y"), undo="u"), operation("b", after=("a",), on_failure="rollback")))
    run.exit("a.local.x")
    run.exit("a.local.y")
    assert starts(run.exit("b.local.x", 1).commands) == ["a.local.y", "a.local.x"]
    run.exit("a.local.y", 1, 2)
    run.exit("a.local.x", 0, 2)
    assert [run.status("a.local.x"), run.status("a.local.y")] == ["rolled_back", "rollback_failed"]
    assert run.state == "rollback_failed"


def test_preserve_successful_undoes_only_what_the_failed_operation_did() -> None:
    """R1-28: operations that succeeded as a whole stay."""
    strategy = RollbackStrategy(preserve_successful=True)
    run = Run(
        plan(
            operation("a", undo="u"),
            operation("b", ("x", "y"), ("a",), undo="u", on_failure="rollback"),
            rollback=strategy,
        )
    )
    run.exit("a.local.x")
    run.exit("b.local.x")
    assert run.exit("b.local.y", 1).commands == [StartAttempt("w.b.local.x", 2, undo=True)]
    run.exit("b.local.x", 0, 2)
    assert (run.status("a.local.x"), run.state) == ("succeeded", "rolled_back")


def test_rollback_that_is_disabled_is_fail() -> None:
    """R1-25: with a note why nothing is undone."""
    strategy = RollbackStrategy(enabled=False)
    run = Run(plan(operation("a", undo="u"), operation("b", after=("a",), on_failure="rollback"), rollback=strategy))
    run.exit("a.local.x")
    run.exit("b.local.x", 1)
    assert (run.status("a.local.x"), run.state) == ("succeeded", "failed")
    assert run.workflow.reason.endswith("rollback is disabled")


@pytest.mark.parametrize(("codes", "outcome"), [((1, 0), "failed"), ((1, 1), "rolled_back")])
def test_without_on_partial_failure_only_total_failure_rolls_back(codes: tuple[int, int], outcome: str) -> None:
    """R1-26: decided when the operation is over."""
    strategy = RollbackStrategy(on_partial_failure=False)
    run = Run(
        plan(
            operation("a", undo="u"),
            operation("b", ("x", "y"), ("a",), on_failure="rollback"),
            rollback=strategy,
        )
    )
    run.exit("a.local.x")
    run.exit("b.local.x", codes[0])
    assert run.status("b.local.y") == "running"
    run.exit("b.local.y", codes[1])
    if outcome == "rolled_back":
        run.exit("a.local.x", 0, 2)
    assert run.state == outcome


def test_cancel_stops_what_runs_and_starts_nothing() -> None:
    """A-52: running tasks are told to end, waiting ones never start."""
    run = Run(plan(operation("a"), operation("b", after=("a",))))
    cancelled = run.happen(CancelRequested("w", "k", "ann"))
    assert cancelled.commands == [StopAttempt("w.a.local.x", 1, "cancel")]
    assert run.state == "running"
    run.exit("a.local.x", 143)
    assert [run.status("a.local.x"), run.status("b.local.x"), run.state] == ["cancelled"] * 3
    assert run.workflow.reason == "cancelled by ann"


def test_refuses_to_cancel_what_has_ended() -> None:
    """The refusal says what the workflow is; nothing changes, nothing is recorded."""
    run = Run(plan(operation("a")))
    run.exit("a.local.x")
    seq = run.world.seq
    refused = run.happen(CancelRequested("w", "k", "ann"))
    assert refused.commands == [Refuse("orch::workflow::state", "Workflow w is succeeded: it has already ended.")]
    assert (refused.seq, run.world.seq) == (0, seq)


@pytest.mark.parametrize(
    "event",
    [
        AttemptExited("w.a.local.x", 2, 0),
        AttemptExited("w.a.local.y", 1, 0),
        AttemptExited("w.b.local.x", 1, 0),
        RetryDue("w.a.local.x"),
        submitted(plan(operation("a")), "w"),
        submitted(plan(operation("a")), "other", key="key-w"),
    ],
)
def test_refuses_what_cannot_be(event: Event) -> None:
    """Wrong attempts, unknown tasks, waiting tasks, doubled ids and keys: a refusal and an unchanged world."""
    run = Run(plan(operation("a"), operation("b", after=("a",))))
    refused = run.happen(event)
    assert [type(command) for command in refused.commands] == [Refuse]
    assert (refused.seq, refused.transitions, run.world.seq) == (0, [], 2)


def test_a_drain_starts_nothing_until_the_next_daemon() -> None:
    """What was ready stays ready."""
    run = Run(plan(operation("a", ("x", "y"))), max_running=1)
    run.happen(DrainRequested("k", "ann"))
    assert starts(run.exit("a.local.x").commands) == []
    assert starts(run.happen(started(epoch=2)).commands) == ["a.local.y"]


def test_a_reboot_keeps_what_is_left_of_a_delay() -> None:
    """F22: monotonic time begins anew; the wall clock says how much of the delay has passed."""
    run = Run(plan(operation("a", retry=RetryPolicy(2, "linear", 100, 300))))
    run.exit("a.local.x", 1)
    wall = at(run.seconds).wall_us
    step(run.world, started(epoch=2, boot_id="another"), Moment(wall + 30_000_000, 1_000))
    assert timers.next_due_us(run.world) == 1_000 + 70_000_000


def test_an_empty_operation_succeeds_as_it_opens() -> None:
    """R1-17: no items, nothing to do, what depends on it goes on."""
    run = Run(plan(operation("a", ()), operation("b", after=("a",))))
    assert starts(run.first.commands) == ["b.local.x"]


def test_a_workflow_of_empty_operations_succeeds_at_once() -> None:
    """Nothing to do is success."""
    assert Run(plan(operation("a", ()))).state == "succeeded"


def test_empty_operations_open_others_in_the_order_they_always_did() -> None:
    """An operation is opened, with all that it opens, before the next one is looked at: older journals hold that."""
    run = Run(
        plan(operation("a"), operation("b", (), ("a",)), operation("c", after=("a", "b")), operation("d", after=("b",)))
    )
    assert starts(run.exit("a.local.x").commands) == ["d.local.x", "c.local.x"]
