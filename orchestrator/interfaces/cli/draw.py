"""Diagnostics as a person reads them: the place, the line, and what is meant under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.interfaces.cli.output import clean

if TYPE_CHECKING:
    from collections.abc import Iterable


def draw(diagnostics: Iterable[dict[str, Any]]) -> str:
    """Every diagnostic with its source line and a caret under the place; ends in a newline unless there are none."""
    return "".join(_one(diagnostic) for diagnostic in diagnostics)


def _one(told: dict[str, Any]) -> str:
    where = f"{told['file']}:{told['line']}:{told['column']}" if told["line"] else str(told["file"])
    lines = [f"{told['severity']}[{told['code']}]: {clean(told['message'])}", f"  --> {clean(where)}"]
    lines += _source(told)
    lines += [f"  = {clean(other['message'])}: {other['file']}:{other['line']}" for other in told["related"]]
    if told["help"]:
        lines.append(f"  = help: {clean(told['help'])}")
    return "\n".join(lines) + "\n\n"


def _source(told: dict[str, Any]) -> list[str]:
    text = _line(told["file"], told["line"]) if told["line"] else None
    if text is None:
        return []
    number = str(told["line"])
    start = told["column"] - 1
    end = told["end_column"] - 1 if told["end_line"] == told["line"] else len(text)
    carets = " " * len(clean(text[:start])) + "^" * max(1, len(clean(text[start:end])))
    return [f"{' ' * len(number)} |", f"{number} | {clean(text)}", f"{' ' * len(number)} | {carets}"]


def _line(path: str, number: int) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split("\n")[number - 1].replace("\t", " ")
    except (OSError, UnicodeDecodeError, IndexError):
        return None
