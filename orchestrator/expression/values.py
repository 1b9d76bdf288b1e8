"""Plain data as expressions see it: six kinds, equality between them, and a meter for the work.

Data comes from outside (outputs of tasks, requests), so it may be large, deep, cyclic or no plain data at all. Nothing
here trusts it: each element that is looked at is a step of a fixed budget, depth is bounded, and what is of no kind is
a fault. Mappings are always walked in the order of their keys, so that equal data costs equally and has equal faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from orchestrator.expression.faults import EvaluationFault
from orchestrator.expression.tokens import WHOLE_MAX, WHOLE_MIN

Kind = Literal["null", "boolean", "number", "text", "list", "mapping"]
#: What an expression's value is made of.
Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"

STEPS_MAX = 100_000
DATA_DEPTH_MAX = 64
TEXT_BYTES_MAX = 64 * 1024
#: Characters of a text that are looked at in one step.
CHARACTERS_PER_STEP = 16

#: The kinds as a message names them.
ONE_OF: dict[Kind, str] = {
    "null": "null",
    "boolean": "a boolean",
    "number": "a number",
    "text": "a text",
    "list": "a list",
    "mapping": "a mapping",
}

# Exact types only: a subclass may answer == and < as it likes.
_KINDS: dict[type, Kind] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    tuple: "list",
    dict: "mapping",
}


class Meter:
    """Counts the steps of one evaluation."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS_MAX

    def spend(self, steps: int = 1) -> None:
        """Count work before it is done.

        Raises:
            EvaluationFault: The budget does not allow it.
        """
        self.left -= steps
        if self.left < 0:
            raise EvaluationFault(f"the expression takes more than {STEPS_MAX} steps with this data")

    def spend_text(self, *texts: str) -> None:
        """Count looking through texts."""
        self.spend(sum(len(text) for text in texts) // CHARACTERS_PER_STEP + 1)


class _NoKind(EvaluationFault):
    """A value is of none of the six kinds."""

    def __init__(self, value: object) -> None:
        super().__init__(f"the data holds what is no plain data: {type(value).__name__}")


def kind_of(value: object) -> Kind:
    """What the value is.

    Raises:
        EvaluationFault: It is no plain data; numbers that are not finite and whole numbers of more than 64 bits
            are not, either.
    """
    kind = _KINDS.get(type(value))
    if kind == "number":
        if isinstance(value, float) and not abs(value) < float("inf"):
            raise EvaluationFault("the data holds a number that is not finite")
        if isinstance(value, int) and not WHOLE_MIN <= value <= WHOLE_MAX:
            raise EvaluationFault("the data holds a whole number of more than 64 bits")
    if kind is not None:
        return kind
    if isinstance(value, Mapping):
        return "mapping"
    raise _NoKind(value)


def keys_of(mapping: Mapping[str, object], meter: Meter) -> list[str]:
    """The keys in order."""
    meter.spend(len(mapping))
    keys = list(mapping)
    if not all(type(key) is str for key in keys):
        raise EvaluationFault("the data holds a mapping with a key that is no text")
    return sorted(keys)


def same(one: object, other: object, meter: Meter, depth: int = 0) -> bool:
    """Whether two values are equal: of one kind, and equal in every part. ``1 == 1.0``, but ``1 != true``."""
    meter.spend()
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    _check_depth(depth)
    if isinstance(one, str) and isinstance(other, str):
        meter.spend_text(one)
        return one == other
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b, meter, depth + 1) for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if len(one) != len(other):
            return False
        return all(key in other and same(one[key], other[key], meter, depth + 1) for key in keys_of(one, meter))
    return one == other


def plain(value: object, meter: Meter, depth: int = 0) -> Value:
    """A copy that holds nothing but plain data and shares nothing with where it comes from."""
    meter.spend()
    kind_of(value)
    _check_depth(depth)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, list | tuple):
        meter.spend(len(value))
        return [plain(item, meter, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(value[key], meter, depth + 1) for key in keys_of(value, meter)}
    raise _NoKind(value)


def _check_depth(depth: int) -> None:
    if depth > DATA_DEPTH_MAX:
        raise EvaluationFault(f"the data is nested deeper than {DATA_DEPTH_MAX} levels")


def bounded(text: str) -> str:
    """The text, which a function has made.

    Raises:
        EvaluationFault: It is too long.
    """
    if len(text) > TEXT_BYTES_MAX or len(text.encode("utf-8", "surrogatepass")) > TEXT_BYTES_MAX:
        raise EvaluationFault(f"a text of more than {TEXT_BYTES_MAX // 1024} KiB comes about")
    return text
