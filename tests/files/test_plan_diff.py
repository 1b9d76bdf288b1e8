"""What a later plan changes, and that the engine then does what was told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.events import AttemptExited
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.files.asking.plan_diff import (
    RUNS,
    RUNS_AGAIN,
    RUNS_PARTLY,
    STAYS,
    TAKEN_OVER,
    differences,
    is_worth_telling,
)
from orchestrator.plan.ir import Action, Edge, Operation, Place, Plan, canonical
from tests.support.plans import at, operation, plan, started, submitted

if TYPE_CHECKING:
    from collections.abc import Collection

Told = list[tuple[str, str, str, str]]


def document(of: Plan) -> dict[str, Any]:
    """A plan as its file has it."""
    return dict(json.loads(canonical(of)))


def told(before: Plan, after: Plan, succeeded: Collection[tuple[str, str, str]] | None = None) -> Told:
    """(operation, change, what, effect) of each row."""
    rows = differences(document(before), document(after), succeeded)
    return [(row["operation"], row["change"], row["what"], row["effect"]) for row in rows]


def changed(one: Operation, **what: Any) -> Operation:
    """`one` with other values."""
    return msgspec.structs.replace(one, **what)


A, B, C = operation("a", ("x", "y")), operation("b", ("z",), ("a",)), operation("c", ("z",))
BEFORE = plan(A, B, C)


def test_equal_plans_differ_in_nothing() -> None:
    """A row for each operation, none of which is worth telling."""
    assert told(BEFORE, BEFORE) == [(name, "unchanged", "", TAKEN_OVER) for name in "abc"]
    assert not any(map(is_worth_telling, differences(document(BEFORE), document(BEFORE))))


def test_another_command_runs_again_with_all_that_depends_on_it() -> None:
    """The attribute is named by its path, with both values."""
    after = plan(changed(A, actions={"local": Action("false")}), B, C)
    assert told(BEFORE, after) == [
        ("a", "changed", "actions.local.command", RUNS_AGAIN),
        ("b", "unchanged", "", RUNS_AGAIN),
        ("c", "unchanged", "", TAKEN_OVER),
    ]
    row = differences(document(BEFORE), document(after))[0]
    assert (row["before"], row["after"]) == ("true", "false")
    assert is_worth_telling(differences(document(BEFORE), document(after))[1])


def test_how_long_and_how_often_costs_no_result() -> None:
    """Only what an operation does counts."""
    after = plan(changed(A, timeout_s=5, priority=3, retry=msgspec.structs.replace(A.retry, max_attempts=9)), B, C)
    assert told(BEFORE, after)[:3] == [
        ("a", "changed", "timeout_s", TAKEN_OVER),
        ("a", "changed", "priority", TAKEN_OVER),
        ("a", "changed", "retry.max_attempts", TAKEN_OVER),
    ]


def test_environment_folder_and_kind_do_cost_it() -> None:
    """As a command does."""
    for what in ({"env": {"A": "1"}}, {"working_dir": "/"}, {"type": "update"}, {"target": "cluster"}):
        assert told(BEFORE, plan(A, B, changed(C, **what)))[-1][3] == RUNS_AGAIN


def test_operations_come_and_go() -> None:
    """What is new runs; what is gone has been done, and stays."""
    assert told(BEFORE, plan(A, C, operation("d"))) == [
        ("a", "unchanged", "", TAKEN_OVER),
        ("c", "unchanged", "", TAKEN_OVER),
        ("d", "added", "", RUNS),
        ("b", "removed", "", STAYS),
    ]


def test_another_item_is_done_beside_those_that_are() -> None:
    """And what waits for the operation runs again."""
    found = told(BEFORE, plan(operation("a", ("x", "y", "new")), B, C))
    assert found[:2] == [("a", "changed", "items", RUNS_PARTLY), ("b", "unchanged", "", RUNS_AGAIN)]


def test_what_did_not_succeed_runs_again() -> None:
    """Although nothing differs."""
    assert told(BEFORE, BEFORE, {("a", "x", "local"), ("a", "y", "local")})[1:] == [
        ("b", "unchanged", "", RUNS_AGAIN),
        ("c", "unchanged", "", RUNS_AGAIN),
    ]


def test_an_edge_passes_it_on_to_the_tasks_it_names() -> None:
    """And is told in words, of the operation that waits."""
    edge = Edge(Place("c"), Place("a", "y"), condition="x > 1", why="c")
    before = changed_plan(BEFORE, edges=(edge,))
    after = changed_plan(plan(A, B, changed(C, env={"A": "1"})), edges=(edge,))
    assert [row[3] for row in told(before, after)] == [RUNS_PARTLY, RUNS_AGAIN, RUNS_AGAIN]
    row = differences(document(BEFORE), document(before))[0]
    assert (row["what"], row["after"]) == ("edges", ["a.y waits for c until x > 1 (300 s), hard"])


def changed_plan(of: Plan, **what: Any) -> Plan:
    """`of` with other values."""
    return msgspec.structs.replace(of, **what)


def test_the_workflow_itself_is_told_without_an_operation() -> None:
    """Its priority, its type, its rollback."""
    after = changed_plan(BEFORE, priority=5, rollback=msgspec.structs.replace(BEFORE.rollback, enabled=False))
    assert told(BEFORE, after)[:2] == [("", "changed", "rollback.enabled", ""), ("", "changed", "priority", "")]


def test_a_plan_of_an_earlier_form_differs_in_nothing_for_that() -> None:
    """It lacks what is empty in the later one."""
    old = document(BEFORE)
    for one in old["operations"]:
        for name in ("item_actions", "at_most_once", "inserted"):
            del one[name]
    del old["edges"], old["environment"]
    assert [row["change"] for row in differences(old, document(BEFORE))] == ["unchanged"] * 3


NAMES = ("a", "b", "c", "d")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Small plans over the same few names."""
    operations = []
    chosen = [name for name in NAMES if draw(st.integers(0, 4))]
    for index, name in enumerate(chosen):
        items = tuple(item for item in ("x", "y") if draw(st.integers(0, 3)))
        after = tuple(other for other in chosen[:index] if draw(st.booleans()))
        command = draw(st.sampled_from(["true", "true", "true", "other"]))
        operations.append(operation(name, items, after, command=command))
    edges = tuple(
        Edge(Place(first), Place(second, draw(st.sampled_from([None, "x"]))))
        for index, first in enumerate(chosen)
        for second in chosen[index + 1 :]
        if not draw(st.integers(0, 4))
    )
    return changed_plan(plan(*operations), edges=edges)


