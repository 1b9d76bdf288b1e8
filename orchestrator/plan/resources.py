"""Dependencies between resources, as a definition names them: ``server.wuji-cp-0`` (requirements R1-22 to R1-24).

A resource is what an operation does to an item. ``server.wuji-cp-0`` means the tasks that create that server, on every
provider; if nothing creates it, those that update it; else all that name it. A hard dependency on what there is not is
an error, a soft one is worth a warning, an optional one is as good as not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from orchestrator import expression
from orchestrator.plan import graph
from orchestrator.plan.fault import Fault, did_you_mean, word
from orchestrator.plan.ir import DependencyType, Edge, OperationTarget, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.plan.fault import Path, Raw

#: Names a ``wait_condition`` may use; what they hold is in docs/dependencies.md.
CONDITION_NAMES = ("source", "target", "workflow", "operations")

_COUNTS = ("total", "succeeded", "failed", "running", "pending")

#: {name: what it has}; of ``operations``, what each of them has.
CONDITION_FIELDS = {
    "source": ("status", "attempt", "exit_code", "tasks", *_COUNTS),
    "target": ("item", "provider", "operation", "status", "attempt", "exit_code"),
    "workflow": ("id", "name", "status", "priority", "environment", "elapsed_s"),
    "operations": ("status", *_COUNTS),
}

#: Tasks of a circle, or resources there are, that are named.
_TOLD_MAX = 20

#: Unknown names for which a near one is looked up, in all dependencies together.
_SUGGESTIONS_MAX = 20

#: Which operations stand for a resource: those of the first type there is.
_MAKERS = ("create", "update")


def edges(raw: Mapping[str, Any]) -> tuple[Edge, ...]:
    """The edges of a workflow's ``dependencies``, in which `check` found no error."""
    places = _places(raw)
    return tuple(edge for one in raw.get("dependencies") or [] for edge in _edges_of(one, places))


def _edges_of(one: Mapping[str, Any], places: Mapping[str, Sequence[str]]) -> Iterator[Edge]:
    for source in places.get(one["source"], ()):
        for target in places.get(one["target"], ()):
            yield Edge(
                Place(source, _item(one["source"])),
                Place(target, _item(one["target"])),
                one.get("type") or "hard",
                one.get("wait_condition") or "",
                one.get("timeout", 300),
                one["source"],
            )


def check(raw: Raw, configured: int = 1) -> Iterator[Fault]:
    """Every fault of a workflow's ``dependencies``. `configured`: how many providers there are."""
    places = _places(raw)
    nearest = _Nearest(places)
    listed = raw.get("dependencies")
    sound = True
    for index, one in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(one, dict):
            continue
        path = ("dependencies", index)
        for fault in _dependency(one, path, nearest, raw):
            sound = sound and fault.severity != "error"
            yield fault
    if sound and listed:
        yield from _circles(raw, listed, configured)


def _dependency(one: Raw, path: Path, nearest: _Nearest, raw: Raw) -> Iterator[Fault]:
    yield from word(one, (*path, "type"), get_args(DependencyType))
    timeout = one.get("timeout", 300)
    if isinstance(timeout, int) and timeout <= 0:
        message = f"the timeout must be positive, not {timeout}"
        yield Fault("WF105", (*path, "timeout"), message, "It is a number of seconds.")
    for end in ("source", "target"):
        name = one.get(end)
        if name is None:
            yield Fault("WF101", path, f"dependency number {int(path[-1]) + 1} has no {end}", f"Add `{end} = ...`.")
        else:
            yield from _resource(str(name), (*path, end), one.get("type") or "hard", nearest)
    if one.get("source") is not None and one.get("source") == one.get("target"):
        yield Fault("WF111", (*path, "target"), f"resource '{one['target']}' depends on itself", "Remove it.")
    if one.get("wait_condition"):
        yield from _condition(str(one["wait_condition"]), (*path, "wait_condition"), raw)


class _Nearest:
    """Suggestions for names of resources that do not exist, for the first few of them: each takes its time."""

    def __init__(self, known: Mapping[str, object]) -> None:
        self.known = known
        self._left = _SUGGESTIONS_MAX

    def to(self, name: str) -> str:
        """A sentence, perhaps empty."""
        self._left -= 1
        return did_you_mean(name, self.known, only_near=len(self.known) >= _TOLD_MAX) if self._left >= 0 else ""


def _resource(name: str, path: Path, kind: str, nearest: _Nearest) -> Iterator[Fault]:
    target, _, item = name.partition(".")
    if target not in get_args(OperationTarget) or not item:
        kinds = ", ".join(f"{target}.NAME" for target in get_args(OperationTarget) if target != "shared")
        yield Fault("WF121", path, f"'{name}' does not name a resource", f"A resource is {kinds}.")
    elif name not in nearest.known and kind != "optional":
        near = nearest.to(name)
        what = f"no operation has '{item}' among its items with target {target}"
        if kind == "hard":
            yield Fault("WF120", path, what, near or "Name an item of an operation.")
        else:
            yield Fault("WF120", path, f"{what}; nothing waits for it", near, "warning")


