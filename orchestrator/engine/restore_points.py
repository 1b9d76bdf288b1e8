"""Restore points: named places in a workflow's course that it can be rolled back to (R1-27, ruling A-57)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flags
from orchestrator.engine.world import POINTS_KEPT, RestorePoint

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import OperationState, Workflow

#: Before anything was done, and after everything was.
START, END = "start", "end"


def take(turn: Turn, workflow: Workflow, name: str) -> None:
    """This moment is a restore point of `workflow`; an older one of the same name is forgotten."""
    if flags.FULLER_FILES not in workflow.flags:
        return
    point = RestorePoint(name, turn.world.seq, turn.at, workflow.succeeded_operations, len(workflow.completed))
    workflow.points.pop(name, None)
    workflow.points[name] = point
    if len(workflow.points) > POINTS_KEPT:
        del workflow.points[next(name for name in workflow.points if name != START)]
    turn.touch(workflow)


def operation_succeeded(turn: Turn, operation: OperationState) -> None:
    """One more operation has succeeded as a whole."""
    workflow = operation.workflow
    if flags.FULLER_FILES not in workflow.flags:
        return
    workflow.succeeded_operations += 1
    is_new = operation.finished == turn.at  # and not one that stays as it was when others are run again
    if is_new and workflow.succeeded_operations % workflow.plan.rollback.checkpoint_interval == 0:
        take(turn, workflow, f"operations-{workflow.succeeded_operations}")


def find(workflow: Workflow, name: str) -> RestorePoint | None:
    """The restore point of that name."""
    return workflow.points.get(name)


def forget_tasks(workflow: Workflow, gone: frozenset[str]) -> None:
    """The successes `gone` do not count any longer, nor do restore points that knew of them."""
    kept_before = [0]
    for task_id in workflow.completed:
        kept_before.append(kept_before[-1] + (task_id not in gone))
    workflow.points = {
        name: point for name, point in workflow.points.items() if kept_before[point.tasks] == point.tasks
    }
    workflow.completed = [task_id for task_id in workflow.completed if task_id not in gone]
