"""Strings of a definition that hold a secret for everybody to read: where they stand.

What counts as one is `orchestrator.definitions.clear_text`; here are the names and the places of a syntax tree. A name
is looked through to the text that it stands for, so the place is that of the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definitions import clear_text, diagnostics, masking
from orchestrator.definitions.diagnostics import Hidden
from orchestrator.definitions.kcl.positions import option_name, place_of, targets, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definitions.diagnostics import Diagnostic, Text
    from orchestrator.definitions.kcl.positions import Node, Place, SourceMap

_COMMANDS = ("command", "rollback_command")


def in_clear_text(tree: Node, text: Text, map: SourceMap) -> Iterator[Diagnostic]:
    """Strings of a file, its own or an imported one, that hold a secret."""
    told: set[Place] = set()
    for node, what, secret in _secrets(tree, map):
        place = place_of(node)
        if place not in told:
            told.add(place)
            message = f"{what} stands here in clear text, and so in the plan and in every copy of this file"
            help_text = "Read it where it is used: from a file, from the environment, or from a secret store."
            found = diagnostics.make("WF307", message, text, place, help=help_text, severity="warning")
            yield found | {"snippet": found["snippet"].replace(secret, masking.MASK) if secret else found["snippet"]}


def hidden(tree: Node, map: SourceMap) -> list[Hidden]:
    """The texts of a file that are the value of a secret's name, for `Text` not to show them.

    The tree of a text that is not KCL has holes; what cannot be followed is not found, and the line still is judged.
    """
    found: list[Hidden] = []
    for node in walk(tree.get("body") or []):
        try:
            named = list(_named_values(node))
            values = [value for name, value in named if clear_text.is_secret_name(name)]
            literals = [one for value in values for one in _literals(value, map)]
            found += [_hidden(one) for one in literals if clear_text.is_secret_text(one["node"]["value"])]
        except (KeyError, TypeError, AttributeError, IndexError):
            continue
    return found


def _hidden(literal: Node) -> Hidden:
    """A string between its quotes if it is written in one line; all of any other."""
    place, inner = place_of(literal), literal["node"]
    quotes = 3 if inner.get("is_long_string") else 1
    if place.line == place.end_line and place.end_column - place.column >= 2 * quotes:
        place = place._replace(column=place.column + quotes, end_column=place.end_column - quotes)
    return Hidden(place, str(inner["value"]))


def _secrets(tree: Node, map: SourceMap) -> Iterator[tuple[Node, str, str]]:
    """(string, what it holds, the secret itself), more than once for some."""
    parts: set[int] = set()  # of strings that hold computed text; they have no places of their own
    for node in walk(tree["body"]):
        for name, value in _named_values(node):
            yield from _in_value(name, value, map)
        inner = node.get("node")
        if isinstance(inner, dict) and inner.get("type") in ("StringLit", "JoinedString") and id(node) not in parts:
            parts |= {id(part) for part in inner.get("values") or ()}
            shape = clear_text.known_shape(_shown(node))
            if shape:
                yield node, *shape


def _in_value(name: str, value: Node, map: SourceMap) -> Iterator[tuple[Node, str, str]]:
    if clear_text.is_secret_name(name):
        for literal in _literals(value, map):
            said = literal["node"]["value"]
            if not clear_text.is_reference(said):
                yield literal, f"the value of '{name}'", said
    if name in _COMMANDS:
        command = map.look_through(value)
        for what, secret in clear_text.in_shell_text(_shown(command)):
            yield command, what, secret


def _named_values(node: Node) -> Iterator[tuple[str, Node]]:
    """(name, expression) of what a node gives a value by name: keys, variables, attributes, options by defaults."""
    kind = node.get("type")
    if kind == "Config":
        for entry in (one["node"] for one in node["items"]):
            key = entry["key"]["node"] if entry["key"] else {}
            yield key["names"][-1]["node"] if key.get("names") else str(key.get("value", "")), entry["value"]
    elif kind in ("Assign", "Unification") and "value" in node:
        for name, _ in targets(node):
            yield name, node["value"]
    elif kind == "SchemaAttr" and node["value"]:
        yield node["name"]["node"], node["value"]
    elif (option := option_name(node)) is not None:
        for keyword in (one["node"] for one in node["keywords"]):
            if keyword["arg"]["node"]["names"][0]["node"] == "default":
                yield option, keyword["value"]


def _literals(node: Node, map: SourceMap) -> Iterator[Node]:
    """The strings that `node` stands for, as far as they are written out."""
    inner = map.look_through(node)
    if inner["node"]["type"] == "StringLit":
        yield inner
    elif inner["node"]["type"] == "List":
        yield from (one for one in inner["node"]["elts"] if one["node"]["type"] == "StringLit")


def _shown(node: Node) -> str:
    """The text of a string; ``$`` stands for what is computed in it. "" for anything else."""
    inner = node["node"]
    if inner["type"] == "StringLit":
        return str(inner["value"])
    parts = inner["values"] if inner["type"] == "JoinedString" else []
    return "".join(one["node"]["value"] if one["node"]["type"] == "StringLit" else "$" for one in parts)
