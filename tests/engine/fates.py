"""Random plans, and a random outside world for the engine: what it commands, what becomes of it, and who steers it."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import msgspec
from hypothesis import strategies as st

from orchestrator.engine import flags, invariants, timers
from orchestrator.engine.commands import Command, StartAttempt, StopAttempt
from orchestrator.engine.events import (
    AttemptExited,
    AttemptLost,
    CancelRequested,
    DrainRequested,
    Event,
    Moment,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    RollbackRequested,
    StartFailed,
    WorkflowArchived,
)
from orchestrator.engine.machine import Step, step
from orchestrator.engine.world import World
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL
from orchestrator.plan.ir import (
    DependencyType,
    Edge,
    Operation,
    Place,
    Plan,
    ProviderLimits,
    RetryPolicy,
    RollbackStrategy,
    WorkflowType,
)
from tests.support.plans import operation, plan, started, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.world import Task

EVENTS_MAX = 4000

#: Plans that come, with those that go on from others.
LATER_MAX = 6

#: How long somebody steers.
STEERED_MAX = 80

OUTCOMES: tuple[Literal["succeeded", "failed"], ...] = ("succeeded", "failed")

#: Some become true by themselves, some at once, some never, some cannot be evaluated.
CONDITIONS = (
    "",
    "",
    "source.running == 0",
    "source.attempt == 1 and source.total > 0",
    "workflow.elapsed_s >= 2",
    "target.item in ['i0', 'i1']",
    "operations['op0'].succeeded >= 1",
    "1 == 2",
    "source.status < 3",
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan of up to six operations whose edges point backwards."""
    operations: list[Operation] = []
    for index in range(draw(st.integers(1, 6))):
        earlier = tuple(node.id for node in operations)
        after = tuple(name for name in earlier if draw(st.booleans()))
        retry = RetryPolicy(
            draw(st.integers(1, 3)), draw(st.sampled_from(["linear", "exponential"])), draw(st.integers(0, 2)), 4
        )
        one = operation(
            f"op{index}",
            tuple(f"i{n}" for n in range(draw(st.integers(0, 4)))),
            after,
            providers=draw(st.sampled_from([("local",), ("local", "other"), ("other",)])),
            parallel=draw(st.sampled_from([True, True, False, 2])),
            timeout_s=draw(st.integers(1, 20)),
            on_failure=draw(st.sampled_from(["fail", "continue", "rollback"])),
            priority=draw(st.integers(-2, 2)),
            retry=retry,
            undo=draw(st.sampled_from([None, "", "undo"])),
        )
        operations.append(msgspec.structs.replace(one, at_most_once=draw(st.integers(0, 5)) == 0))
    rollback = RollbackStrategy(draw(st.booleans()), draw(st.booleans()), draw(st.integers(1, 3)), draw(st.booleans()))
    kind: WorkflowType = draw(st.sampled_from(get_args(WorkflowType)))
    made = plan(*operations, kind=kind, rollback=rollback)
    batch_size = draw(st.sampled_from([None, 1, 3]))
    limits = {name: ProviderLimits(batch_size, draw(st.sampled_from([None, None, 1, 2]))) for name in made.providers}
    return msgspec.structs.replace(made, providers=limits, edges=tuple(draw(edges(operations))))


@st.composite
def edges(draw: st.DrawFn, operations: list[Operation]) -> list[Edge]:
    """Up to four edges between items, from earlier operations to later ones."""
    ends = [(node, item) for node in operations for item in node.items]
    found = []
    for _ in range(draw(st.integers(0, 4)) if ends else 0):
        one, other = draw(st.sampled_from(ends)), draw(st.sampled_from(ends))
        source, target = sorted((one, other), key=lambda end: operations.index(end[0]))
        if source[0] is not target[0]:
            kind: DependencyType = draw(st.sampled_from(get_args(DependencyType)))
            found.append(
                Edge(
                    Place(source[0].id, source[1]),
                    Place(target[0].id, draw(st.sampled_from([None, target[1]]))),
                    kind,
                    draw(st.sampled_from(CONDITIONS)),
                    draw(st.integers(1, 8)),
                )
            )
    return found