@given(plans(), plans())
@settings(max_examples=150, deadline=None)
def test_the_engine_takes_over_what_was_told(before: Plan, after: Plan) -> None:
    """A workflow that succeeded is continued by another plan: the tasks that do not run are those told of."""
    world = World()
    seconds = iter(range(1, 10_000))
    step(world, started(), at(next(seconds)))
    step(world, submitted(before, "w1"), at(next(seconds)))
    while any(world.live):
        for task in list(world.live):
            step(world, AttemptExited(task, 1, 0), at(next(seconds)))
    earlier = world.workflows["w1"]
    assert earlier.status == "succeeded"
    step(world, changed_event(submitted(after, "w2"), continues="w1"), at(next(seconds)))
    workflow = world.workflows["w2"]
    rows = differences(document(before), document(after))
    effects = {row["operation"]: row["effect"] for row in rows if row["change"] != "removed"}
    for one in workflow.operations:
        taken = [task.reason == "taken over from w1" for task in one.tasks]
        if effects[one.plan.id] == TAKEN_OVER:
            assert all(taken)
        elif effects[one.plan.id] == RUNS_PARTLY:
            assert any(taken)
            assert not all(taken)
        else:
            assert not any(taken)


def changed_event(event: Any, **what: Any) -> Any:
    """`event` with other values."""
    return msgspec.structs.replace(event, **what)
