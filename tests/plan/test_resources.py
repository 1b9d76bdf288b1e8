"""Dependencies between resources: what a name stands for, and what is said of one that stands for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.plan import resources
from orchestrator.plan.ir import Edge, Place


def workflow(*dependencies: dict[str, Any], **more: object) -> dict[str, Any]:
    """Two servers are created, one is updated too; a task service is installed on both."""
    return {
        "name": "w",
        "operations": [
            {"id": "make", "type": "create", "target": "server", "items": ["a", "b"]},
            {"id": "tune", "type": "update", "target": "server", "items": ["a"], "depends_on": ["make"]},
            {"id": "install", "type": "create", "target": "taskserv", "items": ["k8s", "cilium"]},
            {"id": "look", "type": "check", "target": "cluster", "items": ["c"]},
        ],
        "dependencies": list(dependencies),
        **more,
    }


def depends(source: str = "server.a", target: str = "taskserv.k8s", **more: object) -> dict[str, Any]:
    """A dependency."""
    return {"source": source, "target": target, **more}


def codes(raw: dict[str, Any]) -> list[tuple[str, tuple[str | int, ...], str]]:
    """What `raw` is told about its dependencies."""
    return [(fault.code, fault.path, fault.severity) for fault in resources.check(raw)]


def test_a_resource_is_the_task_that_creates_it() -> None:
    """R1-22: whatever else touches it."""
    raw = workflow(depends(timeout=7, wait_condition="source.attempt == 1", type="soft"))
    assert codes(raw) == []
    assert resources.edges(raw) == (
        Edge(Place("make", "a"), Place("install", "k8s"), "soft", "source.attempt == 1", 7, "server.a"),
    )


def test_without_a_creator_it_is_who_updates_it_else_all_that_name_it() -> None:
    """A workflow may go on where another one ended."""
    raw = workflow(depends("server.a", "cluster.c"))
    raw["operations"][0]["items"] = ["b"]
    assert resources.edges(raw) == (Edge(Place("tune", "a"), Place("look", "c"), why="server.a"),)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("hard", [("WF120", ("dependencies", 0, "source"), "error")]),
        ("soft", [("WF120", ("dependencies", 0, "source"), "warning")]),
        ("optional", []),
    ],
)
def test_what_there_is_not(kind: str, expected: list[object]) -> None:
    """R1-22: an error, a warning, nothing."""
    raw = workflow(depends("server.aa", type=kind))
    assert codes(raw) == expected
    assert resources.edges(raw) == ()


def test_a_near_name_is_offered() -> None:
    """Typing mistakes are the usual ones."""
    (fault,) = resources.check(workflow(depends("server.aa")))
    assert fault.help == "Did you mean 'server.a'?"


def test_near_names_are_offered_for_the_first_few_only() -> None:
    """Looking for them takes its time; the errors themselves are all told."""
    raw = workflow(*(depends(f"server.aa{number}", type="soft") for number in range(50)))
    raw["operations"][0]["items"] = [f"a{number}" for number in range(500)]
    told = list(resources.check(raw))
    assert [fault.code for fault in told] == ["WF120"] * 50
    assert [fault.help for fault in told[:3]] == [f"Did you mean 'server.a{number}'?" for number in range(3)]
    assert sum(bool(fault.help) for fault in told) == 20


@pytest.mark.parametrize("name", ["a", "server", "server.", "machine.a", ".a"])
def test_what_is_no_resource_at_all(name: str) -> None:
    """Whatever the type."""
    assert codes(workflow(depends(name, type="optional"))) == [("WF121", ("dependencies", 0, "source"), "error")]


@pytest.mark.parametrize(
    ("condition", "code", "part"),
    [
        ("source.status = 'succeeded'", "WF123", "=="),
        ("source.status ==", "WF123", ""),
        ("sauce.status == 'succeeded'", "WF124", "source"),
        ("operations['maken'].failed == 0", "WF124", "make"),
        ("source.statuz == 'succeeded'", "WF124", "status"),
        ("operations['make'].succeded > 1", "WF124", "succeeded"),
        ("workflow.elapsed >= 5", "WF124", "elapsed_s"),
    ],
)
def test_a_condition_that_is_wrong(condition: str, code: str, part: str) -> None:
    """With the place in the text, and a remedy."""
    (fault,) = resources.check(workflow(depends(wait_condition=condition)))
    assert (fault.code, fault.path) == (code, ("dependencies", 0, "wait_condition"))
    assert part in fault.help


def test_timeouts_and_types_are_checked() -> None:
    """As everywhere."""
    raw = workflow(depends(timeout=0, type="firm"))
    assert [code for code, _, _ in codes(raw)] == ["WF122", "WF105"]


def test_a_circle_through_items_and_operations() -> None:
    """Make waits for the cluster, which waits for install, which waits for make."""
    raw = workflow(depends("cluster.c", "server.b"), depends("server.b", "taskserv.k8s"))
    raw["operations"][3]["depends_on"] = ["install"]
    (fault,) = resources.check(raw)
    assert fault.code == "WF125"
    circle = "make/b -> look/c -> look -> install -> install/k8s -> make/b"
    assert fault.message == f"tasks would wait for each other: {circle}"


def test_a_circle_with_the_listed_order() -> None:
    """One after another: the first item cannot wait for the second."""
    raw = workflow(depends("taskserv.cilium", "taskserv.k8s"))
    assert codes(raw) == []
    raw["operations"][2]["parallel"] = False
    assert [code for code, _, _ in codes(raw)] == ["WF125"]


def test_a_circle_with_the_order_of_a_sequential_workflow() -> None:
    """What is listed first cannot wait for what is listed later."""
    assert [code for code, _, _ in codes(workflow(depends("taskserv.k8s", "server.a"), type="sequential"))] == ["WF125"]


def test_a_resource_that_depends_on_itself() -> None:
    """Told as for operations, and nothing else."""
    assert [code for code, _, _ in codes(workflow(depends("server.a", "server.a")))] == ["WF111"]


def test_a_number_that_is_wide_enough_is_no_order() -> None:
    """Two items, both at a time."""
    raw = workflow(depends("taskserv.cilium", "taskserv.k8s"))
    raw["operations"][2]["parallel"] = 2
    assert codes(raw) == []


def test_a_number_has_to_be_wide_enough_for_every_provider() -> None:
    """Each item is a task on each of them: those that are named, or all, unless a command runs once."""
    raw = workflow(depends("taskserv.cilium", "taskserv.k8s"))
    install = raw["operations"][2]
    install["parallel"] = 2
    assert [fault.code for fault in resources.check(raw, 2)] == ["WF125"]
    install["command"] = "true"
    assert list(resources.check(raw, 2)) == []
    install["providers"] = ["here", "there"]
    assert codes(raw) == [("WF125", ("dependencies", 0), "error")]
