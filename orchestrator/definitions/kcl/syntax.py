"""Faults of syntax, of which one makes many: KCL's parser goes on behind it, and finds the rest of the line odd.

Told is one of each line: that a text or a bracket is not closed, or else the first; of brackets that do not fit one.
Names and types are not spoken of before the text can be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.definitions.diagnostics import Diagnostic

CODE = "KCL-E1001"

_EXPECTED = re.compile(r"^expected one of \[(?P<tokens>.*)\] got (?P<got>.+)$")
_TOKEN = re.compile(r'"(.*?)"')

_WORDS = {
    "identifier": "a name",
    "literal": "a value",
    "newline": "the end of the line",
    "eof": "the end of the file",
    "indent": "an indented line",
    "dedent": "the end of the indentation",
}

#: What a value can begin with, as the parser lists it.
_VALUE = {"identifier", "literal", "(", "[", "{"}

_NO_STRING_END = "unterminated string"
_BRACKETS = ("error nesting on close ", "mismatched closing delimiter")

#: What only follows from something before it.
_FOLLOWS = re.compile(r"(got|token) '?(indent|dedent|eof)'?$")

_ENTRIES = "Entries stand all on the line of their bracket, with commas, or each on a line of its own."
_OPEN = "A bracket that is opened before is not closed."


def essential(told: list[Diagnostic], raw: list[str]) -> list[Diagnostic]:
    """Those of `told` that do not follow from others, if any is about syntax; `raw` is what KCL says of each."""
    faults = [(one, said) for one, said in zip(told, raw, strict=True) if one["code"] == CODE]
    if not faults:
        return told
    faults.sort(key=lambda fault: (fault[0]["file"], fault[0]["line"] or 0, _rank(fault[1]), fault[0]["column"] or 0))
    kept: list[Diagnostic] = []
    lines = set()
    has_bracket = any(said == _NO_STRING_END for _, said in faults)
    for one, said in faults:
        place = (one["file"], one["line"])
        is_bracket = _is_bracket(said)
        if place in lines or (is_bracket and has_bracket) or (kept and not is_bracket and _FOLLOWS.search(said)):
            continue
        has_bracket = has_bracket or is_bracket
        lines.add(place)
        kept.append(one)
    return kept


def reworded(message: str) -> tuple[str, str] | None:
    """(message, help) for what the parser says; None if it is not one of its own."""
    if message == _NO_STRING_END:
        return "a text is not closed", "A quotation mark is missing."
    if message.startswith(_BRACKETS):
        return "this bracket closes none that is open", "Is another one missing before it?"
    if message.startswith("inconsistent use of tabs"):
        return message, "Indent with blanks only."
    expected = _EXPECTED.match(message)
    if expected is None:
        return None
    tokens, got = _TOKEN.findall(expected["tokens"]), expected["got"]
    if set(tokens) >= _VALUE:
        return f"expected a value, found {_shown(got)}", ""
    help_text = _OPEN if got == "eof" else _ENTRIES if got in _VALUE and {"}", "]", ")"} & set(tokens) else ""
    return f"expected {' or '.join(map(_shown, tokens))}, found {_shown(got)}", help_text


def _rank(said: str) -> int:
    """What tells the cause best comes first in a line."""
    return 0 if said == _NO_STRING_END else 1 if _is_bracket(said) else 2


def _is_bracket(said: str) -> bool:
    return said.startswith(_BRACKETS) or (said.endswith("got eof") and '["}"]' in said)


def _shown(token: str) -> str:
    return _WORDS.get(token, f"`{token}`")
