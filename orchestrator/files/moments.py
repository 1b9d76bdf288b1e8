"""Moments as people write them: a time, a date, or how long ago. One reading of them for every command.

``2025-01-11T10:00:00Z``, ``2025-01-11 10:00``, ``2025-01-11``, ``10min``, ``10min ago``, ``1hr 30min``, ``now``,
``today``, ``yesterday``, ``today 14:10``, ``14:10:30``. What names no zone is the user's local time, a date its first
moment. A time of day alone is the latest one that is past: today's, or yesterday's as long as today's is still to come.
A length of time lies before now; its units are Nushell's, and the words that people say for them.

Where a cursor may stand, too, ``14:10`` is one by its form (`parse_position`); ``14:10:00`` and ``today 14:10`` are
times there as well.
"""

from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MICRO = 1
_SECOND = 1_000_000 * _MICRO
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY

#: {unit: nanoseconds}
_UNITS = {
    "ns": 1,
    **dict.fromkeys(("us", "µs", "μs"), 1000 * _MICRO),
    "ms": 1_000_000 * _MICRO,
    **{
        word: size * 1000
        for words, size in (
            (("s", "sec", "secs", "second", "seconds"), _SECOND),
            (("m", "min", "mins", "minute", "minutes"), _MINUTE),
            (("h", "hr", "hrs", "hour", "hours"), _HOUR),
            (("d", "day", "days"), _DAY),
            (("w", "wk", "wks", "week", "weeks"), _WEEK),
        )
        for word in words
    },
}

#: The first moment that a calendar knows, the year 1.
_FIRST = -62_135_596_800 * _SECOND

#: Hours of a day, minutes of an hour.
_HOURS, _MINUTES = 24, 60

#: Characters of a text that is no moment that are shown.
_SHOWN_MAX = 60

#: Digits of a number.
_DIGITS_MAX = 18

_CLOCK = r"(?:(today|yesterday)\s+)?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?"

_PARTS = r"\s*(\d{1,18}(?:\.\d{1,18})?)\s*([^\W\d_]+)"

_HELP = (
    'Moments look like "2025-01-11T10:00:00Z", "2025-01-11 10:00" (local time), "2025-01-11", "14:10", '
    '"yesterday 9:05", "10min" (ago), "1hr 30min ago" or "now"; units are ns, us, ms, sec, min, hr, day and wk.'
)


def parse_moment(text: str, now_us: int) -> int:
    """Microseconds since 1970 of the moment that `text` names, `now_us` being now.

    Raises:
        UsageError: `text` names none.
    """
    wanted = text.strip()
    if wanted.lower() in _WORDS:
        return _WORDS[wanted.lower()](now_us)
    moment = _time(wanted)
    if moment is None:
        moment = _time_of_day(wanted.lower(), now_us)
    if moment is None:
        length = duration_us(wanted.removesuffix("ago"))
        moment = None if length is None else max(now_us - length, _FIRST)
    if moment is None:
        shown = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
        raise UsageError(f"{shown!r} is no moment.", _HELP)
    return moment


def duration_us(text: str) -> "int | None":
    """Microseconds of a length of time such as ``1hr 30min``, None if `text` is none."""
    import re

    if re.fullmatch(rf"(?:{_PARTS})+\s*", text) is None:
        return None
    total = 0
    for number, unit in re.findall(_PARTS, text):
        size = _UNITS.get(unit.lower())
        if size is None:
            return None
        whole, _, fraction = number.partition(".")
        total += int(whole) * size + (int(fraction) * size // 10 ** len(fraction) if fraction else 0)
    return total // 1000


def _time(text: str) -> "int | None":
    """Microseconds of a date, or of a date and time; None if `text` is neither.

    Without a zone it is local: of a time that comes twice the first, of one that the clock leaves out the later.
    """
    from datetime import UTC, datetime, timedelta

    if "-" not in text:  # 20250111 would be a date, too, but looks like a number
        return None
    try:
        moment = datetime.fromisoformat((text.replace(" ", "T", 1) if text[10:11] == " " else text).upper())
        if moment.tzinfo is None:
            return int(moment.replace(microsecond=0).timestamp()) * _SECOND + moment.microsecond
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    except (ValueError, OverflowError, OSError):
        return None


def _time_of_day(text: str, now_us: int) -> "int | None":
    """Microseconds of a time of day: of the day that is named, or else of the last day on which it is past."""
    import re
    from datetime import datetime, timedelta

    found = re.fullmatch(_CLOCK, text, re.ASCII)
    if found is None:
        return None
    day, hour, minute, second, fraction = found.groups()
    today = datetime.fromtimestamp(now_us // _SECOND).replace(  # noqa: DTZ006 - the user's day
        hour=int(hour), minute=int(minute), second=int(second or 0), microsecond=0
    )

    def on(days_before: int) -> int:
        moment = int((today - timedelta(days=days_before)).timestamp()) * _SECOND
        return moment + int((fraction or "0")[:6].ljust(6, "0"))

    if day is not None:
        return on(("today", "yesterday").index(day))
    return on(0) if on(0) <= now_us else on(1)


def _is_number(text: str) -> bool:
    """Whether `text` is the digits of a number that a journal may hold."""
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX


def _midnight(now_us: int, days_before: int) -> int:
    """The first moment of a day in local time."""
    from time import localtime, mktime

    year, month, day = localtime(now_us // _SECOND)[:3]
    return int(mktime((year, month, day - days_before, 0, 0, 0, 0, 0, -1))) * _SECOND


_WORDS: "dict[str, Callable[[int], int]]" = {
    "now": lambda now_us: now_us,
    "today": lambda now_us: _midnight(now_us, 0),
    "yesterday": lambda now_us: _midnight(now_us, 1),
}


class Position:
    """A place in a journal: behind record `seq` (of life `epoch`, if that is not None), or else at `time_us`."""

    __slots__ = ("epoch", "seq", "time_us")

    def __init__(self, *, seq: "int | None" = None, epoch: "int | None" = None, time_us: "int | None" = None) -> None:
        self.seq, self.epoch, self.time_us = seq, epoch, time_us


def parse_position(text: str, now_us: int) -> Position:
    """What `text` names: a seq (``42``), a cursor (``3:42``), or a moment as `parse_moment` reads it.

    Raises:
        UsageError: `text` names none.
    """
    wanted = text.strip()
    epoch, colon, seq = wanted.rpartition(":")
    if _is_number(seq) and (not colon or _is_number(epoch)):
        return Position(seq=int(seq), epoch=int(epoch) if colon else None)
    try:
        return Position(time_us=parse_moment(wanted, now_us))
    except UsageError as error:
        error.help += (
            " A record is named by its seq (42) or a cursor (3:42), as in status.json; so the time of day is written "
            "14:10:00 or 'today 14:10' here."
        )
        raise


def time_of_day_meant(position: Position) -> str:
    """Help, with a blank before it, for somebody who may have meant the time of day by a cursor; "" otherwise."""
    if position.epoch is None or position.seq is None or position.epoch >= _HOURS or position.seq >= _MINUTES:
        return ""
    clock = f"{position.epoch}:{position.seq:02}"
    return f" The time of day is written {clock}:00 or 'today {clock}'."
