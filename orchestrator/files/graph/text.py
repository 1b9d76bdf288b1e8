"""A graph as text for people: an operation a line, from the top down, with lines at the left that lead to what waits.

What makes a picture large without saying more is put together. Operations that wait for the same and are waited for by
the same stand below one another as a group; an edge that another way implies is not drawn. A graph that is still too
tangled to be drawn as lines is told in layers, each operation with the names of what it waits for.
"""

from orchestrator.files.graph.lanes import TooManyLanes, draw
from orchestrator.files.graph.shape import acyclic, alike, reduced
from orchestrator.files.graph.style import cells, counted, cut, lasted, padded, painted, shown, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.files.graph.model import Edge, Graph, Node, Task
    from orchestrator.files.graph.shape import Needs

#: Cells of a line, if nobody says otherwise, and the least that anything is fitted into.
WIDTH, WIDTH_MIN = 100, 20

#: Operations that are alike are put together if there are so many.
_ALIKE_MIN = 4

#: Lanes at most, and the part of the width that they may take.
_LANES_MAX, _LANES_PART = 16, 3

#: Operations that are shown, lines below one that tell of its edges, tasks of one that are named.
_OPERATIONS_MAX, _EDGES_MAX, _TASKS_MAX = 1000, 6, 60

#: A group of more operations has several on a line.
_GROUP_LINES_MAX = 12

#: Columns are left out one after another where the width is smaller than this.
_WIDTH_FOR_TYPE, _WIDTH_FOR_TIME = 70, 56

_NAME_MAX = 48

#: Statuses of operations that hide those of single tasks, and which of these are told.
_GOING_ON = ("running", "rolling_back")
_NOTABLE = ("waiting_retry", "failed", "timed_out", "unknown", "rollback_failed", "upstream_failed")


def picture(graph: "Graph", *, width: int = WIDTH, colour: bool = False, ascii_only: bool = False) -> str:
    """`graph` as lines of at most `width` cells, the last without its end.

    Args:
        graph: with tasks each operation is followed by its tasks.
        width: cells of a line; less than 20 count as 20.
        colour: with the terminal's colours.
        ascii_only: with characters that every terminal has.
    """
    return _Picture(graph, max(WIDTH_MIN, width), colour, ascii_only).text()


