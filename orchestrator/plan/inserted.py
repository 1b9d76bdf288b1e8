"""What operations that the planner adds have in common: an id that is free, and what they come after.

Such an operation is needed by others, and begins when all of these could as far as the order of operations goes: what
fails before them keeps it from being done, too, and they never wait for each other through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.model.limits import ID_LENGTH_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.plan.ir import Operation


def new_id(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or something like it that is an operation's id and not among `taken`, also not in another case."""
    known = {name.casefold() for name in taken}
    base = "".join(each if each.isascii() and (each.isalnum() or each in "_-") else "-" for each in wanted)
    base = base if base[:1].isalnum() else f"x{base}"
    found, number = base[:ID_LENGTH_MAX], 2
    while found.casefold() in known:
        end = f"-{number}"
        found, number = base[: ID_LENGTH_MAX - len(end)] + end, number + 1
    return found


def ancestors(operations: Mapping[str, Operation], name: str) -> set[str]:
    """Ids of all operations that are over before operation `name` opens."""
    found: set[str] = set()
    pending = list(operations[name].after)
    while pending:
        needed = pending.pop()
        if needed not in found:
            found.add(needed)
            pending += operations[needed].after
    return found


def after_all(operations: Mapping[str, Operation], names: Iterable[str]) -> tuple[str, ...]:
    """What all of the operations `names` (at least one) come after: the last ones of it, in the order of `operations`.

    `operations` is {id: operation} of the plan, in its order.
    """
    common = set.intersection(*(ancestors(operations, name) for name in names))
    earlier = {before for name in common for before in operations[name].after}
    return tuple(name for name in operations if name in common and name not in earlier)
