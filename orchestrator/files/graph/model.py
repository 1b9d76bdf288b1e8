"""The graph of a workflow or of a plan: its operations, their tasks, and what waits for what, with what became of it.

Two levels. The operations are nodes always; their tasks are nodes beside them where somebody asks for tasks. An edge
stands for a dependency of the plan: between operations (``depends_on``, and the listed order of a sequential workflow)
or between tasks (`Plan.edges`). Without tasks as nodes, edges between tasks of the same two operations are put together
if they are of one kind, with the number of those. With tasks an edge begins and ends where the plan says: at a whole
operation, or at single tasks of it.

Nothing that comes from files is trusted (`fields`): what is missing or of the wrong kind says nothing.
"""

from orchestrator.files.fields import instant, mapping, records, text, texts, time_or_none, whole
from orchestrator.files.graph.shape import layers
from orchestrator.model.ids import task_id
from orchestrator.model.states import TASK_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Raw = dict[str, Any]
    #: (operation, item, provider); the last two are None for all of them.
    Where = tuple[str, str | None, str | None]

#: An end of an edge that is more tasks than this, and not all of its operation, is drawn at the operation.
_TASKS_AT_AN_END_MAX = 20

#: What has become of an edge; the later of two that are put together counts.
_STATES = ("satisfied", "condition", "waiting", "broken")


class Task:
    """A task: an item of an operation on a provider. `row`: its own file, empty unless it was read."""

    __slots__ = ("attempts", "id", "item", "operation", "provider", "row", "status")

    def __init__(self, identifier: str, operation: str, raw: "Raw") -> None:
        self.id, self.operation = identifier, operation
        self.item, self.provider = text(raw.get("item")), text(raw.get("provider"))
        self.status, self.attempts = text(raw.get("status")), whole(raw.get("attempt")) or 0
        self.row: Raw = {}

    @property
    def is_over(self) -> bool:
        """Whether it is final."""
        return self.status in TASK_FINAL


class Node:
    """An operation.

    Attributes:
        status: "" in a plan.
        layer: its place from the top, from 1: one more than the lowest that it waits for.
    """

    __slots__ = (
        *("attempts", "error", "finished_at", "id", "layer", "providers"),
        *("started_at", "status", "target", "tasks", "type"),
    )

    def __init__(self, identifier: str, raw: "Raw", tasks: "list[Task]") -> None:
        self.id, self.tasks, self.layer = identifier, tasks, 1
        self.type, self.target, self.status = (text(raw.get(name)) for name in ("type", "target", "status"))
        self.attempts = whole(raw.get("attempts")) or 0
        self.started_at, self.finished_at = time_or_none(raw.get("started_at")), time_or_none(raw.get("finished_at"))
        self.error = text(raw.get("last_error"))
        self.providers = list(dict.fromkeys(it.provider for it in tasks))

    @property
    def counts(self) -> "dict[str, int]":
        """{status: its tasks of that status}."""
        found: dict[str, int] = {}
        for task in self.tasks:
            found[task.status] = found.get(task.status, 0) + 1
        return found

    @property
    def done(self) -> int:
        """Its tasks that have succeeded."""
        return sum(it.status == "succeeded" for it in self.tasks)

    @property
    def duration_ms(self) -> "int | None":
        """From its start to its end; None until there are both."""
        return _between(self.started_at, self.finished_at)


class Edge:
    """What a task or operation waits for.

    Attributes:
        source, target: operations.
        source_task, target_task: ids of single tasks, None for the operation as a whole.
        kind: ``hard``, ``soft`` and ``optional`` as the plan has them; ``order`` for the listed order.
        condition: what must hold as well; "" for nothing.
        state: ``satisfied``; ``waiting`` for its source; ``condition``: waiting for that alone; ``broken``: what it
            wants did not come; "" in a plan.
        holds: tasks that wait behind it now.
        count: dependencies of the plan that it stands for.
        is_whole: it waits for all of the source, and all of the target waits for it.
    """

    __slots__ = (
        *("condition", "count", "holds", "is_whole", "kind", "source", "source_task"),
        *("state", "target", "target_task", "timeout_ms", "why"),
    )

    def __init__(self, source: str, target: str, kind: str) -> None:
        self.source, self.target, self.kind = source, target, kind
        self.source_task: str | None = None
        self.target_task: str | None = None
        self.condition = self.why = self.state = ""
        self.timeout_ms: int | None = None
        self.holds, self.count, self.is_whole = 0, 1, True

    @property
    def is_plain(self) -> bool:
        """Whether there is no more to it than the order of two operations."""
        return self.is_whole and self.kind in ("hard", "order") and not self.condition

    @property
    def ends(self) -> "tuple[str, str]":
        """Ids of the nodes that it is between."""
        return self.source_task or self.source, self.target_task or self.target


