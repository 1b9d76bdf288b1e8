"""Task services in a plan: requirements, conflicts, sizes, health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.forecast.assumptions import Assumptions
from orchestrator.forecast.prediction import forecast
from orchestrator.plan import graph, resources
from orchestrator.plan.build import build
from orchestrator.plan.check import check
from orchestrator.plan.declarations import (
    GiB,
    HealthCheck,
    MiB,
    MinimumResources,
    Provider,
    Resources,
    TaskService,
    from_text,
)
from orchestrator.plan.ir import Action, Edge, Place, Plan, ProviderLimits, RetryPolicy
from orchestrator.plan.services import Known, with_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.plan.fault import Fault

ACTIONS = {
    (kind, target): Action(f"{kind} {target}") for kind in ("create", "check") for target in ("server", "taskserv")
}
PROVIDERS = {
    "local": Provider("local", "/", ProviderLimits(), ACTIONS),
    "far": Provider("far", "/", ProviderLimits(2), ACTIONS),
    "small": Provider("small", "/", ProviderLimits(), ACTIONS, host=Resources(1, 2048, 10)),
    "bare": Provider("bare", "/", ProviderLimits(), {}),
}
SERVICES = {
    "kubernetes": TaskService(["containerd", "resolv"]),
    "containerd": TaskService(["runc"]),
    "docker": TaskService(conflicts_with=["containerd"]),
    "large": TaskService(minimum_resources=MinimumResources(2, MiB(4096), GiB(20))),
    "web": TaskService(health_check=HealthCheck("curl web")),
    "db": TaskService(health_check=HealthCheck("ask db", 10, 2)),
}
MACHINE = Resources(4, 8192, 50)


def install(name: str, *items: str, **more: Any) -> dict[str, Any]:
    """An operation that installs services on `local`."""
    base = {"id": name, "type": "create", "target": "taskserv", "items": list(items), "providers": ["local"]}
    return base | more


def look(*operations: dict[str, Any], services: Any = SERVICES, **of_workflow: Any) -> tuple[Plan, list[Fault]]:
    """What becomes of a workflow without other faults."""
    raw = {"name": "t", "operations": list(operations)} | of_workflow
    assert check(raw, PROVIDERS) == []
    return with_services(build(raw, PROVIDERS, "/"), raw, Known(PROVIDERS, services, MACHINE))


def plan(*operations: dict[str, Any], **more: Any) -> Plan:
    """The plan of a workflow without faults."""
    found, faults = look(*operations, **more)
    assert faults == []
    return found


def faults(*operations: dict[str, Any], **more: Any) -> list[Fault]:
    """What is wrong with a workflow."""
    found, faults = look(*operations, **more)
    assert faults
    assert all(fault.help for fault in faults)
    assert [one.inserted for one in found.operations] == [""] * len(operations)
    return faults


def test_a_missing_requirement_is_told_with_its_chain() -> None:
    """At the item, down to what requires nothing more; each chain once."""
    one, other = faults(install("k8s", "kubernetes"))
    assert one.message == "'kubernetes' requires 'containerd', which nothing installs: kubernetes -> containerd -> runc"
    assert (one.code, one.path) == ("WF141", ("operations", 0, "items", 0))
    assert other.message.endswith(": kubernetes -> resolv")
    (last,) = faults(install("k8s", "resolv", "containerd", "kubernetes"))
    assert last.message.endswith("containerd -> runc")
    assert last.path == ("operations", 0, "items", 1)


def test_each_missing_service_is_told_once_however_many_ways_lead_to_it() -> None:
    """By a shortest chain; levels of services that all require the next level have very many ways."""
    levels = {
        f"s{level}{side}": TaskService([f"s{level + 1}a", f"s{level + 1}b"]) for level in range(200) for side in "ab"
    }
    found = faults(install("x", "s0a"), services=levels)
    assert len(found) == 201
    assert found[0].message.endswith(": " + " -> ".join([f"s{n}a" for n in range(18)]) + " -> (182 more) -> s200a")
    services = {"x": TaskService(["far", "near"]), "far": TaskService(["end"]), "near": TaskService(["far", "end"])}
    found = faults(install("x", "x"), services=services)
    assert [fault.message.rpartition(": ")[2] for fault in found] == ["x -> far -> end", "x -> near"]


def test_a_near_service_is_offered() -> None:
    """For a name that is installed nowhere, and never the one that requires it."""
    (found,) = faults(install("x", "runc", "runk"), services={"runk": TaskService(["runs"])})
    assert found.help.startswith("Did you mean 'runc'? Install it")
    (found,) = faults(install("x", "runk"), services={"runk": TaskService(["runs"])})
    assert found.help.startswith("Install it")


def test_a_requirement_must_be_met_on_the_same_provider() -> None:
    """What is installed elsewhere does not help, and the message says where it is missing."""
    base = install("base", "runc", providers=["local"])
    (found,) = faults(base, install("more", "containerd", providers=["local", "far"]))
    assert "which nothing installs on provider 'far'" in found.message


def test_what_is_assumed_to_be_installed_need_not_be() -> None:
    """assume_installed ends a chain."""
    assert plan(install("k8s", "kubernetes"), assume_installed=["containerd", "resolv"]).edges == ()


def test_the_definition_goes_before_the_installation() -> None:
    """A service that the definition declares itself is what it says there."""
    assert plan(install("k8s", "kubernetes"), taskservs={"kubernetes": {"requires": []}}).edges == ()
    (found,) = faults(install("k8s", "kubernetes"), taskservs={"kubernetes": {"requires": ["etcd"]}})
    assert found.message.endswith("kubernetes -> etcd")


def test_pulls_what_is_missing() -> None:
    """Transitively, once, after what the requiring operation waits for, before it, with its environment."""
    servers = {"id": "servers", "type": "create", "target": "server", "items": ["a"], "providers": ["local", "far"]}
    k8s = install("k8s", "kubernetes", providers=["local", "far"], depends_on=["servers"], env={"A": "1"})
    base = install("base", "resolv", depends_on=["servers"])
    found = plan(servers, base, k8s, pull_requirements=True)
    assert [one.id for one in found.operations] == [
        "servers",
        "base",
        "install-runc",
        "install-containerd",
        "install-resolv",
        "k8s",
    ]
    by_id = {one.id: one for one in found.operations}
    assert by_id["install-resolv"].providers == ("far",)
    assert by_id["install-runc"].providers == ("local", "far")
    pulled = [one for one in found.operations if one.inserted]
    assert all(one.after == ("servers",) and one.env == {"A": "1"} for one in pulled)
    assert {one.inserted for one in pulled} == {"required by kubernetes"}
    waits = {(edge.source.operation, edge.target.operation, edge.target.provider) for edge in found.edges}
    assert waits == {
        ("install-runc", "install-containerd", "local"),
        ("install-runc", "install-containerd", "far"),
        ("install-containerd", "k8s", "local"),
        ("install-containerd", "k8s", "far"),
        ("base", "k8s", "local"),
        ("install-resolv", "k8s", "far"),
    }


def test_what_several_need_is_pulled_before_the_first() -> None:
    """It waits only for what all of them wait for, so that they do not wait for each other."""
    services = {"x": TaskService(["base"]), "y": TaskService(["base"])}
    found = plan(
        install("first", "z"), install("x", "x", depends_on=["first"]), install("y", "y", depends_on=["x"]),
        services=services, pull_requirements=True,
    )  # fmt: skip
    assert [one.id for one in found.operations] == ["first", "install-base", "x", "y"]
    assert found.operations[1].after == ("first",)


def test_what_no_provider_can_install_is_not_pulled() -> None:
    """The message names the provider that has no action for it."""
    own = install("k8s", "containerd", providers=["bare"], command="true")
    (found,) = faults(own, pull_requirements=True)
    assert found.code == "WF145"
    assert "provider 'bare' has no action" in found.message


def test_conflicting_services_are_told_with_both_places() -> None:
    """On a common provider, or with what is assumed; each pair once."""
    one, other = install("one", "runc", "containerd"), install("other", "docker")
    (found,) = faults(one, other)
    assert (found.code, found.path) == ("WF142", ("operations", 1, "items", 0))
    assert found.related == (("'containerd'", ("operations", 0, "items", 1)),)
    plan(one, other | {"providers": ["far"]})
    (found,) = faults(other, assume_installed=["runc", "containerd"])
    assert found.related == (("'containerd'", ("assume_installed", 1)),)


def test_what_is_required_comes_first_where_nothing_says_so() -> None:
    """An edge between the items on each provider, also inside an operation; none where the order is declared."""
    services = {"a": TaskService(["b"])}
    both = {"providers": ["local", "far"]}
    found = plan(install("one", "a", **both), install("two", "b", **both), services=services)
    assert found.edges == tuple(
        Edge(Place("two", "b", provider), Place("one", "a", provider)) for provider in ("local", "far")
    )
    found = plan(install("both", "a", "b"), services=services)
    assert found.edges == (Edge(Place("both", "b", "local"), Place("both", "a", "local")),)
    assert plan(install("two", "b"), install("one", "a", depends_on=["two"]), services=services).edges == ()
    assert plan(install("two", "b"), install("one", "a"), services=services, type="sequential").edges == ()
    for width in (False, 2):
        assert len(plan(install("both", "b", "a", parallel=width), services=services).edges) == 1


@pytest.mark.parametrize(
    ("operations", "of_workflow", "circle"),
    [
        ([install("x", "a"), install("y", "b", depends_on=["x"])], {}, "y -> x -> x/a -> y/b -> y"),
        ([install("x", "a"), install("y", "b")], {"type": "sequential"}, "y -> x -> x/a -> y/b -> y"),
        ([install("x", "a", "b", parallel=False)], {}, "a -> b -> a"),
        ([install("x", "a", "b", "c", parallel=2)], {}, "a -> b -> a"),
        ([install("x", "a", "b", parallel=2, providers=["local", "far"])], {}, "a -> b -> a"),
    ],
)
def test_an_order_that_contradicts_a_requirement_is_told(
    operations: list[dict[str, Any]], of_workflow: dict[str, Any], circle: str
) -> None:
    """The circle is printed, at the item that requires."""
    (found,) = faults(*operations, services={"a": TaskService(["b"])}, **of_workflow)
    assert (found.code, found.path) == ("WF144", ("operations", 0, "items", 0))
    printed = found.message.rpartition(": ")[2].split(" -> ")
    expected = circle.split(" -> ")
    assert printed[0] == printed[-1]
    assert set(printed) == set(expected)


def test_turns_for_all_are_no_order() -> None:
    """A number that is large enough for all tasks of an operation holds none of them back."""
    services = {"a": TaskService(["b"])}
    for width, providers in ((2, ["local"]), (3, ["local"]), (4, ["local", "far"])):
        found = plan(install("x", "a", "b", parallel=width, providers=providers), services=services)
        assert len(found.edges) == len(providers)
        assert forecast(found, Assumptions()).status == "succeeded"


def test_services_that_require_each_other_are_told() -> None:
    """Whether they are all listed, or one is pulled."""
    services = {"a": TaskService(["b"]), "b": TaskService(["a"])}
    assert [one.code for one in faults(install("x", "a", "b"), services=services)] == ["WF144"]
    assert [one.code for one in faults(install("x", "a"), services=services, pull_requirements=True)] == ["WF144"]


def servers(provider: str, **resources: int) -> dict[str, Any]:
    """An operation that creates two servers, so large."""
    base = {"id": "servers", "type": "create", "target": "server", "items": ["s1", "s2"], "providers": [provider]}
    return base | ({"resources": resources} if resources else {})


def test_a_server_that_is_too_small_is_told() -> None:
    """Which, what it has and what is needed; what the plan says goes before what the provider says."""
    large = install("large", "large", providers=["small"])
    (found,) = faults(servers("small", cpu=2, memory=2048, disk=20), large)
    assert (found.code, found.path) == ("WF143", ("operations", 1, "items", 0))
    said = "server 's1' (and 1 more) is too small for 'large': memory 2048 MiB, and it needs 4096 MiB"
    assert found.message == said
    assert found.related[0][1] == ("operations", 0, "resources")
    plan(servers("small", cpu=2, memory=4096, disk=20), large)
    (found,) = faults(servers("small"), large)
    assert found.message.startswith("a server of provider 'small' is too small for 'large': cpu 1, and it needs 2, ")


def test_the_built_in_provider_is_as_large_as_the_machine() -> None:
    """And what nobody knows the size of is not judged."""
    plan(install("large", "large"))
    plan(install("large", "large", providers=["far"]))
    huge = {"large": TaskService(minimum_resources=MinimumResources(8, MiB(1), GiB(1)))}
    (found,) = faults(install("large", "large"), services=huge)
    assert found.message == "this machine is too small for 'large': cpu 4, and it needs 8"


def test_sizes_that_were_meant_in_bytes_are_told() -> None:
    """KCL's own 4Gi is a number of bytes, and no server has so many MiB."""
    (found,) = faults(servers("far", memory=4 << 30))
    assert (found.code, found.path) == ("WF146", ("operations", 0, "resources", "memory"))
    declared = {"x": {"minimum_resources": {"cpu": 1, "memory": 1, "disk": 20 << 30}}}
    assert faults(install("x", "x"), taskservs=declared)[0].path == ("taskservs", "x", "minimum_resources", "disk")


