"""Everything the engine knows. Only `orchestrator.engine.machine.step` changes it.

The world is a fold over the journal: the same events give the same world, so nothing here is saved. Collections
keep insertion order and no set is iterated, so that a replay meets everything in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from orchestrator.engine.events import Moment
from orchestrator.model.states import TASK_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.commands import StopReason
    from orchestrator.engine.undoing import Undoing
    from orchestrator.model.states import AttemptOutcome, TaskStatus, WorkflowStatus
    from orchestrator.plan.ir import Action, Edge, Operation, Place, Plan

#: Why nothing new is started in a workflow any more.
Ending = Literal["fail", "rollback", "cancel"]

#: Workflows whose request key is remembered after they were archived.
KEYS_KEPT = 1000

#: Restore points a workflow keeps; ``start`` is one of them.
POINTS_KEPT = 100

#: Requests a workflow remembers, so that none is done twice.
REQUESTS_KEPT = 200

#: What a timer of a task means.
TimerKind = Literal["retry", "timeout", "condition"]


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
        due_us: when its timer fires, on the monotonic clock; None without timer. In a paused workflow, when it would.
        queued: its ticket in the ready queue; 0 when it does not wait for a slot.
        seq: the last record that changed it.
        due_at_us: `due_us` on the wall clock as it was foreseen, for people.
        undo_ticket: it is to be undone with; 0 before its undoing.
        earlier: attempts it had when it was last begun anew, by a retry.
        origin: the workflow that did what stands, where its results were taken over; "" for its own.
        undoings: numbers of the attempts that undid it, or undo it, ascending; with `flags.TELLS_UNDOING` only.
        done_ms: how long the last attempt took that did it, while the latest attempt is one that undoes it.
        waiting_us: since when it waits for nothing but conditions, on the monotonic clock; None if it does not.
        index: place in its operation.
        timer: ticket of its timer; 0 without one, and while its workflow is paused.
        needs: edges it waits behind.
        feeds: edges that wait for it.
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
    due_at_us: int | None = None
    undo_ticket: int = 0
    earlier: int = 0
    origin: str = ""
    undoings: tuple[int, ...] = ()
    done_ms: int | None = None
    waiting_us: int | None = None
    index: int = 0
    timer: int = 0
    needs: list[Link] = []
    feeds: list[Link] = []

    @property
    def workflow(self) -> Workflow:
        """The workflow it belongs to."""
        return self.operation.workflow

    @property
    def action(self) -> Action:
        """What is run for it, and what undoes that."""
        plan = self.operation.plan
        return plan.item_actions.get(self.item) or plan.actions[self.provider]

    @property
    def is_undoing(self) -> bool:
        """Whether its latest attempt is one that undoes it: running, or over."""
        return self.undoings[-1:] == (self.attempt,)

    @property
    def took_ms(self) -> int | None:
        """How long its latest attempt took; None before the first, and while it runs."""
        return lasted_ms(self.started, self.finished)

    @property
    def is_offered(self) -> bool:
        """Whether its operation is open and wide enough for it to have its turn."""
        return self.index < self.operation.begun


class Link(msgspec.Struct, eq=False):
    """An edge of the plan between the tasks it stands for. `unfinished`: sources that are not over yet."""

    edge: Edge
    sources: list[Task]
    targets: list[Task]
    unfinished: int


class OperationState(msgspec.Struct, eq=False):
    """An operation of a workflow while it runs.

    Attributes:
        index: place in the plan.
        tasks: in the order of the plan.
        dependents: operations that wait for this one.
        waiting_for: how many operations it still waits for.
        open: its tasks may start.
        begun: how many of its tasks have had their turn to start; a wide one gives it to all at once.
        at_work: how many of those are not over.
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
    at_work: int = 0


