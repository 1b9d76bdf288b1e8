"""A forecast: what a rehearsal shows, in the words of a person who plans.

Times are milliseconds from the start. A task is named ``operation/provider/item`` everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.forecast.assumptions import SOURCES, Script, key_of
from orchestrator.forecast.rehearsal import Because, Rehearsal
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.world import OperationState, Task, Workflow
    from orchestrator.forecast.assumptions import Assumptions
    from orchestrator.forecast.rehearsal import Span
    from orchestrator.forecast.waiting import Waiting
    from orchestrator.plan.ir import Plan

#: Status of a forecast whose workflow waits for something that never comes.
STUCK = "stuck"


class PathEntry(msgspec.Struct, frozen=True):
    """A piece of the critical path. The one before it ended at `starts_ms` - `waited_ms`, the first began at 0.

    Attributes:
        attempt: its number; 0 for a task that only waited.
        undo: it undoes.
        waited_ms: a delay between the end of the one before and this start (of a retry, a rate, a condition).
        because: why it began just then (see `orchestrator.forecast.rehearsal.Because`).
        limit: what it waited for, with ``slot`` and ``rate``; "" otherwise.
    """

    task: str
    operation: str
    item: str
    provider: str
    attempt: int
    undo: bool
    starts_ms: int
    ends_ms: int
    waited_ms: int
    because: Because
    limit: str


class Peak(msgspec.Struct, frozen=True):
    """The greatest number of tasks at a time, and when that is first so."""

    tasks: int
    at_ms: int


class OperationRow(msgspec.Struct, frozen=True):
    """An operation: the first start and the last end of its attempts (undoing left out), None if it never starts."""

    id: str
    starts_ms: int | None
    ends_ms: int | None
    tasks: int
    statuses: dict[str, int]


class TaskRow(msgspec.Struct, frozen=True):
    """A task that runs: from its first start to its last end, undoing left out. `source`: of its duration."""

    task: str
    operation: str
    item: str
    provider: str
    starts_ms: int
    ends_ms: int
    attempts: int
    status: str
    source: str


class UndoneRow(msgspec.Struct, frozen=True):
    """A task that is undone, or that cannot be (`status`)."""

    task: str
    starts_ms: int
    ends_ms: int
    status: str


class LeftRow(msgspec.Struct, frozen=True):
    """A task that never starts, or is not over at the end, and why."""

    task: str
    status: str
    reason: str


class LimitRow(msgspec.Struct, frozen=True):
    """A limit that held ready tasks back.

    Attributes:
        limit: max_running, provider_limit, batch_size, api_rate_limit or parallel.
        of: which provider or operation; "" for max_running.
        value: its value.
        tasks: how many it held.
        held_ms: for how long it held any.
        task_ms: the same, summed over what it held.
    """

    limit: str
    of: str
    value: int
    tasks: int
    held_ms: int
    task_ms: int


class IrreversibleRow(msgspec.Struct, frozen=True):
    """An operation that changes something and of whose `tasks` so many cannot be undone. `starts_ms`: from when on."""

    operation: str
    tasks: int
    starts_ms: int | None


class Durations(msgspec.Struct, frozen=True):
    """Where durations come from: how many tasks each (see `assumptions.Source`), and what is assumed for the last."""

    recorded: int
    similar: int
    given: int
    assumed: int
    assumed_ms: int


class Forecast(msgspec.Struct, frozen=True):
    """How a workflow would run.

    Attributes:
        name: of the workflow.
        status: in which it ends; ``stuck`` if it waits for something that never comes.
        reason: of that status; may be empty.
        total_ms: from its start to its end, undoing included.
        tasks, attempts: how many; those that undo are attempts, too.
        critical_path: what the total consists of, in order; without any gap.
        peak: the most at a time.
        operations: in the order of the plan.
        order: tasks in the order in which they start.
        undone: in the order in which that begins.
        left: tasks that never start, or that keep a stuck workflow from its end.
        limits: what held ready tasks back, the most task time first.
        irreversible: operations that cannot be undone, in the order of the plan.
        durations: what is known and what is assumed.
    """

    name: str
    status: str
    reason: str
    total_ms: int
    tasks: int
    attempts: int
    critical_path: list[PathEntry]
    peak: Peak
    operations: list[OperationRow]
    order: list[TaskRow]
    undone: list[UndoneRow]
    left: list[LeftRow]
    limits: list[LimitRow]
    irreversible: list[IrreversibleRow]
    durations: Durations
    max_running: int


def forecast(plan: Plan, assumptions: Assumptions) -> Forecast:
    """How `plan` would run under `assumptions`.

    Raises:
        UsageError: an assumption names something that the plan does not hold, or has a value without a meaning.
    """
    script = Script(plan, assumptions)
    played = Rehearsal(plan, script, assumptions.max_running, assumptions.provider_limits)
    workflow = played.workflow
    tasks = [task for operation in workflow.operations for task in operation.tasks]
    sources = {task.id: script.duration(task)[1] for task in tasks}
    counts = dict.fromkeys(SOURCES, 0)
    for source in sources.values():
        counts[source] += 1
    done, undone = _by_task(played.spans, undo=False), _by_task(played.spans, undo=True)
    operations = [_operation(operation, done) for operation in workflow.operations]
    return Forecast(
        plan.name,
        *_end(played),
        _ms(played.now_us),
        len(tasks),
        len(played.spans),
        critical_path(played),
        Peak(played.peak, _ms(played.peak_us)),
        operations,
        [_task(spans, sources) for spans in done.values()],
        [_undone(spans) for spans in undone.values()],
        _left(workflow, done),
        _limits(played.waiting),
        _irreversible(workflow, operations),
        Durations(**counts, assumed_ms=assumptions.assumed_ms),
        assumptions.max_running,
    )


def to_plain(found: Any) -> Any:
    """A forecast, or a part of one, as plain JSON values."""
    return msgspec.to_builtins(found)


def critical_path(played: Rehearsal) -> list[PathEntry]:
    """The chain of attempts and delays that ends when the rehearsal does; there is none without attempts."""
    span, waiting = played.last
    path: list[PathEntry] = []
    if waiting is not None and played.now_us > (0 if span is None else span.ends_us):
        path.append(_waited(waiting, span, played.now_us))
    while span is not None:
        path.append(_entry(span))
        span = span.before
    path.reverse()
    return path


def _entry(span: Span) -> PathEntry:
    task, before_us = span.task, 0 if span.before is None else span.before.ends_us
    return PathEntry(
        key_of(task),
        task.operation.plan.id,
        task.item,
        task.provider,
        span.attempt,
        span.undo,
        _ms(span.starts_us),
        _ms(span.ends_us),
        _ms(span.starts_us) - _ms(before_us),
        span.because,
        "" if span.limit is None else str(span.limit),
    )


def _waited(task: Task, before: Span | None, now_us: int) -> PathEntry:
    """The end came with a timer of `task` that ran out without anything being started."""
    waited_ms = _ms(now_us) - (0 if before is None else _ms(before.ends_us))
    at_ms = _ms(now_us)
    name = task.operation.plan.id
    return PathEntry(key_of(task), name, task.item, task.provider, 0, False, at_ms, at_ms, waited_ms, "condition", "")


def _end(played: Rehearsal) -> tuple[str, str]:
    workflow = played.workflow
    if workflow.status in WORKFLOW_FINAL:
        return workflow.status, workflow.reason
    why = "too much happens without an end" if played.given_up else "it waits for something that never comes"
    return STUCK, f"{why}; it is {workflow.status}" + (f" ({workflow.reason})" if workflow.reason else "")


def _by_task(spans: list[Span], *, undo: bool) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for span in spans:
        if span.undo == undo:
            found.setdefault(span.task.id, []).append(span)
    return found


def _operation(operation: OperationState, done: dict[str, list[Span]]) -> OperationRow:
    spans = [span for task in operation.tasks for span in done.get(task.id, ())]
    return OperationRow(
        operation.plan.id,
        _ms(min(span.starts_us for span in spans)) if spans else None,
        _ms(max(span.ends_us for span in spans)) if spans else None,
        len(operation.tasks),
        {status: count for status, count in operation.counts.items() if count},
    )


def _task(spans: list[Span], sources: dict[str, Any]) -> TaskRow:
    task = spans[0].task
    return TaskRow(
        key_of(task),
        task.operation.plan.id,
        task.item,
        task.provider,
        _ms(spans[0].starts_us),
        _ms(spans[-1].ends_us),
        len(spans),
        task.status,
        sources[task.id],
    )


def _undone(spans: list[Span]) -> UndoneRow:
    return UndoneRow(key_of(spans[0].task), _ms(spans[0].starts_us), _ms(spans[-1].ends_us), spans[-1].task.status)


def _left(workflow: Workflow, done: dict[str, list[Span]]) -> list[LeftRow]:
    return [
        LeftRow(key_of(task), task.status, task.reason)
        for operation in workflow.operations
        for task in operation.tasks
        if task.id not in done or task.status not in TASK_FINAL
    ]


def _limits(waiting: Waiting) -> list[LimitRow]:
    rows = [
        LimitRow(limit.kind, limit.of, limit.value, held.tasks, _ms(held.held_us), _ms(held.task_us))
        for limit, held in waiting.held.items()
        if held.held_us
    ]
    return sorted(rows, key=lambda row: -row.task_ms)


def _irreversible(workflow: Workflow, rows: list[OperationRow]) -> list[IrreversibleRow]:
    found = []
    for operation, row in zip(workflow.operations, rows, strict=True):
        if operation.plan.type != "check":
            tasks = sum(task.action.undo is None for task in operation.tasks)
            if tasks:
                found.append(IrreversibleRow(operation.plan.id, tasks, row.starts_ms))
    return found


def _ms(micros: int) -> int:
    return micros // 1000
