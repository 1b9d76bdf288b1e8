"""The text of a definition, and of what it imports from its own folder: parsed, held against the rules, pinned."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl import PACKAGE, evaluate, lint, rules, secrets
from orchestrator.definitions.kcl.folders import where
from orchestrator.definitions.kcl.positions import SourceMap, place_of, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.kcl.positions import Node, Place


class Source:
    """One file at `path`, without what the parser does not survive (`guard`).

    Attributes:
        source: what it holds.
        tree: its syntax tree; `map` and `text` are for places in it.
        pinned: {path, text} of this file and, after `broken_rules`, of those it imports from below its own folder.
    """

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.source = content.decode("utf-8")
        self.tree = evaluate.parse(path, self.source)
        self.map = SourceMap(self.tree)
        self.text = _text(path, self.source.removeprefix("\ufeff"), self.tree, self.map)
        self.pinned = [self._pin(path, self.source)]
        #: {package: syntax trees of its files} of what is imported.
        self._imported: dict[str, list[Node]] = {}

    def broken_rules(self, package: str) -> list[Diagnostic]:
        """What the text may not do, and its packages neither; `package` is the folder of the schemas."""
        found = list(rules.broken(self.tree, self.text))
        if rules.imports_own_packages(self.map) and not found:
            path, packages = where(self.path, package)
            trees = evaluate.parse_all(path, self.source, packages)
            found += rules.broken_in_packages(trees, self.text)
            self._imported = {name: modules for name, modules in trees.items() if name not in ("__main__", PACKAGE)}
            self._pin_imported()
        return found

    def doubled_keys(self) -> Iterator[Diagnostic]:
        """Keys of a block that are given twice."""
        for key, place in self.map.doubled_keys():
            message = f"'{key}' is given twice in this block; the last one counts"
            yield diagnostics.make("WF005", message, self.text, place, severity="warning")

    def lint(self, workflows: Mapping[str, dict[str, Any]]) -> Iterator[Diagnostic]:
        """What the text itself has that surprises somebody, that of the user's packages included."""
        yield from lint.lint(lint.Linted(self.text, self.source, self.tree, self.map, workflows))
        for module in self._modules():
            path, map = module["filename"], SourceMap(module)
            yield from secrets.in_clear_text(module, _text(path, _content(path), module, map), map)

    def nulls(self) -> Iterator[Place]:
        """Where null is written."""
        for node in walk(self.tree["body"]):
            inner = node.get("node")
            if isinstance(inner, dict) and inner.get("type") == "NameConstantLit" and inner.get("value") == "None":
                yield place_of(node)

    def _modules(self) -> Iterator[Node]:
        for modules in self._imported.values():
            yield from modules

    def _pin_imported(self) -> None:
        for module in self._modules():
            path = module["filename"]
            if path.startswith(f"{os.path.dirname(self.path)}/"):
                self.pinned.append(self._pin(path, _content(path)))

    def _pin(self, path: str, text: str) -> dict[str, str]:
        return {"path": os.path.relpath(path, os.path.dirname(self.path)), "text": text}


def _text(path: str, content: str, tree: Node, map: SourceMap) -> Text:
    return Text(path, content, partial(secrets.hidden, tree, map))


def _content(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
