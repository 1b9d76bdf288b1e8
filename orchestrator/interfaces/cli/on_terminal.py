"""How a table looks where a person sees it: what a pipe gets is another matter (`output`).

Times lose their zone and their microseconds, durations get units. What is too wide for the terminal is cut where most
is. Ids and statuses, which people copy, times and numbers are never cut. What is too wide even so is left as it is, and
wraps.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TIMES = ("at", "time", "last_check")
_TIME_SUFFIX = "_at"
_DURATION_SUFFIX = "_ms"

#: Columns of text that are never cut.
_WHOLE = ("id", "status", "workflow", "task", "previous_status", "change")

#: Blanks between two columns.
_GAP = 2

#: A column that is cut has so many cells at least, or its heading's.
_LEFT_MIN = 6


def heading(name: str) -> str:
    """The name of a column without the unit that its cells have."""
    return name.removesuffix(_DURATION_SUFFIX)


def readable(name: str, value: object) -> object:
    """The value of a column of that name, as a person reads it. What is not what the name says is left as it is."""
    if name.endswith(_DURATION_SUFFIX) and isinstance(value, (int, float)) and not isinstance(value, bool):
        from orchestrator.interfaces.cli.foresight import duration

        return duration(round(value))
    if isinstance(value, str) and _is_time(name):
        return _local(value)
    return value


def is_cuttable(name: str, values: Iterable[object]) -> bool:
    """Whether something is left to be read of a column of these `values` that is cut."""
    if name in _WHOLE or _is_time(name):
        return False
    return any(isinstance(value, (str, dict)) for value in values)


def fit(cuttable: Sequence[bool], headings: Sequence[int], widths: Sequence[int], room: int | None) -> list[int]:
    """The widths of columns that fit `room` cells (None is no bound), or `widths` if they cannot.

    `headings` are the widths of theirs.
    """
    found = list(widths)
    if room is None or not found:
        return found
    excess = sum(found) + _GAP * (len(found) - 1) - room
    least = [
        min(wide, max(head, _LEFT_MIN)) if may else wide
        for may, head, wide in zip(cuttable, headings, found, strict=True)
    ]
    if excess <= 0 or excess > sum(found) - sum(least):
        return found
    for _ in range(excess):
        widest = max((index for index in range(len(found)) if found[index] > least[index]), key=found.__getitem__)
        found[widest] -= 1
    return found


def _is_time(name: str) -> bool:
    return name.endswith(_TIME_SUFFIX) or name in _TIMES


def _local(text: str) -> str:
    from time import localtime, strftime

    from orchestrator.model.times import parse_rfc3339

    try:
        return strftime("%Y-%m-%d %H:%M:%S", localtime(parse_rfc3339(text) // 1_000_000))
    except (ValueError, OverflowError, OSError):
        return text
