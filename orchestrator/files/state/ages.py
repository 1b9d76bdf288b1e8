"""How long ago something was, in one glance: for lines with no room for a time."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: [(seconds, unit)], larger ones first.
_UNITS: "Sequence[tuple[int, str]]" = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def ago(time: object, now_us: int) -> str:
    """``3 min ago``, ``2 h ago``; ``now`` within the second; "" for what is no time of a file."""
    from orchestrator.model.times import parse_rfc3339

    try:
        seconds = (now_us - parse_rfc3339(str(time))) // 1_000_000
    except (ValueError, OverflowError):
        return ""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "now"
