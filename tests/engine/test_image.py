"""An image of the world is as good as the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine import image, invariants
from orchestrator.engine.machine import step
from tests.engine.fates import Fate, fates

if TYPE_CHECKING:
    from orchestrator.engine.world import World
    from orchestrator.plan.ir import Plan


def restored(world: World) -> World:
    """`world` through its image, as JSON."""
    plans: dict[str, Plan] = {workflow.id: workflow.plan for workflow in world.workflows.values()}
    head = msgspec.json.decode(msgspec.json.encode(image.of_world(world)), type=image.WorldImage)
    workflows = [
        msgspec.json.decode(msgspec.json.encode(image.of_workflow(one)), type=image.WorkflowImage)
        for one in world.workflows.values()
    ]
    return image.restore(head, workflows, lambda workflow, _: plans[workflow])


@settings(max_examples=150, deadline=None)
@given(fates, st.sampled_from([0.0, 0.4]), st.sampled_from([0.0, 0.3]), st.integers(0, 60))
def test_answers_everything_that_comes_as_the_world_does(
    given_fate: tuple[int, list[Plan], int], trouble: float, steers: float, when: int
) -> None:
    """From any moment on, in retry waits, rollback and pause alike, the same events give the same answers."""
    fate = Fate(*given_fate, trouble, steers)
    for number, _ in enumerate(fate.run()):
        if number == when:
            break
    copy, passed = restored(fate.world), len(fate.history)
    assert invariants.broken(copy) == []
    assert image.of_world(copy) == image.of_world(fate.world)
    for _ in fate.run():
        pass
    for event, at, first in fate.history[passed:]:
        second = step(copy, event, at)
        assert (second.seq, second.transitions, second.commands) == (first.seq, first.transitions, first.commands)
    assert image.of_world(restored(copy)) == image.of_world(fate.world)
