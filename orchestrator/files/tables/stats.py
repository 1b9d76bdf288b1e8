"""Figures about tasks: how many of what, how long they take, how often they fail (requirement R2-07).

One pass over rows of tasks, whatever reads them. Durations are those of tasks whose last attempt is over; a task that
was skipped, or is under way, has none, and changes no mean. Of one that was undone, the time counts that it took to do
it: how long undoing takes is another question. From ten milliseconds on, a figure has no part of one: nobody asks for
it, and it makes a table too wide to read. A day is one of the user's own time zone, in which people
ask what happened yesterday.
"""

import time

from orchestrator.files.near import near
from orchestrator.files.tables.table import DAMAGED
from orchestrator.files.undone import UNDONE, done_time, undo_attempts
from orchestrator.model.errors import UsageError
from orchestrator.model.states import TASK_FINAL, TASK_STATUS_ALIASES, TASK_STATUSES
from orchestrator.model.times import parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from orchestrator.files.rows import Row
    from orchestrator.files.tables.table import TaskTable
    from orchestrator.files.tables.wanted import Wanted

    Key = Callable[[Row], Any]

#: What rows can be put together by.
GROUPS = ("status", "priority", "date", "hour", "workflow", "operation", "item", "provider", "host")

#: Longer ones, of which hostile files tell, are none: Nushell's durations are 64 bits of nanoseconds.
_DURATION_MS_MAX = (1 << 63) // 1_000_000

#: Those that the summary of everything counts, beside statuses.
_COUNTED = ("priority", "date", "workflow")

#: Statuses of tasks that were tried to an end, and those of them that are failures. One that was skipped or cancelled
#: says nothing about how often its kind fails.
_FAILED = frozenset({"failed", "timed_out"})
_TRIED = _FAILED | {"succeeded", "rolled_back", "rollback_failed"}

#: Statuses that get a column of their own, beside those that are known: another program may write any word.
_OTHER_STATUSES_MAX = 24
_OTHER = "other"

#: Columns that a status cannot have.
_TAKEN = frozenset({"total", "mean_ms", "median_ms", "p95_ms", "max_ms", "retries", "failure_rate", *GROUPS})

#: Characters of a time up to its minute, and of a date.
_MINUTE, _DATE = 16, 10

_OLDER = 1 << 62

#: From here on a duration that is told has no part of a millisecond.
_WHOLE_MS = 10


def summarize(rows: "Iterable[Row]", by: "str | None" = None) -> "Row | list[Row]":
    """Figures about `rows`.

    Without `by` a record: ``total``, the figures, and ``by_status``, ``by_priority``, ``by_date``, ``by_workflow``:
    tables of counts. With `by` a table of one row for each value: the value, ``total``, the figures, a count for each
    status that occurs. The figures are ``mean_ms, median_ms, p95_ms, max_ms`` (of durations; None without any),
    ``retries`` (attempts beyond the first ones, without those that undo) and ``failure_rate`` (failed and timed out, of
    those that were tried to an end).

    Raises:
        UsageError: `by` is none of `GROUPS`.
    """
    if by is None:
        return _overall(rows)
    if by not in GROUPS:
        hint = near(by, list(GROUPS))
        raise UsageError(f"Tasks cannot be put together by {by!r}.", f"{hint}There are: {', '.join(GROUPS)}.")
    return _grouped(rows, by)


def of_table(table: "TaskTable", wanted: "Wanted", by: "str | None" = None) -> "Row | list[Row]":
    """Figures about the tasks of `table` that are wanted; of the same rows that `orch tasks` shows.

    Raises:
        UsageError: as `summarize`.
        TasksUnreadable, FormatTooNew: as `TaskTable.select`.
    """
    try:
        selection = table.select(wanted)
        if not len(selection) and not table.count:
            return summarize(filter(wanted.matches, table.corrupt()), by)
        return summarize((row for rows in selection.chunks() for row in rows), by)
    except DAMAGED:  # it is damaged: the files say the same
        table.drop_index()
        return summarize(table.rows(wanted), by)


