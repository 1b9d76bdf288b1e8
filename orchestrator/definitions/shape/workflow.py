"""The values of one workflow from what was evaluated to what is checked and built: the steps, in their order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.definitions import clear_text, diagnostics, masking
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl.positions import Place
from orchestrator.definitions.shape import conform, kinds, layers, loading, names, templates
from orchestrator.definitions.shape.overlay import Overlay
from orchestrator.definitions.shape.places import Places  # noqa: TC001 - msgspec reads the annotation
from orchestrator.definitions.shape.render import Renderer, unrendered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.shape.layers import LayerFile, Value
    from orchestrator.definitions.shape.sandbox import Engine
    from orchestrator.plan.fault import Path, Raw

_FIRST = Place(1, 0, 1, 0)


class Shaped(msgspec.Struct):
    """A workflow's values on their way. `sources`: {path relative to the definition's folder: text} to be pinned."""

    raw: Raw
    places: Places
    found: list[Diagnostic] = []
    sources: dict[str, str] = {}

    def has_errors(self) -> bool:
        """Whether anything has been found that keeps it from being run."""
        return any(one["severity"] == "error" for one in self.found)


class Shaping:
    """What is the same for all workflows of a definition at `path`.

    Attributes:
        package: folder of the schema package.
        environment: "" for none.
        layer: the file of the environment, None if there is none.
        values: gives those of all top-level variables of the definition; templates see them.
    """

    def __init__(
        self, path: str, package: str, environment: str, layer: LayerFile | None, values: Callable[[], Raw]
    ) -> None:
        self.folder = os.path.dirname(path)
        self.package = package
        self.environment = environment
        self.layer = layer
        self.values = values

    def shape(self, raw: Raw, places: Places, *, layered: bool, ids: frozenset[str], whole: bool) -> Shaped:
        """Take every step with the values `raw` of a workflow.

        Args:
            raw: as evaluated; stays as it is.
            places: of these values; learns what becomes of them.
            layered: whether the layer is for this workflow.
            ids: of operations of the definition's other workflows.
            whole: `raw` obeys the schema.
        """
        shaped = Shaped(raw, places)
        if layered and self.layer is not None:
            self._lay(shaped, self.layer, ids, whole=whole)
        if any(isinstance(one, dict) and names.is_needed(one) for one in _operations(shaped.raw)):
            self._name(shaped)
        if templates.are_needed(shaped.raw):
            self._render(shaped)
        return shaped

    def _lay(self, shaped: Shaped, file: LayerFile, ids: frozenset[str], *, whole: bool) -> None:
        layer = self._parsed(shaped, file)
        if layer is None:
            return
        text = shaped.places.layer = Text(file.path, layers.text_of(file))
        kind = kinds.workflow_kind(self.package)
        overlay = Overlay(shaped.raw, layer, kind, ids)
        shaped.raw = overlay.values
        shaped.places.layered = overlay.places
        variable = shaped.places.variable
        for fault in overlay.faults:
            path = ".".join(str(part) for part in (variable, *fault.path))
            message = _without_value(fault.message) if _is_secret(fault.path) else fault.message
            told = diagnostics.make(fault.code, message, text, fault.place, help=fault.help, path=path)
            shaped.found.append(told)
        if whole and not shaped.found:
            self._conform(shaped, text)

    def _conform(self, shaped: Shaped, text: Text) -> None:
        shaped.raw, against = conform.conform(shaped.raw, kinds.workflow_kind(self.package), self.package)
        if against:
            help_text = "The definition obeys the schema without this layer."
            shaped.found.append(diagnostics.make("WF133", against, text, _FIRST, help=help_text))

    def _parsed(self, shaped: Shaped, file: LayerFile) -> Value | None:
        """The layer, pinned; None if it is none."""
        try:
            text = layers.text_of(file)
        except layers.LayerFault as fault:
            shown = Text(file.path, file.content.decode("utf-8", "replace") if fault.place else "")
            shaped.found.append(diagnostics.make("WF131", str(fault), shown, fault.place, help=fault.help))
            return None
        relative = os.path.relpath(file.path, self.folder)
        outside = relative.split("/")[0] == ".."
        shaped.sources[f"{templates.PINNED_ELSEWHERE}/{os.path.basename(file.path)}" if outside else relative] = text
        try:
            return layers.parse(text)
        except layers.LayerFault as fault:
            told = diagnostics.make("WF131", str(fault), Text(file.path, text), fault.place, help=fault.help)
            shaped.found.append(told)
            return None

    def _name(self, shaped: Shaped) -> None:
        engine = loading.engine({})
        operations: list[Any] = list(shaped.raw["operations"])
        known = self._names(shaped)
        for index, one in enumerate(operations):
            if not isinstance(one, dict) or not names.is_needed(one):
                continue
            path: Path = ("operations", index)
            found = names.Names(one, path, _maker(engine, {**known, "operation": _about(one)}))
            shaped.found += [shaped.places.diagnostic(fault) for fault in found.faults]
            if found.made:
                operations[index] = {**one, "items": found.made}
                shaped.places.written[index] = found.written
                for number, (name, position) in enumerate(zip(found.made, found.written, strict=True)):
                    if name != one["items"][position]:
                        shaped.places.derived.add((*path, "items", number))
        shaped.raw = {**shaped.raw, "operations": operations}

    def _render(self, shaped: Shaped) -> None:
        texts, faults = templates.read(shaped.raw, self.folder)
        shaped.found += [shaped.places.diagnostic(fault) for fault in faults]
        shaped.sources |= texts
        engine: Engine = loading.engine(texts)
        renderer = Renderer(engine, texts, self.folder)
        broken = renderer.compile()
        shaped.found += broken
        known = self._names(shaped)
        operations = list(_operations(shaped.raw))
        for index, one in enumerate(operations):
            if not isinstance(one, dict) or not isinstance(one.get("items"), list):
                continue
            if faults or broken:
                operations[index] = {**one, **unrendered(one)}
                continue
            path: Path = ("operations", index)
            rendered = renderer.operation(one, path, {**known, "operation": _about(one)})
            shaped.found += [shaped.places.diagnostic(fault) for fault in rendered.faults] + rendered.found
            operations[index] = {**one, **rendered.values}
            shaped.places.derived |= {(*path, key) for key in rendered.values}
        shaped.raw = {**shaped.raw, "operations": operations}

    def _names(self, shaped: Shaped) -> dict[str, Any]:
        """What every template of a workflow knows."""
        values = {**shaped.raw, **self.values(), shaped.places.variable: shaped.raw}
        return {"workflow": shaped.raw.get("name"), "environment": self.environment, "values": values}


def _is_secret(path: Path) -> bool:
    return clear_text.is_secret_name(next((part for part in reversed(path) if isinstance(part, str)), ""))


def _without_value(message: str) -> str:
    """What a value should be, without what it is."""
    expected, found, _ = message.partition(", not ")
    return f"{expected}{found}{masking.MASK}" if found else message


def _maker(engine: Engine, known: Mapping[str, Any]) -> names.Maker:
    return lambda text, index: engine.item(text, {**known, "index": index})


def _operations(raw: Raw) -> list[Any]:
    listed = raw.get("operations")
    return listed if isinstance(listed, list) else []


def _about(operation: Raw) -> dict[str, Any]:
    return {key: operation.get(key) for key in ("id", "type", "target")}
