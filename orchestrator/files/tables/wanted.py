"""Which tasks somebody wants to see: conditions on a row, all of which must hold.

A table (`files.tables.table`) may know a quicker way to the rows that match; what counts is `Wanted.matches`.
"""

from orchestrator.files.rows import NEVER, instants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from orchestrator.files.rows import Row


class Wanted:
    """Conditions on tasks. Those that are None, and all that are left out, hold for every task.

    Attributes:
        statuses: one of these words, exactly (requirement R2-18).
        workflows: ids; the task belongs to one of them.
        operation, item: exactly this.
        since_us, until_us: created at or after the one, before the other (R2-10); what has no time is in no interval.
        priority_min, priority_max: inclusive (R2-11).
    """

    __slots__ = (
        "_instant",
        "item",
        "operation",
        "priority_max",
        "priority_min",
        "since_us",
        "statuses",
        "until_us",
        "workflows",
    )

    def __init__(
        self,
        *,
        statuses: "Iterable[str] | None" = None,
        workflows: "Iterable[str] | None" = None,
        operation: "str | None" = None,
        item: "str | None" = None,
        since_us: "int | None" = None,
        until_us: "int | None" = None,
        priority_min: "int | None" = None,
        priority_max: "int | None" = None,
    ) -> None:
        self.statuses = None if statuses is None else tuple(statuses)
        self.workflows = None if workflows is None else frozenset(workflows)
        self.operation, self.item = operation, item
        self.since_us, self.until_us = since_us, until_us
        self.priority_min, self.priority_max = priority_min, priority_max
        self._instant = instants()

    @property
    def names(self) -> "Mapping[str, str]":
        """{field: text} of the conditions that ask for one text exactly, `statuses` left out."""
        found = {"operation": self.operation, "item": self.item}
        if self.workflows is not None and len(self.workflows) == 1:
            found["workflow"] = next(iter(self.workflows))
        return {field: text for field, text in found.items() if text is not None}

    @property
    def only_statuses(self) -> bool:
        """Whether the status alone decides."""
        rest = (self.workflows, self.operation, self.item, self.since_us, self.until_us)
        return all(it is None for it in (*rest, self.priority_min, self.priority_max))

    def matches(self, row: "Row") -> bool:
        """Whether all conditions hold for `row`."""
        return (
            (self.statuses is None or row["status"] in self.statuses)
            and (self.workflows is None or _is_one_of(row.get("workflow"), self.workflows))
            and (self.operation is None or row.get("operation") == self.operation)
            and (self.item is None or row.get("item") == self.item)
            and (self.priority_min is None or row["priority"] >= self.priority_min)
            and (self.priority_max is None or row["priority"] <= self.priority_max)
            and ((self.since_us is None and self.until_us is None) or self._is_in_time(row))
        )

    def _is_in_time(self, row: "Row") -> bool:
        created = self._instant(row["created_at"])
        if created == NEVER:
            return False
        return (self.since_us is None or created >= self.since_us) and (
            self.until_us is None or created < self.until_us
        )


def _is_one_of(value: object, texts: "Collection[str]") -> bool:
    return isinstance(value, str) and value in texts


def sort_by(rows: "list[Row]", column: str, *, reverse: bool = False) -> None:
    """Order `rows` by one of their fields; rows without it, or with null in it, come last either way.

    Times are compared as instants. Values of different kinds stand apart: numbers, then texts, then everything else.
    """
    key = _comparable(column)
    have = [row for row in rows if key(row) is not None]
    lack = [row for row in rows if key(row) is None]
    have.sort(key=key, reverse=reverse)  # type: ignore[arg-type]
    rows[:] = have + lack


def _comparable(column: str) -> "Callable[[Row], tuple[int, float | str] | None]":
    instant = instants() if column.endswith("_at") else None

    def key(row: "Row") -> "tuple[int, float | str] | None":
        value = row.get(column)
        if instant is not None:
            value = instant(value)
            return None if value == NEVER else (0, value)
        if value is None:
            return None
        if isinstance(value, (int, float)):
            return 0, value
        return (1, value) if isinstance(value, str) else (2, str(value))

    return key
