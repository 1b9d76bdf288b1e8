"""Patterns with ``*`` and ``?``, matched without backtracking over more than one star.

When a later part does not fit, only the last star can usefully take one character more: whatever an earlier one took,
the part behind it has been found at its earliest place. So the work is at most text times pattern, and each step is
counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.expression.faults import EvaluationFault

if TYPE_CHECKING:
    from orchestrator.expression.values import Meter

_STAR, _ONE = object(), object()


def matches(text: str, pattern: str, meter: Meter) -> bool:
    """Whether the whole text fits the pattern; case matters, and ``*`` takes any character."""
    meter.spend(len(pattern))
    parts = _parts(pattern)
    here = at = 0
    star: int | None = None
    taken = 0
    while here < len(text):
        meter.spend()
        part = parts[at] if at < len(parts) else None
        if part is _STAR:
            star, taken, at = at, here, at + 1
        elif part is _ONE or part == text[here]:
            here, at = here + 1, at + 1
        elif star is not None:
            taken += 1
            here, at = taken, star + 1
        else:
            return False
    return all(part is _STAR for part in parts[at:])


def _parts(pattern: str) -> list[object]:
    parts: list[object] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            literal = next(characters, None)
            if literal is None:
                raise EvaluationFault("matches_glob() is given a pattern that ends with a single backslash")
            parts.append(literal)
        elif character == "*" and parts and parts[-1] is _STAR:
            continue
        else:
            parts.append({"*": _STAR, "?": _ONE}.get(character, character))
    return parts
