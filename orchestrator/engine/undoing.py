"""In what order things may be undone: nothing before all that stands on it is gone (requirement R1-29, ruling A-55).

Theory of operation
-------------------
A task stands on every task it waited for: through its operation's predecessors, through edges of every type, and
through its neighbour where items go one after another. The graph of that is walked from its top. Its nodes are the
tasks and, so that a thousand items behind a thousand others are two thousand arcs and not a million, two for each
operation: its *gate*, clear when all its tasks are, and its *base*, clear when the gates of all operations behind it
are. A node is clear when everything above it is and, for a task, when it is undone or was never to be. A task becomes
free to be undone when all above it is clear; that this passes through tasks that stay is what makes the order hold
over any distance.

A task whose undoing failed never becomes clear, so all it stands on, directly or not, is blocked.

None of this is kept: it follows from the plan and from the statuses of the tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from orchestrator.engine.world import Task, Workflow


class Node(msgspec.Struct, eq=False):
    """A point in the graph; an operation's has no task. `above`: how many nodes it waits for that are not clear."""

    task: Task | None
    above: int = 0
    below: list[Node] = []

    def put_under(self, other: Node) -> None:
        """This cannot be clear before `other` is."""
        other.below.append(self)
        self.above += 1


class Undoing(msgspec.Struct, eq=False):
    """The graph of a workflow that is being undone. `nodes`: {task id: node}; `left`: tasks still to be undone."""

    nodes: dict[str, Node]
    left: int


def begin(workflow: Workflow) -> tuple[Undoing, list[Task]]:
    """(the graph, as far as it is clear; the tasks that are free to be undone)."""
    nodes, others = _graph(workflow)
    undoing = Undoing(nodes, sum(task.status == "rolling_back" for task in workflow.tasks))
    top = [node for node in [*others, *nodes.values()] if node.above == 0]
    return undoing, _clear(top)


def undone(undoing: Undoing, task: Task) -> list[Task]:
    """`task` has been undone: the tasks that are free to be undone now."""
    undoing.left -= 1
    node = undoing.nodes[task.id]
    return _clear([node])


def blocked(undoing: Undoing, task: Task) -> list[Task]:
    """`task` was not undone: the tasks that cannot be either, for it stands on them."""
    found = []
    seen = set()
    stack = [undoing.nodes[task.id]]
    while stack:
        for node in stack.pop().below:
            if id(node) in seen:
                continue
            seen.add(id(node))
            stack.append(node)
            if node.task is not None and node.task.status == "rolling_back":
                found.append(node.task)
    undoing.left -= len(found)
    return found


def _clear(free: list[Node]) -> list[Task]:
    """Nothing above the nodes `free` is left: go down as far as that goes. Returns the tasks met on the way."""
    found = []
    stack = list(reversed(free))
    while stack:
        node = stack.pop()
        if node.task is not None and node.task.status == "rolling_back":
            found.append(node.task)
        elif node.task is None or node.task.status != "rollback_failed":
            for lower in node.below:
                lower.above -= 1
                if lower.above == 0:
                    stack.append(lower)
    return found


def _graph(workflow: Workflow) -> tuple[dict[str, Node], list[Node]]:
    """({task id: its node}, the nodes of operations and edges)."""
    nodes = {task.id: Node(task) for task in workflow.tasks}
    gates = {operation.plan.id: Node(None) for operation in workflow.operations}
    others = list(gates.values())
    for operation in workflow.operations:
        base = Node(None)
        others.append(base)
        gate = gates[operation.plan.id]
        gate.put_under(base)
        for dependent in operation.dependents:
            base.put_under(gates[dependent.plan.id])
        for task in operation.tasks:
            nodes[task.id].put_under(base)
            gate.put_under(nodes[task.id])
        if operation.plan.parallel is False:
            for task, later in zip(operation.tasks, operation.tasks[1:], strict=False):
                nodes[task.id].put_under(nodes[later.id])
    return nodes, others + _edges(workflow, nodes)


def _edges(workflow: Workflow, nodes: dict[str, Node]) -> list[Node]:
    links = {id(link): link for task in workflow.tasks for link in task.needs}
    between = []
    for link in links.values():
        node = Node(None)
        between.append(node)
        for target in link.targets:
            node.put_under(nodes[target.id])
        for source in link.sources:
            nodes[source.id].put_under(node)
    return between