class _Picture:
    def __init__(self, graph: "Graph", width: int, colour: bool, ascii_only: bool) -> None:
        self._graph, self._width, self._colour, self._ascii = graph, width, colour, ascii_only
        self._nodes = {it.id: it for it in graph.nodes[:_OPERATIONS_MAX]}
        self._edges_to: dict[str, list[Edge]] = {}
        for edge in graph.edges:
            if not edge.is_plain:
                self._edges_to.setdefault(edge.target, []).append(edge)
        self._name_width = min(_NAME_MAX, max((cells(shown(it, _NAME_MAX)) for it in self._nodes), default=0))
        self._done_width = max((len(_done(it)) for it in self._nodes.values()), default=0)
        whats = (f"{it.type} {it.target}".strip() for it in self._nodes.values())
        self._what_width = min(24, max((cells(shown(it)) for it in whats), default=0))
        self._implied = 0

    def text(self) -> str:
        lines = [*self._head(), "", *self._body()]
        foot = list(self._foot())
        return "\n".join([*lines, "", *foot] if foot else lines)

    # What stands above and below

    def _head(self) -> "Iterator[str]":
        graph = self._graph
        operations = len(graph.by_id)
        tasks = sum(len(it.tasks) for it in graph.by_id.values())
        done = sum(it.done for it in graph.by_id.values())
        count = f"{tasks} task{'' if tasks == 1 else 's'}"
        if graph.is_plan:
            amount = f"{operations} operation{'' if operations == 1 else 's'}, {count}"
            yield cut(f"{shown(graph.name, self._width)}  {amount}", self._width)
            return
        took = "" if graph.duration_ms is None else f"  {lasted(graph.duration_ms)}"
        status = f"{self._sign(graph.status)} {shown(graph.status, 30)}"
        line = f"{shown(graph.id, self._width)}  {status}  {done} of {count} succeeded{took}"
        yield self._paint(cut(line, self._width), status, graph.status)
        if graph.reason:
            yield cut(shown(graph.reason, self._width), self._width)

    def _foot(self) -> "Iterator[str]":
        left_out = len(self._graph.nodes) - len(self._nodes)
        if left_out:
            yield self._note(f"{left_out} more operations are not shown: look around one of them with --focus.")
        if self._implied:
            count = f"{self._implied} dependenc{'y is' if self._implied == 1 else 'ies are'}"
            yield self._note(f"{count} not drawn: the lines imply them.")
        for note in self._graph.notes:
            yield self._note(note)

    def _note(self, text: str) -> str:
        """A sentence, on as many lines as it needs."""
        lines, line = [], ""
        for word in shown(text).split(" "):
            if line and cells(line) + 1 + cells(word) > self._width:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else cut(word, self._width)
        return "\n".join([*lines, line])

    # The graph

    def _body(self) -> "list[str]":
        if not self._nodes:
            return ["There are no operations."]
        all_needs = self._graph.nodes_and_needs()
        needs = acyclic({name: [it for it in all_needs[name] if it in self._nodes] for name in self._nodes})
        plain = {(it.target, it.source) for it in self._graph.edges if it.is_plain}
        direct = reduced(needs, plain)
        implied = sum(map(len, needs.values())) - sum(map(len, direct.values()))
        grouped, members = _together(direct, alike(direct, _ALIKE_MIN, apart=self._edges_to))
        lanes_max = min(_LANES_MAX, self._width // _LANES_PART // 2)
        try:
            lines = draw(grouped, lambda it: self._group_sign(members.get(it, [it])), lanes_max, ascii_only=self._ascii)
        except TooManyLanes:
            return list(self._in_layers(needs))
        self._implied = implied
        lead = max(len(it) for _, it, _ in lines) + 1
        found: list[str] = []
        for name, line, below in lines:
            if not name:
                found.append(line)
            elif name in members:
                found += self._group(members[name], f"{line:{lead}}", f"{below:{lead}}")
            else:
                found += self._operation(self._nodes[name], f"{line:{lead}}", f"{below:{lead}}")
        return found

    def _in_layers(self, needs: "Needs") -> "Iterator[str]":
        layer = 0
        for node in sorted(self._nodes.values(), key=lambda it: it.layer):
            if node.layer != layer:
                layer = node.layer
                yield f"layer {layer}"
            yield from self._operation(node, f"  {self._sign(node.status)} ", "    ", needs[node.id])

    def _operation(self, node: "Node", lead: str, below: str, needs: "Iterable[str]" = ()) -> "Iterator[str]":
        """The line of an operation, and what stands below it."""
        room = self._width - len(lead)
        name = padded(shown(node.id, _NAME_MAX), min(self._name_width, max(8, room // 2)))
        parts = [name]
        if self._width >= _WIDTH_FOR_TYPE and self._what_width:
            parts.append(padded(shown(f"{node.type} {node.target}".strip(), 24), self._what_width))
        parts.append(f"{_done(node):>{self._done_width}}")
        if not self._graph.is_plan:
            parts.append(_status(node))
        if self._width >= _WIDTH_FOR_TIME and node.duration_ms is not None:
            parts.append(lasted(node.duration_ms))
        line = cut("  ".join(parts), room).rstrip()
        free = room - cells(line) - 2
        if node.error and node.status != "succeeded" and free >= _WIDTH_ERROR_MIN:
            line += f"  {shown(node.error, free)}"
        painted_lead = self._paint(lead, self._sign(node.status), node.status)
        yield painted_lead + self._paint(line, f"  {node.status}", node.status) if node.status else lead + line
        yield from self._needs(needs, below)
        yield from self._edges(node, below)
        if self._graph.with_tasks:
            yield from self._tasks(node.tasks, below)

    def _needs(self, needs: "Iterable[str]", below: str) -> "Iterator[str]":
        """The names of what an operation waits for, as many as there is room for."""
        names = [shown(it, _NAME_MAX) for it in needs]
        if not names:
            return
        room = self._width - len(below) - len("  after ")
        count = len(names)
        while count > 1 and cells(_listed(names, count)) > room:
            count -= 1
        yield cut(f"{below}  after {_listed(names, count)}", self._width)

    def _edges(self, node: "Node", below: str) -> "Iterator[str]":
        """What is to be said of the edges to an operation that are more than its place in the order."""
        edges = self._edges_to.get(node.id, [])
        for edge in edges[:_EDGES_MAX]:
            line = cut(f"{below}  {_told(self._graph, edge)}", self._width)
            yield self._paint(line, edge.state, "failed") if edge.state == "broken" else line
        if len(edges) > _EDGES_MAX:
            yield f"{below}  and {len(edges) - _EDGES_MAX} more"

    def _tasks(self, tasks: "list[Task]", below: str) -> "Iterator[str]":
        several = len({it.provider for it in tasks}) > 1
        named = [
            (f"{self._sign(it.status)} {shown(it.item, 40)}" + (f" on {shown(it.provider, 20)}" if several else ""), it)
            for it in tasks[:_TASKS_MAX]
        ]
        yield from self._grid([(text, it.status) for text, it in named], below)
        yield from self._others([it.status for it in tasks[_TASKS_MAX:]], below)

    # Groups

    def _group(self, names: "list[str]", lead: str, below: str) -> "Iterator[str]":
        """Operations that are alike: a line that counts them, then they themselves."""
        nodes = [self._nodes[it] for it in names]
        status = _common(nodes)
        told = f"{len(nodes)} operations side by side"
        statuses: dict[str, int] = {}
        for node in nodes:
            statuses[node.status] = statuses.get(node.status, 0) + 1
        if not self._graph.is_plan:
            told += f": {counted(statuses)}"
        yield self._paint(lead, self._group_sign(names), status) + cut(told, self._width - len(lead))
        if len(nodes) <= _GROUP_LINES_MAX or self._graph.with_tasks:
            for node in nodes:
                yield from self._operation(node, f"{below}{self._sign(node.status)} ", f"{below}  ")
            return
        room = [(f"{self._sign(it.status)} {shown(it.id, _NAME_MAX)}", it.status) for it in nodes]
        yield from self._grid(room, below)

    def _group_sign(self, names: "list[str]") -> str:
        return (
            self._sign(_common([self._nodes[it] for it in names])) if len(names) == 1 else "*" if self._ascii else "◆"
        )

    def _grid(self, entries: "list[tuple[str, str]]", below: str) -> "Iterator[str]":
        """Entries (text with its sign, status) in columns."""
        room = self._width - len(below)
        wide = min(room, max((cells(text) for text, _ in entries), default=1))
        if sum(cells(text) + 2 for text, _ in entries) <= room:
            wide = 0  # on one line nothing has to stand below anything
        columns = max(1, (room + 2) // (wide + 2))
        for begin in range(0, len(entries), columns):
            row = [(padded(text, wide) if wide else text, status) for text, status in entries[begin : begin + columns]]
            yield (below + "  ".join(self._paint(text, text[:1], status) for text, status in row)).rstrip()

    def _others(self, statuses: "list[str]", below: str) -> "Iterator[str]":
        if not statuses:
            return
        counts = {it: statuses.count(it) for it in set(statuses)}
        told = "" if self._graph.is_plan else f": {counted(counts)}"
        yield cut(f"{below}and {len(statuses)} more{told}", self._width)

    def _sign(self, status: str) -> str:
        return sign(status, ascii_only=self._ascii)

    def _paint(self, text: str, part: str, status: str) -> str:
        """`text` with `part` of it in the colour of `status`."""
        if not self._colour or not part.strip() or part not in text:
            return text
        before, _, after = text.rpartition(part)
        return before + painted(part, status) + after


#: An error that had less room would tell nothing.
_WIDTH_ERROR_MIN = 12


def _together(needs: "Needs", groups: "list[list[str]]") -> "tuple[Needs, dict[str, list[str]]]":
    """(`needs` with one node for each group, {that node: its members}); it has the name of its first member."""
    members = {names[0]: names for names in groups}
    stands_for = {name: names[0] for names in groups for name in names}
    found: Needs = {}
    for name, needed in needs.items():
        if stands_for.get(name, name) == name:
            found[name] = list(dict.fromkeys(stands_for.get(it, it) for it in needed))
    return found, members


def _common(nodes: "list[Node]") -> str:
    statuses = {it.status for it in nodes}
    return statuses.pop() if len(statuses) == 1 else "running"


def _status(node: "Node") -> str:
    """The status of an operation; of one that goes on, with those of its tasks that went wrong or need somebody."""
    status = shown(node.status, 30)
    if node.status not in _GOING_ON:
        return status
    apart = {name: count for name, count in node.counts.items() if name in _NOTABLE}
    return f"{status} ({counted(apart)})" if apart else status


def _done(node: "Node") -> str:
    count = len(node.tasks)
    return f"{node.done}/{count}" if node.status else f"{count} task{'' if count == 1 else 's'}"


def _listed(names: "list[str]", count: int) -> str:
    more = len(names) - count
    return ", ".join(names[:count]) + (f" and {more} more" if more else "")


def _told(graph: "Graph", edge: "Edge") -> str:
    """``cilium after install-k8s/kubernetes, soft, when source.attempt > 1 (within 5 min): waits``."""
    source = _end(graph, edge, edge.source_task, edge.source)
    target = _end(graph, edge, edge.target_task, "")
    parts = [f"{target} after {source}".strip()]
    if edge.source == edge.target and not edge.source_task:
        parts = ["between its own tasks"]
    elif not edge.is_whole and not (edge.source_task or edge.target_task):
        parts = [f"some of it after some of {source}"]
    if edge.kind not in ("hard", "order"):
        parts.append(shown(edge.kind, 20))
    if edge.condition:
        within = "" if edge.timeout_ms is None else f" (within {lasted(edge.timeout_ms)})"
        parts.append(f"when {shown(edge.condition, 80)}{within}")
    if edge.count > 1:
        parts.append(f"{edge.count} edges")
    state = {"waiting": ": waits", "condition": ": waits for the condition", "broken": ": broken"}.get(edge.state, "")
    holds = f", holds {edge.holds} task{'' if edge.holds == 1 else 's'}" if edge.holds else ""
    return ", ".join(parts) + state + holds


def _end(graph: "Graph", edge: "Edge", task: "str | None", otherwise: str) -> str:
    """An end of an edge: a task by its item, another operation's with that."""
    if task is None:
        return shown(edge.why, 60) if edge.why and otherwise else shown(otherwise, _NAME_MAX)
    one = graph.by_task[task]
    several = len(graph.by_id[one.operation].providers) > 1
    named = shown(one.item, 40) + (f" on {shown(one.provider, 20)}" if several else "")
    return named if not otherwise or edge.source == edge.target else f"{shown(otherwise, _NAME_MAX)}/{named}"
