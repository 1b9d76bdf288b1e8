"""What rows tell of tasks that were undone.

The `attempt` and the `duration_ms` of a task are those of its latest attempt, whether that does it or undoes it. Since
format 1.3 rows tell both apart, with `undo_attempts` and `done_ms`; older ones, and those of other programs, do not.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.rows import Row

#: Statuses of tasks that were done, and whose latest attempt may have undone them.
UNDONE = frozenset({"rolling_back", "rolled_back", "rollback_failed"})


def undo_attempts(row: "Row") -> int:
    """How many attempts of a task undid it, as far as its row tells."""
    told = row.get("undo_attempts")
    if type(told) is int:
        return max(told, 0)
    return _at_least(row)


def undoings(entry: "Row") -> "frozenset[int]":
    """Numbers of the attempts that undid a task, as far as its entry in the state of its workflow tells."""
    told = entry.get("undoings")
    if isinstance(told, list):
        return frozenset(it for it in told if type(it) is int)
    return frozenset({entry["attempt"]} if _at_least(entry) else ())


def done_time(row: "Row") -> "Any":
    """Milliseconds that it took to do a task, as its row has them; None if it tells none."""
    if "done_ms" in row:
        return row["done_ms"]
    return None if row.get("status") in UNDONE else row.get("duration_ms")


def _at_least(row: "Row") -> int:
    """Of an older form: what is undone was undone by one attempt at least, its latest."""
    attempt = row.get("attempt")
    return int(row.get("status") == "rolled_back" and type(attempt) is int and attempt > 0)
