"""What a graph is made of once it is to be a picture: boxes, lines between them, points through which many lines go.

Mermaid, DOT and SVG draw the same. Keys are made up (``n1`` operations, ``t1`` tasks, ``p1`` points), so that no name
is ever one; names are only labels. Of many tasks of one operation the first are shown, and a row that counts the
others; edges of those end at the operation.
"""

from orchestrator.files.graph.shape import junctions
from orchestrator.files.graph.style import counted, lasted, shown, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.graph.model import Edge, Graph, Node, Task

#: Tasks that are shown in a box.
_TASKS_MAX = 40

#: So many operations that all wait for so many: their lines go through a point.
_JUNCTION_MIN = 3

#: Cells of a name, of a condition, and of anything that is told beside a picture.
_NAME_MAX, _CONDITION_MAX, _TOLD_MAX = 48, 48, 300


class Box:
    """An operation. `rows`: (key, task) of those that are shown; `others` counts the rest, "" for none."""

    __slots__ = ("key", "node", "others", "rows", "title")

    def __init__(self, key: str, node: "Node") -> None:
        self.key, self.node = key, node
        self.title = shown(node.id, _NAME_MAX)
        self.rows: list[tuple[str, Task]] = []
        self.others = ""

    @property
    def detail(self) -> str:
        """``create server · 2/3 · 1.2 s``."""
        node = self.node
        count = len(node.tasks)
        amount = f"{node.done}/{count}" if node.status else f"{count} task{'' if count == 1 else 's'}"
        parts = [shown(f"{node.type} {node.target}".strip(), 30), amount]
        if node.duration_ms is not None:
            parts.append(lasted(node.duration_ms))
        return " · ".join(filter(None, parts))

    @property
    def told(self) -> str:
        """All that there is to say of it, for whoever points at it."""
        node = self.node
        parts = [shown(node.id, _TOLD_MAX), shown(node.status, 30), self.detail]
        if node.status:
            parts.append(counted(node.counts))
        if node.error:
            parts.append(shown(node.error, _TOLD_MAX))
        return "\n".join(dict.fromkeys(filter(None, parts)))


class Line:
    """A line between two keys.

    Attributes:
        source_box, target_box: keys of the boxes (or points) in which its ends are.
        state: what has become of what it stands for.
        is_firm: it stands for success that is wanted, and not only for an end.
        is_last: it ends at a box, with an arrow, and not at a point.
    """

    __slots__ = ("is_firm", "is_last", "label", "source", "source_box", "state", "target", "target_box", "told")

    def __init__(self, source: "tuple[str, str]", target: "tuple[str, str]", state: str, told: str) -> None:
        self.source, self.source_box = source
        self.target, self.target_box = target
        self.state, self.told, self.label = state, told, ""
        self.is_firm = self.is_last = True


