"""Diagnostics as data: what is wrong, where exactly, and what to do.

A diagnostic is a dictionary of plain values with the keys of `make`, because it travels through three processes and
into Nushell. Lines and columns count from 1, columns in characters; `span` counts bytes from the start of the
file, which is what Nushell draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from orchestrator.definitions.kcl.positions import Place

Diagnostic = dict[str, Any]
Severity = Literal["error", "warning"]


class Text:
    """The text of one file, for positions and snippets."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line.encode("utf-8", "surrogatepass")) + 1)

    def snippet(self, line: int) -> str:
        """Line number `line`, without surrounding blanks; "" if there is none."""
        return self._lines[line - 1].strip() if 0 < line <= len(self._lines) else ""

    def offset(self, line: int, column: int) -> int:
        """Byte offset of a place; `column` counts characters from 0. Places outside are moved to the nearest."""
        line = min(max(line, 1), len(self._lines))
        return self._starts[line - 1] + len(self._lines[line - 1][: max(column, 0)].encode("utf-8", "surrogatepass"))

    def at(self, place: Place | None) -> dict[str, Any]:
        """The keys of a diagnostic that say where; all null but the file for a fault of the whole file."""
        if place is None:
            return dict.fromkeys(("line", "column", "end_line", "end_column", "span")) | {
                "file": self.path,
                "snippet": "",
            }
        start, end = self.offset(place.line, place.column), self.offset(place.end_line, place.end_column)
        return {
            "file": self.path,
            "line": place.line,
            "column": place.column + 1,
            "end_line": place.end_line,
            "end_column": place.end_column + 1,
            "span": {"start": start, "end": max(start, end)},
            "snippet": self.snippet(place.line),
        }


def make(
    code: str,
    message: str,
    text: Text,
    place: Place | None = None,
    *,
    help: str = "",
    severity: Severity = "error",
    path: str = "",
    related: tuple[tuple[str, Place | None], ...] = (),
) -> Diagnostic:
    """One diagnostic. `path`: where in the values, dotted. `related`: (what stands there, place in the same file)."""
    where = text.at(place)
    return {
        "severity": severity,
        "code": code,
        "message": message,
        **{key: where[key] for key in ("file", "line", "column", "end_line", "end_column", "span", "snippet")},
        "help": help,
        "path": path,
        "related": [{"message": what, **text.at(there)} for what, there in related],
    }


def in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    """`found` by file, line and column, without those that say the same of the same place."""
    ordered = sorted(found, key=lambda one: (one["file"], one["line"] or 0, one["column"] or 0, one["code"]))
    unique = {_key(one): one for one in reversed(ordered)}
    return [one for one in ordered if unique.get(_key(one)) is one]


def _key(one: Diagnostic) -> tuple[Any, ...]:
    return one["file"], one["line"], one["column"], one["code"], one["message"]
