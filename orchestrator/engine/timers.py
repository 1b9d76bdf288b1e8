"""Deadlines of tasks: the end of a retry delay, the end of the time an attempt may take.

A task has at most one timer: `Task.due_us`. The heap finds the earliest; entries whose task has moved on stay
in it until they come up, which costs nothing and needs no search.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from orchestrator.engine.events import Event, Moment, RetryDue, TimeoutExpired

if TYPE_CHECKING:
    from orchestrator.engine.world import Task, TimerKind, World


def arm(world: World, task: Task, kind: TimerKind, due_us: int) -> None:
    """Wake `task` at `due_us`. Replaces the timer it had."""
    task.due_us = due_us
    heappush(world.timers, (due_us, world.next_ticket(), kind, task.id, task.attempt))


def disarm(task: Task) -> None:
    """`task` waits for no time any more."""
    task.due_us = None


def next_due_us(world: World) -> int | None:
    """Monotonic time of the earliest timer, None if there is none. Drops stale entries, which changes no meaning."""
    while world.timers:
        due_us, _, _, task_id, attempt = world.timers[0]
        task = world.tasks.get(task_id)
        if task is not None and task.due_us == due_us and task.attempt == attempt:
            return due_us
        heappop(world.timers)
    return None


def due_event(world: World, now_us: int) -> Event | None:
    """The event of the earliest timer if its time has come; to be stepped before this is asked again."""
    due_us = next_due_us(world)
    if due_us is None or due_us > now_us:
        return None
    _, _, kind, task_id, attempt = world.timers[0]
    return RetryDue(task_id) if kind == "retry" else TimeoutExpired(task_id, attempt)


def rebase(world: World, at: Moment) -> None:
    """Carry monotonic times over a reboot.

    What was left of each delay at the last record, less the time that passed on the wall clock meanwhile, is left
    now. A wall clock that went backwards counts as no time.
    """
    last = world.now
    shift_us = at.mono_us - last.mono_us - max(0, at.wall_us - last.wall_us)
    for task in world.tasks.values():
        if task.due_us is not None:
            task.due_us += shift_us
        if task.live:
            task.started = _shifted(task.started, shift_us)
    for workflow in world.workflows.values():
        if workflow.finished is None:
            workflow.started = _shifted(workflow.started, shift_us)
            for operation in workflow.operations:
                operation.started = _shifted(operation.started, shift_us)
    world.timers = [(due_us + shift_us, *rest) for due_us, *rest in world.timers]  # type: ignore[misc]
    heapify(world.timers)


def _shifted(moment: Moment | None, shift_us: int) -> Moment | None:
    return None if moment is None else Moment(moment.wall_us, moment.mono_us + shift_us)
