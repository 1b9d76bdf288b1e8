"""Laying a layer over the values of a workflow.

Mappings are merged, at any depth. `operations` are merged by `id`, whether the layer lists them or maps ids to values;
a layer cannot add one. Everything else replaces what was there, lists included; ``null`` takes an optional value away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.definitions.shape import kinds, layers
from orchestrator.definitions.shape.kinds import Kind, Misfit
from orchestrator.plan.fault import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definitions.kcl.positions import Place
    from orchestrator.definitions.shape.layers import Value
    from orchestrator.plan.fault import Path, Raw

_ANYTHING = Kind("any")


class Misplaced(msgspec.Struct, frozen=True):
    """Something wrong in a layer: at `place` there, and at `path` in the values."""

    code: str
    place: Place
    path: Path
    message: str
    help: str = ""


class Overlay:
    """The values of a workflow with a layer over them.

    Attributes:
        values: the result; what was given stays as it was.
        places: {path: place in the layer} of each value that comes from it.
        faults: what does not fit.
    """

    def __init__(self, raw: Raw, layer: Value, kind: Kind, elsewhere: frozenset[str] = frozenset()) -> None:
        """`elsewhere`: ids of operations of other workflows, which the layer may speak of as well."""
        self.places: dict[Path, Place] = {}
        self.faults: list[Misplaced] = []
        self._elsewhere = elsewhere
        self.values: Raw = self._mapping(raw, layer, kind, ())

    def _mapping(self, raw: Raw, layer: Value, kind: Kind, path: Path) -> Raw:
        result = dict(raw)
        for key, value in layer.content.items():
            inner = self._kind_of(kind, key, raw)
            here = (*path, key)
            if inner is None:
                self._misfit(kinds.unknown(kind, layer, key), path)
            elif key == "operations" and not path:
                result[key] = self._operations(raw.get(key), value, kind)
            elif value.content is None:
                if key in kind.required:
                    self._fault("WF133", value.place, here, f"'{key}' cannot be taken away: it is required")
                elif result.pop(key, None) is not None:
                    self.places[here] = value.place
            elif isinstance(value.content, dict) and inner.type in ("schema", "dict", "any"):
                base = raw.get(key)
                self._demand_all(base, value, inner, here)
                result[key] = self._mapping(base if isinstance(base, dict) else {}, value, inner, here)
            else:
                self._replace(result, value, inner, here)
        return result

    def _kind_of(self, kind: Kind, key: str, raw: Raw) -> Kind | None:
        """What `key` takes; a schema of the user's own may have attributes that ours has not."""
        if kind.type == "schema":
            return kind.attributes.get(key) or (_ANYTHING if key in raw else None)
        return kind.inner or _ANYTHING

    def _demand_all(self, base: object, value: Value, kind: Kind, path: Path) -> None:
        """A block that is new has to be whole."""
        for key in kind.required if base is None else ():
            if key not in value.content:
                self._fault("WF133", value.place, path, f"this {kind.name} has no '{key}'")

    def _replace(self, result: Raw, value: Value, kind: Kind, path: Path) -> None:
        """Put `value` into `result`; what does not fit is a fault and changes nothing."""
        misfits = list(kinds.misfits(kind, value))
        for misfit in misfits:
            self._misfit(misfit, path)
        if not misfits:
            self.places.update(layers.leaves(value, path))
            result[str(path[-1])] = layers.plain(value)

    def _operations(self, raw: Any, layer: Value, kind: Kind) -> Any:
        inner = kind.attributes["operations"].inner or _ANYTHING
        result = list(raw) if isinstance(raw, list) else []
        known = {one["id"]: index for index, one in enumerate(result) if isinstance(one, dict) and "id" in one}
        for name, place, value in self._by_id(layer):
            if not isinstance(value.content, dict):
                self._fault("WF133", value.place, ("operations",), f"operation '{name}' needs a mapping of attributes")
            elif name in known:
                index = known[name]
                result[index] = self._mapping(result[index], value, inner, ("operations", index))
            elif name not in self._elsewhere:
                message = f"there is no operation '{name}' in the definition"
                help_text = did_you_mean(name, known) or "A layer changes operations; it cannot add any."
                self._fault("WF132", place, ("operations",), message, help_text)
        return result if isinstance(raw, list) else raw

    def _by_id(self, layer: Value) -> Iterator[tuple[str, Place, Value]]:
        """(id, where it stands, the values for it), the id itself left out of them."""
        if isinstance(layer.content, dict):
            for name, value in layer.content.items():
                if isinstance(value.content, dict) and "id" in value.content:
                    self._fault("WF133", value.content["id"].place, ("operations",), "an id cannot be changed")
                else:
                    yield name, layer.keys[name], value
            return
        if not isinstance(layer.content, list):
            what = "operations are a list of mappings with `id`, or a mapping from ids"
            self._fault("WF133", layer.place, ("operations",), what)
            return
        seen: set[str] = set()
        for value in layer.content:
            name = value.content.get("id") if isinstance(value.content, dict) else None
            if name is None or not isinstance(name.content, str):
                self._fault(
                    "WF133", value.place, ("operations",), "this does not say which operation it is", "Add `id`."
                )
            elif name.content in seen:
                self._fault("WF132", name.place, ("operations",), f"operation '{name.content}' is given twice")
            else:
                seen.add(name.content)
                rest = {key: inner for key, inner in value.content.items() if key != "id"}
                yield name.content, name.place, value._replace(content=rest)

    def _misfit(self, misfit: Misfit, path: Path) -> None:
        place = misfit.value.keys.get(misfit.key, misfit.value.place)
        help_text = did_you_mean(misfit.key, misfit.known) if misfit.known else ""
        here = (*path, misfit.key) if misfit.key else path
        self._fault(misfit.code, place, here, misfit.message, help_text)

    def _fault(self, code: str, place: Place, path: Path, message: str, help_text: str = "") -> None:
        self.faults.append(Misplaced(code, place, path, message, help_text))
