"""How operations open and end, and how a workflow does: the roll-ups of ARCHITECTURE.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flags, rollback, schedule, timers
from orchestrator.model.states import TASK_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Ending, OperationState, Task, Workflow
    from orchestrator.model.states import TaskStatus, WorkflowStatus
    from orchestrator.plan.ir import OnFailure


def open_operation(turn: Turn, operation: OperationState) -> None:
    """Everything `operation` waited for has succeeded: its tasks may start."""
    operation.open = True
    if not operation.tasks:
        operation.finished = turn.at
        _operation_succeeded(turn, operation)
    elif operation.plan.parallel:
        for task in operation.tasks:
            _offer(turn, task)
        operation.begun = len(operation.tasks)
    else:
        _offer_next(turn, operation)


def task_ended(turn: Turn, task: Task) -> None:
    """`task` has just reached a final status by itself: draw the consequences for its operation and workflow."""
    operation, workflow = task.operation, task.workflow
    _is_over(turn, operation)
    if task.status == "succeeded":
        workflow.completed.append(task.id)
    elif workflow.ending is None:
        _apply_on_failure(turn, task)
    if workflow.ending is None and not operation.plan.parallel and operation.begun < len(operation.tasks):
        _offer_next(turn, operation)
    if operation.remaining == 0 and workflow.ending is None:
        _operation_ended(turn, operation)
    settle(turn, workflow)


def settle(turn: Turn, workflow: Workflow) -> None:
    """Give `workflow` its final status if nothing of it is left to do, or start undoing."""
    if workflow.remaining or workflow.live or workflow.status not in ("queued", "running"):
        return
    if workflow.ending == "rollback":
        rollback.begin(turn, workflow)
    elif workflow.ending == "cancel":
        finish(turn, workflow, "cancelled", workflow.because)
    elif workflow.ending == "fail" or any(_has_failed(operation) for operation in workflow.operations):
        finish(turn, workflow, "failed", workflow.because or "an operation failed")
    else:
        finish(turn, workflow, "succeeded", "")


def finish(turn: Turn, workflow: Workflow, status: WorkflowStatus, reason: str) -> None:
    """`workflow` is over."""
    workflow.finished = turn.at
    turn.move_workflow(workflow, status, reason)


def stop_starting(turn: Turn, workflow: Workflow, ending: Ending, because: str) -> None:
    """Nothing new is started in `workflow`. What has not run never will; what runs is left to its end."""
    workflow.ending, workflow.because = ending, because
    blocked = _downstream_of_failures(workflow) if ending != "cancel" else frozenset()
    for operation in workflow.operations:
        for task in operation.tasks:
            if task.status in TASK_FINAL or task.live:
                continue
            schedule.withdraw(task)
            timers.disarm(task)
            if ending == "cancel":
                turn.move(task, "cancelled", because)
            elif task.status == "waiting_retry":
                last: TaskStatus = "timed_out" if task.outcome == "timed_out" else "failed"
                turn.move(task, last, f"not tried again: {because}")
            elif task.attempt and flags.INTERRUPTED_FAILS in workflow.flags:
                turn.move(task, "failed", f"was interrupted, and is not tried again: {because}")
            elif operation.plan.id in blocked:
                turn.move(task, "upstream_failed", f"not started: {because}")
            else:
                turn.move(task, "skipped", f"not started: {because}")
            _is_over(turn, operation)


def _offer(turn: Turn, task: Task) -> None:
    turn.move(task, "pending", schedule.WAITS_FOR_SLOT)
    schedule.enqueue(turn, task)


def _offer_next(turn: Turn, operation: OperationState) -> None:
    task = operation.tasks[operation.begun]
    operation.begun += 1
    _offer(turn, task)


def _is_over(turn: Turn, operation: OperationState) -> None:
    operation.remaining -= 1
    operation.workflow.remaining -= 1
    if operation.remaining == 0:
        operation.finished = turn.at


def _operation_ended(turn: Turn, operation: OperationState) -> None:
    workflow = operation.workflow
    if not _has_failed(operation):
        _operation_succeeded(turn, operation)
        return
    if _policy(operation) == "rollback" and not workflow.plan.rollback.on_partial_failure:
        total = operation.counts.get("succeeded", 0) == 0
        because = f"operation {operation.plan.id} failed {'completely' if total else 'partly'}"
        stop_starting(turn, workflow, "rollback" if total else "fail", because)
        return
    _fail_downstream(turn, operation)


def _operation_succeeded(turn: Turn, operation: OperationState) -> None:
    for dependent in operation.dependents:
        dependent.waiting_for -= 1
        if dependent.waiting_for == 0 and operation.workflow.ending is None:
            open_operation(turn, dependent)


def _apply_on_failure(turn: Turn, task: Task) -> None:
    """What the failure of one task means for everything that has not started (R1-21, R1-25, R1-26)."""
    operation, workflow = task.operation, task.workflow
    strategy = workflow.plan.rollback
    policy = _policy(operation)
    because = f"task {operation.plan.id}/{task.item} {'timed out' if task.status == 'timed_out' else 'failed'}"
    if policy == "fail":
        note = "; rollback is disabled" if operation.plan.on_failure == "rollback" else ""
        stop_starting(turn, workflow, "fail", because + note)
    elif policy == "rollback" and strategy.on_partial_failure:
        stop_starting(turn, workflow, "rollback", because)


def _policy(operation: OperationState) -> OnFailure:
    policy = operation.plan.on_failure
    return "fail" if policy == "rollback" and not operation.workflow.plan.rollback.enabled else policy


def _fail_downstream(turn: Turn, operation: OperationState) -> None:
    """Operations that need `operation` can never start (hard dependency, A-13)."""
    stack = list(reversed(operation.dependents))
    while stack:
        dependent = stack.pop()
        if dependent.open or dependent.finished is not None:
            continue
        for task in dependent.tasks:
            if task.status == "pending":
                turn.move(task, "upstream_failed", f"not started: operation {operation.plan.id} failed")
                _is_over(turn, dependent)
        dependent.finished = turn.at
        stack.extend(reversed(dependent.dependents))


def _downstream_of_failures(workflow: Workflow) -> frozenset[str]:
    found: set[str] = set()
    stack = [operation for operation in workflow.operations if _has_failed(operation)]
    while stack:
        for dependent in stack.pop().dependents:
            if dependent.plan.id not in found:
                found.add(dependent.plan.id)
                stack.append(dependent)
    return frozenset(found)


def _has_failed(operation: OperationState) -> bool:
    counts = operation.counts
    return bool(counts.get("failed") or counts.get("timed_out") or counts.get("upstream_failed"))