class _Group:
    """What has been met of some rows."""

    __slots__ = ("_durations", "failed", "retries", "statuses", "total", "tried")

    def __init__(self) -> None:
        self.total = self.retries = self.failed = self.tried = 0
        self.statuses: dict[str, int] = {}
        self._durations: list[float] = []

    def take(self, row: "Row") -> None:
        """Count one more."""
        self.total += 1
        status = row["status"]
        self.statuses[status] = self.statuses.get(status, 0) + 1
        attempt = row.get("attempt")
        if type(attempt) is int and attempt > 1:
            self.retries += max(0, attempt - 1 - undo_attempts(row))
        word = status if status in TASK_FINAL else TASK_STATUS_ALIASES.get(status)
        if word not in TASK_FINAL:
            return
        if word in _TRIED:
            self.tried += 1
            self.failed += word in _FAILED
        taken = done_time(row)
        if taken is None and word not in UNDONE and "done_ms" not in row:
            taken = _between(row)
        if isinstance(taken, (int, float)) and not isinstance(taken, bool) and 0 <= taken < _DURATION_MS_MAX:
            self._durations.append(taken)

    def figures(self) -> "Row":
        """What is told of them beside counts."""
        durations = sorted(self._durations)
        count = len(durations)
        middle = durations[(count - 1) // 2 : count // 2 + 1]
        return {
            "mean_ms": _figure(sum(durations) / count) if count else None,
            "median_ms": _figure(sum(middle) / len(middle)) if count else None,
            "p95_ms": _figure(durations[-(-count * 95 // 100) - 1]) if count else None,
            "max_ms": _figure(durations[-1]) if count else None,
            "retries": self.retries,
            "failure_rate": round(self.failed / self.tried, 4) if self.tried else None,
        }


def _figure(milliseconds: float) -> float:
    return round(milliseconds) if milliseconds >= _WHOLE_MS else round(milliseconds, 3)


def _overall(rows: "Iterable[Row]") -> "Row":
    group = _Group()
    keys = {name: _key(name) for name in _COUNTED}
    counts: dict[str, dict[Any, int]] = {name: {} for name in _COUNTED}
    for row in rows:
        group.take(row)
        for name, key in keys.items():
            value, met = key(row), counts[name]
            met[value] = met.get(value, 0) + 1
    counts = {"status": group.statuses, **counts}
    tables = {
        f"by_{name}": [{name: value, "total": met[value]} for value in sorted(met, key=_order(name, met))]
        for name, met in counts.items()
    }
    return {"total": group.total, **group.figures(), **tables}


def _grouped(rows: "Iterable[Row]", by: str) -> "list[Row]":
    key = _key(by)
    groups: dict[Any, _Group] = {}
    for row in rows:
        value = key(row)
        group = groups.get(value)
        if group is None:
            group = groups[value] = _Group()
        group.take(row)
    columns = {} if by == "status" else _columns(groups.values())
    totals = {value: group.total for value, group in groups.items()}
    return [
        {by: value, "total": groups[value].total, **groups[value].figures(), **_counts(groups[value], columns)}
        for value in sorted(groups, key=_order(by, totals))
    ]


def _columns(groups: "Iterable[_Group]") -> "dict[str, str]":
    """{status: its column}, the known ones in their order."""
    met: dict[str, None] = {}
    for group in groups:
        met.update(dict.fromkeys(group.statuses))
    known = [status for status in TASK_STATUSES if status in met]
    others = [status for status in met if status not in TASK_STATUSES]
    named = [*known, *others[:_OTHER_STATUSES_MAX]]
    columns = {status: f"status {status}" if status in _TAKEN else status for status in named}
    return {**columns, **dict.fromkeys(others[_OTHER_STATUSES_MAX:], _OTHER)}


def _counts(group: "_Group", columns: "dict[str, str]") -> "dict[str, int]":
    found = dict.fromkeys(columns.values(), 0)
    for status, column in columns.items():
        found[column] += group.statuses.get(status, 0)
    return found


# --- keys ----------------------------------------------------------------------------------------------------


def _key(name: str) -> "Key":
    if name == "date":
        return _local_day()
    if name == "hour":
        return _local_hour()

    def key(row: "Row") -> "Any":
        value = row.get(name)
        return value if value is None or isinstance(value, (str, int)) else str(value)

    return key


def _local_day() -> "Key":
    local = _local()

    def key(row: "Row") -> "str | None":
        moment = local(row.get("created_at"))
        return None if moment is None else moment[:_DATE]

    return key


def _local_hour() -> "Key":
    local = _local()
    return lambda row: local(row.get("created_at"))


def _local() -> "Callable[[object], str | None]":
    """A function from a time as files write it to its day and hour here, None for what is no time.

    It remembers minutes: times in UTC that share one share their hour here.
    """
    known: dict[object, str | None] = {}

    def local(text: object) -> "str | None":
        if not isinstance(text, str):
            return None
        minute = text[:_MINUTE] if text.endswith("Z") else text
        if minute not in known:
            known[minute] = _day_and_hour(text)
        return known[minute]

    return local


def _day_and_hour(text: str) -> "str | None":
    try:
        moment = time.localtime(parse_rfc3339(text) // 1_000_000)
    except (ValueError, OverflowError, OSError):
        return None
    return time.strftime("%Y-%m-%d %H:00 %z" if _comes_twice(moment) else "%Y-%m-%d %H:00", moment)


def _comes_twice(moment: "time.struct_time") -> bool:
    """Whether a local time is in an hour that the clock repeats when summer ends."""
    other = (*moment[:8], 1 - moment.tm_isdst)
    return moment.tm_isdst in (0, 1) and time.localtime(time.mktime(other))[:6] == moment[:6]


def _order(name: str, totals: "dict[Any, int]") -> "Callable[[Any], Any]":
    """In which order the groups are shown; what has no value comes last."""
    if name == "status":
        return lambda it: (TASK_STATUSES.index(it) if it in TASK_STATUSES else len(TASK_STATUSES), str(it))
    if name == "priority":
        return lambda it: (-it if isinstance(it, int) else _OLDER, str(it))
    if name in ("date", "hour"):
        return lambda it: (it is None, str(it))
    return lambda it: (it is None, -totals[it], str(it))


def _between(row: "Row") -> "float | None":
    """Milliseconds from start to end, where another program tells no duration."""
    started, finished = row.get("started_at"), row.get("finished_at")
    if not (isinstance(started, str) and isinstance(finished, str)):
        return None
    try:
        return (parse_rfc3339(finished) - parse_rfc3339(started)) / 1000
    except (ValueError, OverflowError):
        return None
