"""Diagnostics as a person reads them: the place, the line, and what is meant under it."""

from __future__ import annotations

from orchestrator.files import document
from orchestrator.interfaces.cli.output import clean, width
from orchestrator.model.limits import DEFINITION_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def draw(diagnostics: Iterable[dict[str, Any]]) -> str:
    """Every diagnostic with its source line and carets under the place, each with an empty line behind it."""
    return "".join(_one(diagnostic) for diagnostic in diagnostics)


def _one(told: dict[str, Any]) -> str:
    lines = [f"{told['severity']}[{told['code']}]: {clean(told['message'])}", f"  --> {_place(told)}", *_source(told)]
    lines += [f"  = {clean(other['message'])}: {_place(other)}" for other in told["related"]]
    if told["help"]:
        lines.append(f"  = help: {clean(told['help'])}")
    return "\n".join(lines) + "\n\n"


def _place(told: dict[str, Any]) -> str:
    where = f":{told['line']}:{told['column']}" if told["line"] else ""
    return clean(told["file"]) + where


def _source(told: dict[str, Any]) -> list[str]:
    if not told["line"]:
        return []
    text = _line(told["file"], told["line"])
    margin = " " * len(str(told["line"]))
    if text is None:  # gone since, or on another machine: the diagnostic has the line, though not where it begins
        return [f"{margin} |", f"{told['line']} | {clean(told['snippet'])}"] if told["snippet"] else []
    start = told["column"] - 1
    end = told["end_column"] - 1 if told["end_line"] == told["line"] else len(text)
    before, meant = (width(clean(part)) for part in (text[:start], text[start:end]))
    return [f"{margin} |", f"{told['line']} | {clean(text)}", f"{margin} | {' ' * before}{'^' * max(1, meant)}"]


def _line(path: str, number: int) -> str | None:
    """Line `number` of the file, every tab a blank, so that carets stand where they should."""
    try:
        lines = document.read(path, DEFINITION_BYTES_MAX).decode("utf-8", "replace").split("\n")
    except (OSError, document.Malformed):
        return None
    return lines[number - 1].rstrip("\r").replace("\t", " ") if number <= len(lines) else None
