"""Undoing one task after another, as workflows do that began before `flags.REVERSE_ORDER`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import queues, schedule

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Task, Workflow
    from orchestrator.model.states import WorkflowStatus


def begin(turn: Turn, workflow: Workflow) -> None:
    """See `orchestrator.engine.rollback.begin`."""
    done = [turn.world.tasks[task_id] for task_id in workflow.completed]
    candidates = [task for task in done if not is_preserved(task)]
    workflow.to_undo = [task.id for task in candidates if task.action.undo]
    for task in candidates:
        if task.action.undo is None:
            turn.move(task, "succeeded", "stays as it is: it declares no way to undo it")
    if not workflow.to_undo:
        workflow.finished = turn.at
        turn.move_workflow(workflow, "failed", f"{workflow.because}; nothing to undo")
        return
    turn.move_workflow(workflow, "rolling_back", workflow.because)
    for position, task_id in enumerate(reversed(workflow.to_undo), start=1):
        task = turn.world.tasks[task_id]
        task.undo, task.failures, task.interruptions = True, 0, 0
        turn.move(task, "rolling_back", f"number {position} of {len(workflow.to_undo)} to be undone")
    _next(turn, workflow)


def task_ended(turn: Turn, task: Task) -> None:
    """The undoing of `task` is over, well or badly: go on with the next."""
    _next(turn, task.workflow)


def _next(turn: Turn, workflow: Workflow) -> None:
    if workflow.to_undo:
        task = turn.world.tasks[workflow.to_undo.pop()]
        turn.move(task, "rolling_back", schedule.WAITS_FOR_SLOT)
        queues.enqueue(turn.world, task)
        return
    failed = sum(operation.counts.get("rollback_failed", 0) for operation in workflow.operations)
    kept = sum(operation.counts.get("succeeded", 0) for operation in workflow.operations)
    undone = sum(operation.counts.get("rolled_back", 0) for operation in workflow.operations)
    parts = [f"{undone} undone"] + [f"{n} {what}" for n, what in ((failed, "not undone"), (kept, "kept")) if n]
    workflow.finished = turn.at
    status: WorkflowStatus = "rollback_failed" if failed else "rolled_back"
    turn.move_workflow(workflow, status, f"{workflow.because}; {', '.join(parts)}")


def is_preserved(task: Task) -> bool:
    """Whether the strategy keeps it: operations that succeeded as a whole stay (R1-28)."""
    operation = task.operation
    return task.workflow.plan.rollback.preserve_successful and operation.counts.get("succeeded", 0) == len(
        operation.tasks
    )
