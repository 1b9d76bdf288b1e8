"""The engine's laws, on random plans with random fates."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine import invariants, timers
from orchestrator.engine.commands import Command, StartAttempt, StopAttempt
from orchestrator.engine.events import (
    AttemptExited,
    AttemptLost,
    CancelRequested,
    DrainRequested,
    Event,
    Moment,
    StartFailed,
)
from orchestrator.engine.machine import Step, step
from orchestrator.engine.world import World
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL
from orchestrator.plan.ir import Operation, Plan, RetryPolicy, RollbackStrategy, WorkflowType
from tests.support.plans import operation, plan, started, submitted

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS_MAX = 3000


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
        operations.append(
            operation(
                f"op{index}",
                tuple(f"i{n}" for n in range(draw(st.integers(0, 4)))),
                after,
                providers=draw(st.sampled_from([("local",), ("local", "other"), ("other",)])),
                parallel=draw(st.booleans()),
                timeout_s=draw(st.integers(1, 20)),
                on_failure=draw(st.sampled_from(["fail", "continue", "rollback"])),
                priority=draw(st.integers(-2, 2)),
                retry=retry,
                undo=draw(st.sampled_from([None, "", "undo"])),
            )
        )
    rollback = RollbackStrategy(draw(st.booleans()), draw(st.booleans()), 5, draw(st.booleans()))
    kind: WorkflowType = draw(st.sampled_from(get_args(WorkflowType)))
    return plan(*operations, kind=kind, rollback=rollback, batch_size=draw(st.sampled_from([None, 1, 3])))


class Fate:
    """A random outside world that answers commands, sometimes badly, and keeps what happened."""

    def __init__(self, seed: int, many: list[Plan], max_running: int, trouble: float) -> None:
        self.random = random.Random(seed)
        self.trouble = trouble
        self.max_running = max_running
        self.world = World()
        self.mono_us = 1_000_000
        self.history: list[tuple[Event, Moment, Step]] = []
        self.running: dict[tuple[str, int], bool] = {}
        self.starts: list[tuple[str, int]] = []
        self.happen(started(max_running, other=2))
        for number, one in enumerate(many):
            self.happen(submitted(one, f"w{number}"))

    def happen(self, event: Event) -> Step:
        self.mono_us += self.random.randrange(1000)
        at = Moment(1_700_000_000_000_000 + self.mono_us, self.mono_us)
        result = step(self.world, event, at)
        assert invariants.broken(self.world) == []
        if result.seq:
            self.history.append((event, at, result))
        for command in result.commands:
            self.carry_out(command)
        return result

    def carry_out(self, command: Command) -> None:
        if isinstance(command, StartAttempt):
            assert (command.task, command.attempt) not in self.starts
            assert len(self.running) < self.max_running
            self.starts.append((command.task, command.attempt))
            self.running[command.task, command.attempt] = command.undo
        elif isinstance(command, StopAttempt):
            assert (command.task, command.attempt) in self.running

    def go_on(self) -> bool:
        """Let one more thing happen; False when nothing can."""
        due_us = timers.next_due_us(self.world)
        if self.running and (due_us is None or not self.trouble or self.random.random() < 0.8):
            self.end_one()
        elif due_us is not None:
            self.mono_us = max(self.mono_us, due_us)
            event = timers.due_event(self.world, self.mono_us)
            assert event is not None
            self.happen(event)
        else:
            return False
        return True

    def end_one(self) -> None:
        task, attempt = self.random.choice(list(self.running))
        del self.running[task, attempt]
        fate = self.random.random()
        if fate < self.trouble / 4:
            self.happen(AttemptLost(task, attempt, "machine went away"))
        elif fate < self.trouble / 2:
            self.happen(StartFailed(task, attempt, "no such thing"))
        else:
            self.happen(AttemptExited(task, attempt, 1 if fate < self.trouble else 0))

    def run(self) -> Iterator[None]:
        for _ in range(EVENTS_MAX):
            if not self.go_on():
                return
            yield
        raise AssertionError("it does not come to an end")


fates = st.tuples(st.integers(0, 2**32), st.lists(plans(), min_size=1, max_size=3), st.integers(1, 5))


@pytest.mark.fault("F30")
@settings(max_examples=150, deadline=None)
@given(fates, st.sampled_from([0.0, 0.2, 0.6, 1.0]))
def test_every_workflow_comes_to_an_end(given_fate: tuple[int, list[Plan], int], trouble: float) -> None:
    """Whatever fails, every task and workflow reaches a final status and all slots are free again."""
    fate = Fate(*given_fate, trouble)
    for _ in fate.run():
        pass
    assert {task.status for task in fate.world.tasks.values()} <= TASK_FINAL
    assert {workflow.status for workflow in fate.world.workflows.values()} <= WORKFLOW_FINAL
    assert fate.world.live == {}
    if trouble == 0.0:
        assert {workflow.status for workflow in fate.world.workflows.values()} == {"succeeded"}


@settings(max_examples=80, deadline=None)
@given(fates, st.integers(0, 40), st.sampled_from([0.0, 0.5]))
def test_cancel_at_any_time_ends_the_workflow(
    given_fate: tuple[int, list[Plan], int], when: int, trouble: float
) -> None:
    """A workflow that can be cancelled ends, and nothing of it starts after the request."""
    fate = Fate(*given_fate, trouble)
    for number, _ in enumerate(fate.run()):
        if number == when:
            answer = fate.happen(CancelRequested("w0", "k", "tester"))
            if answer.seq:
                before = [start for start in fate.starts if start[0].startswith("w0.")]
    workflow = fate.world.workflows["w0"]
    assert workflow.status in WORKFLOW_FINAL
    if workflow.ending == "cancel":
        assert workflow.status == "cancelled"
        assert [start for start in fate.starts if start[0].startswith("w0.")] == before


@settings(max_examples=80, deadline=None)
@given(fates, st.integers(0, 30))
def test_a_killing_drain_interrupts_and_the_next_daemon_goes_on(
    given_fate: tuple[int, list[Plan], int], when: int
) -> None:
    """After a drain nothing starts; after the next daemon's start everything comes to its end all the same."""
    fate = Fate(*given_fate, 0.1)
    for number, _ in enumerate(fate.run()):
        if number == when:
            fate.happen(DrainRequested("k", "tester", kill=True))
    starts = len(fate.starts)
    fate.happen(started(fate.max_running, epoch=2, boot_id="another", other=2))
    assert len(fate.starts) >= starts
    for _ in fate.run():
        pass
    assert {workflow.status for workflow in fate.world.workflows.values()} <= WORKFLOW_FINAL


