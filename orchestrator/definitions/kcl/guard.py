"""What is refused before KCL sees it: texts that would bring its parser down (it has no limits of its own)."""

from __future__ import annotations

import re

from orchestrator.model.limits import DEFINITION_BYTES_MAX

#: Levels of brackets; KCL's parser overflows its stack at some thousands.
DEPTH_MAX = 200

#: Operators in one line; a sum of ten thousand terms overflows the stack as well.
OPERATORS_MAX = 2_000

#: Blanks in front of a line: blocks nested deeper than `DEPTH_MAX`.
_INDENT_MAX = 4 * DEPTH_MAX

_BRACKET = re.compile(r"[\[({\])}]")
_OPERATOR = re.compile(r"[-+*/%&|^]|\b(?:and|or)\b")
_INDENT = re.compile(r"^[ \t]*", re.MULTILINE)


def refusal(source: bytes) -> tuple[str, str, str] | None:
    """(code, message, help) if `source` is not to be parsed; None if it may be."""
    if len(source) > DEFINITION_BYTES_MAX:
        return "WF001", f"the file is larger than {DEFINITION_BYTES_MAX >> 10} KiB", "Split it, or compute its lists."
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        return "WF002", f"byte {error.start} is not UTF-8", "Save the file as UTF-8."
    if _depth(text) > DEPTH_MAX or max(map(len, _INDENT.findall(text))) > _INDENT_MAX:
        return "WF003", f"it is nested deeper than {DEPTH_MAX} levels", "Name the inner parts."
    if any(len(_OPERATOR.findall(line)) > OPERATORS_MAX for line in text.split("\n") if len(line) > OPERATORS_MAX):
        return "WF003", f"an expression has more than {OPERATORS_MAX} terms", "Use sum() or a comprehension."
    return None


def _depth(text: str) -> int:
    """An upper bound of the bracket depth: brackets in strings count too."""
    depth = deepest = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in "[({" else -1
        deepest = max(deepest, depth)
    return deepest
