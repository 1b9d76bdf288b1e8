"""Where the values of a workflow stand: in the definition, or in the file that was laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.definitions import diagnostics

if TYPE_CHECKING:
    from orchestrator.definitions.diagnostics import Diagnostic, Text
    from orchestrator.definitions.kcl.positions import Place, SourceMap
    from orchestrator.plan.fault import Fault, Path


class Places:
    """Of one workflow, which is the value of the top-level `variable`.

    Attributes:
        variable: of the definition.
        layered: {path: place in the layer} of each value that comes from there. A mapping that is merged into one of
            the definition is not listed itself.
        layer: the text of the layer, None without one.
        written: {operation's position: position of the text that each of its items was made from}.
        derived: paths of values that nobody wrote: names that were made, commands that were rendered.
    """

    def __init__(self, variable: str, text: Text, map: SourceMap) -> None:
        self.variable = variable
        self.layered: dict[Path, Place] = {}
        self.layer: Text | None = None
        self.written: dict[int, list[int]] = {}
        self.derived: set[Path] = set()
        self.text = text
        self.map = map

    def in_layer(self, path: Path) -> Place | None:
        """The place in the layer of the value at `path`, or of the one that it is part of; None if neither is there."""
        path = self.as_written(path)
        for length in range(len(path), 0, -1) if self.layered else ():
            if path[:length] in self.layered:
                return self.layered[path[:length]]
        return None

    def as_written(self, path: Path) -> Path:
        """`path` before names were made: an item's is that of the text it was made from."""
        if len(path) > 3 and path[0] == "operations" and path[2] == "items":
            written = self.written.get(int(path[1]))
            if written is not None and int(path[3]) < len(written):
                return (*path[:3], written[int(path[3])], *path[4:])
        return path

    def of(self, path: Path) -> tuple[Text, Place | None]:
        """(file, place in it) of the value at `path`, or of the nearest thing around it."""
        place = self.in_layer(path)
        if place is not None and self.layer is not None:
            return self.layer, place
        return self.text, self.map.find((self.variable, *self.as_written(path)))

    def diagnostic(self, fault: Fault) -> Diagnostic:
        """`fault`, at its place."""
        text, place = self.of(fault.path)
        path = ".".join(str(part) for part in (self.variable, *fault.path))
        made = diagnostics.make(
            fault.code, fault.message, text, place, help=fault.help, severity=fault.severity, path=path
        )
        related = [(what, *self.of(there)) for what, there in fault.related]
        return made | {"related": [{"message": what, **file.at(there)} for what, file, there in related]}
