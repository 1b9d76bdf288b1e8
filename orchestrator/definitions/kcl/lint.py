"""What is worth a word in the text of a definition, rather than in its values: ``validate --strict`` (ruling A-27).

Names that nothing refers to, defaults that nobody wrote down, secrets for everybody to read. Everything is read off the
syntax tree; where that does not tell, nothing is said: a false alarm is worse than none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.definitions import diagnostics
from orchestrator.definitions.kcl import PACKAGE, secrets
from orchestrator.definitions.kcl.positions import option_name, place_of, targets, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.definitions.diagnostics import Diagnostic, Text
    from orchestrator.definitions.kcl.positions import Node, Place, SourceMap

#: Literal operations without their schema from which evaluation becomes slow.
_UNTYPED_MAX = 500

#: What a timeout is if it is not written.
_TIMEOUT = 300

_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class Linted(NamedTuple):
    """A file to be looked at.

    Attributes:
        tree: its syntax tree; `map` is made of it.
        workflows: {variable: values of a workflow}.
    """

    text: Text
    source: str
    tree: Node
    map: SourceMap
    workflows: Mapping[str, dict[str, Any]]


def lint(file: Linted) -> Iterator[Diagnostic]:
    """Warnings about the file, in no order."""
    yield from _unused_imports(file)
    yield from _unused_variables(file)
    yield from _doubled_names(file)
    yield from _unwritten_timeouts(file)
    yield from secrets.in_clear_text(file.tree, file.text, file.map)
    yield from _untyped(file)


def _warn(text: Text, code: str, place: Place | None, message: str, help_text: str, **more: Any) -> Diagnostic:
    return diagnostics.make(code, message, text, place, help=help_text, severity="warning", **more)


def _unused_imports(file: Linted) -> Iterator[Diagnostic]:
    used = set(_names(file.tree["body"]))
    for path, bound, place in file.map.bound_imports():
        if bound not in used:
            yield _warn(file.text, "WF303", place, f"'{path}' is imported and not used", "Remove the import.")


def _unused_variables(file: Linted) -> Iterator[Diagnostic]:
    """Top-level variables that no workflow needs, directly or through others."""
    places, needs, roots = _definitions(file.tree)
    roots |= set(file.workflows) | _named_in_templates(file, places)
    needed: set[str] = set()
    pending = [name for name in roots if name in needs]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += [other for other in needs[name] if other in needs]
    options = _options(file.tree)
    for name, place in places.items():
        if name not in needed:
            what = f"variable '{name}' (option '{options[name]}')" if name in options else f"variable '{name}'"
            user = next((other for other, names in needs.items() if name in names and other != name), None)
            only = f"; '{user}' refers to it, and is not used either" if user else ""
            message = f"{what} is not used by any workflow{only}"
            yield _warn(file.text, "WF304", place, message, "Remove it, or use it.")
    for node in (statement["node"] for statement in file.tree["body"]):
        for call in node["exprs"] if node["type"] == "Expr" else []:
            option = option_name(call["node"])
            if option is not None:
                message = f"option '{option}' is asked for and not used"
                yield _warn(file.text, "WF304", place_of(call), message, "Give it to a variable, and use that.")


def _definitions(tree: Node) -> tuple[dict[str, Place], dict[str, set[str]], set[str]]:
    """({variable: place of its name}, {variable: names its values refer to}, names other statements refer to)."""
    places: dict[str, Place] = {}
    needs: dict[str, set[str]] = {}
    roots: set[str] = set()
    for statement in tree["body"]:
        node = statement["node"]
        for name, target in targets(node):
            places.setdefault(name, place_of(target))
            needs.setdefault(name, set()).update(_names([node["value"], node.get("ty")]))
        if not targets(node):
            roots.update(_names(node))
    return places, needs, roots


def _names(tree: object) -> Iterator[str]:
    """Names that a part of a syntax tree refers to: the first one of each ``a.b.c``. Keys of blocks are none."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            if isinstance(node.get("names"), list) and node["names"]:
                yield node["names"][0]["node"]
            if node.get("type") == "Config":
                pending.extend(entry["node"]["value"] for entry in node["items"])
                keys = (entry["node"]["key"] or {} for entry in node["items"])
                pending.extend(key for key in keys if key.get("node", {}).get("type") != "Identifier")
            else:
                pending.extend(node.values())


