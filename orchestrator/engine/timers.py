"""Deadlines of tasks: the end of a retry delay, of a condition's patience, of the time an attempt may take.

A task has at most one timer: `Task.timer` is the ticket of its entry in the heap. The heap finds the earliest; entries
whose task has moved on stay in it until they come up, which costs nothing and needs no search.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from orchestrator.engine import flags, queues
from orchestrator.engine.events import ConditionDue, Event, Moment, RateDue, RetryDue, TimeoutExpired

if TYPE_CHECKING:
    from orchestrator.engine.world import OperationState, Task, TimerKind, Workflow, World


def arm(world: World, task: Task, kind: TimerKind, due_us: int) -> None:
    """Wake `task` at `due_us`. Replaces the timer it had. In a paused workflow only attempts have a time."""
    task.due_us = due_us
    if flags.FULLER_FILES in task.workflow.flags:
        task.due_at_us = world.now.wall_us + due_us - world.now.mono_us
    task.timer = world.next_ticket()
    heappush(world.timers, (due_us, task.timer, kind, task.id, task.attempt))
    if task.workflow.is_paused and kind != "timeout":
        task.timer, task.due_at_us = 0, None


def disarm(task: Task) -> None:
    """`task` waits for no time any more."""
    task.due_us, task.due_at_us, task.timer = None, None, 0


def now_us(world: World, workflow: Workflow) -> int:
    """The time by which the delays of `workflow` go: it stands still while it is paused."""
    return workflow.paused_us if workflow.is_paused else world.now.mono_us


def suspend(task: Task) -> None:
    """The workflow of `task` is paused: what is left of its delay stays as it is."""
    if task.due_us is not None and not task.live:
        task.timer, task.due_at_us = 0, None


def go_on(world: World, task: Task, paused_for_us: int) -> None:
    """The workflow of `task` is not paused any more."""
    if task.waiting_us is not None:
        task.waiting_us += paused_for_us
    if task.due_us is not None and not task.live:
        arm(world, task, "retry" if task.waiting_us is None else "condition", task.due_us + paused_for_us)


def is_current(world: World, ticket: int, task_id: str) -> bool:
    """Whether an entry of the heap is still what its task waits for."""
    task = world.tasks.get(task_id)
    return task is not None and task.timer == ticket


def next_due_us(world: World) -> int | None:
    """Monotonic time of the earliest timer, None if there is none. Drops stale entries, which changes no meaning."""
    rate = queues.next_wake(world)
    while world.timers:
        due_us, ticket, _, task_id, _ = world.timers[0]
        if is_current(world, ticket, task_id):
            return due_us if rate is None else min(due_us, rate[0])
        heappop(world.timers)
    return None if rate is None else rate[0]


def due_event(world: World, now_us: int) -> Event | None:
    """The event of the earliest timer if its time has come; to be stepped before this is asked again."""
    due_us = next_due_us(world)
    if due_us is None or due_us > now_us:
        return None
    rate = queues.next_wake(world)
    if rate is not None and rate[0] == due_us:
        return RateDue(rate[1])
    _, _, kind, task_id, attempt = world.timers[0]
    if kind == "timeout":
        return TimeoutExpired(task_id, attempt)
    return RetryDue(task_id) if kind == "retry" else ConditionDue(task_id)


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
        if task.waiting_us is not None:
            task.waiting_us += shift_us
        if task.live and flags.FULLER_FILES not in task.workflow.flags:
            task.started = _shifted(task.started, shift_us)
    for workflow in world.workflows.values():
        workflow.paused_us += shift_us if workflow.is_paused else 0
        if flags.FULLER_FILES in workflow.flags:
            _shift_all(workflow, shift_us)
        elif workflow.finished is None:
            workflow.started = _shifted(workflow.started, shift_us)
            for operation in workflow.operations:
                operation.started = _shifted(operation.started, shift_us)
    for provider, starts in world.starts.items():
        world.starts[provider] = [start + shift_us for start in starts]
    world.timers = [(due_us + shift_us, *rest) for due_us, *rest in world.timers]  # type: ignore[misc]
    heapify(world.timers)


def _shift_all(workflow: Workflow, shift_us: int) -> None:
    """Every moment of `workflow`: one that is over may run again, and counts on."""
    workflow.created = Moment(workflow.created.wall_us, workflow.created.mono_us + shift_us)
    timed: list[Workflow | OperationState | Task] = [workflow, *workflow.operations, *workflow.tasks]
    for one in timed:
        one.started, one.finished = _shifted(one.started, shift_us), _shifted(one.finished, shift_us)


def _shifted(moment: Moment | None, shift_us: int) -> Moment | None:
    return None if moment is None else Moment(moment.wall_us, moment.mono_us + shift_us)
