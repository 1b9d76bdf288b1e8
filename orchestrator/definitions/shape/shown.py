"""What a template may turn into text: texts, numbers and truth values, wherever that happens.

Null would become Python's word for it, and anything else a text that nobody meant or that differs the next time (an
object's address, the order of a set). Jinja turns values into text in many places: where they are put out, by ``~``, by
``%`` and ``format``, by most filters. Each of them looks at its operands by `shown`. What Jinja marks as safe HTML is
plain text here: marked text has operators of its own, which turn anything into text.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import FilterArgumentError
from jinja2.filters import do_round, do_urlencode, make_attrgetter
from jinja2.sandbox import SandboxedFormatter
from jinja2.utils import pass_environment
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jinja2 import Environment
    from jinja2.compiler import Frame

#: A message's end and the help for it: Jinja's errors have no room for the second.
HELP = "\0"

#: Left out because chance decides what they give, or because they look into objects.
_FILTERS_OUT = ("attr", "random", "pprint", "urlize", "xmlattr")

#: Filters that make a text of what they are applied to.
_OF_ONE = (
    *("capitalize", "center", "e", "escape", "forceescape", "indent", "lower", "safe", "string", "striptags", "title"),
    *("trim", "truncate", "upper", "wordcount", "wordwrap"),
)

#: Digits behind (or before) the point that a number may be rounded to; a power of ten is computed for it.
_DIGITS_MAX = 300

_KINDS = {
    str: "text",
    int: "number",
    float: "number",
    bool: "truth value",
    list: "list",
    tuple: "list",
    dict: "mapping",
}
_KINDS[type(None)] = "null"


def kind(value: object) -> str:
    """What `value` is, for people."""
    return _KINDS.get(type(value)) or ("sequence" if isinstance(value, Iterable) else "function")


def shown(value: Any) -> Any:
    """`value`, if it has a text."""
    if isinstance(value, (str, int, float, jinja2.Undefined)):
        return value
    if value is None:
        raise jinja2.TemplateRuntimeError(f"the value is null{HELP}Say what stands for it: `| default('...', true)`.")
    what = kind(value)
    help_text = "Is it a function that has to be called?"
    if what != "function":
        help_text = "Use a filter: `| join(' ')` or `| tojson`."
    raise jinja2.TemplateRuntimeError(f"a {what} has no text{HELP}{help_text}")


class Generator(CodeGenerator):
    """Compiles templates so that ``~`` looks at its operands, and nothing is computed before it has a line."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's
        """``a ~ b``."""
        self.write("str_join((")
        for operand in node.nodes:
            self.write("environment.finalize(")
            self.visit(operand, frame)
            self.write("), ")
        self.write("))")

    def visit_ScopedEvalContextModifier(self, node: nodes.Node, frame: Frame) -> None:  # noqa: ARG002, N802 - Jinja's
        """The block ``autoescape``; Jinja has no other way to this."""
        self.fail("a command is no HTML: there is no autoescape", node.lineno)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Formatter(SandboxedFormatter):
    """The method ``format`` of texts."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        """What is put in."""
        found, first = super().get_field(field_name, args, kwargs)
        return shown(found), first


class _Fields(Mapping[str, Any]):
    """A mapping at the right of ``%``, of which some values are put in, perhaps never all."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return shown(self._values[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __str__(self) -> str:
        return str(shown(self._values))

    __repr__ = __str__


def percent(left: str | bytes, right: Any) -> str:
    """``left % right``."""
    text: str = shown(left)
    if isinstance(right, tuple):
        return text % tuple(shown(each) for each in right)
    return text % (_Fields(right) if isinstance(right, dict) else shown(right))


def filters(known: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The filters of Jinja that there are here, out of `known`."""
    found = {name: filter_ for name, filter_ in known.items() if name not in _FILTERS_OUT}
    found |= {name: _looking(found[name], is_all=False) for name in _OF_ONE}
    found |= {"replace": _looking(found["replace"], is_all=True), "tojson": _plain(found["tojson"])}
    return found | {"format": _format, "join": _join, "round": _round, "urlencode": _urlencode}


def _looking(filter_: Callable[..., Any], *, is_all: bool) -> Callable[..., Any]:
    """`filter_`, which looks at its first operand, or at all of them."""
    first = 1 if hasattr(filter_, "jinja_pass_arg") else 0
    plain = _plain(filter_)

    @functools.wraps(filter_)
    def looking(*args: Any, **named: Any) -> Any:
        end = len(args) if is_all else first + 1
        own = [shown(each) if first <= index < end else each for index, each in enumerate(args)]
        return plain(*own, **({name: shown(each) for name, each in named.items()} if is_all else named))

    return looking


def _plain(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """`filter_`, whose results are not marked as safe."""

    @functools.wraps(filter_)
    def plain(*args: Any, **named: Any) -> Any:
        made = filter_(*args, **named)
        return str.__str__(made) if isinstance(made, Markup) else made

    return plain


def _format(value: Any, *args: Any, **named: Any) -> str:
    if args and named:
        raise FilterArgumentError("format takes values by position or by name, not both")
    return percent(value, named or args)


@pass_environment
def _join(environment: Environment, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    each = value if attribute is None else map(make_attrgetter(environment, attribute), value)
    return str(shown(d)).join(str(shown(one)) for one in each)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    if isinstance(precision, int) and abs(precision) > _DIGITS_MAX:
        raise OverflowError(f"a number cannot be rounded to more than {_DIGITS_MAX} digits")
    return do_round(value, precision, method)


def _urlencode(value: Any) -> str:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return do_urlencode(shown(value))
    pairs = value.items() if isinstance(value, dict) else value
    return do_urlencode([(shown(key), shown(each)) for key, each in pairs])