@pytest.mark.fault("F34")
@settings(max_examples=80, deadline=None)
@given(fates, st.sampled_from([0.0, 0.4]))
def test_a_replay_repeats_every_transition_and_command(given_fate: tuple[int, list[Plan], int], trouble: float) -> None:
    """The same events give the same transitions and commands, record by record."""
    fate = Fate(*given_fate, trouble)
    for _ in fate.run():
        pass
    again = World()
    for event, at, first in fate.history:
        second = step(again, event, at)
        assert (second.seq, second.transitions, second.commands) == (first.seq, first.transitions, first.commands)


@settings(max_examples=80, deadline=None)
@given(fates)
def test_undoing_goes_in_the_reverse_order_of_doing(given_fate: tuple[int, list[Plan], int]) -> None:
    """Of two tasks that were undone, the one that succeeded later was undone earlier."""
    fate = Fate(*given_fate, 0.3)
    for _ in fate.run():
        pass
    done: dict[str, int] = {}
    undone: list[str] = []
    for _, _, result in fate.history:
        for change in result.transitions:
            if change.task and change.status == "succeeded" and change.previous_status == "running":
                done[change.task] = result.seq
            if change.task and change.status == "rolled_back":
                undone.append(change.task)
    for workflow in fate.world.workflows:
        order = [done[task] for task in undone if task.startswith(f"{workflow}.")]
        assert order == sorted(order, reverse=True)
