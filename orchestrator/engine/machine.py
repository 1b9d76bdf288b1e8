"""The one entry point: `step` takes an event, changes the world, and says what changed and what is to be done.

Theory of operation
-------------------
`step` is called with one event at a time, in the order of the journal; it never looks outside. An event that
cannot be is answered with a `Refuse` command and leaves no trace: it gets no seq and no record. An accepted
event gets the next seq. Its handler draws the direct consequences (an attempt ended, a task has its status, its
operation or workflow ended), then free slots are filled, so that the record of an end also holds the starts that
it made possible. That is why a thousand tasks cost a thousand records and not three thousand.
"""

from __future__ import annotations

from typing import NamedTuple, assert_never

from orchestrator.engine import attempts, flow, schedule, timers
from orchestrator.engine.commands import Command, Refuse, StopAttempt, StopReason
from orchestrator.engine.events import (
    AttemptExited,
    AttemptLost,
    CancelRequested,
    DaemonStarted,
    DrainRequested,
    Event,
    JournalContinued,
    Moment,
    RetryDue,
    StartFailed,
    TimeoutExpired,
    WorkflowArchived,
    WorkflowSubmitted,
)
from orchestrator.engine.transitions import ACCEPTED, TASK_TABLE, WORKFLOW_TABLE
from orchestrator.engine.turn import Transition, Turn
from orchestrator.engine.world import KEYS_KEPT, OperationState, Task, Workflow, World
from orchestrator.model.ids import task_id

_TaskEvent = AttemptExited | StartFailed | AttemptLost | TimeoutExpired | RetryDue


class Step(NamedTuple):
    """What one event did.

    Attributes:
        seq: of the record to be written; 0 for a refused event, which gets none.
        transitions: in the order they happened.
        commands: to be performed once the record is synced; a single `Refuse` for a refused event.
        tasks: whose public file differs now.
        workflows: whose public state differs now.
    """

    seq: int
    transitions: list[Transition]
    commands: list[Command]
    tasks: list[Task]
    workflows: list[Workflow]


def step(world: World, event: Event, at: Moment) -> Step:
    """Fold `event`, which happened `at`, into `world`.

    Raises:
        EngineBug: an assumption of the engine is broken; `world` is then unusable.
    """
    refusal = _refusal(world, event)
    if refusal is not None:
        return Step(0, [], [refusal], [], [])
    if isinstance(event, DaemonStarted) and world.boot_id not in ("", event.boot_id):
        timers.rebase(world, at)
    world.seq += 1
    world.now = at
    turn = Turn(world, at)
    _dispatch(turn, event)
    schedule.fill_slots(turn)
    return Step(world.seq, turn.transitions, turn.commands, list(turn.tasks.values()), list(turn.workflows.values()))


def _refusal(world: World, event: Event) -> Refuse | None:
    match event:
        case DaemonStarted() | DrainRequested() | JournalContinued():
            return None
        case WorkflowSubmitted():
            return _refuse_submission(world, event)
        case CancelRequested() | WorkflowArchived():
            return _refuse_for_workflow(world, event.workflow, type(event).__name__)
        case AttemptExited() | StartFailed() | AttemptLost() | TimeoutExpired() | RetryDue():
            return _refuse_for_task(world, event)
        case _:
            assert_never(event)


def _refuse_submission(world: World, event: WorkflowSubmitted) -> Refuse | None:
    if event.workflow in world.workflows:
        return Refuse("orch::workflow::exists", f"A workflow {event.workflow} exists already.")
    if event.key in world.keys:
        return Refuse("orch::request::repeated", f"Request {event.key} was answered with {world.keys[event.key]}.")
    return None


def _refuse_for_workflow(world: World, workflow: str, event: str) -> Refuse | None:
    known = world.workflows.get(workflow)
    if known is None:
        return Refuse("orch::not_found", f"There is no workflow {workflow}.", "`orch workflows` lists them.")
    verdict = WORKFLOW_TABLE[known.status][event]
    if verdict != ACCEPTED:
        return Refuse("orch::workflow::state", f"Workflow {workflow} is {known.status}: {verdict}.")
    return None