def _condition(text: str, path: Path, raw: Raw) -> Iterator[Fault]:
    try:
        condition = expression.parse(text)
    except expression.ExpressionFault as fault:
        yield Fault("WF123", path, f"{fault.message}, at character {fault.offset + 1}", fault.help or "")
        return
    for unknown in expression.unknown_names(condition, CONDITION_NAMES):
        yield Fault("WF124", path, f"{unknown.message}, at character {unknown.offset + 1}", unknown.help or "")
    known = [str(one["id"]) for one in _operations(raw) if one.get("id")]
    for parts in condition.paths:
        if parts[0] == "operations" and len(parts) > 1 and parts[1] not in known:
            yield Fault("WF124", path, f"there is no operation '{parts[1]}'", did_you_mean(parts[1], known))
            continue
        field = parts[2:3] if parts[0] == "operations" else parts[1:2]
        if field and parts[0] in CONDITION_FIELDS and field[0] not in CONDITION_FIELDS[str(parts[0])]:
            whole = ".".join(str(part) for part in parts[:-1])
            has = did_you_mean(field[0], CONDITION_FIELDS[str(parts[0])])
            yield Fault("WF124", path, f"{whole} has no '{field[0]}'", has)


def _circles(raw: Raw, listed: Sequence[Raw], configured: int) -> Iterator[Fault]:
    """Dependencies that make tasks wait for each other, over operations, edges and listed order together."""
    operations = [(one["id"], one.get("items") or [], after, _in_turn(one, configured)) for one, after in _ordered(raw)]
    places = _places(raw)
    between = [(index, edge) for index, one in enumerate(listed) for edge in _edges_of(one, places)]
    for cycle in graph.cycles(task_graph(operations, [edge for _, edge in between])):
        inside = set(cycle)
        targets = ((index, ("task", edge.target.operation, edge.target.item)) for index, edge in between)
        index = next((index for index, target in targets if target in inside), 0)
        yield Fault(
            "WF125",
            ("dependencies", index),
            f"tasks would wait for each other: {' -> '.join(told(cycle))}",
            "Remove one of these dependencies.",
        )
        return


def _in_turn(one: Raw, configured: int) -> bool:
    providers = len(one.get("providers") or []) or (1 if one.get("command") else configured)
    return graph.in_turn(one.get("parallel", True), len(one.get("items") or []) * providers)


Node = tuple[str, str, str]


def task_graph(
    operations: Sequence[tuple[str, Sequence[str], Sequence[str], bool]], between: Sequence[Edge]
) -> dict[Node, list[Node]]:
    """{node: nodes it waits for} of operations (id, items, after, `graph.in_turn`) and edges, providers taken together.

    A node is ``("task", operation, item)``, or ``("begin", operation, "")`` and ``("end", operation, "")``.
    """
    waits: dict[Node, list[Node]] = {}
    for name, items, after, in_turn in operations:
        begin, end = ("begin", name, ""), ("end", name, "")
        waits[begin] = [("end", other, "") for other in after]
        tasks: list[Node] = [("task", name, item) for item in items]
        for index, task in enumerate(tasks):
            waits[task] = [begin]
            if in_turn and index:
                waits[task].append(tasks[index - 1])
        waits[end] = [*tasks, begin]
    for edge in between:
        source: Node = ("end", edge.source.operation, "")
        if edge.source.item is not None:
            source = ("task", edge.source.operation, edge.source.item)
        items = [edge.target.item] if edge.target.item is not None else []
        every = items or [item for name, own, _, _ in operations if name == edge.target.operation for item in own]
        for item in every:
            waits[("task", edge.target.operation, item)].append(source)
    return waits


def told(cycle: Sequence[Node]) -> list[str]:
    """A circle of `task_graph` for people: its tasks and operations, closed."""
    words = [f"{operation}/{item}" if kind == "task" else operation for kind, operation, item in cycle]
    short = [one for one, before in zip(words, [words[-1], *words], strict=False) if one != before] or words[:1]
    if len(short) > _TOLD_MAX:
        short = [*short[: _TOLD_MAX - 1], f"({len(short) - _TOLD_MAX + 1} more)"]
    return [*short, short[0]]


def _ordered(raw: Raw) -> Iterator[tuple[Raw, list[str]]]:
    """(operation, ids it comes after), with the implicit order of a sequential workflow."""
    before: list[str] = []
    for one in _operations(raw):
        if one.get("id"):
            yield one, [*(one.get("depends_on") or []), *before]
            before = [one["id"]] if raw.get("type") == "sequential" else []


def _places(raw: Mapping[str, Any]) -> dict[str, list[str]]:
    """{resource: ids of the operations that stand for it}."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in _operations(raw):
        for item in one.get("items") or []:
            kinds = found.setdefault(f"{one.get('target')}.{item}", {})
            kinds.setdefault(str(one.get("type")), []).append(str(one.get("id")))
    return {
        name: next((kinds[kind] for kind in _MAKERS if kind in kinds), [one for ids in kinds.values() for one in ids])
        for name, kinds in found.items()
    }


def _operations(raw: Mapping[str, Any]) -> list[Raw]:
    listed = raw.get("operations")
    return [one for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]


def _item(resource: str) -> str:
    return resource.partition(".")[2]
