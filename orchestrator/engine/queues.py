"""The ready queues: tasks that wait for nothing but a slot, and what holds them back.

There is a queue for each (provider, batch size, starts per second), so that a full provider never holds up another one.
The highest priority goes first, equals in the order of their tickets. An entry whose task has moved on, or whose
workflow is paused, is stale: it is dropped when it comes up. Resuming queues up again with the old tickets.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from orchestrator.engine import flags, rates

if TYPE_CHECKING:
    from orchestrator.engine.world import Task, Workflow, World

_Key = tuple[str, int, int]


def enqueue(world: World, task: Task) -> None:
    """Let `task` start as soon as a slot is free. One to be undone has its ticket already."""
    task.queued = task.undo_ticket or world.next_ticket()
    queue_up(world, task)


def queue_up(world: World, task: Task) -> None:
    """Put `task`, which has its ticket, into its queue."""
    workflow = task.workflow
    priority = workflow.priority
    if not (task.undo and flags.REVERSE_ORDER in workflow.flags):  # undoing has an order of its own
        priority += task.operation.plan.priority
    key = (task.provider, _batch_size(workflow, task.provider), rates.of(task))
    heappush(world.ready.setdefault(key, []), (-priority, task.queued, task.id))


def withdraw(task: Task) -> None:
    """`task` no longer waits for a slot; its entry in the queue is stale from now on."""
    task.queued = 0


def take_best(world: World) -> Task | None:
    """The task that is to start next, out of its queue; None if nothing can start."""
    best: _Key | None = None
    for key, queue in world.ready.items():
        _drop_stale(world, queue)
        if queue and not _is_full(world, key) and (best is None or queue[0] < world.ready[best][0]):
            best = key
    return None if best is None else world.tasks[heappop(world.ready[best])[2]]


def next_wake(world: World) -> tuple[int, str] | None:
    """(when on the monotonic clock, provider) of the earliest start that nothing but a rate holds back."""
    if not world.starts or world.draining or len(world.live) >= world.max_running:
        return None
    wakes = []
    for key, queue in world.ready.items():
        provider, batch_size, rate = key
        if rate and not _has_no_slot(world, provider, batch_size):
            _drop_stale(world, queue)
            if queue:
                wakes.append((rates.free_at_us(world, provider, rate), provider))
    return min(wakes, default=None)


def holds(world: World, task: Task) -> bool:
    """Whether something else than the number of slots keeps the ready `task` from starting."""
    key = (task.provider, _batch_size(task.workflow, task.provider), rates.of(task))
    return task.workflow.is_paused or _is_full(world, key)


def _drop_stale(world: World, queue: list[tuple[int, int, str]]) -> None:
    while queue and _is_stale(world, queue[0]):
        heappop(queue)


def _is_stale(world: World, entry: tuple[int, int, str]) -> bool:
    task = world.tasks.get(entry[2])
    return task is None or task.queued != entry[1] or task.workflow.is_paused


def _batch_size(workflow: Workflow, provider: str) -> int:
    """What the provider declares as its batch size, 0 for none. A parallel workflow starts everything (A-11)."""
    if workflow.plan.type == "parallel":
        return 0
    return workflow.plan.providers[provider].batch_size or 0


def _is_full(world: World, key: _Key) -> bool:
    provider, batch_size, rate = key
    return _has_no_slot(world, provider, batch_size) or (
        rate > 0 and rates.free_at_us(world, provider, rate) > world.now.mono_us
    )


def _has_no_slot(world: World, provider: str, batch_size: int) -> bool:
    taken = len(world.live_by_provider.get(provider, ()))
    limit = world.provider_limits.get(provider)
    return (limit is not None and taken >= limit) or (batch_size > 0 and taken >= batch_size)
