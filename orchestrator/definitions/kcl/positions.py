"""From a path in a file's values to the place in its text that says it.

The syntax tree is walked along the path, lazily: parentheses, names of other top-level variables, schema
expressions, dotted keys, blocks laid over others and concatenated lists are looked through. Where a value is computed
(a comprehension, a call, another file) the expression that computes it is the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, Any]

#: Names that lead to names that lead to names: more than this is a circle.
_LOOKS_MAX = 50

#: Elements of a list that stand for any number of them.
_SEVERAL = ("ListComp", "ListIfItem", "Starred")


class Place(NamedTuple):
    """Lines count from 1, columns (characters) from 0; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class SourceMap:
    """The syntax tree of one file, as `parse_file` gives it."""

    def __init__(self, module: Node) -> None:
        """`module` is the decoded ``ast_json``."""
        self._top = dict(_top_level(module))
        self._body = module["body"]
        #: {id of the node of a list: its elements, up to the first that computes several}.
        self._lists: dict[int, list[Node]] = {}

    def find(self, path: tuple[str | int, ...]) -> Place | None:
        """The place of `path`, whose first part is a top-level variable, or of the nearest thing around it."""
        node = self.node(path)
        return None if node is None else place_of(node)

    def node(self, path: tuple[str | int, ...]) -> Node | None:
        """The expression that gives the value at `path`, or the nearest thing around it; None if nothing is known."""
        node = self._top.get(str(path[0])) if path else None
        nearest = None
        rest = path[1:]
        while node is not None:
            nearest = node = self.look_through(node)
            if not rest:
                break
            node, used = _step(node, rest, self)
            rest = rest[used:]
        return nearest

    def look_through(self, node: Node) -> Node:
        """The expression that `node` stands for, as far as it can be seen."""
        for _ in range(_LOOKS_MAX):
            inner = node["node"]
            if inner["type"] == "Paren":
                node = inner["expr"]
            elif inner["type"] == "Identifier" and len(inner["names"]) == 1 and inner["names"][0]["node"] in self._top:
                node = self._top[inner["names"][0]["node"]]
            else:
                break
        return node

    def element(self, node: Node, index: int) -> Node | None:
        """Element `index` of a list, or the expression that computes it; None if nothing is known."""
        if id(node) not in self._lists:
            listed = self._lists[id(node)] = []
            for element in _elements(node, self.look_through):
                listed.append(element)
                if element["node"]["type"] in _SEVERAL:
                    break
        listed = self._lists[id(node)]
        if index < len(listed):
            return listed[index]
        return listed[-1] if listed and listed[-1]["node"]["type"] in _SEVERAL else None

    def imports(self) -> Iterator[tuple[str, Place]]:
        """(path as written, place) of every import."""
        for statement in self._body:
            node = statement["node"]
            if node["type"] == "Import":
                yield node["rawpath"], place_of(node["path"])

    def bound_imports(self) -> Iterator[tuple[str, str, Place]]:
        """(path as written, name it has in the file, place) of every import."""
        for statement in self._body:
            node = statement["node"]
            if node["type"] == "Import":
                yield node["rawpath"], (node["asname"] or {"node": node["name"]})["node"], place_of(node["path"])

    def doubled_keys(self) -> Iterator[tuple[str, Place]]:
        """(key, place) of every key that an earlier one in the same block has already."""
        for node in walk(self._body):
            if node.get("type") == "Config":
                yield from _doubled(node)


def walk(tree: object) -> Iterator[Node]:
    """Every dictionary of a syntax tree, without recursion."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(reversed(node.values()))
        elif isinstance(node, list):
            pending.extend(reversed(node))


def _top_level(module: Node) -> Iterator[tuple[str, Node]]:
    for statement in module["body"]:
        node = statement["node"]
        if node["type"] == "Assign":
            for target in node["targets"]:
                if not target["node"]["paths"]:
                    yield target["node"]["name"]["node"], node["value"]
        elif node["type"] == "Unification":
            names = node["target"]["node"]["names"]
            yield names[0]["node"], {**node["value"], "node": {"type": "Schema", **node["value"]["node"]}}


def targets(statement: Node) -> list[tuple[str, Node]]:
    """(name, node of the name) of the variables that a statement gives values."""
    if statement["type"] == "Assign":
        return [(target["node"]["name"]["node"], target["node"]["name"]) for target in statement["targets"]]
    if statement["type"] == "Unification":
        return [(statement["target"]["node"]["names"][0]["node"], statement["target"]["node"]["names"][0])]
    return []


def option_name(node: Node) -> str | None:
    """What a call of ``option`` asks for, "" if that is computed; None for any other expression."""
    names = node["func"]["node"].get("names") if node.get("type") == "Call" else None
    if not names or names[0]["node"] != "option":
        return None
    return next((str(one["node"]["value"]) for one in node["args"] if one["node"]["type"] == "StringLit"), "")


def place_of(node: Node) -> Place:
    """Where a node of a syntax tree stands."""
    return Place(node["line"], node["column"], node["end_line"], node["end_column"])


def _keys(item: Node) -> list[str]:
    key = (item["node"].get("key") or {}).get("node") or {}
    if key.get("type") == "Identifier":
        return [name["node"] for name in key["names"]]
    return [key["value"]] if key.get("type") == "StringLit" else []


def _doubled(config: Node) -> Iterator[tuple[str, Place]]:
    seen: dict[tuple[str, ...], None] = {}
    for item in config["items"]:
        keys = tuple(_keys(item))
        if keys and keys in seen and item["node"]["operation"] == "Override":
            yield ".".join(keys), place_of(item["node"]["key"])
        seen[keys] = None


def _step(node: Node, rest: tuple[str | int, ...], map: SourceMap, depth: int = 0) -> tuple[Node | None, int]:
    """(the node of the first parts of `rest` inside `node`, how many parts that were)."""
    inner = node["node"]
    if isinstance(rest[0], int):
        return map.element(node, rest[0]), 1
    if inner["type"] == "Schema":
        inner = inner["config"]["node"]
    items = inner.get("items") or []
    for item in reversed(items):
        keys = _keys(item)
        if keys and tuple(keys) == rest[: len(keys)]:
            return item["node"]["value"], len(keys)
    parts = [item["node"]["value"] for item in items if item["node"]["key"] is None]
    if inner["type"] == "Binary" and inner["op"] == "BitOr":
        parts = [inner["left"], inner["right"]]
    for part in reversed(parts if depth < _LOOKS_MAX else []):
        found, used = _step(map.look_through(part), rest, map, depth + 1)
        if found is not None:
            return found, used
    return None, 1


def _elements(node: Node, look: Any) -> Iterator[Node]:
    """The elements of a list; one that computes several stands for all of them."""
    node = look(node)
    inner = node["node"]
    if inner["type"] == "List":
        yield from inner["elts"]
    elif inner["type"] == "Binary" and inner["op"] == "Add":
        yield from _elements(inner["left"], look)
        yield from _elements(inner["right"], look)
    else:
        yield node if inner["type"] == "ListComp" else {**node, "node": {"type": "Starred"}}
