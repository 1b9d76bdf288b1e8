"""Times as people and files write them: UTC, RFC 3339 with ``Z`` and microseconds (ruling A-49)."""

import time

#: [(seconds, their text)]: the times of one second share their first nineteen characters. Replaced as a whole, so
#: that threads never see one half of it.
_last: "list[tuple[int, str]]" = [(-1, "")]


def rfc3339(wall_us: int) -> str:
    """``2026-01-31T08:05:09.000123Z`` for microseconds since 1970."""
    seconds, micros = divmod(wall_us, 1_000_000)
    known = _last[0]
    if known[0] != seconds:
        known = _last[0] = (seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)))
    return f"{known[1]}.{micros:06d}Z"


def parse_rfc3339(text: str) -> int:
    """Microseconds since 1970 of a time with any offset.

    Raises:
        ValueError: `text` is not a date and time with a zone.
    """
    from datetime import datetime, timedelta, timezone

    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)  # noqa: UP017