def _named_in_templates(file: Linted, places: Iterable[str]) -> set[str]:
    """Variables that templates may read: all that are not hidden if there are files, and those named in ``{{ }}``."""
    if any(raw.get("templates") for raw in file.workflows.values()):
        return {name for name in places if not name.startswith("_")}
    if "{{" not in file.source:
        return set()
    texts = (node["value"] for node in walk(file.tree["body"]) if node.get("type") == "StringLit")
    return {word for text in texts for part in _TEMPLATE.findall(text) for word in re.findall(r"\w+", part)}


def _options(tree: Node) -> dict[str, str]:
    """{variable: the option that is its value}."""
    return {
        name: option
        for statement in tree["body"]
        for name, _ in targets(statement["node"])
        if (option := option_name(statement["node"]["value"]["node"])) is not None
    }


def _doubled_names(file: Linted) -> Iterator[Diagnostic]:
    """Workflows of one file that are called the same."""
    first: dict[str, str] = {}
    for variable, raw in file.workflows.items():
        name = str(raw.get("name")).casefold()
        if name in first:
            message = f"there is another workflow '{raw.get('name')}' in this file"
            related = (("first here", file.map.find((first[name], "name"))),)
            help_text = f"Give each a name of its own; until then --name takes the variable: {variable}."
            yield _warn(file.text, "WF308", file.map.find((variable, "name")), message, help_text, related=related)
        first.setdefault(name, variable)


def _unwritten_timeouts(file: Linted) -> Iterator[Diagnostic]:
    """Operations, and conditions of dependencies, that have the default timeout because nothing else is written."""
    for variable, raw in file.workflows.items():
        for kind, said in (("operations", "an attempt"), ("dependencies", "the condition")):
            for index, one in enumerate(raw.get(kind) or []):
                counts = isinstance(one, dict) and one.get("timeout", _TIMEOUT) == _TIMEOUT
                if not counts or (kind == "dependencies" and not one.get("wait_condition")):
                    continue
                node = file.map.node((variable, kind, index))
                if node is not None and _surely_lacks(node, "timeout", file.map):
                    message = f"no timeout is written here; {said} may take the default of {_TIMEOUT} s"
                    help_text = f"Add `timeout = ...` in seconds; {_TIMEOUT} if that is meant."
                    path = f"{variable}.{kind}.{index}"
                    yield _warn(file.text, "WF306", place_of(node), message, help_text, path=path)


def _surely_lacks(node: Node, key: str, map: SourceMap) -> bool:
    """Whether the block that `node` stands for has no such key; False also where that cannot be seen."""
    pending = [node]
    seen = False
    while pending:
        inner = map.look_through(pending.pop())["node"]
        kind = inner["type"]
        if kind == "ListComp":
            pending.append(inner["elt"])
        elif kind == "Schema" and inner["name"]["node"]["names"][0]["node"] in (PACKAGE, _bound(map)):
            pending.append(inner["config"])
        elif kind == "Binary" and inner["op"] == "BitOr":
            pending += [inner["left"], inner["right"]]
        elif kind in ("Config", "ConfigIfEntry"):
            seen = True
            for entry in (one["node"] for one in inner["items"]):
                name = entry["key"]["node"] if entry["key"] else None
                if name is None:
                    pending.append(entry["value"])
                elif name["type"] not in ("Identifier", "StringLit") or key in (name.get("value"), _first(name)):
                    return False
            if inner.get("orelse"):
                pending.append(inner["orelse"])
        else:
            return False
    return seen


def _bound(map: SourceMap) -> str:
    """The name under which the schema package is imported."""
    return next((bound for name, bound, _ in map.bound_imports() if name == PACKAGE), PACKAGE)


def _first(name: Node) -> str:
    return str(name["names"][0]["node"]) if name.get("names") else ""


def _untyped(file: Linted) -> Iterator[Diagnostic]:
    if file.source.count("id =") > _UNTYPED_MAX and file.source.count("OperationDef") < _UNTYPED_MAX:
        message = f"more than {_UNTYPED_MAX} operations are written without their schema"
        help_text = f"Write `{PACKAGE}.OperationDef {{...}}`, or a comprehension: evaluation is linear then."
        yield _warn(file.text, "WF302", None, message, help_text)
