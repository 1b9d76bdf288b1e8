"""How a workflow comes into the world, and how it leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import continuation, flow, restore_points, schedule
from orchestrator.engine.turn import Transition
from orchestrator.engine.world import KEYS_KEPT, OperationState, Task, Workflow
from orchestrator.model.ids import task_id

if TYPE_CHECKING:
    from orchestrator.engine.events import WorkflowSubmitted
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import World


def submitted(turn: Turn, event: WorkflowSubmitted) -> None:
    """The workflow of `event` comes into being."""
    plan = event.plan
    workflow = Workflow(
        event.workflow,
        plan,
        event.plan_digest,
        event.definition,
        event.submitted_by,
        event.key,
        plan.priority if event.priority is None else event.priority,
        turn.at,
        event.flags,
    )
    turn.world.workflows[workflow.id] = workflow
    turn.world.keys[event.key] = workflow.id
    turn.transitions.append(Transition(None, None, "queued", 0, ""))
    turn.touch(workflow)
    _build_operations(turn, workflow)
    restore_points.take(turn, workflow, restore_points.START)
    if event.continues:
        continuation.take_over(turn, workflow, turn.world.workflows[event.continues])
        flow.reopen(turn, workflow)
    else:
        for operation in workflow.operations:
            if operation.waiting_for == 0 and not operation.plan.after:
                flow.open_operation(turn, operation)
    flow.settle(turn, workflow)


def _build_operations(turn: Turn, workflow: Workflow) -> None:
    for index, plan in enumerate(workflow.plan.operations):
        operation = OperationState(workflow, plan, index, waiting_for=len(plan.after))
        workflow.operations.append(operation)
        reason = f"waits for {', '.join(plan.after)}" if plan.after else "waits for the one before it"
        if not plan.after and plan.parallel is not False:
            reason = schedule.WAITS_FOR_SLOT if plan.parallel is True else "waits for its turn"
        for item in plan.items:
            for provider in plan.providers:
                task = Task(task_id(workflow.id, plan.id, provider, item), operation, item, provider)
                task.index = len(operation.tasks)
                turn.world.tasks[task.id] = task
                operation.tasks.append(task)
                turn.create(task, reason)
        operation.remaining = len(operation.tasks)
        workflow.remaining += operation.remaining
    workflow.connect()


def archived(world: World, workflow: Workflow) -> None:
    """Forget a workflow. What queues and timers still say of its tasks is stale, as of any task that moved on."""
    del world.workflows[workflow.id]
    del world.finished[workflow.id]
    world.archived[workflow.id] = workflow.key
    if len(world.archived) > KEYS_KEPT:
        del world.keys[world.archived.pop(next(iter(world.archived)))]
    for operation in workflow.operations:
        for task in operation.tasks:
            del world.tasks[task.id]
            world.counts[task.status] -= 1
