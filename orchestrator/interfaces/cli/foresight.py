"""What `simulate`, `eta` and a dry run share: how what is to come is written."""

from __future__ import annotations

import sys

from orchestrator.interfaces.cli.output import clean, print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_PATH = ("task", "starts", "took", "share", "because")
_LIMITS = ("limit", "tasks", "for", "task_time")


def show_path(path: Sequence[dict[str, Any]], total_ms: int) -> None:
    """The critical path as a table, with the share of the total that each piece takes."""
    print_table([_piece(entry, total_ms) for entry in path], _PATH)


def show_limits(rows: Sequence[dict[str, Any]]) -> None:
    """What held ready tasks back, as a table."""
    print_table([_limit(row) for row in rows], _LIMITS)


def show_list(title: str, lines: Iterable[str]) -> None:
    """Lines under a title; nothing without lines."""
    listed = list(lines)
    if listed:
        show_head(title)
    for line in listed:
        say_line(f"  {line}")


def show_head(title: str) -> None:
    """The title of a part, with an empty line before it."""
    sys.stdout.write(f"\n{title}:\n")


def say_line(text: str) -> None:
    """One line of the output."""
    sys.stdout.write(clean(text) + "\n")


def durations(found: dict[str, int]) -> str:
    """Where the durations of tasks come from, in words."""
    words = {
        "recorded": "recorded",
        "similar": "of similar tasks",
        "given": "given",
        "assumed": f"assumed to be {duration(found['assumed_ms'])}",
    }
    return ", ".join(f"{found[name]} {told}" for name, told in words.items() if found[name]) or "none"


def irreversible(row: dict[str, Any]) -> str:
    """What cannot be undone, and from when on."""
    when = "never starts" if row["starts_ms"] is None else f"from {duration(row['starts_ms'])} on"
    return f"{row['operation']} ({'1 task' if row['tasks'] == 1 else str(row['tasks']) + ' tasks'}), {when}"


def duration(milliseconds: int) -> str:
    """A time as people write it: ``350ms``, ``12.3s``, ``4m 05s``, ``2h 10m``, ``3d 4h``."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f}".removesuffix(".0") + "s"
    seconds = round(milliseconds / 1000)
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02}s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60}h {minutes % 60:02}m"
    hours = round(minutes / 60)
    return f"{hours // 24}d {hours % 24}h"


def _limit(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "limit": f"{row['limit']} {row['value']}" + (f" of {row['of']}" if row["of"] else ""),
        "tasks": row["tasks"],
        "for": duration(row["held_ms"]),
        "task_time": duration(row["task_ms"]),
    }


def _piece(entry: dict[str, Any], total_ms: int) -> dict[str, str]:
    own_ms = entry["ends_ms"] - entry["starts_ms"]
    because = entry["because"]
    if entry["limit"]:
        because += f" ({entry['limit']})"
    if entry["waited_ms"]:
        because += f", after {duration(entry['waited_ms'])}"
    return {
        "task": f"{'undo ' if entry['undo'] else ''}{entry['task']}",
        "starts": duration(entry["starts_ms"]),
        "took": duration(own_ms),
        "share": f"{100 * (own_ms + entry['waited_ms']) / total_ms:.0f}%" if total_ms else "-",
        "because": because,
    }