def test_a_health_check_follows_the_installation_of_each_item() -> None:
    """With its own timeout and tries; its failure is the installation's."""
    found = plan(install("apps", "web", "plain", on_failure="fail", providers=["local", "far"], env={"A": "1"}))
    (check_of,) = [one for one in found.operations if one.inserted]
    assert (check_of.id, check_of.type, check_of.target) == ("apps-health", "check", "taskserv")
    assert (check_of.items, check_of.providers) == (("web",), ("local", "far"))
    assert check_of.actions == dict.fromkeys(("local", "far"), Action("curl web", ""))
    assert (check_of.timeout_s, check_of.retry) == (60, RetryPolicy(5, "linear", 5, 30))
    assert (check_of.on_failure, check_of.env, check_of.inserted) == ("fail", {"A": "1"}, "health check of apps")
    assert found.edges == tuple(
        Edge(Place("apps", "web", provider), Place("apps-health", "web", provider)) for provider in ("local", "far")
    )


def test_what_waits_for_a_service_waits_for_its_health() -> None:
    """Whether by operation or by edge; different checks are operations of their own."""
    services = {**SERVICES, "shop": TaskService(["web"])}
    apps, shop = install("apps", "web", "db"), install("shop", "shop")
    later = install("later", "x", depends_on=["apps"])
    found = plan(apps, shop, later, services=services)
    assert [one.id for one in found.operations] == ["apps", "apps-web-health", "apps-db-health", "shop", "later"]
    assert found.operations[-1].after == ("apps", "apps-web-health", "apps-db-health")
    assert found.operations[-1].depends_on == ("apps",)
    assert found.operations[2].retry.max_attempts == 2
    assert Edge(Place("apps-web-health", "web", "local"), Place("shop", "shop", "local")) in found.edges
    assert not [edge for edge in found.edges if edge.source.operation == "apps-db-health"]


