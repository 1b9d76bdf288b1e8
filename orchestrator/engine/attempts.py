"""How an attempt ends and what follows from it (rulings A-12, A-14, A-59)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from orchestrator.engine import flags, flow, queues, retry, rollback, schedule, timers
from orchestrator.engine.commands import StopAttempt
from orchestrator.model.limits import INTERRUPTIONS_MAX

if TYPE_CHECKING:
    from orchestrator.engine.commands import StopReason
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Task
    from orchestrator.model.states import AttemptOutcome, TaskStatus


def exited(turn: Turn, task: Task, exit_code: int) -> None:
    """The command ended with `exit_code`; why it was being stopped, if it was, decides what that means."""
    task.exit_code = exit_code
    outcome = _outcome_of_stop(task) or ("succeeded" if exit_code == 0 else "failed")
    if exit_code == 0 and outcome == "cancelled" and flags.ENDED_WELL in task.workflow.flags:
        outcome = "succeeded"
    _end(turn, task, outcome, _exit_text(task, exit_code))


def could_not_start(turn: Turn, task: Task, error: str) -> None:
    """There was no command to end."""
    _end(turn, task, _outcome_of_stop(task) or "failed", error)


def lost(turn: Turn, task: Task, why: str, *, has_begun: bool) -> None:
    """Nobody knows how it ended: interrupted, unless it was being stopped anyway.

    What may run only once is in doubt even if its time was over: it may have come to its end just before.
    """
    if task.stopping == "timeout" and has_begun and task.operation.plan.at_most_once:
        task.stopping = None
    _end(turn, task, _outcome_of_stop(task) or "interrupted", why, has_begun=has_begun)


def stop(turn: Turn, task: Task, why: StopReason, reason: str) -> None:
    """End the live attempt of `task`; what follows depends on how it ends."""
    task.stopping = why
    timers.disarm(task)
    turn.move(task, task.status, reason)
    turn.commands.append(StopAttempt(task.id, task.attempt, why))


def retry_due(turn: Turn, task: Task) -> None:
    """The delay before the next attempt is over."""
    timers.disarm(task)
    turn.move(task, "rolling_back" if task.undo else "pending", schedule.WAITS_FOR_SLOT)
    queues.enqueue(turn.world, task)


def resolved(turn: Turn, task: Task, outcome: Literal["succeeded", "failed"], text: str) -> None:
    """Somebody says how the attempt of an ``unknown`` task ended."""
    task.outcome, task.error = outcome, None if outcome == "succeeded" else text
    if outcome == "succeeded":
        _finish(turn, task, "succeeded", text)
    else:
        _end_do(turn, task, outcome, text)


def _outcome_of_stop(task: Task) -> AttemptOutcome | None:
    match task.stopping:
        case "timeout":
            return "timed_out"
        case "cancel" | "rollback":
            return "cancelled"
        case "shutdown" | "pause":
            return "interrupted"
        case None:
            return None


def _exit_text(task: Task, exit_code: int) -> str:
    if task.stopping == "timeout":
        return f"timed out after {task.operation.plan.timeout_s} s"
    if exit_code > 128:
        return f"ended by signal {exit_code - 128}"
    return f"exit code {exit_code}"


def _end(turn: Turn, task: Task, outcome: AttemptOutcome, text: str, *, has_begun: bool = True) -> None:
    is_doubtful = outcome == "interrupted" and has_begun and task.operation.plan.at_most_once
    is_for_pause = task.stopping == "pause"
    schedule.release(turn, task)
    task.outcome = outcome
    if outcome == "succeeded":
        task.error = None
    elif is_for_pause:
        _begin_again(turn, task)
        return
    elif outcome != "cancelled":
        task.error = text
    if task.undo:
        _end_undo(turn, task, outcome, text, is_doubtful=is_doubtful)
    elif is_doubtful and task.workflow.ending != "cancel":
        turn.move(task, "unknown", f"attempt {task.attempt} is lost ({text}); somebody has to say how it ended")
    else:
        _end_do(turn, task, outcome, text)


def _end_do(turn: Turn, task: Task, outcome: AttemptOutcome, text: str) -> None:
    ending = task.workflow.ending
    if outcome == "cancelled":
        _finish(turn, task, "cancelled", task.workflow.because)
    elif outcome == "succeeded":
        task.interruptions = 0
        _finish(turn, task, "succeeded", "")
    elif outcome == "interrupted":
        task.interruptions += 1
        if task.interruptions >= INTERRUPTIONS_MAX:
            _finish(turn, task, "failed", f"interrupted {INTERRUPTIONS_MAX} times in a row: {text}")
        elif ending is not None:
            _finish(turn, task, "cancelled" if ending == "cancel" else "failed", f"interrupted: {text}")
        else:
            turn.move(task, "pending", f"attempt {task.attempt} was interrupted: {text}")
            queues.enqueue(turn.world, task)
    else:
        task.interruptions = 0
        if _wait_for_retry(turn, task, text, allowed=ending is None):
            return
        _finish(turn, task, "timed_out" if outcome == "timed_out" else "failed", text)


def _end_undo(turn: Turn, task: Task, outcome: AttemptOutcome, text: str, *, is_doubtful: bool) -> None:
    if outcome == "succeeded":
        turn.move(task, "rolled_back", "")
        rollback.task_ended(turn, task)
        return
    if outcome == "interrupted":
        task.interruptions += 1
        if task.interruptions < INTERRUPTIONS_MAX and not is_doubtful:
            turn.move(task, "rolling_back", f"attempt {task.attempt} was interrupted: {text}")
            queues.enqueue(turn.world, task)
            return
    else:
        if flags.REVERSE_ORDER in task.workflow.flags:
            task.interruptions = 0
        if _wait_for_retry(turn, task, text, allowed=True):
            return
    turn.move(task, "rollback_failed", text)
    rollback.task_ended(turn, task)


def _begin_again(turn: Turn, task: Task) -> None:
    """Its workflow was paused and what ran was stopped: that is neither a failure nor a loss (ruling A-51)."""
    ending = task.workflow.ending
    if ending is not None and not task.undo:
        because = task.workflow.because
        _finish(turn, task, "cancelled" if ending == "cancel" else "failed", f"stopped for a pause; {because}")
        return
    turn.move(task, "rolling_back" if task.undo else "pending", f"attempt {task.attempt} was stopped for a pause")
    queues.enqueue(turn.world, task)


def _wait_for_retry(turn: Turn, task: Task, text: str, *, allowed: bool) -> bool:
    """Arm the timer of the next attempt. False when there is to be none."""
    policy = task.operation.plan.retry
    task.failures += 1
    if not allowed or not retry.may_retry(policy, task.failures):
        return False
    delay = retry.delay_s(policy, task.failures)
    reason = f"try {task.failures} of {policy.max_attempts} failed ({text}); next in {delay} s"
    turn.move(task, "rolling_back" if task.undo else "waiting_retry", reason)
    timers.arm(turn.world, task, "retry", timers.now_us(turn.world, task.workflow) + delay * 1_000_000)
    return True


def _finish(turn: Turn, task: Task, status: TaskStatus, reason: str) -> None:
    turn.move(task, status, reason)
    flow.task_ended(turn, task)
