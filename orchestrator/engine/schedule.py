"""Slots: which of the tasks that could run, do.

Slots are not stored: they are the live tasks, counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flags, queues, rates, timers
from orchestrator.engine.commands import StartAttempt

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Task, World

#: Reason of a task that could start at once.
WAITS_FOR_SLOT = "waits for a free slot"


def fill_slots(turn: Turn) -> None:
    """Start tasks until no slot is free or nothing is ready."""
    world = turn.world
    while not world.draining and len(world.live) < world.max_running:
        task = queues.take_best(world)
        if task is None:
            return
        _start(turn, task)


def _start(turn: Turn, task: Task) -> None:
    world, workflow, operation = turn.world, task.workflow, task.operation
    task.queued = 0
    _note_undoing(task)
    task.attempt += 1
    task.live = True
    task.started, task.finished, task.exit_code = turn.at, None, None
    task.host = world.host
    take_slot(world, task)
    rates.note_start(world, task)
    workflow.attempts += 1
    workflow.retries += task.failures > 0
    workflow.started = workflow.started or turn.at
    operation.started = operation.started or turn.at
    if workflow.status == "queued":
        turn.move_workflow(workflow, "running", "")
    turn.move(task, "rolling_back" if task.undo else "running", f"attempt {task.attempt} is running")
    timers.arm(world, task, "timeout", turn.at.mono_us + operation.plan.timeout_s * 1_000_000)
    turn.commands.append(StartAttempt(task.id, task.attempt, task.undo))


def _note_undoing(task: Task) -> None:
    """The next attempt of `task` begins: keep what those that undo it would hide."""
    if flags.TELLS_UNDOING not in task.workflow.flags:
        return
    if not task.undo:
        task.done_ms = None
        return
    if not task.is_undoing:
        task.done_ms = task.took_ms
    task.undoings = (*task.undoings, task.attempt + 1)


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
