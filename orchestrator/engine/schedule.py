"""Slots: which of the tasks that could run, do.

A task that waits for nothing but a slot has a ticket in one of the ready queues. There is a queue for each
(provider, batch size), so that a full provider never holds up another one. The highest priority goes first,
equals in the order of their tickets. Slots are not stored: they are the live tasks, counted.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from orchestrator.engine import timers
from orchestrator.engine.commands import StartAttempt

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Task, Workflow, World

#: Reason of a task that could start at once.
WAITS_FOR_SLOT = "waits for a free slot"

_Key = tuple[str, int]


def enqueue(turn: Turn, task: Task) -> None:
    """Let `task` start as soon as a slot is free."""
    task.queued = turn.world.next_ticket()
    queue_up(turn.world, task)


def queue_up(world: World, task: Task) -> None:
    """Put `task`, which has its ticket, into its queue."""
    workflow = task.workflow
    priority = workflow.priority + task.operation.plan.priority
    queue = world.ready.setdefault((task.provider, _batch_size(workflow, task.provider)), [])
    heappush(queue, (-priority, task.queued, task.id))


def withdraw(task: Task) -> None:
    """`task` no longer waits for a slot; its entry in the queue is stale from now on."""
    task.queued = 0


def fill_slots(turn: Turn) -> None:
    """Start tasks until no slot is free or nothing is ready."""
    world = turn.world
    while not world.draining and len(world.live) < world.max_running:
        key = _best_queue(world)
        if key is None:
            return
        _, _, task_id = heappop(world.ready[key])
        _start(turn, world.tasks[task_id])


def _start(turn: Turn, task: Task) -> None:
    world, workflow, operation = turn.world, task.workflow, task.operation
    task.queued = 0
    task.attempt += 1
    task.live = True
    task.started, task.finished, task.exit_code = turn.at, None, None
    task.host = world.host
    take_slot(world, task)
    workflow.attempts += 1
    workflow.retries += task.failures > 0
    workflow.started = workflow.started or turn.at
    operation.started = operation.started or turn.at
    if workflow.status == "queued":
        turn.move_workflow(workflow, "running", "")
    turn.move(task, "rolling_back" if task.undo else "running", f"attempt {task.attempt} is running")
    timers.arm(world, task, "timeout", turn.at.mono_us + operation.plan.timeout_s * 1_000_000)
    turn.commands.append(StartAttempt(task.id, task.attempt, task.undo))


def take_slot(world: World, task: Task) -> None:
    """`task` is live: it is counted wherever live tasks are."""
    world.live[task.id] = task
    world.live_by_provider.setdefault(task.provider, {})[task.id] = task
    task.workflow.live[task.id] = task


def release(turn: Turn, task: Task) -> None:
    """The attempt of `task` is over: its slot is free."""
    world = turn.world
    task.live, task.stopping, task.finished = False, None, turn.at
    timers.disarm(task)
    del world.live[task.id]
    del world.live_by_provider[task.provider][task.id]
    del task.workflow.live[task.id]


def _batch_size(workflow: Workflow, provider: str) -> int:
    """What the provider declares as its batch size, 0 for none. A parallel workflow starts everything (A-11)."""
    if workflow.plan.type == "parallel":
        return 0
    return workflow.plan.providers[provider].batch_size or 0


def _best_queue(world: World) -> _Key | None:
    best: _Key | None = None
    for key, queue in world.ready.items():
        while queue and _is_stale(world, queue[0]):
            heappop(queue)
        if queue and not _is_full(world, key) and (best is None or queue[0] < world.ready[best][0]):
            best = key
    return best


def _is_stale(world: World, entry: tuple[int, int, str]) -> bool:
    task = world.tasks.get(entry[2])
    return task is None or task.queued != entry[1]


def _is_full(world: World, key: _Key) -> bool:
    provider, batch_size = key
    taken = len(world.live_by_provider.get(provider, ()))
    limit = world.provider_limits.get(provider)
    return (limit is not None and taken >= limit) or (batch_size > 0 and taken >= batch_size)
