"""Types of options: what they take, and what is said of anything else.

argparse, whose errors these are, is imported where something is wrong: it takes a third of the time of a short command.
"""

from __future__ import annotations

from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN


def count(text: str) -> int:
    """The type of options like ``--limit``: a number from 0 up."""
    if not text.isascii() or not text.isdigit():
        raise _wrong(f"{text!r} is not a number from 0 up")
    return int(text)


def limit(text: str) -> int:
    """The type of ``--limit``. Raises UsageError for less than none, in the words of every other way in."""
    if text[:1] == "-" and text[1:].isascii() and text[1:].isdigit():
        from orchestrator.files.tables.task_query import check_limit

        check_limit(int(text))
    return count(text)


def tail(text: str) -> int:
    """The type of ``--tail``, likewise."""
    if text[:1] == "-" and text[1:].isascii() and text[1:].isdigit():
        from orchestrator.files.logs.selection import check_tail

        check_tail(int(text))
    return count(text)


def positive(text: str) -> int:
    """The type of options like ``--attempt``: a number from 1 up."""
    number = count(text)
    if number == 0:
        raise _wrong("it counts from 1")
    return number


def priority(text: str) -> int:
    """The type of ``--priority``."""
    try:
        number = int(text)
    except ValueError:
        raise _wrong(f"{text!r} is not a number") from None
    if not PRIORITY_MIN <= number <= PRIORITY_MAX:
        raise _wrong(f"{number} is not between {PRIORITY_MIN} and {PRIORITY_MAX}")
    return number


def _wrong(what: str) -> Exception:
    import argparse

    return argparse.ArgumentTypeError(what)
