"""What the rows of tasks and workflows have in common: their order, and what nobody keeps current."""

from orchestrator.model.times import parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Row = dict[str, Any]

#: Status of a row that stands for a file nobody can read (ruling A-23). No file ever says it.
CORRUPT = "corrupt"

#: After every instant there is: what `instants` makes of no time.
NEVER = 1 << 63


def corrupt_row(stem: str, reason: str) -> "Row":
    """A row for a file that cannot be read; `stem` is its name without extension, which for ours is mostly the id."""
    return {"id": stem, "status": CORRUPT, "created_at": None, "priority": 0, "reason": reason}


def instants() -> "Callable[[object], int]":
    """A function from a time as files write it to microseconds since 1970; what is none comes after everything.

    It remembers what it has met: the tasks of a workflow share one time.
    """
    known: dict[object, int] = {}

    def instant(text: object) -> int:
        found = known.get(text) if isinstance(text, str) else NEVER
        if found is None:
            found = known[text] = _parse(str(text))
        return found

    return instant


def _parse(text: str) -> int:
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        return NEVER