class Graph:
    """A graph to be drawn.

    Attributes:
        id: of the workflow, the name of a plan.
        status: "" of a plan.
        nodes: in the order of the plan. `edges`: by target, in that order, then by source.
        by_id, by_task: {id: operation}, {id: task}, of all there are, whatever `keep` leaves out.
        with_tasks: tasks are nodes.
        notes: what has to be said beside it: that no daemon runs, what could not be read.
    """

    def __init__(self, state: "Raw", plan: "Raw", *, with_tasks: bool = False) -> None:
        """`state` is the public state of a workflow, empty for a plan that does not run."""
        self.is_plan = not state
        self.name = text(state.get("name")) or text(plan.get("name"))
        self.id = text(state.get("id")) or self.name
        self.status, self.reason = text(state.get("status")), text(state.get("reason"))
        self.started_at, self.finished_at = (
            time_or_none(state.get("started_at")),
            time_or_none(state.get("finished_at")),
        )
        self.with_tasks = with_tasks
        self.notes: list[str] = []
        planned = {text(it.get("id")): it for it in records(plan.get("operations"))}
        shown = records(state.get("operations")) if state else list(planned.values())
        self.nodes = [_node(self.id, it, self.is_plan) for it in _unique(shown)]
        self.by_id = {it.id: it for it in self.nodes}
        self.by_task = {it.id: it for node in self.nodes for it in node.tasks}
        self.edges = _Edges(self, planned, {text(it.get("id")): it for it in shown}, records(plan.get("edges"))).found
        for name, layer in layers(self.nodes_and_needs()).items():
            self.by_id[name].layer = layer

    @property
    def duration_ms(self) -> "int | None":
        """From its start to its end; None until there are both."""
        return _between(self.started_at, self.finished_at)

    def nodes_and_needs(self) -> "dict[str, list[str]]":
        """{operation: the others it waits for, over edges of any kind}, in the order of the plan."""
        found: dict[str, dict[str, None]] = {it.id: {} for it in self.nodes}
        for edge in self.edges:
            if edge.source != edge.target:
                found[edge.target][edge.source] = None
        return {name: list(needs) for name, needs in found.items()}

    def keep(self, names: "set[str] | frozenset[str]") -> None:
        """Leave out every operation but `names`, and edges to and from the others. Layers stay what they are."""
        self.nodes = [it for it in self.nodes if it.id in names]
        self.edges = [it for it in self.edges if it.source in names and it.target in names]


def _node(workflow: str, raw: "Raw", is_plan: bool) -> Node:
    identifier = text(raw.get("id"))
    if is_plan:
        pairs = [(item, provider) for item in texts(raw.get("items")) for provider in texts(raw.get("providers"))]
        shown: list[Raw] = [{"item": item, "provider": provider} for item, provider in pairs]
    else:
        shown = records(raw.get("items"))
    tasks = []
    for it in shown:
        name = task_id(workflow, identifier, text(it.get("provider")), text(it.get("item")))
        tasks.append(Task(name, identifier, it))
    return Node(identifier, raw, tasks)


def _unique(rows: "list[Raw]") -> "list[Raw]":
    """Operations by their ids: damaged files may hold one twice, or one without."""
    return list({text(it.get("id")): it for it in rows if text(it.get("id"))}.values())


def _between(begin: "str | None", end: "str | None") -> "int | None":
    first, last = instant(begin), instant(end)
    return None if first is None or last is None else max(0, last - first) // 1000


