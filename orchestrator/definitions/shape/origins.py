"""Where each value of a workflow comes from (R1-74).

An origin is ``file:LINE`` (the definition says it there), ``layer:FILE:LINE``, ``option NAME`` (an expression that
asks for an option), ``default`` (the schema says it), or ``derived`` (computed by a comprehension, a function, a name's
or a command's template).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import clear_text, masking
from orchestrator.definitions.kcl.positions import option_name, place_of, walk
from orchestrator.definitions.shape.render import OF_EACH_ITEM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definitions.kcl.positions import Node
    from orchestrator.definitions.shape.places import Places
    from orchestrator.plan.fault import Path, Raw

#: Blocks whose missing attributes are the schema's.
_BLOCKS = ("Config", "Schema", "Unification")


def resolved(raw: Raw, places: Places, folder: str) -> list[dict[str, Any]]:
    """A row {path, value, origin} for every leaf of `raw`; empty lists and mappings are leaves, too.

    What the name of its key or of its option says to be a secret is not shown, nor any that stands in a text.
    """
    look = _Look(places, folder)
    rows = []
    for path, value in _leaves(raw, ()):
        dotted = ".".join(str(part) for part in (places.variable, *path))
        origin = look.origin(path)
        rows.append({"path": dotted, "value": _shown(path, value, origin), "origin": origin})
    return rows


def _shown(path: Path, value: Any, origin: str) -> Any:
    """`value`, as far as it may be seen."""
    if value is None or isinstance(value, bool | list | dict):
        return value
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    option = origin.removeprefix("option ") if origin.startswith("option ") else ""
    if clear_text.is_secret_name(key) or clear_text.is_secret_name(option):
        return value if isinstance(value, str) and clear_text.is_reference(value) else masking.MASK
    return masking.masked(value) if isinstance(value, str) else value


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if inner != OF_EACH_ITEM:
                yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


class _Look:
    """Looks for origins in a definition and its layer."""

    def __init__(self, places: Places, folder: str) -> None:
        self._places = places
        layer = places.layer
        self._layer = "" if layer is None else os.path.relpath(layer.path, folder)

    def origin(self, path: Path) -> str:
        """Of the value at `path`."""
        if "item_commands" in path or any(path[:length] in self._places.derived for length in range(1, len(path) + 1)):
            return "derived"
        place = self._places.in_layer(path)
        if place is not None:
            return f"layer:{self._layer}:{place.line}"
        return self._written((self._places.variable, *self._places.as_written(path)))

    def _written(self, path: Path) -> str:
        """Of a value that no layer says; `path` begins with the variable."""
        find = self._places.map.node
        node, around = find(path), find(path[:-1])
        if node is None or around is None:
            return "derived"
        option = self._option(node)
        if option:
            return f"option {option}"
        if place_of(node) != place_of(around):
            return f"file:{node['line']}"
        return "default" if node["node"]["type"] in _BLOCKS else "derived"

    def _option(self, node: Node) -> str:
        """The option that an expression asks for, itself or through names; "" if none. Blocks are not looked into."""
        pending, seen = [node], 0
        while pending and seen < 100:
            seen += 1
            one = pending.pop()
            if one["node"]["type"] in (*_BLOCKS, "List"):
                continue
            for inner in walk(one):
                name = option_name(inner)
                if name:
                    return name
                if inner.get("type") == "Identifier" and len(inner["names"]) == 1:
                    target = self._places.map.node((inner["names"][0]["node"],))
                    if target is not None and target is not one:
                        pending.append(target)
        return ""
