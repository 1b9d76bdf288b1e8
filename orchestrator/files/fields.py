"""Fields of files that are not trusted: one that is missing, or is not of its kind, is as one that says nothing."""

from orchestrator.model.times import parse_rfc3339, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Numbers beyond these, which only damaged files hold, are none: nothing is computed or named with them.
_NUMBER_MAX = 1 << 53

#: Length of the only form `rfc3339` writes for the years 1000 to 9999.
_RFC3339_LENGTH = 27


def text(value: object) -> str:
    """A string as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def whole(value: object) -> "int | None":
    """An integer of a size that something can be done with, None for anything else."""
    return value if type(value) is int and abs(value) <= _NUMBER_MAX else None


def mapping(value: object) -> "dict[str, Any]":
    """An object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> "list[dict[str, Any]]":
    """The objects of a list."""
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def texts(value: object) -> "list[str]":
    """The strings of a list."""
    return [it for it in value if isinstance(it, str)] if isinstance(value, list) else []


def instant(value: "str | None") -> "int | None":
    """Microseconds since 1970 of a time as files write it, None for anything else."""
    try:
        return parse_rfc3339(value) if value else None
    except (ValueError, OverflowError):
        return None


def time_or_none(value: object) -> "str | None":
    """A time in the form in which files write it, None for anything else, and for years of less than four digits."""
    at_us = instant(value) if isinstance(value, str) else None
    exact = "" if at_us is None else rfc3339(at_us)
    return exact if len(exact) == _RFC3339_LENGTH else None
