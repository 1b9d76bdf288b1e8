"""The engine at work on a clock that jumps, and why each attempt began when it did.

Every attempt that begins does so in the step of some event, and that event is its cause: the end of another attempt, or
a timer. A timer was set for a task by what happened to that task before, so it leads back to an end, too. Following the
causes from the last event backwards gives the critical path, whatever rules the engine has for who may start when.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Literal, NamedTuple

from orchestrator.engine import flags, timers
from orchestrator.engine.commands import Refuse, StartAttempt, StopAttempt
from orchestrator.engine.events import AttemptExited, DaemonStarted, Moment, RetryDue, WorkflowSubmitted
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.forecast.waiting import Waiting
from orchestrator.model.errors import EngineBug
from orchestrator.model.states import WORKFLOW_FINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.engine.commands import Command
    from orchestrator.engine.events import Event
    from orchestrator.engine.world import Task, Workflow
    from orchestrator.forecast.waiting import Limit
    from orchestrator.plan.ir import Plan

#: Why an attempt begins when it does. ``start``: nothing was to be waited for; ``dependency``: what it needs ended;
#: ``slot``: a place became free; ``retry``: the delay after its failure was over; ``rate``: its provider takes another
#: start; ``condition``: the time for a condition came; ``rollback``: it was its turn to be undone.
Because = Literal["start", "dependency", "slot", "retry", "rate", "condition", "rollback"]

#: Id of the workflow in its rehearsal.
_WORKFLOW = "forecast"

#: How an attempt that is stopped ends: at once, by TERM.
_STOPPED = 128 + 15

#: Events after which a rehearsal is given up, beside those that its tasks need: some timer goes round in circles.
_EVENTS_MAX = 100_000
_EVENTS_PER_TASK = 40


class Span:
    """An attempt in a rehearsal.

    Attributes:
        starts_us, ends_us: since the beginning; `ends_us` is what is planned until it has ended.
        before: the attempt whose end made this one begin (perhaps after a delay); None if it began by itself.
        limit: what held it last, with ``slot`` and ``rate``.
    """

    __slots__ = ("attempt", "because", "before", "ends_us", "exit_code", "limit", "starts_us", "task", "undo")

    def __init__(self, task: Task, attempt: int, undo: bool, starts_us: int, why: Why) -> None:
        self.task = task
        self.attempt = attempt
        self.undo = undo
        self.starts_us = starts_us
        self.ends_us = starts_us
        self.exit_code = 0
        self.because, self.before, self.limit = why


class Why(NamedTuple):
    """Why an attempt begins, the attempt before it, and the limit that held it."""

    because: Because
    before: Span | None
    limit: Limit | None


class Rehearsal:
    """One run of `plan`. `script` says of each attempt how many microseconds it takes and its exit code.

    Attributes:
        spans: attempts in the order of their start.
        peak, peak_us: the greatest number of attempts at a time, and when that was first so.
        last: what the last event goes back to: an attempt, and the task whose timer it was, if it was a timer.
        given_up: too much happened without an end.
    """

    def __init__(
        self,
        plan: Plan,
        script: Callable[[Task, int, bool], tuple[int, int]],
        max_running: int,
        provider_limits: Mapping[str, int],
    ) -> None:
        self.world = World()
        self.now_us = 0
        self.spans: list[Span] = []
        self.waiting = Waiting(plan)
        self.peak = 0
        self.peak_us = 0
        self.last: tuple[Span | None, Task | None] = (None, None)
        self.given_up = False
        self._script = script
        self._live: dict[str, Span] = {}
        #: Heap of (when, number, the attempt that ends, its exit code); an attempt that was stopped stands here twice.
        self._ends: list[tuple[int, int, Span, int]] = []
        self._touched: dict[str, Span | None] = {}
        self._offered: set[str] = set()
        self._happen(DaemonStarted(1, "forecast", 1, "", max_running, "", dict(provider_limits)))
        self._happen(WorkflowSubmitted(_WORKFLOW, "", "", "", "", plan, flags=flags.CURRENT))
        self._run()

    @property
    def workflow(self) -> Workflow:
        """The workflow as the engine left it."""
        return self.world.workflows[_WORKFLOW]

    def _run(self) -> None:
        for _ in range(_EVENTS_MAX + _EVENTS_PER_TASK * len(self.world.tasks)):
            if self.workflow.status in WORKFLOW_FINAL or not self._next():
                return
        self.given_up = True

    def _next(self) -> bool:
        """Let the next thing happen; False if there is none."""
        while self._ends and self._ends[0][2] is not self._live.get(self._ends[0][2].task.id):
            heappop(self._ends)
        due_us = timers.next_due_us(self.world)
        if self._ends and (due_us is None or self._ends[0][0] <= due_us):
            when_us, _, span, exit_code = heappop(self._ends)
            self._go_to(when_us)
            self._end(span, exit_code)
            return True
        if due_us is None:
            return False
        self._go_to(due_us)
        event = timers.due_event(self.world, self.now_us)
        if event is None:
            return False
        self._happen(event)
        return True

    def _go_to(self, when_us: int) -> None:
        if when_us <= self.now_us:
            return
        if len(self._live) > self.peak:
            self.peak, self.peak_us = len(self._live), self.now_us
        self.waiting.pass_time(self.world, when_us - self.now_us)
        self.now_us = when_us

    def _end(self, span: Span, exit_code: int) -> None:
        del self._live[span.task.id]
        span.ends_us, span.exit_code = self.now_us, exit_code
        self._happen(AttemptExited(span.task.id, span.attempt, exit_code), span)

    def _happen(self, event: Event, ended: Span | None = None) -> None:
        """Step `event`; `ended` is the attempt whose end it is."""
        owner = None if ended is not None else self.world.tasks.get(getattr(event, "task", ""))
        cause = ended if owner is None else self._touched.get(owner.id)
        result = step(self.world, event, Moment(self.now_us, self.now_us))
        for command in result.commands:
            self._perform(command, event, cause)
        for task in result.tasks:
            self._note(task, cause)
        if result.workflows:
            self.last = cause, owner

    def _perform(self, command: Command, event: Event, cause: Span | None) -> None:
        match command:
            case StartAttempt():
                self._start(command, event, cause)
            case StopAttempt():
                span = self._live[command.task]
                heappush(self._ends, (self.now_us, len(self.spans), span, _STOPPED))
            case Refuse():
                raise EngineBug(f"the rehearsal of a plan was refused {type(event).__name__}: {command.message}")

    def _start(self, command: StartAttempt, event: Event, cause: Span | None) -> None:
        task = self.world.tasks[command.task]
        span = Span(task, command.attempt, command.undo, self.now_us, self._why(task, command.undo, event, cause))
        duration_us, exit_code = self._script(task, command.attempt, command.undo)
        self.spans.append(span)
        self._live[task.id] = span
        span.ends_us = self.now_us + duration_us
        heappush(self._ends, (span.ends_us, len(self.spans), span, exit_code))

    def _why(self, task: Task, undo: bool, event: Event, cause: Span | None) -> Why:
        if self.waiting.is_waiting(task.id, task.provider):
            limit = self.waiting.end(task.id, task.provider)
            if isinstance(event, AttemptExited):
                return Why("slot", cause, limit)
            return Why("rate", self._touched.get(task.id), limit)
        if isinstance(event, WorkflowSubmitted):
            self._offer(task, None)
            return Why("start", None, None)
        if isinstance(event, RetryDue):
            return Why("retry", cause, None)
        if not isinstance(event, AttemptExited):
            return Why("condition", cause or self._touched.get(task.id), None)
        if undo:
            return Why("rollback", cause, None)
        limit = self._offer(task, cause)
        return Why("dependency" if limit is None else "slot", cause, limit)

    def _note(self, task: Task, cause: Span | None) -> None:
        """Something about `task` changed because of `cause`."""
        self._touched[task.id] = cause
        is_waiting = self.waiting.is_waiting(task.id, task.provider)
        if task.queued and not is_waiting:
            self._offer(task, cause)
            self.waiting.begin(task.id, task.provider)
        elif is_waiting and not task.queued:
            self.waiting.end(task.id, task.provider)

    def _offer(self, task: Task, cause: Span | None) -> Limit | None:
        """`task` may start for the first time. The width of its operation, if that has held it until now."""
        operation = task.operation
        self.waiting.opened(operation, self.now_us)
        if task.id in self._offered or task.undo:
            return None
        self._offered.add(task.id)
        narrow = operation.plan.width < len(operation.tasks)
        if narrow and cause is not None and cause.task.operation is operation:
            return self.waiting.freed_by_width(operation, self.now_us)
        return None