class Drawn:
    """A graph as boxes, lines and points."""

    def __init__(self, graph: "Graph") -> None:
        self.graph = graph
        self.boxes: list[Box] = []
        #: Keys of the points.
        self.points: list[str] = []
        self.lines: list[Line] = []
        self._box_of: dict[str, Box] = {}
        self._row_of: dict[str, str] = {}
        for number, node in enumerate(graph.nodes, start=1):
            box = self._box_of[node.id] = Box(f"n{number}", node)
            self.boxes.append(box)
            if graph.with_tasks:
                self._show_tasks(box)
        self._draw()

    @property
    def title(self) -> str:
        """Which graph it is, and how it stands."""
        named = shown(self.graph.id, 80)
        return f"{named} ({shown(self.graph.status, 30)})" if self.graph.status else named

    def _show_tasks(self, box: Box) -> None:
        tasks = box.node.tasks
        for task in tasks[:_TASKS_MAX]:
            key = self._row_of[task.id] = f"t{len(self._row_of) + 1}"
            box.rows.append((key, task))
        rest = tasks[_TASKS_MAX:]
        if rest:
            counts: dict[str, int] = {}
            for task in rest:
                counts[task.status] = counts.get(task.status, 0) + 1
            box.others = f"and {len(rest)} more" + (f": {counted(counts)}" if self.graph.status else "")

    def _draw(self) -> None:
        plain: dict[tuple[str, str], Edge] = {}
        others: list[Edge] = []
        for edge in self.graph.edges:
            if edge.is_plain and (edge.source, edge.target) not in plain:
                plain[edge.source, edge.target] = edge
            else:
                others.append(edge)
        needs: dict[str, list[str]] = {it.id: [] for it in self.graph.nodes}
        for source, target in plain:
            needs[target].append(source)
        for sources, targets in junctions(needs, _JUNCTION_MIN):
            self._meet(sources, targets, [[plain.pop((one, other)) for one in sources] for other in targets])
        merged: dict[tuple[str, str, str, bool], Line] = {}
        for edge in (*plain.values(), *others):
            line = self._line(edge)
            same = merged.setdefault((line.source, line.target, line.label, line.is_firm), line)
            if same is not line:
                same.state = _worse(same.state, line.state)
        self.lines += merged.values()

    def _meet(self, sources: "list[str]", targets: "list[str]", edges: "list[list[Edge]]") -> None:
        """Let all lines from `sources` to `targets` go through a point; `edges`: for each target those to it."""
        key = f"p{len(self.points) + 1}"
        self.points.append(key)
        told = f"each of {len(targets)} operations waits for each of {len(sources)}"
        for number, name in enumerate(sources):
            state = edges[0][number].state if edges[0][number].state == "satisfied" else ""
            line = Line(self._end(name, None), (key, key), state, told)
            line.is_last = False
            self.lines.append(line)
        for name, own in zip(targets, edges, strict=True):
            state = ""
            for edge in own:
                state = _worse(state, edge.state)
            self.lines.append(Line((key, key), self._end(name, None), state, told))

    def _line(self, edge: "Edge") -> Line:
        line = Line(
            self._end(edge.source, edge.source_task), self._end(edge.target, edge.target_task), edge.state, _told(edge)
        )
        line.is_firm = edge.kind in ("hard", "order")
        parts = [] if line.is_firm else [shown(edge.kind, 20)]
        if edge.condition:
            parts.append(f"when {shown(edge.condition, _CONDITION_MAX)}")
        if not edge.is_whole and not self.graph.with_tasks:
            parts.append(f"{edge.count} edges between tasks" if edge.count > 1 else "between tasks")
        line.label = ", ".join(parts)
        return line

    def _end(self, operation: str, task: "str | None") -> "tuple[str, str]":
        box = self._box_of[operation].key
        return (self._row_of.get(task, box) if task is not None else box), box


def task_label(task: "Task", several: bool) -> str:
    """``✓ node-1``, with its provider if the operation has several."""
    named = shown(task.item, _NAME_MAX) + (f" on {shown(task.provider, 30)}" if several else "")
    return f"{sign(task.status)} {named}"


def task_told(task: "Task") -> str:
    """All that there is to say of a task."""
    attempts = f"{task.attempts} attempt{'' if task.attempts == 1 else 's'}" if task.status else ""
    return "\n".join(filter(None, (shown(task.id, _TOLD_MAX), shown(task.status, 30), attempts)))


def _told(edge: "Edge") -> str:
    source, target = edge.ends
    parts = [f"{shown(target, _TOLD_MAX)} after {shown(source, _TOLD_MAX)}", shown(edge.kind, 20)]
    parts += [f"when {shown(edge.condition, _TOLD_MAX)}"] if edge.condition else []
    parts += [f"called {shown(edge.why, _TOLD_MAX)}"] if edge.why else []
    parts += [f"{edge.count} edges between tasks"] if edge.count > 1 else []
    parts += [edge.state] if edge.state else []
    return "\n".join(parts)


def _worse(one: str, other: str) -> str:
    return max(one, other, key=("", "satisfied", "condition", "waiting", "broken").index)