class Fate:
    """A random outside world that answers commands, sometimes badly, and keeps what happened.

    Attributes:
        trouble: how likely an attempt is to go wrong, from 0 to 1.
        steers: how likely somebody is to ask for something before each event.
    """

    def __init__(self, seed: int, many: list[Plan], max_running: int, trouble: float, steers: float = 0.0) -> None:
        self.random = random.Random(seed)
        self.trouble = trouble
        self.steers = steers
        self.max_running = max_running
        self.world = World()
        self.mono_us = 1_000_000
        self.history: list[tuple[Event, Moment, Step]] = []
        self.running: dict[tuple[str, int], bool] = {}
        self.starts: list[tuple[str, int]] = []
        self.stopped: dict[tuple[str, int], str] = {}
        self._keys, self._epoch = 0, 1
        self._wall_us = 1_700_000_000_000_000
        self._plans = list(many)
        self._failures: dict[str, int] = {}
        self._limited_starts: dict[str, list[int]] = {}
        self._stands_on: dict[str, dict[str, set[str]]] = {}
        self.happen(started(max_running, other=2))
        for number, one in enumerate(many):
            self.happen(submitted(one, f"w{number}"))

    def happen(self, event: Event) -> Step:
        self.mono_us += self.random.randrange(1000)
        at = Moment(self._wall_us + self.mono_us, self.mono_us)
        result = step(self.world, event, at)
        faults = invariants.broken(self.world)
        assert not faults, faults
        if result.seq:
            self.history.append((event, at, result))
            self._count_failures(event, result)
        for command in result.commands:
            self.carry_out(command)
        return result

    def carry_out(self, command: Command) -> None:
        if isinstance(command, StartAttempt):
            self._judge_start(command)
            self.starts.append((command.task, command.attempt))
            self.running[command.task, command.attempt] = command.undo
        elif isinstance(command, StopAttempt):
            assert (command.task, command.attempt) in self.running
            self.stopped[command.task, command.attempt] = command.why

    def _judge_start(self, command: StartAttempt) -> None:
        """It is the first start of this attempt, and slots, rates, policy, pauses and dependencies allow it."""
        task = self.world.tasks[command.task]
        assert (command.task, command.attempt) not in self.starts
        assert len(self.running) < self.max_running
        assert not task.workflow.is_paused
        assert self._failures.get(task.id, 0) < task.operation.plan.retry.max_attempts
        rate = task.workflow.plan.providers[task.provider].api_rate_limit
        if rate:
            times = self._limited_starts.setdefault(task.provider, [])
            times.append(self.mono_us)
            assert sum(at > self.mono_us - 1_000_000 for at in times) <= rate
        if command.undo:
            for other in self.on_top(task):
                assert self.world.tasks[other].status not in ("rolling_back", "rollback_failed"), (task.id, other)

    def on_top(self, task: Task) -> set[str]:
        """Ids of all tasks that stand on `task`, over any number of edges of every kind."""
        workflow = task.workflow
        if workflow.id not in self._stands_on:
            self._stands_on[workflow.id] = _closure(workflow.plan, workflow.tasks)
        return self._stands_on[workflow.id][task.id]

    def _count_failures(self, event: Event, result: Step) -> None:
        if isinstance(event, AttemptExited | StartFailed):
            is_bad = isinstance(event, StartFailed) or event.exit_code != 0
            why = self.stopped.get((event.task, event.attempt))
            if why == "timeout" or (why is None and is_bad):
                self._failures[event.task] = self._failures.get(event.task, 0) + 1
        for change in result.transitions:
            is_anew = change.previous_status == "unknown" and change.status == "pending"
            if change.task and (is_anew or (change.previous_status in TASK_FINAL and change.status not in TASK_FINAL)):
                self._failures[change.task] = 0

    def go_on(self) -> bool:
        """Let one more thing happen; False when nothing can."""
        if self.random.random() < self.steers:
            self.steer()
        if self.random.random() < self.steers / 5:
            self.disturb()
        due_us = timers.next_due_us(self.world)
        if self.running and (due_us is None or not self.trouble or self.random.random() < 0.8):
            self.end_one()
        elif due_us is not None:
            self.mono_us = max(self.mono_us, due_us)
            event = timers.due_event(self.world, self.mono_us)
            assert event is not None
            assert self.happen(event).seq
        else:
            return False
        return True

    def steer(self) -> None:
        """Somebody asks for something, sensible or not."""
        workflow = self.random.choice(list(self.world.workflows.values()))
        task = self.random.choice(workflow.tasks) if workflow.tasks else None
        operation = self.random.choice(workflow.operations).plan.id
        point = self.random.choice(["", *workflow.points])
        who = (workflow.id, self.key(), "ann")
        wishes: list[Event] = [
            PauseRequested(*who, now=self.random.random() < 0.5),
            ResumeRequested(*who),
            ResumeRequested(*who),
            RetryRequested(*who, flags=flags.CURRENT),
            RetryRequested(*who, operation=operation, flags=flags.CURRENT),
            RetryRequested(*who, failed_only=True, flags=flags.CURRENT),
            RetryRequested(*who, everything=True, flags=flags.CURRENT),
            RollbackRequested(*who, to=point, flags=flags.CURRENT),
            CancelRequested(*who),
        ]
        if task is not None:
            wishes.append(RetryRequested(*who, tasks=(task.id,), flags=flags.CURRENT))
            wishes.append(ResolveRequested(task.id, self.key(), "ann", self.random.choice(OUTCOMES)))
        self.happen(self.random.choice(wishes))

    def disturb(self) -> None:
        """A daemon is drained, the machine restarts, a workflow is archived, or a later one goes on from it."""
        over = [workflow for workflow in self.world.finished.values() if len(self.world.workflows) > 1]
        match self.random.randrange(4):
            case 0:
                self.happen(DrainRequested(self.key(), "ann", kill=self.random.random() < 0.5))
                for _ in range(min(len(self.running), self.random.randrange(3))):
                    self.end_one()
                self._start(self.world.boot_id)
            case 1:
                self._reboot()
            case 2 if over:
                self.happen(WorkflowArchived(self.random.choice(over).id))
            case 3 if over and len(self._plans) < LATER_MAX:
                self._plans.append(self.random.choice(self._plans))
                earlier = self.random.choice(over)
                later = submitted(self._plans[-1], f"v{len(self._plans)}")
                self.happen(msgspec.structs.replace(later, continues=earlier.id))

    def _start(self, boot_id: str) -> None:
        self._epoch += 1
        self.max_running = max(self.max_running, len(self.running))
        self.happen(started(self.max_running, self._epoch, boot_id, other=2))

    def _reboot(self) -> None:
        """The monotonic clock begins anew, and what ran is lost with the machine."""
        lost, self.running, self._limited_starts = list(self.running), {}, {}
        before_us, self.mono_us = self.mono_us, self.random.randrange(1_000_000, 5_000_000)
        self._wall_us += before_us - self.mono_us + self.random.choice((0, 500_000, 60_000_000, -5_000_000))
        self.max_running = max(self.max_running, len(lost))
        self._start(f"boot-{self._epoch}")
        for task, attempt in lost:
            self.happen(AttemptLost(task, attempt, "the power went", self.random.random() < 0.8))

    def key(self) -> str:
        """Of a new request, or now and then of the last one again."""
        self._keys += self.random.random() < 0.9
        return f"key-{self._keys}"

    def end_one(self) -> None:
        task, attempt = self.random.choice(list(self.running))
        del self.running[task, attempt]
        fate = self.random.random()
        if fate < self.trouble / 4:
            self.happen(AttemptLost(task, attempt, "machine went away", self.random.random() < 0.7))
        elif fate < self.trouble / 2:
            self.happen(StartFailed(task, attempt, "no such thing"))
        else:
            self.happen(AttemptExited(task, attempt, 1 if fate < self.trouble else 0))

    def run(self) -> Iterator[None]:
        """Until nothing can happen any more; whoever steered lets go in time, and answers what is asked."""
        for number in range(EVENTS_MAX):
            if number == STEERED_MAX:
                self.steers = 0.0
            if not self.go_on() and not self._help() and not self.steers:
                return
            yield
        raise AssertionError("it does not come to an end")

    def _help(self) -> bool:
        """Do what only a person can. Whether there was anything to do."""
        for workflow in self.world.workflows.values():
            if workflow.is_paused:
                self.happen(ResumeRequested(workflow.id, self.key(), "ann"))
                return True
            for task in workflow.tasks:
                if task.status == "unknown" and workflow.status not in WORKFLOW_FINAL:
                    outcome = self.random.choice(OUTCOMES)
                    self.happen(ResolveRequested(task.id, self.key(), "ann", outcome))
                    return True
        return False


