"""From a path in a file's values to the place in its text that says it.

The syntax tree is walked along the path, lazily: parentheses, names of other top-level variables, schema
expressions, dotted keys and concatenated lists are looked through. Where a value is computed (a comprehension,
a call, another file) the expression that computes it is the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, Any]

#: Names that lead to names that lead to names: more than this is a circle.
_LOOKS_MAX = 50


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

    def find(self, path: tuple[str | int, ...]) -> Place | None:
        """The place of `path`, whose first part is a top-level variable, or of the nearest thing around it."""
        node = self._top.get(str(path[0])) if path else None
        place = None
        rest = path[1:]
        while node is not None:
            node = self._look_through(node)
            place = place_of(node)
            if not rest:
                break
            node, used = _step(node, rest, self._look_through)
            rest = rest[used:]
        return place

    def _look_through(self, node: Node) -> Node:
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

    def imports(self) -> Iterator[tuple[str, Place]]:
        """(path as written, place) of every import."""
        for statement in self._body:
            node = statement["node"]
            if node["type"] == "Import":
                yield node["rawpath"], place_of(node["path"])

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


def _step(node: Node, rest: tuple[str | int, ...], look: Any) -> tuple[Node | None, int]:
    """(the node of the first parts of `rest` inside `node`, how many parts that were)."""
    inner = node["node"]
    if isinstance(rest[0], int):
        return _element(node, rest[0], look), 1
    if inner["type"] == "Schema":
        inner = inner["config"]["node"]
    for item in reversed(inner.get("items") or []):
        keys = _keys(item)
        if keys and tuple(keys) == rest[: len(keys)]:
            return item["node"]["value"], len(keys)
    return None, 1


def _element(node: Node, index: int, look: Any) -> Node | None:
    """Element `index` of a list, or the expression that computes it; None if nothing is known."""
    for position, element in enumerate(_elements(node, look)):
        if position == index or element["node"]["type"] in ("ListComp", "Starred", "ListIfItem"):
            return element
    return None


def _elements(node: Node, look: Any) -> Iterator[Node]:
    node = look(node)
    inner = node["node"]
    if inner["type"] == "List":
        yield from inner["elts"]
    elif inner["type"] == "Binary" and inner["op"] == "Add":
        yield from _elements(inner["left"], look)
        yield from _elements(inner["right"], look)
    else:
        yield {**node, "node": {"type": "Starred"}}