def _refuse_for_task(world: World, event: _TaskEvent) -> Refuse | None:
    task = world.tasks.get(event.task)
    if task is None:
        return Refuse("orch::not_found", f"There is no task {event.task}.")
    verdict = TASK_TABLE[task.status][type(event).__name__]
    if verdict != ACCEPTED:
        return Refuse("orch::task::state", f"Task {event.task} is {task.status}: {verdict}.")
    if isinstance(event, RetryDue):
        if task.live or task.due_us is None:
            return Refuse("orch::task::state", f"Task {event.task} does not wait for its next attempt.")
    elif not task.live or task.attempt != event.attempt:
        return Refuse("orch::task::state", f"Attempt {event.attempt} of task {event.task} is over.")
    elif isinstance(event, TimeoutExpired) and task.stopping is not None:
        return Refuse("orch::task::state", f"Attempt {event.attempt} of task {event.task} is being stopped already.")
    return None


def _dispatch(turn: Turn, event: Event) -> None:
    tasks = turn.world.tasks
    match event:
        case DaemonStarted():
            _daemon_started(turn.world, event)
        case DrainRequested():
            _drain(turn, event)
        case WorkflowSubmitted():
            _submitted(turn, event)
        case JournalContinued():
            pass
        case WorkflowArchived():
            _archive(turn.world, event.workflow)
        case CancelRequested():
            _cancel(turn, turn.world.workflows[event.workflow], event)
        case AttemptExited():
            attempts.exited(turn, tasks[event.task], event.exit_code)
        case StartFailed():
            attempts.could_not_start(turn, tasks[event.task], event.error)
        case AttemptLost():
            attempts.lost(turn, tasks[event.task], event.why)
        case TimeoutExpired():
            task = tasks[event.task]
            _stop(
                turn,
                task,
                "timeout",
                f"ran for {task.operation.plan.timeout_s} s, its timeout; being stopped",
            )
        case RetryDue():
            _retry(turn, tasks[event.task])
        case _:
            assert_never(event)


def _daemon_started(world: World, event: DaemonStarted) -> None:
    world.epoch = event.epoch
    world.boot_id = event.boot_id
    world.host = event.host
    world.max_running = event.max_running
    world.provider_limits = event.provider_limits
    world.draining = False


def _drain(turn: Turn, event: DrainRequested) -> None:
    turn.world.draining = True
    if event.kill:
        for task in list(turn.world.live.values()):
            if task.stopping is None:
                _stop(turn, task, "shutdown", "being stopped with the daemon")


def _submitted(turn: Turn, event: WorkflowSubmitted) -> None:
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
    for operation in workflow.operations:
        if operation.waiting_for == 0 and not operation.plan.after:
            flow.open_operation(turn, operation)
    flow.settle(turn, workflow)


def _build_operations(turn: Turn, workflow: Workflow) -> None:
    for index, plan in enumerate(workflow.plan.operations):
        operation = OperationState(workflow, plan, index, waiting_for=len(plan.after))
        workflow.operations.append(operation)
        reason = f"waits for {', '.join(plan.after)}" if plan.after else "waits for the one before it"
        reason = schedule.WAITS_FOR_SLOT if plan.parallel and not plan.after else reason
        for item in plan.items:
            for provider in plan.providers:
                task = Task(task_id(workflow.id, plan.id, provider, item), operation, item, provider)
                turn.world.tasks[task.id] = task
                operation.tasks.append(task)
                turn.create(task, reason)
        operation.remaining = len(operation.tasks)
        workflow.remaining += operation.remaining
    workflow.connect()


def _archive(world: World, workflow_id: str) -> None:
    """Forget a workflow. What queues and timers still say of its tasks is stale, as of any task that moved on."""
    workflow = world.workflows.pop(workflow_id)
    del world.finished[workflow_id]
    world.archived[workflow_id] = workflow.key
    if len(world.archived) > KEYS_KEPT:
        del world.keys[world.archived.pop(next(iter(world.archived)))]
    for operation in workflow.operations:
        for task in operation.tasks:
            del world.tasks[task.id]
            world.counts[task.status] -= 1


def _cancel(turn: Turn, workflow: Workflow, event: CancelRequested) -> None:
    flow.stop_starting(turn, workflow, "cancel", f"cancelled by {event.requested_by}")
    turn.touch(workflow)
    for task in list(workflow.live.values()):
        if task.stopping is None:
            _stop(turn, task, "cancel", f"cancelled by {event.requested_by}; being stopped")
    flow.settle(turn, workflow)


def _stop(turn: Turn, task: Task, why: StopReason, reason: str) -> None:
    task.stopping = why
    timers.disarm(task)
    turn.move(task, task.status, reason)
    turn.commands.append(StopAttempt(task.id, task.attempt, why))


def _retry(turn: Turn, task: Task) -> None:
    timers.disarm(task)
    turn.move(task, "rolling_back" if task.undo else "pending", schedule.WAITS_FOR_SLOT)
    schedule.enqueue(turn, task)
