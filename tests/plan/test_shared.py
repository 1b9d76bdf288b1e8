"""Shared resources of providers in a plan."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.plan.build import build
from orchestrator.plan.check import check
from orchestrator.plan.declarations import (
    Dependencies,
    Provider,
    ProviderAction,
    ProviderFile,
    SharedAction,
    declare,
)
from orchestrator.plan.inserted import new_id
from orchestrator.plan.ir import Action, Edge, Place, Plan, ProviderLimits, RetryPolicy


def cloud(name: str = "cloud", **needs: Any) -> Provider:
    """A provider that makes servers, with the resources of the schema's defaults."""
    shared = {one: SharedAction(f"make {one}", f"drop {one}") for one in ("private_network", "security_group")}
    action = ProviderAction("create", "server", "make", "drop")
    return declare(ProviderFile(1, name, [action], dependencies=Dependencies(**needs), shared=shared), "/")


def plan(*operations: dict[str, Any], providers: list[Provider], **of_workflow: Any) -> Plan:
    """The plan of a workflow without faults."""
    raw = {"name": "t", "operations": list(operations)} | of_workflow
    by_id = {one.id: one for one in providers}
    assert check(raw, by_id) == []
    return build(raw, by_id, "/")


def servers(name: str = "servers", **more: Any) -> dict[str, Any]:
    """An operation that creates two."""
    return {"id": name, "type": "create", "target": "server", "items": ["a", "b"]} | more


def test_each_resource_is_made_once_and_before_every_server_of_its_provider() -> None:
    """R1-49: one operation a resource, first in the plan, with an edge to each operation that creates servers."""
    found = plan(servers(), servers("more"), providers=[cloud()], retry_policy={"max_attempts": 7})
    assert [one.id for one in found.operations] == [
        "cloud-private_network",
        "cloud-security_group",
        "servers",
        "more",
    ]
    made = found.operations[0]
    assert (made.type, made.target, made.items, made.providers) == (
        "create",
        "shared",
        ("private_network",),
        ("cloud",),
    )
    assert made.actions == {"cloud": Action("make private_network", "drop private_network")}
    assert made.inserted == "shared resource of cloud"
    assert made.retry == RetryPolicy(7)
    assert found.edges == tuple(
        Edge(Place(f"cloud-{resource}"), Place(operation, None, "cloud"))
        for resource in ("private_network", "security_group")
        for operation in ("servers", "more")
    )
    assert found.providers == {"cloud": ProviderLimits(5, 10)}


def test_only_providers_that_create_servers_get_theirs() -> None:
    """Each waits for its own resources only; checks, other targets and empty lists need none."""
    providers = [cloud("one"), cloud("two"), cloud("three")]
    command = {"command": "true", "providers": ["three"]}
    found = plan(
        servers("on-one", providers=["one"]),
        servers("on-both", providers=["one", "two"]),
        servers("check", type="check", **command),
        servers("cluster", target="cluster", **command),
        servers("nothing", command="true", providers=["two"], target="taskserv"),
        providers=providers,
    )
    inserted = [one for one in found.operations if one.inserted]
    assert [one.providers for one in inserted] == [("one",), ("one",), ("two",), ("two",)]
    targets = {edge.target for edge in found.edges if edge.source.operation.startswith("two-")}
    assert targets == {Place("on-both", None, "two")}


def test_what_is_before_all_servers_is_before_what_they_share() -> None:
    """A check that fails in front of a sequential workflow keeps everything from being made."""
    look = servers("look", type="check", command="true", providers=["cloud"])
    found = plan(look, servers("one"), servers("two"), providers=[cloud()], type="sequential")
    assert {one.id: one.after for one in found.operations} == {
        "cloud-private_network": ("look",),
        "cloud-security_group": ("look",),
        "look": (),
        "one": ("look",),
        "two": ("one",),
    }
    last = servers("last", type="check", command="true", providers=["cloud"], depends_on=["look"])
    found = plan(look, last, servers("one", depends_on=["last"]), servers("free"), providers=[cloud()])
    assert {one.after for one in found.operations if one.inserted} == {()}
    found = plan(look, last, servers("one", depends_on=["last", "look"]), providers=[cloud()])
    assert {one.after for one in found.operations if one.inserted} == {("last",)}


def test_a_network_that_need_not_be_first_is_made_beside_the_servers() -> None:
    """network_before_servers: false frees the servers from the network, and from nothing else."""
    found = plan(servers(), providers=[cloud(network_before_servers=False)])
    assert [one.id for one in found.operations][:2] == ["cloud-private_network", "cloud-security_group"]
    assert {edge.source.operation for edge in found.edges} == {"cloud-security_group"}


def test_a_network_that_is_not_required_is_not_made() -> None:
    """requires_network: false leaves networks out."""
    found = plan(servers(), providers=[cloud(requires_network=False)])
    assert [one.id for one in found.operations] == ["cloud-security_group", "servers"]


def test_a_failure_means_what_it_means_for_the_first_operation_that_needs_it() -> None:
    """on_failure is that of the servers."""
    found = plan(servers(on_failure="continue"), servers("more"), providers=[cloud()])
    assert {one.on_failure for one in found.operations if one.inserted} == {"continue"}


def test_a_workflow_without_shared_resources_has_the_plan_it_always_had() -> None:
    """A provider without the block adds nothing."""
    plain = Provider("plain", "/", ProviderLimits(), {("create", "server"): Action("make")})
    found = plan(servers(), providers=[plain])
    assert (len(found.operations), found.edges) == (1, ())


@pytest.mark.parametrize(
    ("wanted", "taken", "found"),
    [
        ("cloud-net", [], "cloud-net"),
        ("cloud-net", ["Cloud-Net", "cloud-net-2"], "cloud-net-3"),
        ("a.b c", [], "a-b-c"),
        ("_a", [], "x_a"),
        ("x" * 130, ["x" * 120], "x" * 118 + "-2"),
    ],
)
def test_ids_of_what_is_inserted_are_ids_and_new(wanted: str, taken: list[str], found: str) -> None:
    """Whatever the name of a resource, and whatever else is called so."""
    assert new_id(wanted, taken) == found
