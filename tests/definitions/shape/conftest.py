"""Definitions with templates and layers, in a folder of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.asking import validator
from orchestrator.plan import ir

if TYPE_CHECKING:
    from pathlib import Path


class Folder:
    """A folder with a definition ``w.k`` whose workflow is `w`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        """A file beside the definition."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def workflow(self, operations: str, attributes: str = "", others: str = "") -> None:
        """The definition: `operations`, one a line, begin in line 6. `others`: more top-level variables."""
        head = 'import workflows\nw = workflows.WorkflowDef {\n    name = "w"\n'
        self.write("w.k", f"{head}    {attributes}\n    operations = [\n{operations}\n    ]\n}}\n{others}\n")

    def look(self, **wanted: Any) -> dict[str, Any]:
        """The report about it."""
        return validator.evaluate(str(self.path / "w.k"), want_plan=True, **wanted)

    def plan(self, **wanted: Any) -> ir.Plan:
        """Its plan; it has to have one."""
        report = self.look(**wanted)
        assert report["errors"] == []
        return ir.decode(report["plan"].encode())

    def faults(self, **wanted: Any) -> list[tuple[str, str, int | None]]:
        """(code, file name, line) of its errors."""
        return [(told["code"], told["file"].split("/")[-1], told["line"]) for told in self.look(**wanted)["errors"]]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty one, with room around it."""
    path = tmp_path / "here"
    path.mkdir()
    return Folder(path)


def operation(extra: str = "", *, name: str = "a", items: str = '["x"]', command: str | None = "true") -> str:
    """One operation, in one line."""
    own = f'command = "{command}", ' if command is not None else ""
    return f'{{id = "{name}", type = "create", target = "server", items = {items}, {own}{extra}}}'
