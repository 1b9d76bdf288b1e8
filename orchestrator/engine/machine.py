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

from typing import TYPE_CHECKING, NamedTuple, assert_never

from orchestrator.engine import attempts, conditions, flow, schedule, steering, submission, timers
from orchestrator.engine.commands import Command  # noqa: TC001
from orchestrator.engine.events import (
    AttemptExited,
    AttemptLost,
    CancelRequested,
    ConditionDue,
    DaemonStarted,
    DrainRequested,
    Event,
    JournalContinued,
    Moment,
    PauseRequested,
    RateDue,
    ResolveRequested,
    ResumeRequested,
    RetryDue,
    RetryRequested,
    RollbackRequested,
    StartFailed,
    TaskEvent,
    TimeoutExpired,
    WorkflowArchived,
    WorkflowEvent,
    WorkflowSubmitted,
    WorldEvent,
)
from orchestrator.engine.refusals import refusal
from orchestrator.engine.turn import Transition, Turn

if TYPE_CHECKING:
    from orchestrator.engine.world import Task, Workflow, World


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
    refused = refusal(world, event)
    if refused is not None:
        return Step(0, [], [refused], [], [])
    if isinstance(event, DaemonStarted) and world.boot_id not in ("", event.boot_id):
        timers.rebase(world, at)
    world.seq += 1
    world.now = at
    turn = Turn(world, at)
    if isinstance(event, TaskEvent):
        _of_task(turn, world.tasks[event.task], event)
    elif isinstance(event, WorkflowEvent):
        _of_workflow(turn, world.workflows[event.workflow], event)
        if not isinstance(event, WorkflowArchived):
            steering.remember(turn, world.workflows[event.workflow], event.key)
    else:
        _of_world(turn, event)
    _fill_slots(turn)
    return Step(world.seq, turn.transitions, turn.commands, list(turn.tasks.values()), list(turn.workflows.values()))


def _of_world(turn: Turn, event: WorldEvent) -> None:
    match event:
        case DaemonStarted():
            _daemon_started(turn.world, event)
        case DrainRequested():
            _drain(turn, event)
        case WorkflowSubmitted():
            submission.submitted(turn, event)
        case JournalContinued() | RateDue():
            pass
        case _:
            assert_never(event)


def _of_workflow(turn: Turn, workflow: Workflow, event: WorkflowEvent) -> None:
    match event:
        case CancelRequested():
            steering.cancel(turn, workflow, event)
        case PauseRequested():
            steering.pause(turn, workflow, event)
        case ResumeRequested():
            steering.resume(turn, workflow)
        case RetryRequested():
            steering.retry(turn, workflow, event)
        case RollbackRequested():
            steering.roll_back(turn, workflow, event)
        case WorkflowArchived():
            submission.archived(turn.world, workflow)
        case _:
            assert_never(event)


def _of_task(turn: Turn, task: Task, event: TaskEvent) -> None:
    match event:
        case AttemptExited():
            attempts.exited(turn, task, event.exit_code)
        case StartFailed():
            attempts.could_not_start(turn, task, event.error)
        case AttemptLost():
            attempts.lost(turn, task, event.why, has_begun=event.has_begun)
        case TimeoutExpired():
            text = f"ran for {task.operation.plan.timeout_s} s, its timeout; being stopped"
            attempts.stop(turn, task, "timeout", text)
        case RetryDue():
            attempts.retry_due(turn, task)
        case ConditionDue():
            flow.condition_due(turn, task)
        case ResolveRequested():
            steering.resolve(turn, task, event)
            steering.remember(turn, task.workflow, event.key)
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
                attempts.stop(turn, task, "shutdown", "being stopped with the daemon")


def _fill_slots(turn: Turn) -> None:
    """Let start what can; conditions are looked at until what starts makes no other one true."""
    seen = -1
    while True:
        schedule.fill_slots(turn)
        waiting = [workflow for workflow in turn.workflows.values() if workflow.conditions]
        if not waiting or seen == len(turn.transitions):
            return
        seen = len(turn.transitions)
        for workflow in waiting:
            conditions.settle(turn, workflow, flow.let_start)
