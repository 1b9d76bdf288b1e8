"""Tree and data → value.

No truthiness and no conversion: an operator that is given the wrong kind says so. The only leniency is what data that
is still to come needs: a key that is not there has the value null, and so has every key behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from orchestrator.expression.faults import EvaluationFault
from orchestrator.expression.functions import FUNCTIONS, remedy_for_null
from orchestrator.expression.near import hint
from orchestrator.expression.syntax import (
    Access,
    Call,
    Comparison,
    Constant,
    ListOf,
    Logic,
    Name,
    Node,
    Not,
    Operator,
    cited,
)
from orchestrator.expression.values import ONE_OF, Meter, Value, kind_of, plain, same

if TYPE_CHECKING:
    from orchestrator.expression.parser import Expression


class _Absent:
    """What a path leads to that leads nowhere."""


_ABSENT = _Absent()


def evaluate(expression: Expression, values: Mapping[str, object]) -> Value:
    """The expression's value; `values` gives each of its names a value made of plain data.

    A list or a mapping that comes back is a copy. Equal values give equal results, at any time and anywhere.

    Raises:
        EvaluationFault: It has no value for this data, or takes too much work.
    """
    meter = Meter()
    return plain(_Evaluation(values, meter).value(expression.tree), meter)


def holds(expression: Expression, values: Mapping[str, object]) -> bool:
    """Whether the expression is true.

    Raises:
        EvaluationFault: It is neither true nor false, or has no value.
    """
    value = _Evaluation(values, Meter()).value(expression.tree)
    if not isinstance(value, bool):
        kind = ONE_OF[kind_of(value)]
        raise EvaluationFault(f"{cited(expression.tree)} is {kind}, neither true nor false; compare it with something")
    return value


class _Evaluation:
    """One walk over a tree."""

    __slots__ = ("meter", "values")

    def __init__(self, values: Mapping[str, object], meter: Meter) -> None:
        self.values = values
        self.meter = meter

    def value(self, node: Node) -> object:
        self.meter.spend()
        match node:
            case Constant(value=value):
                return value
            case Name() | Access():
                found = self.reached(node, strict=True)
                return None if found is _ABSENT else found
            case Comparison():
                return self.compared(node)
            case Logic():
                return self.joined(node)
            case Not(operand=operand):
                return not self.boolean(operand, "not")
            case Call():
                return self.called(node)
            case ListOf(items=items):
                return [self.value(item) for item in items]
            case _:
                assert_never(node)

    def reached(self, node: Node, *, strict: bool) -> object:
        """What a path leads to, _ABSENT if nothing is there.

        Strict is for reading: a name without a value and a key of something that has no keys are faults. Asking
        whether something exists is not.
        """
        if isinstance(node, Name):
            if node.name in self.values:
                return self.values[node.name]
            if not strict:
                return _ABSENT
            near = hint(node.name, (name for name in self.values if isinstance(name, str)))
            raise EvaluationFault(f'nothing is called "{node.name}" here' + (f"; {near}" if near else ""))
        if not isinstance(node, Access):
            return self.value(node)
        found = self.reached(node.base, strict=strict)
        for number, step in enumerate(node.steps):
            key = step if isinstance(step, str | int) else self.index(step)
            self.meter.spend()
            if found is None or found is _ABSENT:
                found = _ABSENT
                continue
            fits = _fits(found, key)
            if strict and not fits:
                raise _no_such_access(Access(node.base, node.steps[:number]) if number else node.base, found, key)
            found = _child(found, key) if fits else _ABSENT
        return found

    def index(self, node: Node) -> str | int:
        key = self.value(node)
        if isinstance(key, str | int) and not isinstance(key, bool):
            return key
        kind = kind_of(key)
        shown = "a number with a fraction" if kind == "number" else ONE_OF[kind]
        raise EvaluationFault(f"{cited(node)} is {shown}; an index is a text or a whole number{remedy_for_null(kind)}")

    def boolean(self, node: Node, word: str) -> bool:
        value = self.value(node)
        if isinstance(value, bool):
            return value
        kind = kind_of(value)
        raise EvaluationFault(
            f'"{word}" needs true or false, and {cited(node)} is {ONE_OF[kind]}{remedy_for_null(kind, "false")}'
        )

    def joined(self, node: Logic) -> bool:
        """From left to right; what comes after the decision is not looked at."""
        decisive = node.word == "or"
        return decisive if any(self.boolean(each, node.word) is decisive for each in node.operands) else not decisive

    def called(self, node: Call) -> object:
        function = FUNCTIONS[node.function]
        if function.asks_presence:
            return self.reached(node.arguments[0], strict=False) is not _ABSENT
        return function.apply(self.meter, *(self.value(argument) for argument in node.arguments))

    def compared(self, node: Comparison) -> bool:
        left, right = self.value(node.left), self.value(node.right)
        match node.operator:
            case "==":
                return same(left, right, self.meter)
            case "!=":
                return not same(left, right, self.meter)
            case "in":
                return self.within(node, left, right)
            case "not in":
                return not self.within(node, left, right)
            case operator:
                return self.ordered(node, operator, left, right)

    def ordered(self, node: Comparison, operator: Operator, left: object, right: object) -> bool:
        kinds = kind_of(left), kind_of(right)
        if isinstance(left, str) and isinstance(right, str):
            self.meter.spend_text(left)
            return _ordered(operator, (left > right) - (left < right))
        if kinds == ("number", "number") and isinstance(left, int | float) and isinstance(right, int | float):
            return _ordered(operator, (left > right) - (left < right))
        told = f"{cited(node.left)} is {ONE_OF[kinds[0]]} and {cited(node.right)} is {ONE_OF[kinds[1]]}"
        remedy = remedy_for_null("null" if "null" in kinds else kinds[0])
        raise EvaluationFault(f"{operator} compares two numbers or two texts, but {told}{remedy}")

    def within(self, node: Comparison, left: object, right: object) -> bool:
        kinds = kind_of(left), kind_of(right)
        if isinstance(right, list | tuple):
            return any(same(left, item, self.meter) for item in right)
        if isinstance(left, str) and isinstance(right, str):
            self.meter.spend_text(left, right)
            return left in right
        if isinstance(left, str) and isinstance(right, Mapping):
            return left in right
        told = f"{cited(node.left)} is {ONE_OF[kinds[0]]} and {cited(node.right)} is {ONE_OF[kinds[1]]}"
        remedy = remedy_for_null(kinds[1], "[]")
        raise EvaluationFault(
            f'"{node.operator}" looks for anything in a list, for a text in a text or among the keys of a mapping, '
            f"but {told}{remedy}"
        )


def _ordered(operator: Operator, sign: int) -> bool:
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def _fits(value: object, key: str | int) -> bool:
    """Whether the value is something that is asked with such a key."""
    return kind_of(value) == ("mapping" if isinstance(key, str) else "list")


def _child(value: object, key: str | int) -> object:
    if isinstance(value, list | tuple) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else _ABSENT
    if isinstance(value, Mapping):
        return value.get(key, _ABSENT)
    return _ABSENT


def _no_such_access(owner: Node, value: object, key: str | int) -> EvaluationFault:
    kind = kind_of(value)
    if kind == "list":
        return EvaluationFault(f"{cited(owner)} is a list, and is asked for an element by a whole number, not by a key")
    if kind == "mapping":
        return EvaluationFault(f"{cited(owner)} is a mapping, and is asked for a key by a text, not by a number")
    wanted = "keys" if isinstance(key, str) else "elements"
    return EvaluationFault(f"{cited(owner)} is {ONE_OF[kind]}, which has no {wanted}")
