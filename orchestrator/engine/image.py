"""The world as plain values and back, so that a replay need not begin at the beginning.

What follows from something else is left out (edges, counts, queues) and made again by `restore`. The law: a world and
its restored image answer every further event alike, to the byte.
"""

from __future__ import annotations

from heapq import heapify
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import queues, schedule, timers
from orchestrator.engine.events import Moment  # noqa: TC001 - msgspec needs the types at run time
from orchestrator.engine.world import OperationState, RestorePoint, Task, TimerKind, Workflow, World
from orchestrator.model.ids import task_id
from orchestrator.model.states import TASK_FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.plan.ir import Plan


#: Fields of a workflow that its image holds in a form of their own.
_OWN_FORM = ("operations", "conditions")


class TaskImage(msgspec.Struct, frozen=True, array_like=True):
    """`orchestrator.engine.world.Task` without what the plan says."""

    status: str
    reason: str
    error: str | None
    undo: bool
    attempt: int
    failures: int
    interruptions: int
    live: bool
    outcome: str | None
    stopping: str | None
    started: Moment | None
    finished: Moment | None
    exit_code: int | None
    host: str | None
    due_us: int | None
    queued: int
    seq: int
    due_at_us: int | None = None
    undo_ticket: int = 0
    waiting_us: int | None = None
    earlier: int = 0
    origin: str = ""
    undoings: tuple[int, ...] = ()
    done_ms: int | None = None


class OperationImage(msgspec.Struct, frozen=True, array_like=True):
    """`orchestrator.engine.world.OperationState` without what the plan says."""

    waiting_for: int
    open: bool
    begun: int
    remaining: int
    started: Moment | None
    finished: Moment | None
    tasks: list[TaskImage]


class WorkflowImage(msgspec.Struct, frozen=True):
    """`orchestrator.engine.world.Workflow` without what the plan says."""

    id: str
    plan_digest: str
    definition: str
    submitted_by: str
    key: str
    priority: int
    created: Moment
    flags: tuple[str, ...]
    status: str
    reason: str
    ending: str | None
    because: str
    remaining: int
    completed: list[str]
    to_undo: list[str]
    attempts: int
    retries: int
    started: Moment | None
    finished: Moment | None
    seq: int
    operations: list[OperationImage]
    resumes_as: str = ""
    paused_us: int = 0
    points: dict[str, RestorePoint] = {}
    succeeded_operations: int = 0
    continues: str = ""
    continued_by: str = ""
    handed_over: list[str] = []
    undo_requested: bool = False
    undone_to: str = ""
    requests: list[str] = []
    conditions: list[str] = []


class WorldImage(msgspec.Struct, frozen=True):
    """`orchestrator.engine.world.World` without its workflows. `live`, `finished`: ids, in their order."""

    seq: int
    epoch: int
    boot_id: str
    host: str
    now: Moment
    draining: bool
    max_running: int
    provider_limits: dict[str, int]
    ticket: int
    live: list[str]
    finished: list[str]
    archived: dict[str, str]
    timers: list[tuple[int, int, TimerKind, str, int]]
    starts: dict[str, list[int]] = {}


def of_world(world: World) -> WorldImage:
    """The world apart from its workflows."""
    current = [entry for entry in world.timers if timers.is_current(world, entry[1], entry[3])]
    return WorldImage(
        world.seq,
        world.epoch,
        world.boot_id,
        world.host,
        world.now,
        world.draining,
        world.max_running,
        world.provider_limits,
        world.ticket,
        list(world.live),
        list(world.finished),
        world.archived,
        sorted(current),
        world.starts,
    )


def of_workflow(workflow: Workflow) -> WorkflowImage:
    """One workflow with its operations and tasks."""
    return WorkflowImage(
        operations=[_of_operation(operation) for operation in workflow.operations],
        conditions=list(workflow.conditions),
        **{name: getattr(workflow, name) for name in WorkflowImage.__struct_fields__ if name not in _OWN_FORM},
    )


def _of_operation(operation: OperationState) -> OperationImage:
    return OperationImage(
        operation.waiting_for,
        operation.open,
        operation.begun,
        operation.remaining,
        operation.started,
        operation.finished,
        [TaskImage(*(getattr(task, name) for name in TaskImage.__struct_fields__)) for task in operation.tasks],
    )


def restore(image: WorldImage, workflows: Iterable[WorkflowImage], load_plan: Callable[[str, str], Plan]) -> World:
    """The world of an image; `load_plan(workflow id, digest)` gives a pinned plan, and may raise."""
    world = World(
        seq=image.seq,
        epoch=image.epoch,
        boot_id=image.boot_id,
        host=image.host,
        now=image.now,
        draining=image.draining,
        max_running=image.max_running,
        provider_limits=image.provider_limits,
        ticket=image.ticket,
        timers=list(image.timers),
        archived=dict(image.archived),
        keys={key: workflow for workflow, key in image.archived.items()},
        starts={provider: list(starts) for provider, starts in image.starts.items()},
    )
    heapify(world.timers)
    for one in workflows:
        _restore_workflow(world, one, load_plan(one.id, one.plan_digest))
    for _, ticket, _, name, _ in image.timers:
        world.tasks[name].timer = ticket
    for name in image.live:
        schedule.take_slot(world, world.tasks[name])
    for name in image.finished:
        world.finished[name] = world.workflows[name]
    return world


def _restore_workflow(world: World, image: WorkflowImage, plan: Plan) -> None:
    own = {name: getattr(image, name) for name in WorkflowImage.__struct_fields__ if name not in _OWN_FORM}
    workflow = Workflow(plan=plan, **own)
    world.workflows[workflow.id] = workflow
    world.keys[workflow.key] = workflow.id
    for index, (node, state) in enumerate(zip(plan.operations, image.operations, strict=True)):
        operation = OperationState(
            workflow,
            node,
            index,
            waiting_for=state.waiting_for,
            open=state.open,
            begun=state.begun,
            remaining=state.remaining,
            started=state.started,
            finished=state.finished,
        )
        workflow.operations.append(operation)
        places = [(item, provider) for item in node.items for provider in node.providers]
        for (item, provider), task_image in zip(places, state.tasks, strict=True):
            _restore_task(world, operation, item, provider, task_image)
    workflow.connect()
    workflow.conditions = {name: world.tasks[name] for name in image.conditions}


def _restore_task(world: World, operation: OperationState, item: str, provider: str, image: TaskImage) -> None:
    workflow = operation.workflow
    own = {name: getattr(image, name) for name in TaskImage.__struct_fields__}
    task = Task(task_id(workflow.id, operation.plan.id, provider, item), operation, item, provider, **own)
    world.tasks[task.id] = task
    task.index = len(operation.tasks)
    operation.at_work += task.is_offered and task.status not in TASK_FINAL
    operation.tasks.append(task)
    for counts in (operation.counts, world.counts):
        counts[task.status] = counts.get(task.status, 0) + 1
    if task.queued:
        queues.queue_up(world, task)
