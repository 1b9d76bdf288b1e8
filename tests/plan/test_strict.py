"""What is only worth a word, in values that no front-end is needed for."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.plan.check import check
from orchestrator.plan.declarations import Provider
from orchestrator.plan.ir import Action, ProviderLimits
from orchestrator.plan.strict import check_strictly

Found = list[tuple[str, tuple[str | int, ...]]]

ACTIONS = {("create", "server"): Action("make", "drop"), ("update", "server"): Action("change", None)}


def provider(name: str, batch_size: int | None = None) -> Provider:
    """A provider that can create and update servers, and undo the first only."""
    return Provider(name, "/", ProviderLimits(batch_size), ACTIONS)


PROVIDERS = {"local": provider("local"), "small": provider("small", 2), "large": provider("large", 5)}


def operation(name: str, **more: Any) -> dict[str, Any]:
    """A check of one server; nothing to say about it."""
    return {"id": name, "type": "check", "target": "server", "items": ["x"], "command": "true"} | more


def found(*operations: dict[str, Any], **of_workflow: Any) -> Found:
    """(code, path) of what is said about a workflow."""
    raw = {"name": "t", "operations": list(operations)} | of_workflow
    faults = check_strictly(raw, PROVIDERS)
    assert all(fault.severity == "warning" and fault.message and fault.help for fault in faults)
    return [(fault.code, fault.path) for fault in faults]


def dependency(condition: str, kind: str = "hard") -> dict[str, Any]:
    """Server y waits for server x."""
    return {"source": "server.x", "target": "server.y", "type": kind, "wait_condition": condition}


def test_nothing_is_said_about_what_surprises_nobody() -> None:
    """A workflow without any of it, and one that is no workflow at all."""
    assert found(operation("a"), operation("b", depends_on=["a"], parallel=3)) == []
    assert check_strictly({"operations": None}, PROVIDERS) == []
    assert check_strictly({"operations": ["a", {}]}, PROVIDERS) == []


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"rollback_command": "true"}, False),
        ({"type": "check"}, False),
        ({"on_failure": "continue"}, False),
        ({"command": None}, False),
        ({"command": None, "type": "update"}, True),
        ({"command": None, "type": "update", "providers": ["small"]}, True),
        ({"command": None, "template": "a.j2"}, True),
        ({"command": None, "template": "a.j2", "rollback_template": "b.j2"}, False),
    ],
)
def test_an_operation_that_cannot_be_undone_is_told(changes: dict[str, Any], is_told: bool) -> None:
    """Whether the undo is its own, its template's or its provider's."""
    assert found(operation("a", type="create") | changes) == ([("WF301", ("operations", 0))] if is_told else [])


def test_an_undo_may_be_asked_for_by_a_later_operation() -> None:
    """Also through others; not if rollback is switched off, and not by one that does not need it."""
    first = operation("a", type="create", on_failure="fail")
    between = operation("b", on_failure="fail", depends_on=["a"])
    assert found(first, between, operation("c", depends_on=["b"])) == [("WF301", ("operations", 0))]
    assert found(first, between, operation("c")) == []
    assert found(first, operation("c", depends_on=["a"]), rollback_strategy={"enabled": False}) == []


@pytest.mark.parametrize("condition", ["false", "1 == 2", "not true", "'a' in ['b']"])
def test_a_condition_that_never_holds_is_told_with_what_waits_behind_it(condition: str) -> None:
    """The operation that makes the target is told at the condition; those behind it each for themselves."""
    operations = [
        operation("x", type="create", items=["x"], rollback_command="true"),
        operation("y", type="create", items=["y", "z"], rollback_command="true"),
        operation("next", depends_on=["y"]),
        operation("last", depends_on=["next"]),
        operation("beside", depends_on=["x"]),
    ]
    at_condition = ("WF305", ("dependencies", 0, "wait_condition"))
    assert found(*operations, dependencies=[dependency(condition)]) == [
        at_condition,
        ("WF305", ("operations", 2)),
        ("WF305", ("operations", 3)),
    ]
    assert found(*operations, dependencies=[dependency(condition, "soft")]) == [at_condition]


@pytest.mark.parametrize("condition", ["true", "source.attempt == 1", "source.status == 'failed'", "((", "1", ""])
def test_other_conditions_are_left_alone(condition: str) -> None:
    """Those that read something, hold always, or cannot be read, which is a fault of its own."""
    assert (
        found(operation("y", type="create", items=["y"], on_failure="fail"), dependencies=[dependency(condition)]) == []
    )


def test_what_is_behind_in_a_sequence_waits_too() -> None:
    """Without a declared dependency."""
    operations = [operation("y", type="create", items=["y"], rollback_command="true"), operation("next")]
    told = ("WF305", ("operations", 1))
    assert told in found(*operations, type="sequential", dependencies=[dependency("false")])
    assert told not in found(*operations, dependencies=[dependency("false")])


def test_a_dependency_on_an_operation_without_items_is_told() -> None:
    """It looks like an order."""
    path = ("operations", 2, "depends_on", 1)
    assert found(operation("a"), operation("e", items=[]), operation("b", depends_on=["a", "e"])) == [("WF305", path)]


@pytest.mark.parametrize(
    ("changes", "kind", "is_told"),
    [
        ({"providers": ["small"], "parallel": 2}, "batch", False),
        ({"providers": ["small"], "parallel": 3}, "batch", True),
        ({"providers": ["small"], "parallel": 3}, "sequential", True),
        ({"providers": ["small"], "parallel": 3}, "parallel", False),
        ({"providers": ["small", "large"], "parallel": 7}, "batch", False),
        ({"providers": ["small", "large"], "parallel": 8}, "batch", True),
        ({"providers": ["small", "local"], "parallel": 9}, "batch", False),
        ({"providers": ["small"], "parallel": True}, "batch", False),
        ({"parallel": 9}, "batch", False),
    ],
)
def test_more_at_a_time_than_batch_sizes_allow_is_told(changes: dict[str, Any], kind: str, is_told: bool) -> None:
    """R1-51: only where batch sizes count, and every provider has one."""
    expected = [("WF309", ("operations", 0, "parallel"))] if is_told else []
    assert found(operation("a") | changes, type=kind) == expected


def test_a_provider_that_is_nearly_one_that_exists_is_told() -> None:
    """A command runs under any name; this one was meant differently."""
    path = ("operations", 0, "providers", 0)
    assert found(operation("a", providers=["lagre"])) == [("WF309", path)]
    assert found(operation("a", providers=["mainframe"])) == []


def test_declarations_that_mean_nothing_are_told() -> None:
    """Task services nobody installs, what is both assumed and installed, sizes of what is no server."""
    one = operation("a", type="create", target="taskserv", items=["os"], rollback_command="true")
    assert found(one, taskservs={"os": {"requires": ["net"]}, "net": {}, "other": {}}) == [
        ("WF309", ("taskservs", "other"))
    ]
    assert found(one, taskservs={"other": {}}, pull_requirements=True) == []
    assert found(one, assume_installed=["net", "os"]) == [("WF309", ("assume_installed", 1))]
    assert found(one | {"resources": {"cpu": 1}}) == [("WF309", ("operations", 0, "resources"))]
    assert found(one | {"target": "server", "resources": {"cpu": 1}}) == []


def test_a_dependency_against_the_sequence_is_an_error() -> None:
    """Each would wait for the other, for ever; strictly or not."""
    operations = [operation("a", depends_on=["b"]), operation("b")]
    raw = {"name": "t", "type": "sequential", "operations": operations}
    assert [(fault.code, fault.path) for fault in check(raw, PROVIDERS)] == [
        ("WF107", ("operations", 0, "depends_on", 0))
    ]
    assert check(raw | {"type": "batch"}, PROVIDERS) == []