def _closure(what: Plan, tasks: list[Task]) -> dict[str, set[str]]:
    """{task id: ids of all tasks that wait for it, directly or not}; by brute force, from the plan alone.

    An operation's end is a node, ``@id``, so that one without items hands on what it waits for.
    """
    on: dict[str, set[str]] = {task.id: {f"@{task.operation.plan.id}"} for task in tasks}
    for node in what.operations:
        own = [task.id for task in tasks if task.operation.plan.id == node.id]
        behind = [other for other in what.operations if node.id in other.after]
        on[f"@{node.id}"] = {f"@{other.id}" for other in behind}
        on[f"@{node.id}"] |= {task.id for task in tasks if task.operation.plan in behind}
        if node.parallel is False:
            for before, after in pairwise(own):
                on[before].add(after)
    for edge in what.edges:
        targets = {task.id for task in tasks if _is_at(task, edge.target)}
        for source in tasks:
            on[source.id] |= targets if _is_at(source, edge.source) else set()
    for _ in on:
        for name, others in on.items():
            on[name] = others.union(*(on[other] for other in others))
    return {name: {other for other in others if not other.startswith("@")} for name, others in on.items()}


def _is_at(task: Task, place: Place) -> bool:
    return (
        task.operation.plan.id == place.operation
        and place.item in (None, task.item)
        and place.provider in (None, task.provider)
    )


fates = st.tuples(st.integers(0, 2**32), st.lists(plans(), min_size=1, max_size=3), st.integers(1, 5))
