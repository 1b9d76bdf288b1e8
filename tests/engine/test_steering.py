"""Pause, resume, cancel, retry, rollback and resolve: what each does, where it is refused, and that twice is once."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.engine import flags, image
from orchestrator.engine.commands import StartAttempt
from orchestrator.engine.events import (
    AttemptExited,
    AttemptLost,
    ResolveRequested,
    RetryRequested,
    RollbackRequested,
    TimeoutExpired,
    WorkflowSubmitted,
)
from orchestrator.plan.ir import Plan, RetryPolicy, RollbackStrategy
from tests.engine.run import Run, refused, starts, stops
from tests.support.plans import operation, plan, submitted

SLOW_RETRY = RetryPolicy(max_attempts=3, initial_delay=10)


def chain(**more: object) -> Plan:
    """A chain of a, b and c, each with an undo."""
    return plan(
        operation("a", ("x", "y"), undo="u"),
        operation("b", after=("a",), undo="u"),
        operation("c", after=("b",), undo="u"),
        **more,  # type: ignore[arg-type]
    )


def once(name: str, after: tuple[str, ...] = ()) -> Plan:
    """One operation that may run at most once."""
    one = operation(name, after=after, retry=RetryPolicy(max_attempts=2, initial_delay=1))
    return plan(msgspec.structs.replace(one, at_most_once=True))


def test_a_paused_workflow_starts_nothing_and_goes_on_where_it_was() -> None:
    """A-51: what runs ends by itself; resuming starts what became ready meanwhile."""
    run = Run(chain())
    run.pause()
    assert (run.state, run.workflow.reason) == ("paused", "paused by ann")
    assert starts(run.exit("a.local.x").commands + run.exit("a.local.y").commands) == []
    assert run.reason("b.local.x") == "waits for a free slot"
    assert starts(run.resume().commands) == ["b.local.x"]
    assert run.state == "running"


def test_a_workflow_that_was_paused_before_its_first_start_is_queued_again() -> None:
    """It resumes as what it was."""
    run = Run(chain(), max_running=0)
    run.pause()
    run.resume()
    assert run.state == "queued"


def test_retry_delays_stand_still_while_paused() -> None:
    """A-51: four of ten seconds had passed; after any pause six are left. Files show no time meanwhile."""
    run = Run(plan(operation("a", retry=SLOW_RETRY)))
    run.exit("a.local.x", 1)
    before = run.task("a.local.x").due_at_us
    run.wait(4)
    run.pause()
    assert run.task("a.local.x").due_at_us is None
    assert run.wait(1000) == []
    run.resume()
    after = run.task("a.local.x").due_at_us
    assert before is not None
    assert after == before + 1_000_000_000
    assert run.wait(5.9) == []
    assert [starts(done.commands) for done in run.wait(0.2)] == [["a.local.x"]]


def test_a_failure_while_paused_waits_for_the_whole_delay_after_it() -> None:
    """The clock of its delays stands still from the beginning of the pause on."""
    run = Run(plan(operation("a", retry=SLOW_RETRY)))
    run.pause()
    run.wait(50)
    run.exit("a.local.x", 1)
    assert run.status("a.local.x") == "waiting_retry"
    run.wait(50)
    run.resume()
    assert run.wait(9.9) == []
    assert len(run.wait(0.2)) == 1


def test_timeouts_of_what_runs_go_on_while_paused() -> None:
    """A-51: an attempt has its time, pause or not."""
    run = Run(plan(operation("a", timeout_s=5)))
    run.pause()
    assert [stops(done.commands) for done in run.wait(6)] == [["a.local.x"]]
    run.exit("a.local.x", 143)
    assert (run.status("a.local.x"), run.state) == ("timed_out", "failed")


def test_pausing_now_stops_what_runs_and_counts_nothing() -> None:
    """No failure, no interruption; it begins again with the next attempt number."""
    run = Run(plan(operation("a", retry=SLOW_RETRY)))
    assert stops(run.pause(now=True).commands) == ["a.local.x"]
    run.exit("a.local.x", 143)
    task = run.task("a.local.x")
    assert (task.status, task.failures, task.interruptions) == ("pending", 0, 0)
    assert run.resume().commands == [StartAttempt("w.a.local.x", 2, undo=False)]


def test_pausing_now_leaves_alone_what_may_run_only_once() -> None:
    """Stopping it would leave somebody to find out what it did."""
    run = Run(once("a"))
    assert run.pause(now=True).commands == []
    assert run.pause(now=True).seq
    run.exit("a.local.x")
    assert run.state == "succeeded"


def test_pausing_a_rollback_holds_the_undos() -> None:
    """What is being undone goes on; the next waits; cancel and another rollback are told to wait."""
    run = Run(chain())
    for name in ("a.local.x", "a.local.y", "b.local.x", "c.local.x"):
        run.exit(name)
    run.roll_back()
    run.pause()
    assert starts(run.exit("c.local.x", 0, 2).commands) == []
    assert "being rolled back, though paused" in refused(run.cancel())
    assert "being rolled back, though paused" in refused(run.roll_back())
    assert starts(run.resume().commands) == ["b.local.x"]
    run.exit("b.local.x", 0, 2)
    run.pause()
    run.exit("a.local.x", 0, 2)
    run.exit("a.local.y", 0, 2)
    assert run.state == "rolled_back"


def test_a_failure_in_a_paused_workflow_is_rolled_back_after_resuming() -> None:
    """Undoing starts something, so it waits, too."""
    run = Run(plan(operation("a", undo="u"), operation("b", after=("a",), on_failure="rollback")))
    run.exit("a.local.x")
    run.pause()
    run.exit("b.local.x", 1)
    assert run.state == "paused"
    assert starts(run.resume().commands) == ["a.local.x"]


def test_a_paused_workflow_can_be_cancelled() -> None:
    """A-52."""
    run = Run(chain())
    run.pause()
    run.cancel()
    run.exit("a.local.x", 143)
    run.exit("a.local.y", 143)
    assert run.state == "cancelled"
    assert not run.workflow.is_paused


def failed() -> Run:
    """Of a, b, c: a has succeeded, of b one item failed, c was never reached."""
    run = Run(
        plan(
            operation("a", undo="u"),
            operation("b", ("x", "y"), after=("a",), undo="u"),
            operation("c", after=("b",), undo="u"),
            operation("d"),
        )
    )
    run.exit("d.local.x")
    run.exit("a.local.x")
    run.exit("b.local.x")
    run.exit("b.local.y", 1)
    assert run.state == "failed"
    return run


def test_retry_runs_all_that_has_not_succeeded() -> None:
    """R1-70, A-20: attempts are numbered on, successes stay."""
    run = failed()
    answer = run.retry()
    assert answer.commands == [StartAttempt("w.b.local.y", 2, undo=False)]
    assert (run.state, run.workflow.ending) == ("running", None)
    assert run.status("c.local.x") == "pending"
    assert starts(run.exit("b.local.y", 0, 2).commands) == ["c.local.x"]
    run.exit("c.local.x")
    assert run.state == "succeeded"
    assert "w" in run.world.finished


def test_retry_gives_each_task_its_attempts_anew() -> None:
    """max_attempts counts from the retry on."""
    run = Run(plan(operation("a", retry=RetryPolicy(max_attempts=2, initial_delay=0))))
    for attempt in (1, 2):
        run.exit("a.local.x", 1, attempt)
        run.wait(1)
    assert run.state == "failed"
    run.retry()
    run.exit("a.local.x", 1, 3)
    assert run.status("a.local.x") == "waiting_retry"


def test_retry_from_an_operation_runs_it_and_what_depends_on_it() -> None:
    """R1-70: others keep their results, even if the operation had succeeded."""
    run = failed()
    run.retry()
    run.exit("b.local.y", 0, 2)
    run.exit("c.local.x")
    assert run.state == "succeeded"
    assert starts(run.retry(operation="b").commands) == ["b.local.x", "b.local.y"]
    assert [run.status(name) for name in ("a.local.x", "c.local.x", "d.local.x")] == [
        "succeeded",
        "pending",
        "succeeded",
    ]


def test_retry_of_failed_items_only() -> None:
    """And of what did not run because of them; what somebody cancelled is another matter."""
    run = failed()
    assert starts(run.retry(failed_only=True).commands) == ["b.local.y"]
    run.exit("b.local.y", 0, 2)
    run.cancel()
    run.exit("c.local.x", 143)
    assert run.status("c.local.x") == "cancelled"
    assert "nothing to run again" in refused(run.retry(failed_only=True))


def test_retry_of_everything() -> None:
    """Successes, too."""
    run = failed()
    assert starts(run.retry(everything=True).commands) == ["a.local.x", "d.local.x"]


def test_retry_refuses_what_cannot_be() -> None:
    """Each with why."""
    run = failed()
    assert "needs b/y, which is failed" in refused(run.retry(tasks=("w.c.local.x",)))
    assert "no task w.nope" in refused(run.retry(tasks=("w.nope",)))
    assert "no operation nope" in refused(run.retry(operation="nope"))
    run.retry()
    assert "only unknown tasks" in refused(run.retry())
    run.exit("b.local.y", 0, 2)
    run.exit("c.local.x")
    assert "nothing to run again" in refused(run.retry())


def test_retry_of_a_rolled_back_workflow_begins_anew() -> None:
    """What was undone is done again."""
    run = failed()
    run.roll_back()
    for name in ("b.local.x", "a.local.x"):
        run.exit(name, 0, 2)
    assert run.state == "rolled_back"
    assert starts(run.retry().commands) == ["a.local.x"]
    assert not run.task("a.local.x").undo


def test_what_a_retry_has_not_reached_was_not_interrupted() -> None:
    """Its attempts of before do not count: it is skipped, as if it had never run."""
    run = failed()
    run.roll_back()
    for name in ("b.local.x", "a.local.x"):
        run.exit(name, 0, 2)
    run.retry()
    run.exit("a.local.x", 1, 3)
    assert run.status("b.local.x") in ("skipped", "upstream_failed")
    assert "interrupted" not in run.reason("b.local.x")


def test_rollback_of_a_running_workflow_stops_it_first() -> None:
    """R1-58: nothing new starts, what runs is stopped, then what succeeded is undone."""
    run = Run(chain())
    run.exit("a.local.x")
    answer = run.roll_back()
    assert stops(answer.commands) == ["a.local.y"]
    assert run.state == "running"
    assert starts(run.exit("a.local.y", 143).commands) == ["a.local.x"]
    assert (run.state, run.workflow.reason) == ("rolling_back", "rolled back by ann")
    run.exit("a.local.x", 0, 2)
    assert run.workflow.reason == "rolled back by ann; 1 undone"


def test_rollback_of_a_workflow_that_has_done_nothing_ends_it() -> None:
    """There is nothing to undo, and it must not go on."""
    run = Run(chain(), max_running=0)
    run.roll_back()
    assert (run.state, run.workflow.reason) == ("rolled_back", "rolled back by ann; nothing to undo")


def test_rollback_of_a_succeeded_workflow_and_then_again() -> None:
    """In reverse; a second time there is nothing left, which is said."""
    run = Run(chain())
    for name in ("a.local.x", "a.local.y", "b.local.x", "c.local.x"):
        run.exit(name)
    assert run.state == "succeeded"
    assert starts(run.roll_back().commands) == ["c.local.x"]
    assert "w" not in run.world.finished
    run.exit("c.local.x", 0, 2)
    run.exit("b.local.x", 0, 2)
    run.exit("a.local.x", 0, 2)
    run.exit("a.local.y", 0, 2)
    assert run.state == "rolled_back"
    assert "nothing of it is left" in refused(run.roll_back())


def test_rollback_with_nothing_that_can_be_undone_changes_nothing() -> None:
    """R1-58: no fault; what stays says why."""
    run = Run(plan(operation("a")))
    run.exit("a.local.x")
    assert run.roll_back().seq
    assert (run.state, run.reason("a.local.x")) == ("succeeded", "stays as it is: it declares no way to undo it")


def test_a_check_has_nothing_to_undo() -> None:
    """It changed nothing: it takes no slot, no time and no word."""
    look = msgspec.structs.replace(operation("look", after=("a",), undo=""), type="check")
    run = Run(plan(operation("a", undo="u"), look))
    run.exit("a.local.x")
    run.exit("look.local.x")
    assert starts(run.roll_back().commands) == ["a.local.x"]
    run.exit("a.local.x", 0, 2)
    assert (run.state, run.status("look.local.x")) == ("rolled_back", "succeeded")


def test_a_failed_rollback_can_be_tried_again() -> None:
    """What was not undone, and what it stood on, is tried again; the rest is not."""
    run = Run(chain())
    for name in ("a.local.x", "a.local.y", "b.local.x", "c.local.x"):
        run.exit(name)
    run.roll_back()
    run.exit("c.local.x", 0, 2)
    run.exit("b.local.x", 1, 2)
    assert run.state == "rollback_failed"
    assert run.reason("a.local.x") == "not tried: b/x, which stands on it, was not undone"
    assert starts(run.roll_back().commands) == ["b.local.x"]
    assert starts(run.exit("b.local.x", 0, 3).commands) == ["a.local.y", "a.local.x"]
    run.exit("a.local.x", 0, 2)
    run.exit("a.local.y", 0, 2)
    assert run.state == "rolled_back"


def test_rollback_to_a_restore_point_keeps_what_came_before() -> None:
    """A-57: points every `checkpoint_interval` operations, beside start and end."""
    run = Run(chain(rollback=RollbackStrategy(checkpoint_interval=2)))
    for name in ("a.local.x", "a.local.y", "b.local.x", "c.local.x"):
        run.exit(name)
    assert [(point.name, point.tasks) for point in run.workflow.points.values()] == [
        ("start", 0),
        ("operations-2", 3),
        ("end", 4),
    ]
    assert "no restore point nope" in refused(run.roll_back("nope"))
    assert starts(run.roll_back("operations-2").commands) == ["c.local.x"]
    run.exit("c.local.x", 0, 2)
    assert (run.state, run.workflow.reason) == (
        "rolled_back",
        "rolled back by ann to operations-2; 1 undone, 3 kept",
    )
    assert [point.name for point in run.workflow.points.values()] == ["start", "operations-2"]
    assert starts(run.roll_back().commands) == ["b.local.x"]


def test_restore_points_come_every_so_many_operations() -> None:
    """R1-27: after 12 operations at 5 and 10, beside start and end."""
    run = Run(plan(*(operation(f"o{number}") for number in range(12))))
    for number in range(12):
        run.exit(f"o{number}.local.x")
    assert [point.name for point in run.workflow.points.values()] == ["start", "operations-5", "operations-10", "end"]


def test_a_lost_attempt_that_may_run_only_once_waits_for_somebody() -> None:
    """A-59: unknown, until it is resolved or run again."""
    run = Run(once("a"))
    run.happen(AttemptLost("w.a.local.x", 1, "the machine went away"))
    assert (run.status("a.local.x"), run.state) == ("unknown", "running")
    assert run.happen(ResolveRequested("w.a.local.x", "k", "ann", "succeeded")).seq
    assert (run.status("a.local.x"), run.state) == ("succeeded", "succeeded")
    assert "how it stands is known" in refused(run.happen(ResolveRequested("w.a.local.x", "k2", "ann", "failed")))


def test_an_unknown_task_that_is_said_to_have_failed_follows_its_policy() -> None:
    """It is a failure like any other."""
    run = Run(once("a"))
    run.happen(AttemptLost("w.a.local.x", 1, "the machine went away"))
    run.happen(ResolveRequested("w.a.local.x", "k", "ann", "failed"))
    assert run.status("a.local.x") == "waiting_retry"


def test_an_unknown_task_can_be_run_again() -> None:
    """By somebody who knows that it does no harm."""
    run = Run(once("a"))
    run.happen(AttemptLost("w.a.local.x", 1, "the machine went away"))
    assert run.retry().commands == [StartAttempt("w.a.local.x", 2, undo=False)]


def test_what_cannot_be_asked_is_refused_with_why() -> None:
    """R1-69: in each wrong state."""
    run = Run(chain())
    assert "it is not paused" in refused(run.resume())
    for name in ("a.local.x", "a.local.y", "b.local.x", "c.local.x"):
        run.exit(name)
    for answer in (run.pause(), run.resume(), run.cancel()):
        assert "it has already ended" in refused(answer)


def test_the_same_request_is_done_once() -> None:
    """Somebody who has missed the answer asks again, with the same key: R1-69."""
    run = failed()
    event = RetryRequested("w", "once", "ann", flags=flags.CURRENT)
    assert run.happen(event).seq
    run.exit("b.local.y", 1, 2)
    assert run.state == "failed"
    assert "was done before" in refused(run.happen(event))
    assert run.retry().seq


def continued(new: Plan) -> tuple[Run, WorkflowSubmitted]:
    """A failed workflow, and the submission that goes on from it with another plan."""
    run = failed()
    return run, msgspec.structs.replace(submitted(new, "v"), continues="w")


def test_a_later_definition_takes_over_what_still_holds() -> None:
    """A-20: an operation that changed runs again, and so does what stands on it; the earlier workflow is closed."""
    changed = plan(
        operation("a", undo="u"),
        operation("b", ("x", "y"), after=("a",), command="better", undo="u"),
        operation("c", after=("b",), undo="u"),
        operation("d"),
        operation("e", after=("d",)),
    )
    run, event = continued(changed)
    answer = run.happen(event)
    assert [command.task for command in answer.commands if isinstance(command, StartAttempt)] == [
        "v.b.local.x",
        "v.b.local.y",
        "v.e.local.x",
    ]
    later = run.world.workflows["v"]
    assert later.completed == ["v.d.local.x", "v.a.local.x"]
    assert run.world.tasks["v.a.local.x"].reason == "taken over from w"
    assert (run.world.tasks["v.a.local.x"].origin, run.world.tasks["v.b.local.x"].origin) == ("w", "")
    assert "was continued by v" in refused(run.retry())
    again = msgspec.structs.replace(event, workflow="u", key="other")
    assert "was continued by v already" in refused(run.happen(again))


def test_what_was_not_taken_over_is_rolled_back_where_it_was_done() -> None:
    """Nothing is lost: and the later workflow keeps what that stands on until then."""
    run, event = continued(plan(operation("a", undo="u"), operation("d")))
    run.happen(event)
    later = run.world.workflows["v"]
    assert (later.status, later.completed) == ("succeeded", ["v.d.local.x", "v.a.local.x"])
    back = RollbackRequested("v", "back", "ann", "", flags.CURRENT)
    assert "w.b.local.x stands on them" in refused(run.happen(back))
    assert starts(run.roll_back().commands) == ["b.local.x"]
    run.exit("b.local.x", 0, 2)
    assert run.state == "rolled_back"
    assert "was continued by v" in refused(run.roll_back())
    assert run.happen(back).commands == [StartAttempt("v.a.local.x", 1, undo=True)]


def test_a_failure_of_the_later_workflow_keeps_what_the_earlier_one_stands_on() -> None:
    """Its own rollback cannot ask; it leaves that, and says so."""
    new = plan(operation("a", undo="u"), operation("e", after=("a",), on_failure="rollback"))
    run, event = continued(new)
    run.happen(event)
    run.happen(AttemptExited("v.e.local.x", 1, 1))
    assert run.world.workflows["v"].status == "failed"
    assert "has to be rolled back first" in run.world.tasks["v.a.local.x"].reason


@pytest.mark.parametrize("earlier", ["nope", "w"])
def test_only_what_is_over_can_be_continued(earlier: str) -> None:
    """And only what there is."""
    run = Run(chain())
    event = msgspec.structs.replace(submitted(chain(), "v"), continues=earlier)
    assert refused(run.happen(event))


def test_what_steering_keeps_is_in_the_image() -> None:
    """Pause, restore points and successors survive a restart."""
    run = failed()
    run.retry()
    run.pause()
    kept = image.of_workflow(run.workflow)
    assert (kept.resumes_as, kept.paused_us > 0, list(kept.points)) == ("running", True, ["start"])


def test_what_ends_well_while_it_is_stopped_is_undone_like_the_rest() -> None:
    """It has done what it should: a rollback must not leave it behind."""
    run = Run(chain())
    run.roll_back()
    assert starts(run.exit("a.local.x").commands) == []
    assert starts(run.exit("a.local.y", 143).commands) == ["a.local.x"]


def test_an_attempt_that_is_lost_while_it_times_out_is_in_doubt_as_well() -> None:
    """At most once is at most once."""
    run = Run(once("a"))
    run.happen(TimeoutExpired("w.a.local.x", 1))
    run.happen(AttemptLost("w.a.local.x", 1, "the machine went away"))
    assert run.status("a.local.x") == "unknown"


def test_an_attempt_that_never_began_is_repeated_whatever_it_is() -> None:
    """Nothing was done."""
    run = Run(once("a"))
    run.happen(AttemptLost("w.a.local.x", 1, "it had not begun", has_begun=False))
    assert (run.status("a.local.x"), run.task("a.local.x").attempt) == ("running", 2)


def test_a_workflow_of_which_a_part_was_retried_has_not_succeeded() -> None:
    """What was cancelled is still not done."""
    run = Run(chain())
    run.exit("a.local.x")
    run.cancel()
    run.exit("a.local.y", 143)
    run.retry(tasks=("w.a.local.y",))
    run.exit("a.local.y", 0, 2)
    assert (run.state, run.workflow.reason) == ("failed", "not everything has succeeded: 2 cancelled")
    assert list(run.workflow.points) == ["start"]


def test_a_retry_through_a_long_chain_of_empty_operations() -> None:
    """Without recursion."""
    nodes = [operation("o0")]
    nodes += [operation(f"o{number}", (), (f"o{number - 1}",)) for number in range(1, 2999)]
    nodes.append(operation("o2999", after=("o2998",)))
    run = Run(plan(*nodes))
    run.exit("o0.local.x")
    run.exit("o2999.local.x")
    assert run.state == "succeeded"
    assert starts(run.retry(operation="o0").commands) == ["o0.local.x"]
    assert run.status("o2999.local.x") == "pending"
