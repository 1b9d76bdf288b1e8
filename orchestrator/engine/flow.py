"""How operations open and end, and how a workflow does: the roll-ups of ARCHITECTURE.md.

What one end brings about can go through any number of operations and edges, so consequences are put on a list and
worked off, not called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import conditions, flags, links, queues, restore_points, rollback, rollup, schedule, timers
from orchestrator.model.states import TASK_FAILED, TASK_FINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Ending, OperationState, Task, Workflow
    from orchestrator.model.states import TaskStatus, WorkflowStatus
    from orchestrator.plan.ir import OnFailure


def open_operation(turn: Turn, operation: OperationState) -> None:
    """Everything `operation` waited for has succeeded: its tasks may have their turn."""
    stack = [iter([operation])]
    while stack:
        opened = next(stack[-1], None)
        if opened is None:
            stack.pop()
            continue
        opened.open = True
        _offer_next(turn, opened)
        if opened.remaining == 0:  # it has no tasks, or all of them have ended before
            opened.finished = opened.finished or turn.at
            if _has_succeeded(opened):
                stack.append(_operation_succeeded(turn, opened))


def task_ended(turn: Turn, task: Task) -> None:
    """`task` has just reached a final status by itself: draw the consequences for its operation and workflow."""
    workflow = task.workflow
    _is_over(turn, task)
    if task.status == "succeeded":
        workflow.completed.append(task.id)
    elif workflow.ending is None:
        _apply_on_failure(turn, task)
    if workflow.ending is None:
        _go_on(turn, [task])
    settle(turn, workflow)


def settle(turn: Turn, workflow: Workflow) -> None:
    """Give `workflow` its final status if nothing of it is left to do, or start undoing."""
    status = workflow.resumes_as or workflow.status
    if workflow.remaining or workflow.live or status not in ("queued", "running"):
        return
    if workflow.ending == "rollback":
        if not workflow.is_paused:
            rollback.begin(turn, workflow)
    elif workflow.ending == "cancel":
        finish(turn, workflow, "cancelled", workflow.because)
    elif workflow.ending == "fail" or any(_has_failed(operation) for operation in workflow.operations):
        finish(turn, workflow, "failed", workflow.because or "an operation failed")
    elif not all(_has_succeeded(operation) for operation in workflow.operations):  # only a part was retried
        finish(turn, workflow, "failed", f"not everything has succeeded: {rollup.told(workflow)}")
    else:
        restore_points.take(turn, workflow, restore_points.END)
        finish(turn, workflow, "succeeded", "")


def finish(turn: Turn, workflow: Workflow, status: WorkflowStatus, reason: str) -> None:
    """`workflow` is over."""
    workflow.finished = turn.at
    turn.move_workflow(workflow, status, reason)


def offer(turn: Turn, task: Task) -> None:
    """It is the turn of `task`: let it start, or wait for its edges and then for its conditions."""
    if task.status == "waiting_retry" or task.live or task.queued or task.id in task.workflow.conditions:
        return
    behind = links.waits_behind(task)
    if behind:
        turn.move(task, "pending", f"waits for {behind}")
    elif conditions.conditional(task):
        conditions.wait(turn, task)
    else:
        let_start(turn, task)


def let_start(turn: Turn, task: Task) -> None:
    """`task` waits for nothing but a slot."""
    turn.move(task, "pending", schedule.WAITS_FOR_SLOT)
    queues.enqueue(turn.world, task)


def _give_up_waiting(turn: Turn, task: Task, reason: str) -> None:
    """The condition of `task` had its time: it has ``timed_out`` without ever having run."""
    conditions.leave(task)
    task.error = reason
    turn.move(task, "timed_out", reason)
    task_ended(turn, task)


def condition_due(turn: Turn, task: Task) -> None:
    """The time of one of the conditions of `task` is over, or it is to be looked at again."""
    link = conditions.expired(turn.world, task)
    if link is None:
        conditions.arm(turn, task)
        turn.show(task)
        return
    text = f"{link.edge.condition} did not become true within {link.edge.timeout_s} s"
    _give_up_waiting(turn, task, text)


def reopen(turn: Turn, workflow: Workflow) -> None:
    """Statuses of tasks were set: find out anew what is done, what waits for what, and what may have its turn."""
    seen = {id(link): link for task in workflow.tasks for link in task.needs}
    for link in seen.values():
        links.recount(link)
    workflow.remaining = workflow.succeeded_operations = 0
    for operation in workflow.operations:
        operation.remaining = sum(task.status not in TASK_FINAL for task in operation.tasks)
        workflow.remaining += operation.remaining
        operation.open, operation.begun, operation.at_work = False, 0, 0
        operation.waiting_for = len(operation.plan.after)
        if operation.remaining or not operation.tasks:
            operation.finished = None
    for operation in workflow.operations:
        if operation.waiting_for == 0 and not operation.plan.after and not operation.open:
            open_operation(turn, operation)


def stop_starting(turn: Turn, workflow: Workflow, ending: Ending, because: str) -> None:
    """Nothing new is started in `workflow`. What has not run never will; what runs is left to its end."""
    workflow.ending, workflow.because = ending, because
    blocked = _downstream_of_failures(workflow) if ending != "cancel" else frozenset()
    for operation in workflow.operations:
        for task in operation.tasks:
            if task.status in TASK_FINAL or task.live or (task.status == "unknown" and ending != "cancel"):
                continue
            queues.withdraw(task)
            conditions.leave(task)
            timers.disarm(task)
            if ending == "cancel":
                turn.move(task, "cancelled", because)
            elif task.status == "waiting_retry":
                last: TaskStatus = "timed_out" if task.outcome == "timed_out" else "failed"
                turn.move(task, last, f"not tried again: {because}")
            elif task.attempt > task.earlier and flags.INTERRUPTED_FAILS in workflow.flags:
                turn.move(task, "failed", f"was interrupted, and is not tried again: {because}")
            elif operation.plan.id in blocked or links.has_failed(task):
                turn.move(task, "upstream_failed", f"not started: {because}")
            else:
                turn.move(task, "skipped", f"not started: {because}")
            _is_over(turn, task)


def _offer_next(turn: Turn, operation: OperationState) -> None:
    """Give tasks of `operation` their turn, as many as its width allows."""
    width = operation.plan.width
    while operation.at_work < width and operation.begun < len(operation.tasks):
        task = operation.tasks[operation.begun]
        operation.begun += 1
        if task.status not in TASK_FINAL:
            operation.at_work += 1
            offer(turn, task)


def _is_over(turn: Turn, task: Task) -> None:
    operation = task.operation
    operation.remaining -= 1
    operation.workflow.remaining -= 1
    operation.at_work -= task.is_offered
    if operation.remaining == 0:
        operation.finished = turn.at


def _go_on(turn: Turn, tasks: list[Task]) -> None:
    """Tasks have ended, and nothing forbids what follows: let go what waited for them, or for their operations."""
    waiting = list(reversed(tasks))
    while waiting:
        task = waiting.pop()
        operation = task.operation
        ended = links.source_ended(task)
        vain = [(target, links.describe(link)) for link, can_be in ended if not can_be for target in link.targets]
        waiting += reversed([target for target, what in vain if _waits(target) and _is_doomed(turn, target, what)])
        for target in [target for link, can_be in ended if can_be for target in link.targets]:
            if _waits(target) and target.is_offered:
                offer(turn, target)
        if operation.open and operation.remaining:
            _offer_next(turn, operation)
        elif operation.remaining == 0:
            waiting += reversed(_operation_ended(turn, operation))
        if operation.workflow.ending is not None:
            return


def _waits(task: Task) -> bool:
    return task.status == "pending" and not task.live and not task.queued


def _is_doomed(turn: Turn, task: Task, because: str) -> bool:
    """`task` waits behind a hard edge whose source has failed: it can never start."""
    conditions.leave(task)
    turn.move(task, "upstream_failed", f"not started: {because} did not succeed")
    _is_over(turn, task)
    return True


def _operation_ended(turn: Turn, operation: OperationState) -> list[Task]:
    """All tasks of `operation` are over. Returns those of others that ended through that."""
    workflow = operation.workflow
    if _has_succeeded(operation):
        if operation.open:
            for dependent in _operation_succeeded(turn, operation):
                open_operation(turn, dependent)
        return []
    has_tried = operation.counts.get("failed", 0) or operation.counts.get("timed_out", 0)
    if has_tried and _policy(operation) == "rollback" and not workflow.plan.rollback.on_partial_failure:
        total = operation.counts.get("succeeded", 0) == 0
        because = f"operation {operation.plan.id} failed {'completely' if total else 'partly'}"
        stop_starting(turn, workflow, "rollback" if total else "fail", because)
        return []
    return _fail_downstream(turn, operation)


def _operation_succeeded(turn: Turn, operation: OperationState) -> Iterator[OperationState]:
    """`operation` is over, and well: the operations that may open now, each before the next is looked at."""
    restore_points.operation_succeeded(turn, operation)
    for dependent in operation.dependents:
        dependent.waiting_for -= 1
        if dependent.waiting_for == 0 and operation.workflow.ending is None:
            yield dependent


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


def _fail_downstream(turn: Turn, operation: OperationState) -> list[Task]:
    """Operations that need `operation` can never start (hard dependency, A-13). Returns the tasks that ended so."""
    ended = []
    seen: set[str] = set()
    stack = list(reversed(operation.dependents))
    while stack:
        dependent = stack.pop()
        if dependent.open or dependent.plan.id in seen:
            continue
        seen.add(dependent.plan.id)
        if dependent.tasks and dependent.counts.get("upstream_failed", 0) == len(dependent.tasks):
            continue  # what stands on it has failed with it
        for task in dependent.tasks:
            if task.status == "pending":
                turn.move(task, "upstream_failed", f"not started: operation {operation.plan.id} failed")
                _is_over(turn, task)
                ended.append(task)
        dependent.finished = dependent.finished or turn.at
        stack.extend(reversed(dependent.dependents))
    return [task for task in ended if task.feeds]


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
    return any(operation.counts.get(status) for status in TASK_FAILED)


def _has_succeeded(operation: OperationState) -> bool:
    return operation.counts.get("succeeded", 0) == len(operation.tasks)