def test_a_wrong_declaration_in_the_definition_is_told() -> None:
    """With the service, the key and what is wrong."""
    (found,) = faults(install("x", "x"), taskservs={"x": {"requires": ["y"], "conflicts_with": ["y"]}})
    assert (found.code, found.path) == ("WF140", ("taskservs", "x", "conflicts_with", 0))
    (found,) = faults(install("x", "x"), taskservs={"x": {"health_check": {"command": "true", "timeout": 0}}})
    assert "timeout" in found.message


def test_a_plan_without_services_is_untouched() -> None:
    """Nothing is added, and nothing is looked for."""
    raw = {"name": "t", "operations": [servers("local")]}
    before = build(raw, PROVIDERS, "/")
    assert with_services(before, raw, Known(PROVIDERS, SERVICES, MACHINE)) == (before, [])


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        (MiB, 4096, 4096),
        (MiB, "4096", None),
        (MiB, "4GiB", 4096),
        (MiB, "4096 MiB", 4096),
        (MiB, "1.5gib", 1536),
        (MiB, "4Gi", 4096),
        (MiB, "4GB", None),
        (MiB, "512KiB", None),
        (MiB, "0MiB", None),
        (MiB, 0, None),
        (MiB, True, None),
        (MiB, 1.5, None),
        (MiB, "much", None),
        (GiB, "20GiB", 20),
        (GiB, "20480MiB", 20),
        (GiB, "1TiB", 1024),
        (GiB, "1000MiB", None),
    ],
)
def test_sizes_are_converted_where_that_is_exact(kind: type, given: object, found: int | None) -> None:
    """R1-53: anything else is refused, and the message says what to write."""
    if found is not None:
        assert from_text(kind, given) == found
        return
    with pytest.raises(ValueError, match=r"write|too small"):
        from_text(kind, given)


