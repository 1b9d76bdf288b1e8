"""Task services that nobody asked for but others need (R1-03): installed where the definition lets them be pulled.

Such an operation does what the provider does to install any service. It starts after everything that all of those which
need it wait for, so that a service is not pulled onto servers that are not there yet.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from orchestrator import expression
from orchestrator.plan.inserted import after_all, new_id
from orchestrator.plan.ir import Edge, Operation, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.plan.declarations import Provider
    from orchestrator.plan.ir import Plan

#: {(service, provider): (operation, item) that needs it, directly or through others}.
Wanted = dict[tuple[str, str], tuple[str, str]]


class Pulled(msgspec.Struct, frozen=True):
    """An operation that installs a required service. `needed_by`: ids of the operations that need it."""

    operation: Operation
    needed_by: tuple[str, ...]


def pulled_operations(
    plan: Plan, wanted: Wanted, requires: Callable[[str], list[str]], providers: Mapping[str, Provider]
) -> tuple[list[Pulled], list[Edge]]:
    """Operations that install what is wanted, and the edges they inherit. What needs them waits by other edges."""
    operations = {operation.id: operation for operation in plan.operations}
    taken = set(operations)
    found: list[Pulled] = []
    edges: list[Edge] = []
    needed = functools.cache(lambda service: frozenset(_needed(service, requires)))
    for service in _in_order({service for service, _ in wanted}, requires):
        where = [provider for name, provider in wanted if name == service]
        needing = _who_needs(plan, service, where, needed)
        first = operations[next(iter(needing))]
        because = next(item for (name, _), (_, item) in wanted.items() if name == service)
        name = new_id(f"install-{service}", taken)
        taken.add(name)
        pulled = Operation(
            id=name,
            type="create",
            target="taskserv",
            items=(service,),
            providers=tuple(where),
            depends_on=(),
            after=after_all(operations, needing),
            parallel=True,
            timeout_s=first.timeout_s,
            on_failure=first.on_failure,
            priority=first.priority,
            retry=first.retry,
            actions={provider: providers[provider].actions["create", "taskserv"] for provider in where},
            env=first.env,
            working_dir=first.working_dir,
            inserted=f"required by {because}",
        )
        found.append(Pulled(pulled, tuple(needing)))
        edges += _inherited(plan, pulled, needing)
    return found, edges


def _in_order(services: set[str], requires: Callable[[str], list[str]]) -> list[str]:
    """`services`, each after those that it requires (as far as they do not require each other)."""
    found: dict[str, None] = {}
    entered: set[str] = set()

    def visit(service: str) -> None:
        if service not in entered:
            entered.add(service)
            for needed in requires(service):
                visit(needed)
            if service in services:
                found[service] = None

    for service in sorted(services):
        visit(service)
    return list(found)


def _who_needs(
    plan: Plan, service: str, where: list[str], needed: Callable[[str], frozenset[str]]
) -> dict[str, list[str]]:
    """{operation of `plan`: its items that need `service` on one of the providers, directly or through others}."""
    found: dict[str, list[str]] = {}
    for operation in plan.operations:
        if (operation.type, operation.target) != ("create", "taskserv") or set(where).isdisjoint(operation.providers):
            continue
        items = [item for item in operation.items if service in needed(item)]
        if items:
            found[operation.id] = items
    return found


def _needed(service: str, requires: Callable[[str], list[str]]) -> set[str]:
    """What `service` requires, directly or through others."""
    found: set[str] = set()
    pending = requires(service)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += requires(name)
    return found


def _inherited(plan: Plan, pulled: Operation, needing: Mapping[str, list[str]]) -> Iterator[Edge]:
    """What those that need it wait for by edges: the only one, or all of them for the whole of their operations.

    A condition that looks at its target is not inherited: here the target would be another task.
    """
    first = next(iter(needing))
    for edge in plan.edges:
        target = edge.target
        if target.operation != first or edge.source.operation in needing:
            continue
        if len(needing) == 1:
            is_common = target.item is None or target.item in needing[first]
        else:
            others = {Place(name, None, target.provider) for name in needing}
            is_common = others <= {each.target for each in plan.edges if each.source == edge.source}
        if is_common:
            target = Place(pulled.id, None, target.provider)
            yield msgspec.structs.replace(edge, target=target, condition=_without_target(edge.condition))


def _without_target(condition: str) -> str:
    """`condition`, or none if it names its target."""
    if condition and any(path[0] == "target" for path in expression.parse(condition).paths):
        return ""
    return condition
