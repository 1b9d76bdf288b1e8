"""Order in a graph of operations: cycles, waves, and turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from orchestrator.plan.ir import Plan

Node = TypeVar("Node", bound="Hashable")


def cycles(edges: Mapping[Node, Sequence[Node]]) -> Iterator[list[Node]]:
    """One cycle for each back edge of a depth-first walk, each as the nodes in the order they wait for each other.

    `edges` is {node: what it waits for}. The walk goes in the order of `edges`, so the same graph gives the same
    cycles. Empty when there is none.
    """
    done: dict[Node, None] = {}
    for root in edges:
        if root in done:
            continue
        trail = [root]
        on_trail = {root: 0}
        pending = [iter(edges[root])]
        while pending:
            needed = next(pending[-1], None)
            if needed is None:
                pending.pop()
                node = trail.pop()
                del on_trail[node]
                done[node] = None
            elif needed in on_trail:
                yield trail[on_trail[needed] :]
            elif needed not in done:
                on_trail[needed] = len(trail)
                trail.append(needed)
                pending.append(iter(edges[needed]))


def in_turn(parallel: bool | int, tasks: int) -> bool:
    """Whether the items of an operation with so many `tasks` have to be seen as waiting for each other in listed order.

    The engine gives turns in that order, and a task that waits behind an edge keeps its turn: with too few of them,
    those that wait can hold every turn there is. Between one turn and `tasks` turns that is stricter than the engine,
    which may find its way where enough turns are left; which are left depends on what is waited for elsewhere.
    """
    return parallel is not True and max(1, int(parallel)) < tasks


def waves(plan: Plan) -> list[list[str]]:
    """Operation ids by wave: each operation stands in the first wave after everything it waits for.

    With free slots everywhere, this is the order in which a plan runs. The plan has no cycles.
    """
    level: dict[str, int] = {}
    waiting = {operation.id: list(operation.after) for operation in plan.operations}
    ready = [name for name, after in waiting.items() if not after]
    dependents: dict[str, list[str]] = {}
    for name, after in waiting.items():
        for needed in after:
            dependents.setdefault(needed, []).append(name)
    left = {name: len(after) for name, after in waiting.items()}
    for name in ready:
        level[name] = max((level[needed] + 1 for needed in waiting[name]), default=0)
        for dependent in dependents.get(name, ()):
            left[dependent] -= 1
            if left[dependent] == 0:
                ready.append(dependent)
    count = max(level.values(), default=-1) + 1
    return [[one.id for one in plan.operations if level[one.id] == number] for number in range(count)]