class RestorePoint(msgspec.Struct, frozen=True):
    """A place in the course of a workflow to which it can be rolled back (ruling A-57).

    Attributes:
        name: ``start``, ``operations-5``, ..., ``end``.
        seq: record it was taken at.
        at: when.
        operations: how many had succeeded.
        tasks: how many had succeeded: that many of `Workflow.completed`.
    """

    name: str
    seq: int
    at: Moment
    operations: int
    tasks: int


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
        to_undo: ids still to be undone, the next one last; of workflows that undo one after another.
        retries: attempts that followed a failed one.
        seq: the last record that changed it or one of its tasks.
        resumes_as: what a paused one was; "" if it is not paused.
        paused_us: since when, on the monotonic clock.
        points: {name: restore point}, oldest first; `POINTS_KEPT` at most.
        succeeded_operations: how many have succeeded as a whole.
        continues, continued_by: the workflow before and after it, where a later definition took its results over.
        handed_over: of its tasks, those that the one after it took over.
        undo_requested: somebody asked for the rollback; otherwise it is the strategy's.
        undone_to: name of the restore point it is being rolled back to; "" for all.
        requests: keys of what was asked of it and done, oldest first; `REQUESTS_KEPT` at most.
        conditions: {task id: task} that wait for nothing but conditions.
        undoing: who may be undone when, while it is rolled back; made on demand.
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
    resumes_as: WorkflowStatus | Literal[""] = ""
    paused_us: int = 0
    points: dict[str, RestorePoint] = {}
    succeeded_operations: int = 0
    continues: str = ""
    continued_by: str = ""
    handed_over: list[str] = []
    undo_requested: bool = False
    undone_to: str = ""
    requests: list[str] = []
    conditions: dict[str, Task] = {}
    undoing: Undoing | None = None

    @property
    def tasks(self) -> list[Task]:
        """All its tasks, in the order of the plan."""
        return [task for operation in self.operations for task in operation.tasks]

    @property
    def is_paused(self) -> bool:
        """Whether nothing new of it starts for now."""
        return self.status == "paused"

    def connect(self) -> None:
        """Tell each operation which others wait for it, and each task its edges."""
        by_id = {operation.plan.id: operation for operation in self.operations}
        for operation in self.operations:
            for predecessor in operation.plan.after:
                by_id[predecessor].dependents.append(operation)
        items: dict[tuple[str, str], list[Task]] = {}
        if self.plan.edges:
            for task in self.tasks:
                items.setdefault((task.operation.plan.id, task.item), []).append(task)
        for edge in self.plan.edges:
            sources, targets = (_at(by_id, items, place) for place in (edge.source, edge.target))
            link = Link(edge, sources, targets, sum(task.status not in TASK_FINAL for task in sources))
            for task in sources:
                task.feeds.append(link)
            for task in targets:
                task.needs.append(link)


class World(msgspec.Struct, eq=False):
    """The fold of all events so far.

    Attributes:
        seq: of the last event that was stepped.
        now: moment of the last event.
        draining: nothing new is started until the next `DaemonStarted`.
        live: {task id: task} with a running attempt, of all workflows; its length is the number of slots taken.
        live_by_provider: the same, by provider.
        starts: {provider: monotonic times of its latest starts, ascending}, of those whose rate is limited.
        ready: {(provider, batch size or 0, starts per second or 0): heap of (-priority, ticket, task id)} of tasks
            that only wait for a slot.
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
    starts: dict[str, list[int]] = {}
    ready: dict[tuple[str, int, int], list[tuple[int, int, str]]] = {}
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


def lasted_ms(started: Moment | None, finished: Moment | None) -> int | None:
    """Milliseconds from start to end, on the clock that nobody sets; None before the end."""
    if started is None or finished is None:
        return None
    return max(0, finished.mono_us - started.mono_us) // 1000


def _at(operations: dict[str, OperationState], items: dict[tuple[str, str], list[Task]], place: Place) -> list[Task]:
    """The tasks of a place of the plan; `items` has them by operation and item."""
    every = operations[place.operation].tasks if place.item is None else items.get((place.operation, place.item), [])
    return [task for task in every if place.provider in (None, task.provider)]
