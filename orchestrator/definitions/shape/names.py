"""Items that stand for names: ``worker-{{ index }}`` with ``count = 3`` is worker-0, worker-1, worker-2 (R1-73).

Each item of an operation is made `count` times, once without one; `index` counts from 0 in each. An operation without
``{{`` in any item and without `count` stays as it is, whatever its items look like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definitions.shape.fault import RenderFault
from orchestrator.plan.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.plan.fault import Path, Raw

    #: (text of an item, index) to the name it stands for; raises RenderFault.
    Maker = Callable[[str, int], str]

#: Names of one operation.
ITEMS_MAX = 10_000

MARK = "{{"


def is_needed(operation: Raw) -> bool:
    """Whether the operation has names to be made."""
    items = operation.get("items")
    return isinstance(items, list) and (operation.get("count") is not None or _has_mark(items))


def _has_mark(items: list[Any]) -> bool:
    return any(isinstance(item, str) and MARK in item for item in items)


class Names:
    """The names of one operation, whose values are at `path`.

    Attributes:
        made: the names, in order.
        written: position of the item that each was made from.
        faults: what is wrong.
    """

    def __init__(self, operation: Raw, path: Path, make: Maker) -> None:
        self.made: list[Any] = []
        self.written: list[int] = []
        self.faults: list[Fault] = []
        self._items = operation["items"]
        self._said = f"operation '{operation.get('id')}'"
        self._path = path
        count = operation.get("count")
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            message = f"{self._said}: count must be a positive number, not {count!r}"
            self.faults.append(Fault("WF134", (*path, "count"), message, "Leave it out for one of each."))
            count = 1
        if (count or 1) * len(self._items) > ITEMS_MAX:
            message = f"{self._said} would have {(count or 1) * len(self._items)} items; {ITEMS_MAX} are allowed"
            self.faults.append(Fault("WF134", (*path, "count"), message, "Split it into several operations."))
            return
        self._make(list(self._names(count or 1, make)), repeated=(count or 1) > 1)

    def _names(self, count: int, make: Maker) -> Iterator[tuple[Any, int]]:
        """(name, position of its item); those that cannot be made are faults."""
        for position, item in enumerate(self._items):
            if not isinstance(item, str) or MARK not in item:
                yield from ((item, position) for _ in range(count))
                continue
            try:
                for index in range(count):
                    yield make(item, index), position
            except RenderFault as fault:
                path = (*self._path, "items", position)
                help_text = fault.help or "Items know index, workflow, operation, values and environment."
                self.faults.append(Fault("WF134", path, f"{self._said}: '{item}': {fault.message}", help_text))
                yield f"unmade-{position}", position  # so that nobody complains about the text that stands there

    def _make(self, names: list[tuple[Any, int]], *, repeated: bool) -> None:
        first: dict[str, tuple[str, int]] = {}
        for name, position in names:
            key = name.casefold() if isinstance(name, str) else None
            if key is not None and key in first:
                self._collide(name, position, *first[key], repeated=repeated)
                continue
            if key is not None:
                first[key] = name, position
            self.made.append(name)
            self.written.append(position)

    def _collide(self, name: str, position: int, other: str, before: int, *, repeated: bool) -> None:
        path = (*self._path, "items", position)
        if any(fault.path == path and fault.code == "WF135" for fault in self.faults):
            return
        case = "" if name == other else f", which differs from '{other}' only in case"
        if before == position:
            message = f"{self._said}: '{self._items[position]}' makes '{name}' more than once{case}"
            help_text = "Let each name differ."
            if repeated and "index" not in self._items[position]:
                help_text = f"Put {{{{ index }}}} into it, as in '{name}-{{{{ index }}}}'."
            self.faults.append(Fault("WF135", path, message, help_text))
            return
        message = (
            f"{self._said}: '{self._items[position]}' makes '{name}'{case}, "
            f"and '{self._items[before]}' makes {'it' if name == other else repr(other)} as well"
        )
        related = (("first here", (*self._path, "items", before)),)
        self.faults.append(Fault("WF135", path, message, "Items must differ.", related=related))