def test_what_is_pulled_waits_for_the_resources_its_requirer_waits_for() -> None:
    """An edge of `dependencies` to the item that needs it counts, one to another item of its operation does not."""
    vm = {"id": "vms", "type": "create", "target": "server", "items": ["a", "b"], "providers": ["local"]}
    waits = [
        {"source": "server.a", "target": "taskserv.containerd"},
        {"source": "server.b", "target": "taskserv.other"},
    ]
    found = plan(vm, install("apps", "containerd", "other"), dependencies=waits, pull_requirements=True)
    pulled = [edge for edge in found.edges if edge.target.operation == "install-runc"]
    assert [(edge.source, edge.target) for edge in pulled] == [(Place("vms", "a"), Place("install-runc"))]


def test_a_condition_on_the_target_is_not_inherited() -> None:
    """For what is pulled the target would be another task; the wait is inherited, and so is what names others."""
    vm = {"id": "vms", "type": "create", "target": "server", "items": ["a", "b"], "providers": ["local"]}
    conditions = ["source.attempt == 1 and target.item == 'containerd'", "source.attempt == 1"]
    waits = [
        {"source": f"server.{source}", "target": "taskserv.containerd", "wait_condition": condition}
        for source, condition in zip("ab", conditions, strict=True)
    ]
    found = plan(vm, install("apps", "containerd"), dependencies=waits, pull_requirements=True)
    pulled = [(edge.source.item, edge.condition) for edge in found.edges if edge.target.operation == "install-runc"]
    assert pulled == [("a", ""), ("b", "source.attempt == 1")]
    own = [edge.condition for edge in found.edges if edge.target == Place("apps", "containerd")]
    assert own == conditions


