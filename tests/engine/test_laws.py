"""The engine's laws, on random plans with random fates."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.events import CancelRequested, DrainRequested
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL
from orchestrator.plan.ir import Plan, ProviderLimits
from tests.engine.fates import Fate, fates
from tests.support.plans import started


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
    if trouble == 0.0 and not any(edge.condition for one in given_fate[1] for edge in one.edges):
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


@settings(max_examples=200, deadline=None)
@given(fates, st.sampled_from([0.1, 0.4]), st.sampled_from([0.05, 0.3]))
def test_whoever_steers_the_laws_hold(given_fate: tuple[int, list[Plan], int], trouble: float, steers: float) -> None:
    """Whatever is asked for and whenever: `Fate` judges each start, and all comes to its end.

    For every dependency a -> b, of whatever kind, undo(b) has ended well before undo(a) starts; attempts stay within
    the policy, starts within the provider's rate; nothing of a paused workflow starts.
    """
    fate = Fate(*given_fate, trouble, steers)
    for _ in fate.run():
        pass
    assert {task.status for task in fate.world.tasks.values()} <= TASK_FINAL
    assert {workflow.status for workflow in fate.world.workflows.values()} <= WORKFLOW_FINAL
    assert fate.world.live == {}
    assert set(fate.world.finished) == set(fate.world.workflows)


@settings(max_examples=80, deadline=None)
@given(fates)
def test_one_at_a_time_the_last_success_is_undone_first(given_fate: tuple[int, list[Plan], int]) -> None:
    """With a single slot, undoing goes in the reverse order of doing."""
    seed, many, _ = given_fate
    fate = Fate(seed, [_without_limits(one) for one in many[:1]], 1, 0.2)
    for _ in fate.run():
        pass
    done: dict[str, int] = {}
    undone: list[str] = []
    for _, _, result in fate.history:
        for change in result.transitions:
            if change.task and change.status == "succeeded" and change.previous_status == "running":
                done[change.task] = result.seq
            if change.task and change.status == "rolling_back" and change.reason.endswith("is running"):
                undone += [change.task] if change.task not in undone else []
    if "rollback_failed" not in {task.status for task in fate.world.tasks.values()}:
        order = [done[task] for task in undone]
        assert order == sorted(order, reverse=True)


def _without_limits(one: Plan) -> Plan:
    """`one` without what lets an undo wait: retry delays and rates."""
    operations = [
        msgspec.structs.replace(node, retry=msgspec.structs.replace(node.retry, max_attempts=1))
        for node in one.operations
    ]
    providers = {name: ProviderLimits() for name in one.providers}
    return msgspec.structs.replace(one, operations=tuple(operations), providers=providers)
