"""Everything the engine knows. Only `orchestrator.engine.machine.step` changes it.

The world is a fold over the journal: the same events give the same world, so nothing here is saved. Collections
keep insertion order and no set is iterated, so that a replay meets everything in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from orchestrator.engine.events import Moment

if TYPE_CHECKING:
    from orchestrator.engine.commands import StopReason
    from orchestrator.model.states import AttemptOutcome, TaskStatus, WorkflowStatus
    from orchestrator.plan.ir import Action, Operation, Plan

#: Why nothing new is started in a workflow any more.
Ending = Literal["fail", "rollback", "cancel"]

#: Workflows whose request key is remembered after they were archived.
KEYS_KEPT = 1000

#: What a timer of a task means.
TimerKind = Literal["retry", "timeout"]


class Task(msgspec.Struct, eq=False):
    """One operation done to one item on one provider.

    Attributes:
        status: see `orchestrator.model.states`.
        reason: why it is where it is, for people; "" when there is nothing to say.
        error: what went wrong last; None if nothing did.
        undo: its attempts undo it (from ``rolling_back`` on).
        attempt: number of the latest attempt, 0 before the first. Counts doing and undoing together.
        failures: failed attempts that count against ``max_attempts``; begins anew with undoing.
        interruptions: attempts lost in a row.
        live: an attempt is running (or its start has been commanded).
        outcome: of the latest ended attempt.
        stopping: why the live attempt is being ended; None if it is not.
        started, finished: of the latest attempt.
        exit_code: of the latest ended attempt.
        host: where the latest attempt ran.
        due_us: when its timer fires, on the monotonic clock; None without timer.
        queued: its ticket in the ready queue; 0 when it does not wait for a slot.
        seq: the last record that changed it.
    """

    id: str
    operation: OperationState
    item: str
    provider: str
    status: TaskStatus = "pending"
    reason: str = ""
    error: str | None = None
    undo: bool = False
    attempt: int = 0
    failures: int = 0
    interruptions: int = 0
    live: bool = False
    outcome: AttemptOutcome | None = None
    stopping: StopReason | None = None
    started: Moment | None = None
    finished: Moment | None = None
    exit_code: int | None = None
    host: str | None = None
    due_us: int | None = None
    queued: int = 0
    seq: int = 0

    @property
    def workflow(self) -> Workflow:
        """The workflow it belongs to."""
        return self.operation.workflow

    @property
    def action(self) -> Action:
        """What is run for it, and what undoes that."""
        return self.operation.plan.actions[self.provider]


class OperationState(msgspec.Struct, eq=False):
    """An operation of a workflow while it runs.

    Attributes:
        index: place in the plan.
        tasks: in the order of the plan.
        dependents: operations that wait for this one.
        waiting_for: how many operations it still waits for.
        open: its tasks may start.
        begun: how many of its tasks were handed to the ready queue (a sequential one hands out one at a time).
        remaining: tasks that are not over yet.
        counts: {task status: tasks}.
        started, finished: of the first attempt's start and the last task's end.
    """

    workflow: Workflow
    plan: Operation
    index: int
    tasks: list[Task] = []
    dependents: list[OperationState] = []
    waiting_for: int = 0
    open: bool = False
    begun: int = 0
    remaining: int = 0
    counts: dict[str, int] = {}
    started: Moment | None = None
    finished: Moment | None = None


class Workflow(msgspec.Struct, eq=False):
    """One execution of a plan.

    Attributes:
        key: of the request that brought it.
        flags: behaviours it runs by (`orchestrator.engine.flags`).
        ending: why nothing new is started; None while things go well.
        because: the sentence behind `ending`.
        remaining: tasks that are not over yet.
        live: {task id: task} with a running attempt.
        completed: ids of succeeded tasks, in the order they succeeded.
        to_undo: ids still to be undone; the next one last.
        retries: attempts that followed a failed one.
        seq: the last record that changed it or one of its tasks.
    """

    id: str
    plan: Plan
    plan_digest: str
    definition: str
    submitted_by: str
    key: str
    priority: int
    created: Moment
    flags: tuple[str, ...] = ()
    status: WorkflowStatus = "queued"
    reason: str = ""
    operations: list[OperationState] = []
    ending: Ending | None = None
    because: str = ""
    remaining: int = 0
    live: dict[str, Task] = {}
    completed: list[str] = []
    to_undo: list[str] = []
    attempts: int = 0
    retries: int = 0
    started: Moment | None = None
    finished: Moment | None = None
    seq: int = 0

    def connect(self) -> None:
        """Tell each operation which others wait for it."""
        by_id = {operation.plan.id: operation for operation in self.operations}
        for operation in self.operations:
            for predecessor in operation.plan.after:
                by_id[predecessor].dependents.append(operation)


class World(msgspec.Struct, eq=False):
    """The fold of all events so far.

    Attributes:
        seq: of the last event that was stepped.
        now: moment of the last event.
        draining: nothing new is started until the next `DaemonStarted`.
        live: {task id: task} with a running attempt, of all workflows; its length is the number of slots taken.
        live_by_provider: the same, by provider.
        ready: {(provider, batch size or 0): heap of (-priority, ticket, task id)} of tasks that only wait for a slot.
        timers: heap of (due_us, ticket, kind, task id, attempt); entries whose task has moved on are stale.
        finished: {workflow id: workflow} of those that are over, in the order they ended.
        keys: {request key: workflow id}, so that a repeated request finds its first answer.
        archived: {workflow id: request key} of those last archived, oldest first; `KEYS_KEPT` at most.
        counts: {task status: tasks}.
        ticket: the last number drawn; makes the order of equals that of their arrival.
    """

    seq: int = 0
    epoch: int = 0
    boot_id: str = ""
    host: str = "localhost"
    now: Moment = Moment(0, 0)
    draining: bool = False
    max_running: int = 0
    provider_limits: dict[str, int] = {}
    workflows: dict[str, Workflow] = {}
    tasks: dict[str, Task] = {}
    live: dict[str, Task] = {}
    live_by_provider: dict[str, dict[str, Task]] = {}
    ready: dict[tuple[str, int], list[tuple[int, int, str]]] = {}
    timers: list[tuple[int, int, TimerKind, str, int]] = []
    finished: dict[str, Workflow] = {}
    keys: dict[str, str] = {}
    archived: dict[str, str] = {}
    counts: dict[str, int] = {}
    ticket: int = 0

    def next_ticket(self) -> int:
        """A number larger than every one before."""
        self.ticket += 1
        return self.ticket