NAMES = ("a", "b", "c", "d", "e")

declarations = st.dictionaries(
    st.sampled_from(NAMES),
    st.builds(
        TaskService,
        requires=st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
        conflicts_with=st.lists(st.sampled_from(NAMES), unique=True, max_size=1),
        health_check=st.sampled_from([None, HealthCheck("true"), HealthCheck("false")]),
    ),
)


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow without faults of its own that installs a few services."""
    count = draw(st.integers(1, 4))
    operations = [
        install(
            f"op{index}",
            *draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=3)),
            providers=draw(st.lists(st.sampled_from(["local", "far"]), unique=True, min_size=1)),
            depends_on=[f"op{before}" for before in range(index) if draw(st.booleans())],
            parallel=draw(st.sampled_from([True, False, 2, 3])),
        )
        for index in range(count)
    ]
    draw(st.randoms(use_true_random=False)).shuffle(operations)
    return {
        "name": "t",
        "operations": operations,
        "pull_requirements": draw(st.booleans()),
        "assume_installed": draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=1)),
    }


@given(workflows(), declarations)
@settings(max_examples=300, deadline=None)
def test_a_plan_is_in_order_or_its_fault_is_told(raw: dict[str, Any], services: dict[str, TaskService]) -> None:
    """It runs to its end; everything required is installed and done before, its health checked (law)."""
    built = build(raw, PROVIDERS, "/")
    found, told = with_services(built, raw, Known(PROVIDERS, services, MACHINE))
    if told:
        assert found == built
        return
    nodes = [
        (one.id, one.items, one.after, graph.in_turn(one.parallel, len(one.items) * len(one.providers)))
        for one in found.operations
    ]
    waits = resources.task_graph(nodes, found.edges)
    assert list(graph.cycles(waits)) == []
    assert forecast(found, Assumptions()).status == "succeeded"
    assert len({one.id for one in found.operations}) == len(found.operations)
    for operation in found.operations:
        for item in operation.items if operation.type == "create" else ():
            before = reachable(waits, ("task", operation.id, item))
            declared = services.get(item, TaskService())
            for needed in set(declared.requires) - {item, *raw["assume_installed"]}:
                makers = [one for one in found.operations if one.type == "create" and needed in one.items]
                for provider in operation.providers:
                    there = [one for one in makers if provider in one.providers]
                    assert any(("task", one.id, needed) in before for one in there)
                check_of = services.get(needed, TaskService()).health_check
                if check_of is not None:
                    checks = [one for one in found.operations if one.type == "check" and needed in one.items]
                    assert any(("task", one.id, needed) in before for one in checks)


def reachable(waits: Mapping[Any, list[Any]], start: object) -> set[Any]:
    """Everything `start` waits for."""
    seen: set[Any] = set()
    pending = [start]
    while pending:
        for needed in waits[pending.pop()]:
            if needed not in seen:
                seen.add(needed)
                pending.append(needed)
    return seen
