"""Diagnostics as data: what is wrong, where exactly, and what to do.

A diagnostic is a dictionary of plain values with the keys of `make`, because it travels through three processes and
into Nushell. Lines and columns count from 1, columns in characters; `span` counts bytes from the start of the
file, which is what Nushell draws.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from orchestrator.definitions import masking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.definitions.kcl.positions import Place

Diagnostic = dict[str, Any]
Severity = Literal["error", "warning"]

#: Diagnostics of one report. What is wrong ten thousand times is known after some hundred.
TOLD_MAX = 500

#: Code of the last diagnostic of a report that leaves some out.
_MORE = "WF093"

#: Characters of a line around a place, for somebody to see where it is.
SNIPPET_LENGTH = 200

#: Characters of a very long line that are looked through for secrets at a time, and before and after these.
_PART = 5_000
_AROUND = 10_000

#: Lines in front of one that are looked at for the beginning of a private key.
_KEY_LINES = 200


class Hidden(NamedTuple):
    """A secret that the syntax tree of a file tells: where it stands, and what it says."""

    place: Place
    text: str


class Text:
    """The text of one file, for positions and snippets. `hidden`: gives secrets that a line alone does not show."""

    def __init__(self, path: str, text: str, hidden: Callable[[], Iterable[Hidden]] = lambda: ()) -> None:
        self.path = path
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line.encode("utf-8", "surrogatepass")) + 1)
        self._has_key = "PRIVATE KEY-----" in text
        self._ask = hidden
        self._hidden: dict[int, list[masking.Span]] | None = None
        self._words: set[str] = set()
        self._spans = lru_cache(maxsize=64)(self._secrets)

    def snippet(self, line: int, column: int = 0) -> str:
        """What stands in line number `line` around `column`, without secrets; "" if there is no such line.

        An ellipsis stands for what is left out at an end of a long line.
        """
        if not 0 < line <= len(self._lines):
            return ""
        text = self._lines[line - 1]
        first, last = len(text) - len(text.lstrip()), len(text.rstrip())
        if last - first <= SNIPPET_LENGTH:
            start, end = first, max(first, last)
        else:
            start = max(first, min(column - SNIPPET_LENGTH // 2, last - SNIPPET_LENGTH))
            end = start + SNIPPET_LENGTH
        shown = masking.cut(text, start, end, self._spans(line, start // _PART))
        return f"{'…' if start > first else ''}{shown}{'…' if end < last else ''}"

    def without_secrets(self, message: str) -> str:
        """A message without the secrets that the syntax tree tells: KCL repeats values."""
        self._look()
        for word in self._words:
            message = message.replace(word, masking.MASK)
        return message

    def _secrets(self, line: int, part: int) -> list[masking.Span]:
        """Spans of a line that are secret, as far as they reach into some part of it and its neighbours."""
        text = self._lines[line - 1]
        if self._in_key(line) or (line > 1 and masking.opens_secret(self._lines[line - 2])):
            return [(0, len(text))]
        begin = max(0, part * _PART - _AROUND)
        window = text[begin : (part + 1) * _PART + _AROUND]
        return [(first + begin, last + begin) for first, last in masking.spans(window)] + self._look().get(line, [])

    def _in_key(self, line: int) -> bool:
        for before in range(line - 2, max(-1, line - 2 - _KEY_LINES), -1) if self._has_key else ():
            if masking.begins_key(self._lines[before]):
                return True
            if masking.ends_key(self._lines[before]):
                return False
        return False

    def _look(self) -> dict[int, list[masking.Span]]:
        """{line: what of it the syntax tree tells to be secret}."""
        if self._hidden is None:
            self._hidden = {}
            for place, text in self._ask():
                for line in range(place.line, min(place.end_line, len(self._lines)) + 1):
                    first = place.column if line == place.line else 0
                    last = place.end_column if line == place.end_line else len(self._lines[line - 1])
                    self._hidden.setdefault(line, []).append((first, last))
                if len(text) > 3:  # shorter ones are words of messages, too
                    self._words.add(text)
        return self._hidden

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
            "snippet": self.snippet(place.line, place.column),
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
        "message": text.without_secrets(message),
        **{key: where[key] for key in ("file", "line", "column", "end_line", "end_column", "span", "snippet")},
        "help": help,
        "path": path,
        "related": [{"message": what, **text.at(there)} for what, there in related],
    }


def in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    """`found` by file, line and column, without those that say the same of the same place."""
    ordered = sorted(
        found,
        key=lambda one: (one["code"] == _MORE, one["file"], one["line"] or 0, one["column"] or 0, one["code"]),
    )
    unique = {_key(one): one for one in reversed(ordered)}
    return [one for one in ordered if unique.get(_key(one)) is one]


def not_too_many(found: list[Diagnostic], text: Text) -> list[Diagnostic]:
    """`found`, which is in order; of too many the first, errors before warnings, and one that says how many more."""
    if len(found) <= TOLD_MAX:
        return found
    by_severity = sorted(found, key=lambda one: one["severity"] != "error")
    left = by_severity[TOLD_MAX - 1 :]
    errors = sum(one["severity"] == "error" for one in left)
    message = f"there is more: {errors} errors and {len(left) - errors} warnings are not told"
    more = make(_MORE, message, text, help="Mend these first.", severity="error" if errors else "warning")
    return [*in_order(by_severity[: TOLD_MAX - 1]), more]


def _key(one: Diagnostic) -> tuple[Any, ...]:
    return one["file"], one["line"], one["column"], one["code"], one["message"]
