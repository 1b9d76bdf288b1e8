"""What can be wrong with a definition's values, and how it is said."""

from __future__ import annotations

import difflib
import heapq
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A place in the values: keys and indexes from the workflow down.
Path = tuple[str | int, ...]

#: Names that are listed where none is near.
_LISTED_MAX = 20

#: Names that are compared in full, which takes its time; the length of names for which none is looked up.
_COMPARED_MAX, _LENGTH_MAX = 50, 300

#: Characters by which a near name among many may be shorter or longer.
_SLIP = 3

#: The values of a block: anything may be missing or mistyped.
Raw = dict[str, Any]


class Fault(msgspec.Struct, frozen=True):
    """Something wrong at `path`. `related`: (what stands there, its path)."""

    code: str
    path: Path
    message: str
    help: str = ""
    severity: Literal["error", "warning"] = "error"
    related: tuple[tuple[str, Path], ...] = ()


def did_you_mean(given: object, known: Iterable[str], *, only_near: bool = False) -> str:
    """A sentence with the nearest of `known`, or with all of them if none is near; `only_near`: or "" then."""
    choices = list(known)
    near = _nearest(str(given), choices)
    if near is not None:
        return f"Did you mean '{near}'?"
    if only_near or not choices:
        return ""
    more = f" and {len(choices) - _LISTED_MAX} more" if len(choices) > _LISTED_MAX else ""
    return f"There is {', '.join(repr(choice) for choice in choices[:_LISTED_MAX])}{more}."


def _nearest(given: str, choices: list[str]) -> str | None:
    """The one of `choices` that is most like `given`, if any is: of very many, one of those with the same ends.

    A slip of the pen leaves what stands before and after it as it was, and mostly the length.
    """
    if len(given) > _LENGTH_MAX:
        return None
    if len(choices) > _COMPARED_MAX:
        like = [each for each in choices if abs(len(each) - len(given)) <= _SLIP]
        choices = heapq.nlargest(_COMPARED_MAX, like, key=lambda each: _ends(given, each))
    return next(iter(difflib.get_close_matches(given, choices, 1)), None)


def _ends(one: str, other: str) -> int:
    """How many characters at the beginning and at the end of two texts are the same."""
    return _beginning(one, other) + _beginning(one[::-1], other[::-1])


def _beginning(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((index for index, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))


def word(raw: Raw, path: Path, known: Sequence[str]) -> Iterator[Fault]:
    """The value at the last part of `path`, if there is one, has to be one of `known`."""
    value = raw.get(str(path[-1]))
    if value is not None and value not in known:
        yield Fault("WF122", path, f"{value!r} is not one of {', '.join(known)}", did_you_mean(value, known))
