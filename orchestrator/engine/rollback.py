"""Undoing what was done: side by side as far as dependencies allow, the last success first.

The order is that of `orchestrator.engine.undoing`; among those that are free, tickets drawn when it begins make the
last success go first. A task without an undo stays as it is and says so. An undo that fails leaves what it stands on
untouched, with that as the reason, and keeps nothing else from being undone (requirement R1-30).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import continuation, flags, queues, restore_points, rollback_serial, schedule, undoing
from orchestrator.model.errors import EngineBug

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.undoing import Undoing
    from orchestrator.engine.world import Task, Workflow
    from orchestrator.model.states import WorkflowStatus


def begin(turn: Turn, workflow: Workflow) -> None:
    """Everything of `workflow` has ended, and its strategy or somebody asks for undoing."""
    if flags.REVERSE_ORDER not in workflow.flags:
        rollback_serial.begin(turn, workflow)
        return
    candidates = to_undo(turn, workflow)
    held = continuation.held(turn.world, workflow)
    wanted = [task for task in candidates if task.action.undo is not None and task.id not in held]
    keep(turn, candidates)
    for task in candidates:
        if task.id in held and task.action.undo is not None:
            text = f"stays as it is: {held[task.id]} stands on it, and has to be rolled back first"
            turn.move(task, task.status, text)
    if not wanted:
        workflow.finished = turn.at
        status: WorkflowStatus = "rolled_back" if workflow.undo_requested else "failed"
        turn.move_workflow(workflow, status, f"{workflow.because}; nothing to undo")
        return
    turn.move_workflow(workflow, "rolling_back", workflow.because)
    for position, task in enumerate(reversed(wanted), start=1):
        task.undo, task.failures, task.interruptions = True, 0, 0
        task.undo_ticket = turn.world.next_ticket()
        turn.move(task, "rolling_back", f"number {position} of {len(wanted)} to be undone")
    workflow.undoing, free = undoing.begin(workflow)
    _release(turn, free)
    for task in workflow.tasks:
        if task.status == "rollback_failed":  # from an earlier time, and not to be tried again
            _block_below(turn, workflow.undoing, task)
    if workflow.undoing.left == 0:
        _finish(turn, workflow)


def keep(turn: Turn, tasks: list[Task]) -> None:
    """Those of `tasks` that have no undo stay, and say so."""
    for task in tasks:
        if task.action.undo is None:
            turn.move(task, "succeeded", "stays as it is: it declares no way to undo it")


def to_undo(turn: Turn, workflow: Workflow) -> list[Task]:
    """What a rollback of `workflow` is about now, in the order of success; some of it may have no undo."""
    point = restore_points.find(workflow, workflow.undone_to)
    done = [turn.world.tasks[task_id] for task_id in workflow.completed[point.tasks if point else 0 :]]
    done = [task for task in done if task.operation.plan.type != "check"]  # which has changed nothing
    if workflow.undo_requested:
        return [task for task in done if task.status in ("succeeded", "rollback_failed")]
    return [task for task in done if task.status == "succeeded" and not rollback_serial.is_preserved(task)]


def task_ended(turn: Turn, task: Task) -> None:
    """The undoing of `task` is over, well or badly: go on with what that makes free."""
    workflow = task.workflow
    if flags.REVERSE_ORDER not in workflow.flags:
        rollback_serial.task_ended(turn, task)
        return
    graph = _graph(workflow, task)
    if task.status == "rolled_back":
        _release(turn, undoing.undone(graph, task))
    else:
        graph.left -= 1
        _block_below(turn, graph, task)
    if graph.left == 0:
        _finish(turn, workflow)


def _block_below(turn: Turn, graph: Undoing, task: Task) -> None:
    for other in undoing.blocked(graph, task):
        text = f"not tried: {task.operation.plan.id}/{task.item}, which stands on it, was not undone"
        turn.move(other, "rollback_failed", text)


def _graph(workflow: Workflow, ended: Task) -> Undoing:
    """The graph as it was before `ended` ended; made anew if this process has not seen the beginning."""
    if workflow.undoing is None:
        status, ended.status = ended.status, "rolling_back"
        workflow.undoing, _ = undoing.begin(workflow)
        ended.status = status
    return workflow.undoing


def _release(turn: Turn, free: list[Task]) -> None:
    for task in free:
        if task.queued or task.live:
            raise EngineBug(f"{task.id} is free to be undone twice")
        turn.move(task, "rolling_back", schedule.WAITS_FOR_SLOT)
        queues.enqueue(turn.world, task)


def _finish(turn: Turn, workflow: Workflow) -> None:
    tasks = workflow.tasks
    restore_points.forget_tasks(workflow, frozenset(task.id for task in tasks if task.status == "rolled_back"))
    undone = sum(task.status == "rolled_back" and task.undo_ticket > 0 for task in tasks)
    failed = sum(task.status == "rollback_failed" for task in tasks)
    kept = len(workflow.completed) - failed
    parts = [
        f"{undone} undone",
        f"{failed} not undone" if failed else "",
        f"{kept} kept" if kept else "",
    ]
    workflow.finished, workflow.undoing = turn.at, None
    for task in tasks:
        task.undo_ticket = 0
    status: WorkflowStatus = "rollback_failed" if failed else "rolled_back"
    turn.move_workflow(workflow, status, f"{workflow.because}; {', '.join(filter(None, parts))}")
