"""The plan of the checks of a plan."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.plan.declarations import Provider
from orchestrator.plan.drift import checks
from orchestrator.plan.ir import Action, Edge, Operation, Place, Plan, ProviderLimits, canonical, decode
from tests.support.plans import at, operation, plan, started, submitted

CREATE, CHECK, OTHER = Action("create", "undo"), Action("check", ""), Action("by hand", "undo by hand")


def provider(name: str, *, kinds: tuple[str, ...] = ("create", "check")) -> Provider:
    """A provider of servers."""
    actions = {"create": CREATE, "update": CREATE, "delete": CREATE, "check": CHECK}
    return Provider(name, "/p", ProviderLimits(2), {(kind, "server"): actions[kind] for kind in kinds})


def made_by(*names: str, action: Action = CREATE, **what: Any) -> Operation:
    """An operation that `names` carry out by `action`."""
    one = operation("a", ("x", "y"), providers=names)
    return msgspec.structs.replace(one, actions=dict.fromkeys(names, action), **what)


def of(*operations: Operation, **providers: Provider) -> tuple[Plan, list[tuple[str, str]]]:
    """The plan of the checks, and (operation, provider) of what is left out."""
    checking, left = checks(plan(*operations), providers)
    return checking, [(one.operation, one.provider) for one in left]


@pytest.mark.parametrize("kind", ["create", "update"])
def test_what_makes_becomes_its_check(kind: str) -> None:
    """On the same items, once, with nothing to undo."""
    one = made_by("p", type=kind, timeout_s=7, env={"A": "1"}, at_most_once=True, on_failure="rollback")
    checking, left = of(one, p=provider("p", kinds=("create", "update", "check")))
    assert left == []
    assert checking.name == "test (check)"
    assert not checking.rollback.enabled
    (found,) = checking.operations
    assert (found.id, found.type, found.target, found.items, found.timeout_s) == ("a", "check", "server", ("x", "y"), 7)
    assert found.actions == {"p": Action("check", None)}
    assert (found.on_failure, found.retry.max_attempts, found.at_most_once) == ("continue", 1, False)
    assert found.env == {"A": "1"}
    assert decode(canonical(checking)) == checking


def test_nothing_waits_for_anything() -> None:
    """Neither for operations nor by edges; all items are checked whatever the others say."""
    second = msgspec.structs.replace(made_by("p"), id="b", depends_on=("a",), after=("a",), parallel=False)
    whole = msgspec.structs.replace(
        plan(made_by("p"), second), edges=(Edge(Place("a"), Place("b")),), type="sequential"
    )
    checking, _ = checks(whole, {"p": provider("p")})
    assert [(one.after, one.depends_on, one.parallel) for one in checking.operations] == [((), (), True)] * 2
    assert (checking.edges, checking.type) == ((), "batch")


def test_what_no_provider_can_check_is_left_out() -> None:
    """As a whole, or on one of its providers."""
    able, unable = provider("p"), provider("q", kinds=("create",))
    assert of(made_by("q"), q=unable)[1] == [("a", "")]
    checking, left = of(made_by("p", "q"), p=able, q=unable)
    assert left == [("a", "q")]
    assert [one.providers for one in checking.operations] == [("p",)]
    assert list(checking.providers) == ["p"]


def test_an_own_command_is_checked_by_the_provider_it_names() -> None:
    """The one that runs commands by default knows nothing of what they make."""
    named = {"p": provider("p"), "local": provider("local")}
    checking, left = of(made_by("p", action=OTHER), **named)
    assert (left, [one.actions for one in checking.operations]) == ([], [{"p": Action("check", None)}])
    assert of(made_by("local", action=OTHER), **named)[1] == [("a", "")]
    assert of(made_by("local", item_actions={"x": OTHER}), **named)[1] == [("a", "")]
    assert of(made_by("local"), **named)[1] == []


def test_what_is_gone_cannot_be_checked() -> None:
    """A check that fails does not say why."""
    one = made_by("p", type="delete")
    checking, left = of(one, p=provider("p", kinds=("create", "delete", "check")))
    assert (checking.operations, left) == ((), [("a", "")])


def test_a_check_stays_one() -> None:
    """With its own command."""
    one = made_by("local", type="check", action=Action("look", ""), item_actions={"x": Action("look twice", "")})
    checking, left = of(one)
    assert left == []
    assert checking.operations[0].actions == {"local": Action("look", None)}
    assert checking.operations[0].item_actions == {"x": Action("look twice", None)}


def test_all_checks_are_run_and_nothing_is_undone() -> None:
    """Although the first of them fails."""
    second = msgspec.structs.replace(made_by("p"), id="b", depends_on=("a",), after=("a",))
    checking, _ = of(made_by("p", on_failure="rollback"), second, p=provider("p"))
    world, now = World(), iter(range(1, 100))
    step(world, started(), at(next(now)))
    step(world, submitted(checking), at(next(now)))
    while world.live:
        for task in list(world.live):
            step(world, AttemptExited(task, 1, int(task == "w.a.p.x")), at(next(now)))
    statuses = {task.id: task.status for task in world.workflows["w"].tasks}
    assert statuses.pop("w.a.p.x") == "failed"
    assert set(statuses.values()) == {"succeeded"}
    assert world.workflows["w"].status == "failed"


def test_what_cannot_be_checked_is_called_by_a_word_of_people() -> None:
    """A target's own word need not be one."""
    said = {"server": "a server", "taskserv": "a task service", "shared": "a shared resource", "cluster": "a cluster"}
    for target, words in said.items():
        _, left = checks(plan(made_by("p", target=target)), {"p": provider("p", kinds=("create",))})
        assert [one.why for one in left] == [f"provider p has no action that checks {words}"]
