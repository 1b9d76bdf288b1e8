"""How an attempt ends and what follows from it (rulings A-12, A-14, A-59)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flow, retry, rollback, schedule, timers
from orchestrator.model.limits import INTERRUPTIONS_MAX

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Task
    from orchestrator.model.states import AttemptOutcome, TaskStatus


def exited(turn: Turn, task: Task, exit_code: int) -> None:
    """The command ended with `exit_code`; why it was being stopped, if it was, decides what that means."""
    task.exit_code = exit_code
    outcome = _outcome_of_stop(task) or ("succeeded" if exit_code == 0 else "failed")
    _end(turn, task, outcome, _exit_text(task, exit_code))


def could_not_start(turn: Turn, task: Task, error: str) -> None:
    """There was no command to end."""
    _end(turn, task, _outcome_of_stop(task) or "failed", error)


def lost(turn: Turn, task: Task, why: str) -> None:
    """Nobody knows how it ended: interrupted, unless it was being stopped anyway."""
    _end(turn, task, _outcome_of_stop(task) or "interrupted", why)


def _outcome_of_stop(task: Task) -> AttemptOutcome | None:
    match task.stopping:
        case "timeout":
            return "timed_out"
        case "cancel":
            return "cancelled"
        case "shutdown":
            return "interrupted"
        case None:
            return None


def _exit_text(task: Task, exit_code: int) -> str:
    if task.stopping == "timeout":
        return f"timed out after {task.operation.plan.timeout_s} s"
    if exit_code > 128:
        return f"ended by signal {exit_code - 128}"
    return f"exit code {exit_code}"


def _end(turn: Turn, task: Task, outcome: AttemptOutcome, text: str) -> None:
    schedule.release(turn, task)
    task.outcome = outcome
    if outcome == "succeeded":
        task.error = None
    elif outcome != "cancelled":
        task.error = text
    if task.undo:
        _end_undo(turn, task, outcome, text)
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
            schedule.enqueue(turn, task)
    else:
        task.interruptions = 0
        if _wait_for_retry(turn, task, text, allowed=ending is None):
            return
        _finish(turn, task, "timed_out" if outcome == "timed_out" else "failed", text)


def _end_undo(turn: Turn, task: Task, outcome: AttemptOutcome, text: str) -> None:
    if outcome == "succeeded":
        turn.move(task, "rolled_back", "")
        rollback.task_ended(turn, task)
        return
    if outcome == "interrupted":
        task.interruptions += 1
        if task.interruptions < INTERRUPTIONS_MAX:
            turn.move(task, "rolling_back", f"attempt {task.attempt} was interrupted: {text}")
            schedule.enqueue(turn, task)
            return
    elif _wait_for_retry(turn, task, text, allowed=True):
        return
    turn.move(task, "rollback_failed", text)
    rollback.task_ended(turn, task)


def _wait_for_retry(turn: Turn, task: Task, text: str, *, allowed: bool) -> bool:
    """Arm the timer of the next attempt. False when there is to be none."""
    policy = task.operation.plan.retry
    task.failures += 1
    if not allowed or not retry.may_retry(policy, task.failures):
        return False
    delay = retry.delay_s(policy, task.failures)
    reason = f"try {task.failures} of {policy.max_attempts} failed ({text}); next in {delay} s"
    turn.move(task, "rolling_back" if task.undo else "waiting_retry", reason)
    timers.arm(turn.world, task, "retry", turn.at.mono_us + delay * 1_000_000)
    return True


def _finish(turn: Turn, task: Task, status: TaskStatus, reason: str) -> None:
    turn.move(task, status, reason)
    flow.task_ended(turn, task)
