"""What a task service requires is installed before it, also where the definition does not say so (R1-03).

An operation that does its items in a row gets the edge, too: a health check may come between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan import graph, resources
from orchestrator.plan.fault import Fault
from orchestrator.plan.inserted import ancestors
from orchestrator.plan.ir import Edge, Operation, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from orchestrator.plan.fault import Path
    from orchestrator.plan.ir import Plan


def in_order(
    plan: Plan,
    installers: Mapping[tuple[str, str], list[str]],
    requires: Callable[[str], list[str]],
    path: Callable[[str, str | None], Path],
) -> tuple[list[Edge], list[Fault]]:
    """Edges from what is required to what requires it, where `plan` has no such order; or what speaks against them.

    Args:
        plan: everything that is required is installed in it.
        installers: {(service, provider): ids of the operations that install it there}.
        requires: what a service requires.
        path: where the definition has an operation's item.
    """
    operations = {operation.id: operation for operation in plan.operations}
    known = set(plan.edges)
    added: dict[Edge, None] = {}
    for operation in plan.operations:
        if (operation.type, operation.target) != ("create", "taskserv"):
            continue
        wanted = [(item, needed) for item in operation.items for needed in requires(item)]
        before = ancestors(operations, operation.id) if wanted else set()
        for item, needed in wanted:
            for provider in operation.providers:
                there = installers[needed, provider]
                if before.isdisjoint(there):
                    source = operation.id if operation.id in there else there[0]
                    added[Edge(Place(source, needed, provider), Place(operation.id, item, provider))] = None
    edges = [edge for edge in added if edge not in known]
    alike = {(edge.source.operation, edge.source.item, edge.target.operation, edge.target.item): edge for edge in edges}
    faults = [
        fault for edge in alike.values() for fault in _against_the_list(operations[edge.target.operation], edge, path)
    ]
    if edges and not faults:
        faults = list(_circles(plan, edges, path))
    return edges, faults


def _against_the_list(operation: Operation, edge: Edge, path: Callable[[str, str | None], Path]) -> Iterator[Fault]:
    """An operation whose items have their turns in order cannot do a later one first."""
    item, needed = edge.target.item, edge.source.item
    if edge.source.operation != operation.id or not _in_turn(operation) or item is None or needed is None:
        return
    if operation.items.index(needed) > operation.items.index(item):
        yield Fault(
            "WF144",
            path(operation.id, item),
            f"'{item}' requires '{needed}', which '{operation.id}' installs after it: {item} -> {needed} -> {item}",
            f"List '{needed}' before '{item}', or set parallel = True.",
            related=((f"'{needed}'", path(operation.id, needed)),),
        )


def _in_turn(operation: Operation) -> bool:
    return graph.in_turn(operation.parallel, len(operation.items) * len(operation.providers))


def _circles(plan: Plan, added: Iterable[Edge], path: Callable[[str, str | None], Path]) -> Iterator[Fault]:
    """Requirements that the declared order contradicts; the first circle is told, others may follow from it."""
    operations = [(one.id, one.items, one.after, _in_turn(one)) for one in plan.operations]
    for cycle in graph.cycles(resources.task_graph(operations, [*plan.edges, *added])):
        inside = set(cycle)
        for edge in added:
            source, target = edge.source, edge.target
            if {("task", place.operation, place.item) for place in (source, target)} <= inside:
                yield Fault(
                    "WF144",
                    path(target.operation, target.item),
                    f"'{target.item}' requires '{source.item}', and the declared order is another: "
                    f"{' -> '.join(resources.told(cycle))}",
                    "Each of these waits for the next. Change what they depend on.",
                    related=((f"'{source.item}'", path(source.operation, source.item)),),
                )
                return
