"""Events that cannot be: those refused have no seq, no record and no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import continuation, steering
from orchestrator.engine.commands import Refuse
from orchestrator.engine.events import (
    ConditionDue,
    ResolveRequested,
    RetryDue,
    TaskEvent,
    TimeoutExpired,
    WorkflowArchived,
    WorkflowEvent,
    WorkflowSubmitted,
)
from orchestrator.engine.transitions import ACCEPTED, TASK_TABLE, WORKFLOW_TABLE

if TYPE_CHECKING:
    from orchestrator.engine.events import Event
    from orchestrator.engine.world import Workflow, World

#: Code of a request that was done before.
REPEATED = "orch::request::repeated"


def refusal(world: World, event: Event) -> Refuse | None:
    """Why `event` cannot be; None if it can."""
    if isinstance(event, WorkflowSubmitted):
        return _refuse_submission(world, event)
    if isinstance(event, WorkflowEvent):
        return _refuse_for_workflow(world, event)
    if isinstance(event, TaskEvent):
        return _refuse_for_task(world, event)
    return None


def _refuse_submission(world: World, event: WorkflowSubmitted) -> Refuse | None:
    if event.workflow in world.workflows:
        return Refuse("orch::workflow::exists", f"A workflow {event.workflow} exists already.")
    if event.key in world.keys:
        return Refuse(REPEATED, f"Request {event.key} was answered with {world.keys[event.key]}.")
    return continuation.objection(world, event.continues) if event.continues else None


def _refuse_for_workflow(world: World, event: WorkflowEvent) -> Refuse | None:
    known = world.workflows.get(event.workflow)
    if known is None:
        told = f"There is no workflow {event.workflow}."
        return Refuse("orch::not_found", told, "`orch workflows` lists the workflows there are.")
    repeated = None if isinstance(event, WorkflowArchived) else _refuse_repeated(known, event.key)
    if repeated is not None:
        return repeated
    verdict = WORKFLOW_TABLE[known.status][type(event).__name__]
    if verdict != ACCEPTED:
        return Refuse("orch::workflow::state", f"Workflow {event.workflow} is {known.status}: {verdict}.")
    return steering.objection(world, event)


def _refuse_repeated(workflow: Workflow, key: str) -> Refuse | None:
    if key not in workflow.requests:
        return None
    return Refuse(REPEATED, f"Request {key} was done before; workflow {workflow.id} is {workflow.status} now.")


def _refuse_for_task(world: World, event: TaskEvent) -> Refuse | None:
    task = world.tasks.get(event.task)
    if task is None:
        return Refuse("orch::not_found", f"There is no task {event.task}.")
    repeated = _refuse_repeated(task.workflow, event.key) if isinstance(event, ResolveRequested) else None
    if repeated is not None:
        return repeated
    verdict = TASK_TABLE[task.status][type(event).__name__]
    if verdict != ACCEPTED:
        return Refuse("orch::task::state", f"Task {event.task} is {task.status}: {verdict}.")
    if isinstance(event, ResolveRequested):
        return None
    if isinstance(event, RetryDue | ConditionDue):
        is_condition = task.waiting_us is not None
        if task.live or not task.timer or is_condition != isinstance(event, ConditionDue):
            return Refuse("orch::task::state", f"Task {event.task} does not wait for that.")
    elif not task.live or task.attempt != event.attempt:
        return Refuse("orch::task::state", f"Attempt {event.attempt} of task {event.task} is over.")
    elif isinstance(event, TimeoutExpired) and task.stopping is not None:
        return Refuse("orch::task::state", f"Attempt {event.attempt} of task {event.task} is being stopped already.")
    return None
