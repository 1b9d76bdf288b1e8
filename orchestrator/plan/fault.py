"""What can be wrong with a definition's values, and how it is said."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A place in the values: keys and indexes from the workflow down.
Path = tuple[str | int, ...]

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
    near = difflib.get_close_matches(str(given), choices, 1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"There is {', '.join(repr(choice) for choice in choices)}." if choices and not only_near else ""


def word(raw: Raw, path: Path, known: Sequence[str]) -> Iterator[Fault]:
    """The value at the last part of `path`, if there is one, has to be one of `known`."""
    value = raw.get(str(path[-1]))
    if value is not None and value not in known:
        yield Fault("WF122", path, f"{value!r} is not one of {', '.join(known)}", did_you_mean(value, known))
