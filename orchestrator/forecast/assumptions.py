"""What a forecast takes for granted: how long attempts take, which of them fail, how much runs at a time.

A name in `Assumptions.factors` and `Assumptions.failures` is an operation, ``operation/item``, or an item. Where one
name is both, the operation is meant; where several apply to a task, ``operation/item`` counts before the operation, and
that before the item.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec

from orchestrator.files.kinds import kind_of
from orchestrator.model.errors import UsageError
from orchestrator.model.limits import MAX_RUNNING_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from orchestrator.engine.world import Task
    from orchestrator.plan.ir import Plan

_AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
_NotNegative = Annotated[int, msgspec.Meta(ge=0)]
_Value = TypeVar("_Value")

#: How long an attempt takes of which nothing is known.
ASSUMED_MS = 60_000

#: No attempt takes less: what takes no time at all would not be seen beside others.
SHORTEST_MS = 1

#: Where a duration comes from. ``recorded``: from earlier runs of this task, ``similar``: from tasks of the same type,
#: target and provider, ``given``: asked for as a time, ``assumed``: from nowhere.
Source = Literal["recorded", "similar", "given", "assumed"]
SOURCES: tuple[Source, ...] = ("recorded", "similar", "given", "assumed")

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000}
_AMOUNT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(x|ms|s|min|m|h)")


class Assumptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken for granted.

    Attributes:
        max_running: tasks at a time, all together.
        provider_limits: {provider: tasks at a time}, as an operator would set them.
        durations_ms: {"operation/provider/item" or "operation": milliseconds of an attempt}; the first counts
            before the second.
        kinds_ms: {kind (`orchestrator.files.kinds`): milliseconds}, where `durations_ms` says nothing.
        assumed_ms: where nothing is known.
        factors: what if something took longer or shorter: {name: "2x", a number (the same), or a time like "90s"}.
        failures: what if something failed: {name: how many of its attempts fail, or "always"}.
    """

    max_running: _AtLeastOne = MAX_RUNNING_DEFAULT
    provider_limits: dict[str, _AtLeastOne] = {}
    durations_ms: dict[str, _NotNegative] = {}
    kinds_ms: dict[str, _NotNegative] = {}
    assumed_ms: _AtLeastOne = ASSUMED_MS
    factors: dict[str, float | str] = {}
    failures: dict[str, _NotNegative | Literal["always"]] = {}


def from_plain(values: Mapping[str, Any]) -> Assumptions:
    """Assumptions from plain JSON values: the same names, each may be left out.

    Raises:
        UsageError: a name or a value is none of these.
    """
    try:
        return msgspec.convert(values, Assumptions)
    except msgspec.ValidationError as error:
        known = ", ".join(Assumptions.__struct_fields__)
        raise UsageError(f"What a forecast is to assume is not understood: {error}.", f"There are: {known}.") from None


class Amount(msgspec.Struct, frozen=True):
    """A changed duration: `ms` instead of what was known, or else `factor` times it."""

    factor: float = 1.0
    ms: int | None = None


def parse_amount(value: float | str) -> Amount:
    """The meaning of ``2x``, ``0.5x``, ``90s``, ``1500ms``, ``5m``, ``5min``, ``1h``, or of a number: a factor.

    Raises:
        UsageError: it is none of these.
    """
    if not isinstance(value, str):
        if 0 <= value < float("inf"):
            return Amount(value)
        raise UsageError(f"A duration cannot be multiplied by {value}.", "Give a factor from 0 up.")
    found = _AMOUNT.fullmatch(value.strip())
    if found is None:
        raise UsageError(f"{value!r} is neither a factor nor a time.", "Give a factor (2x) or a time (90s, 5m, 1h).")
    number, unit = float(found[1]), found[2]
    return Amount(number) if unit == "x" else Amount(ms=round(number * _UNITS_MS[unit]))


class Script:
    """What becomes of each attempt of a plan under some assumptions.

    Raises:
        UsageError: an assumption names something that the plan does not hold, or has a value without a meaning.
    """

    def __init__(self, plan: Plan, assumptions: Assumptions) -> None:
        self._assumptions = assumptions
        _check_names(plan, [*assumptions.factors, *assumptions.failures])
        self._operations = frozenset(operation.id for operation in plan.operations)
        self._amounts = {name: parse_amount(value) for name, value in assumptions.factors.items()}

    def __call__(self, task: Task, attempt: int, undo: bool) -> tuple[int, int]:
        """(microseconds, exit code) of an attempt. To undo takes as long as to do, and does not fail."""
        duration_ms, _ = self.duration(task)
        failing = None if undo else _of(self._assumptions.failures, task, self._operations)
        fails = failing == "always" or (isinstance(failing, int) and attempt <= failing)
        return duration_ms * 1000, int(fails)

    def duration(self, task: Task) -> tuple[int, Source]:
        """(milliseconds of an attempt, where that comes from)."""
        known_ms, source = self._known(task)
        amount = _of(self._amounts, task, self._operations)
        if amount is None:
            return max(SHORTEST_MS, known_ms), source
        if amount.ms is not None:
            return max(SHORTEST_MS, amount.ms), "given"
        return max(SHORTEST_MS, round(known_ms * amount.factor)), source

    def _known(self, task: Task) -> tuple[int, Source]:
        return known_duration(task, self._assumptions)


def known_duration(task: Task, assumptions: Assumptions) -> tuple[int, Source]:
    """(milliseconds, where that comes from) without any what-if."""
    operation = task.operation.plan
    recorded = assumptions.durations_ms.get(key_of(task), assumptions.durations_ms.get(operation.id))
    if recorded is not None:
        return recorded, "recorded"
    similar = None
    if assumptions.kinds_ms:
        kind = kind_of(operation.type, operation.target, task.provider, task.action.command)
        similar = assumptions.kinds_ms.get(kind)
    source: Source = "assumed" if similar is None else "similar"
    ms = assumptions.assumed_ms if similar is None else similar
    return min(ms, operation.timeout_s * 1000 - 1), source  # who knows nothing does not foresee a timeout


def key_of(task: Task) -> str:
    """``operation/provider/item``: the name of a task in forecasts and in recorded durations."""
    return f"{task.operation.plan.id}/{task.provider}/{task.item}"


def _of(values: Mapping[str, _Value], task: Task, operations: frozenset[str]) -> _Value | None:
    """What `values` says about `task`, the most particular first."""
    if not values:
        return None
    operation = task.operation.plan.id
    for name in (f"{operation}/{task.item}", operation):
        if name in values:
            return values[name]
    return None if task.item in operations else values.get(task.item)


def _check_names(plan: Plan, names: list[str]) -> None:
    if not names:
        return
    operations = dict.fromkeys(operation.id for operation in plan.operations)
    items = dict.fromkeys(item for operation in plan.operations for item in operation.items)
    pairs = dict.fromkeys(f"{operation.id}/{item}" for operation in plan.operations for item in operation.items)
    known = {**operations, **items, **pairs}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 3)
            listed = " or ".join(f"'{one}'" for one in near)
            help_text = f"Did you mean {listed}?" if near else "Give an operation, an item, or OPERATION/ITEM."
            raise UsageError(f"Workflow '{plan.name}' has no operation or item '{name}'.", help_text)