class _Edges:
    """The edges of a graph whose nodes are there."""

    def __init__(self, graph: Graph, planned: "dict[str, Raw]", shown: "dict[str, Raw]", between: "list[Raw]") -> None:
        self._graph, self._nodes = graph, graph.by_id
        #: {what edges have in common that are put together: the one they become}
        self._merged: dict[tuple[object, ...], Edge] = {}
        #: {the same: where tasks wait behind it}, of those that are more than one, or end at a part of an operation.
        self._held: dict[tuple[object, ...], set[Where]] = {}
        self._looked_at: dict[Where, _Group] = {}
        self._indexed: dict[str, dict[tuple[str | None, str | None], list[Task]]] = {}
        for name in self._nodes:
            self._of_operation(name, mapping(planned.get(name)), shown[name])
        for raw in between:
            self._of_tasks(raw)
        place = {name: number for number, name in enumerate(self._nodes)}
        for key, places in self._held.items():
            self._merged[key].holds = len({task for it in places for task in self._group(it).pending})
        self.found = sorted(self._merged.values(), key=lambda it: (place[it.target], place[it.source]))

    def _of_operation(self, name: str, plan: "Raw", shown: "Raw") -> None:
        written = texts(plan.get("depends_on") if plan else shown.get("depends_on"))
        direct = frozenset(written)
        for needed in dict.fromkeys(texts(plan.get("after")) or written):
            if needed in self._nodes and needed != name:
                kind = "hard" if needed in direct else "order"
                self._add(Edge(needed, name, kind), (needed, None, None), (name, None, None))

    def _of_tasks(self, raw: "Raw") -> None:
        source, target = _where(raw.get("source")), _where(raw.get("target"))
        if source[0] not in self._nodes or target[0] not in self._nodes:
            return
        if not self._graph.with_tasks:
            self._add(self._edge(raw, source, target), source, target)
            return
        for begin, begin_task in self._ends(source):
            for end, end_task in self._ends(target):
                edge = self._edge(raw, source, target)
                edge.source_task, edge.target_task = begin_task, end_task
                edge.is_whole = edge.is_whole and begin_task is None and end_task is None
                self._add(edge, begin, end)

    def _edge(self, raw: "Raw", source: "Where", target: "Where") -> Edge:
        edge = Edge(source[0], target[0], text(raw.get("type")) or "hard")
        edge.condition, edge.why = text(raw.get("condition")), text(raw.get("why"))
        timeout_s = whole(raw.get("timeout_s"))
        edge.timeout_ms = timeout_s * 1000 if edge.condition and timeout_s is not None else None
        edge.is_whole = self._is_all(source) and self._is_all(target) and edge.source != edge.target
        return edge

    def _ends(self, where: "Where") -> "list[tuple[Where, str | None]]":
        """(place, id of the task that it is) of the nodes that stand for `where`."""
        tasks = [] if self._is_all(where) else self._tasks(where)
        if not 0 < len(tasks) <= _TASKS_AT_AN_END_MAX:
            return [(where, None)]
        return [((where[0], it.item, it.provider), it.id) for it in tasks]

    def _is_all(self, where: "Where") -> bool:
        return len(self._tasks(where)) == len(self._nodes[where[0]].tasks)

    def _tasks(self, where: "Where") -> "list[Task]":
        operation, item, provider = where
        index = self._indexed.get(operation)
        if index is None:
            index = self._indexed[operation] = {(None, None): self._nodes[operation].tasks}
            for task in self._nodes[operation].tasks:
                for key in ((task.item, task.provider), (task.item, None), (None, task.provider)):
                    index.setdefault(key, []).append(task)
        return index.get((item, provider), [])

    def _add(self, edge: Edge, source: "Where", target: "Where") -> None:
        """Put `edge` to those there are, or together with one that is like it."""
        if not self._graph.is_plan:
            edge.state = self._state(edge, self._group(source), self._group(target))
        is_held = edge.state in ("waiting", "condition")
        edge.holds = len(self._group(target).pending) if is_held else 0
        everything = (edge.target, None, None)
        key = (*edge.ends, edge.kind, edge.condition, edge.timeout_ms, edge.is_whole)
        one = self._merged.setdefault(key, edge)
        if is_held and (one is not edge or target != everything):
            self._held.setdefault(key, {everything} if one is not edge and one.holds else set()).add(target)
        if one is edge:
            return
        one.count += 1
        one.why = one.why if one.why == edge.why else ""
        if edge.state:
            one.state = max(one.state, edge.state, key=_STATES.index)

    def _state(self, edge: Edge, source: "_Group", target: "_Group") -> str:
        if target.has_begun:
            return "satisfied"
        if edge.kind in ("soft", "optional"):
            fits, is_vain = source.is_over, False
        else:
            fits, is_vain = source.has_succeeded, source.has_failed
        if fits:
            return "condition" if edge.condition and target.is_fresh else "satisfied"
        return "broken" if is_vain or not (target.pending or target.is_empty) else "waiting"

    def _group(self, where: "Where") -> "_Group":
        if where not in self._looked_at:
            self._looked_at[where] = _Group(self._tasks(where), self._nodes[where[0]].status)
        return self._looked_at[where]


class _Group:
    """What is to be known of the tasks at one place: as a source of an edge, and as its target.

    Attributes:
        pending: ids of those that wait.
        has_succeeded, has_failed, is_over: all have; one is over and has not; all are over. Without tasks it is as the
            operation is.
        has_begun: none waits, and each has had an attempt: whatever they waited for, they do not any more.
        is_fresh: one waits that has had no attempt.
    """

    __slots__ = ("has_begun", "has_failed", "has_succeeded", "is_empty", "is_fresh", "is_over", "pending")

    def __init__(self, tasks: "list[Task]", status: str) -> None:
        statuses = {it.status for it in tasks} or {status}
        self.is_empty = not tasks
        self.pending = [it.id for it in tasks if it.status == "pending"]
        self.has_succeeded = statuses == {"succeeded"}
        self.has_failed = any(it in TASK_FINAL and it != "succeeded" for it in statuses)
        self.is_over = statuses <= TASK_FINAL
        self.has_begun = bool(tasks) and not self.pending and all(it.attempts for it in tasks)
        self.is_fresh = any(it.status == "pending" and not it.attempts for it in tasks)


def _where(raw: object) -> "Where":
    place = mapping(raw)
    item, provider = (it if isinstance(it, str) else None for it in (place.get("item"), place.get("provider")))
    return text(place.get("operation")), item, provider
