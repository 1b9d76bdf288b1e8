"""The functions of expressions.

Each is pure and the same in every place and every version of Python: letters are ASCII where case or blanks matter
(Unicode's tables change), a pattern is a glob whose work is counted, and texts that come about are bounded. `example`
stands in docs/expressions.md and is a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from orchestrator.expression.faults import EvaluationFault
from orchestrator.expression.glob import matches
from orchestrator.expression.tokens import NUMBER, number_value
from orchestrator.expression.values import ONE_OF, Kind, Meter, bounded, keys_of, kind_of, same

Apply: TypeAlias = "Callable[..., object]"

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BLANKS = " \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Function:
    """What is known about a function before it is called."""

    #: Given the meter and the values of the arguments.
    apply: Apply
    #: As it is written; an argument in [ ] may be left out, … stands for any number more.
    signature: str
    summary: str
    #: An expression and the value it has.
    example: tuple[str, str]
    #: How many arguments at least and at most, None for any number.
    arguments: tuple[int, int | None]
    #: The argument is a path that is looked for, not a value.
    asks_presence: bool = False

    def takes(self, number: int) -> bool:
        """Whether it can be called with so many arguments."""
        least, most = self.arguments
        return least <= number and (most is None or number <= most)


def remedy_for_null(kind: Kind, instead: str = "…") -> str:
    """What is added to a fault whose cause is a value that is not there."""
    return f"; default(…, {instead}) stands in for what is missing" if kind == "null" else ""


def _wrong(function: str, wanted: str, value: object) -> EvaluationFault:
    kind = kind_of(value)
    return EvaluationFault(f"{function}() needs {wanted}, not {ONE_OF[kind]}{remedy_for_null(kind)}")


def _text(function: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(function, "a text", value)


def _items(function: str, value: object, meter: Meter) -> list[object] | tuple[object, ...]:
    if isinstance(value, list | tuple):
        meter.spend(len(value))
        return value
    raise _wrong(function, "a list", value)


def _len(_: Meter, value: object) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise _wrong("len", "a text, a list or a mapping", value)


def _translated(function: str, table: dict[int, int]) -> Apply:
    def apply(meter: Meter, value: object) -> str:
        text = _text(function, value)
        meter.spend_text(text)
        return bounded(text).translate(table)

    return apply


def _trim(meter: Meter, value: object) -> str:
    text = _text("trim", value)
    meter.spend_text(text)
    return bounded(text.strip(_BLANKS))


def _split(meter: Meter, value: object, separator: object) -> list[str]:
    text, mark = _text("split", value), _text("split", separator)
    if not mark:
        raise EvaluationFault("split() needs a separator that is not empty")
    meter.spend_text(text, mark)
    meter.spend(text.count(mark) + 1)
    return [bounded(part) for part in text.split(mark)]


def _startswith(meter: Meter, value: object, beginning: object) -> bool:
    text, start = _text("startswith", value), _text("startswith", beginning)
    meter.spend_text(start)
    return text.startswith(start)


def _endswith(meter: Meter, value: object, ending: object) -> bool:
    text, end = _text("endswith", value), _text("endswith", ending)
    meter.spend_text(end)
    return text.endswith(end)


def _contains(meter: Meter, value: object, part: object) -> bool:
    if isinstance(value, str):
        wanted = _text("contains", part)
        meter.spend_text(value, wanted)
        return wanted in value
    if isinstance(value, Mapping):
        return _text("contains", part) in value
    if isinstance(value, list | tuple):
        return any(same(item, part, meter) for item in value)
    raise _wrong("contains", "a text, a list or a mapping", value)


def _matches_glob(meter: Meter, value: object, pattern: object) -> bool:
    return matches(_text("matches_glob", value), _text("matches_glob", pattern), meter)


def _extreme(function: str, sign: int) -> Apply:
    def apply(meter: Meter, first: object, *more: object) -> object:
        values = (first, *more) if more else _items(function, first, meter)
        if not values:
            raise EvaluationFault(f"{function}() of an empty list has no value")
        kinds = sorted({kind_of(value) for value in values})
        if kinds not in (["number"], ["text"]):
            found = ", ".join(ONE_OF[kind] for kind in kinds)
            raise EvaluationFault(f"{function}() compares numbers or texts, all of one kind, but is given {found}")
        best = values[0]
        for value in values[1:]:
            meter.spend_text(*(each for each in (value, best) if isinstance(each, str)))
            if ((value > best) - (value < best)) * sign > 0:  # type: ignore[operator]
                best = value
        return best

    return apply


def _booleans(function: str, meter: Meter, value: object) -> list[bool]:
    items = _items(function, value, meter)
    # Every element is looked at, so that an element of a wrong kind is told whatever stands before it.
    for item in items:
        if not isinstance(item, bool):
            raise _wrong(function, "a list of booleans", item)
    return [item is True for item in items]


def _any(meter: Meter, value: object) -> bool:
    return any(_booleans("any", meter, value))


def _all(meter: Meter, value: object) -> bool:
    return all(_booleans("all", meter, value))


def _count(meter: Meter, value: object, wanted: object) -> int:
    return sum(same(item, wanted, meter) for item in _items("count", value, meter))


def _pluck(meter: Meter, value: object, key: object) -> list[object]:
    name = _text("pluck", key)
    if isinstance(value, Mapping):
        owners = [value[each] for each in keys_of(value, meter)]
    else:
        owners = list(_items("pluck", value, meter))
    for owner in owners:
        if not isinstance(owner, Mapping):
            raise _wrong("pluck", "a list or a mapping of mappings", owner)
    return [owner.get(name) for owner in owners if isinstance(owner, Mapping)]


def _default(_: Meter, value: object, instead: object) -> object:
    return instead if value is None else value


def _number(meter: Meter, value: object) -> int | float:
    if kind_of(value) == "number":
        return value  # type: ignore[return-value]
    text = _text("number", value)
    meter.spend_text(text)
    found = number_value(text) if len(text) <= 400 and NUMBER.fullmatch(text) else None
    if found is None:
        raise EvaluationFault("number() is given a text that is no number; trim() takes away blanks around it")
    return found


def _as_text(meter: Meter, value: object) -> str:
    kind = kind_of(value)
    if isinstance(value, str):
        meter.spend_text(value)
        return bounded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # 1 == 1.0, so both have the same text.
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "null"
    raise EvaluationFault(f"text() is not made for {ONE_OF[kind]}")


def _never(_: Meter, __: object) -> object:
    raise AssertionError("what asks for presence is not given a value")


FUNCTIONS: dict[str, Function] = {
    "exists": Function(
        _never,
        "exists(path)",
        "Whether the path leads to something, even to null. An unknown name is no fault here.",
        ("exists(servers[5])", "false"),
        (1, 1),
        asks_presence=True,
    ),
    "default": Function(
        _default,
        "default(value, instead)",
        "The value, or the second one where the first is null or missing.",
        ("default(servers[0].port, 22)", "22"),
        (2, 2),
    ),
    "len": Function(
        _len,
        "len(value)",
        "How many characters a text has, elements a list, keys a mapping.",
        ("len(servers)", "2"),
        (1, 1),
    ),
    "lower": Function(
        _translated("lower", _LOWER),
        "lower(text)",
        "The text with A-Z as a-z; other letters stay.",
        ("lower('DE-Fra1')", '"de-fra1"'),
        (1, 1),
    ),
    "upper": Function(
        _translated("upper", _UPPER),
        "upper(text)",
        "The text with a-z as A-Z; other letters stay.",
        ("upper('de-fra1')", '"DE-FRA1"'),
        (1, 1),
    ),
    "trim": Function(
        _trim,
        "trim(text)",
        "The text without blanks, tabs and line ends around it.",
        ("trim(' ready\\n')", '"ready"'),
        (1, 1),
    ),
    "split": Function(
        _split,
        "split(text, separator)",
        "The parts of the text between the separators.",
        ("split('a,b', ',')", '["a", "b"]'),
        (2, 2),
    ),
    "startswith": Function(
        _startswith,
        "startswith(text, beginning)",
        "Whether the text begins so.",
        ("startswith('web-1', 'web-')", "true"),
        (2, 2),
    ),
    "endswith": Function(
        _endswith,
        "endswith(text, ending)",
        "Whether the text ends so.",
        ("endswith('web-1', '-2')", "false"),
        (2, 2),
    ),
    "contains": Function(
        _contains,
        "contains(whole, part)",
        "The same as `part in whole`.",
        ("contains(tags, 'prod')", "true"),
        (2, 2),
    ),
    "matches_glob": Function(
        _matches_glob,
        "matches_glob(text, pattern)",
        "Whether the whole text fits: `*` is any characters, `?` is one, a backslash takes the next literally.",
        ("matches_glob('web-17', 'web-*')", "true"),
        (2, 2),
    ),
    "number": Function(
        _number,
        "number(value)",
        "The number that the text is written as, in the way of this language; a number is itself.",
        ("number('17') > 3", "true"),
        (1, 1),
    ),
    "text": Function(
        _as_text,
        "text(value)",
        "A number, a boolean or null as text; a text is itself.",
        ("text(1.0)", '"1"'),
        (1, 1),
    ),
    "min": Function(
        _extreme("min", -1),
        "min(list) or min(a, b, …)",
        "The smallest of numbers or of texts.",
        ("min(servers[0].cpus, 8)", "4"),
        (1, None),
    ),
    "max": Function(
        _extreme("max", 1),
        "max(list) or max(a, b, …)",
        "The largest of numbers or of texts.",
        ("max(pluck(servers, 'cpus'))", "16"),
        (1, None),
    ),
    "any": Function(
        _any,
        "any(list)",
        "Whether at least one boolean of the list is true; false for an empty list.",
        ("any(pluck(servers, 'ready'))", "true"),
        (1, 1),
    ),
    "all": Function(
        _all,
        "all(list)",
        "Whether every boolean of the list is true; true for an empty list.",
        ("all(pluck(servers, 'ready'))", "false"),
        (1, 1),
    ),
    "count": Function(
        _count,
        "count(list, value)",
        "How many elements are equal to the value.",
        ("count(pluck(operations, 'status'), 'succeeded')", "1"),
        (2, 2),
    ),
    "pluck": Function(
        _pluck,
        "pluck(collection, key)",
        "What stands under the key in each mapping of a list or (in the order of its keys) of a mapping.",
        ("pluck(servers, 'name')", '["web-1", "db-1"]'),
        (2, 2),
    ),
}
