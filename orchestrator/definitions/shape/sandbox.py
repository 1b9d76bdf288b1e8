"""Jinja, with nothing of the outside in it and a bound on everything it uses.

Who writes a template can already write commands; but a definition is *looked at* (validated, shown) by people and
daemons that have not decided to run it yet, so looking must be harmless. Jinja's own sandbox keeps a template from
Python's objects; what it does not bound is bounded here: memory (address space beyond what is in use), time (an alarm,
which reaches every loop), output (counted while it is made), the size of numbers, the depth of inclusion. Templates see
plain data only, in objects that cannot be changed. What would make the same definition give another plan tomorrow
(``random``, ``lipsum``, an object's address, the order of a set) is left out; `shape.shown` says what has a text.

Only to be imported where a template is rendered; the evaluator's child cannot import it at all, its parent must have.
"""

from __future__ import annotations

import pprint
import resource
import signal
import sys
import textwrap
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import jinja2.constants
import jinja2.debug
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from orchestrator.definitions.evaluator.sandbox import address_space
from orchestrator.definitions.shape import shown
from orchestrator.definitions.shape.fault import RenderFault
from orchestrator.plan.fault import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

#: Characters of one rendered text, and of all texts of an evaluation.
TEXT_MAX = 1 << 20
ALL_TEXTS_MAX = 16 << 20

#: Seconds that all templates of an evaluation may take together.
SECONDS = 2.0

#: What a template may need beyond the memory that is in use before it.
_MEMORY_BYTES = 128 << 20

#: Of a number a template makes. Larger ones take time that no alarm can cut.
_BITS_MAX = 4096

_DEPTH_MAX = 600

#: Names that every template knows; `did_you_mean` chooses among them.
NAMES = ("item", "index", "workflow", "operation", "values", "environment")

#: Left out because chance decides what it gives.
_GLOBALS_OUT = ("lipsum",)

#: Loaded by Jinja when it needs them; by then nothing can be loaded any more.
_LOADED = (jinja2.constants, jinja2.debug, pprint, textwrap)


class TooMuchOutput(Exception):
    """More text than is allowed; `line` of the template was being rendered."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class _TooLong(BaseException):
    """The alarm rang. No template can catch it: Jinja ignores exceptions only."""


class _Place(NamedTuple):
    template: str | None
    line: int | None


class _Undefined(StrictUndefined):
    """Says what was meant, perhaps."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return str(self._undefined_hint)
        name, owner = self._undefined_name, self._undefined_obj
        if owner is missing:
            return f"'{name}' is undefined{shown.HELP}{did_you_mean(name, NAMES)}"
        if isinstance(owner, dict):
            return f"there is no '{name}' here{shown.HELP}{did_you_mean(name, list(owner)[:50])}"
        if isinstance(owner, list):
            return f"the list has {len(owner)} elements, and no '{name}'"
        return f"a {shown.kind(owner)} has no '{name}'"


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja without the outside. `texts`: {name: text} of the templates there are."""

    intercepted_binops = frozenset(["*", "**", "%", "-"])
    code_generator_class = shown.Generator

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__(
            loader=jinja2.DictLoader(texts),
            undefined=_Undefined,
            finalize=shown.shown,
            optimized=False,
            auto_reload=False,
            cache_size=-1,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters = shown.filters(self.filters)
        for name in _GLOBALS_OUT:
            del self.globals[name]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a mapping goes before a method of the same name, such as ``items``."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Products and powers, unless their result would be huge; texts and lists, unless they come out by chance."""
        if operator == "%" and isinstance(left, (str, bytes)):
            return shown.percent(left, right)
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length()
            if (bits * right if operator == "**" else bits + right.bit_length()) > _BITS_MAX:
                raise OverflowError(f"a number would have more than {_BITS_MAX} bits")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, (set, frozenset)):
            help_text = "Use `| reject('in', ...)`."
            raise jinja2.TemplateRuntimeError(f"a difference of keys has no order{shown.HELP}{help_text}")
        return result

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The methods ``format`` and ``format_map`` of texts, if `value` is one of them."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        text: str = value.__self__
        is_mapping = value.__name__ == "format_map"

        def formatted(*args: Any, **named: Any) -> str:
            if not is_mapping:
                return shown.Formatter(self).vformat(text, args, named)
            if named or len(args) != 1:
                raise TypeError("format_map() takes one mapping")
            return shown.Formatter(self).vformat(text, (), args[0])

        return formatted


class Engine:
    """Renders templates and items of one definition. Not for another thread than the main one (it needs the alarm)."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts`: {name: text} of the templates that may be named."""
        self._environment = _Environment(texts)
        self._items: dict[str, jinja2.Template] = {}
        self._left_s = SECONDS
        self._left_characters = ALL_TEXTS_MAX

    def compile(self, name: str) -> None:
        """Raise RenderFault if the template `name` is none."""
        self._guarded(lambda: self._environment.get_template(name), name)

    def render(self, name: str, names: Mapping[str, Any]) -> str:
        """The text of the template `name`. Raises RenderFault."""
        text: str = self._guarded(lambda: self._text(self._environment.get_template(name), names), name)
        return text.removesuffix("\n")

    def item(self, text: str, names: Mapping[str, Any]) -> str:
        """`text` with what it names put in. Raises RenderFault."""
        made: str = self._guarded(lambda: self._text(self._item(text), names), None)
        return made

    def _item(self, text: str) -> jinja2.Template:
        if text not in self._items:
            self._items[text] = self._environment.from_string(text)
        return self._items[text]

    def _text(self, template: jinja2.Template, names: Mapping[str, Any]) -> str:
        parts: list[str] = []
        characters = 0
        text = template.root_render_func(template.new_context(dict(names)))
        for part in text:
            characters += len(part)
            if characters > TEXT_MAX:
                line = template.get_corresponding_lineno(text.gi_frame.f_lineno)  # type: ignore[attr-defined]
                raise TooMuchOutput(f"it makes more than {TEXT_MAX} characters", line)
            parts.append(part)
        self._left_characters -= characters
        if self._left_characters < 0:
            raise TooMuchOutput(f"all texts together have more than {ALL_TEXTS_MAX} characters")
        return "".join(parts)

    def _guarded(self, work: Callable[[], Any], name: str | None) -> Any:
        """What `work` gives; whatever goes wrong in it is a RenderFault."""
        try:
            with self._bounded():
                return work()
        except jinja2.TemplateSyntaxError as error:
            raise RenderFault("WF137", error.message or "syntax error", "", error.name or name, error.lineno) from None
        except jinja2.TemplateNotFound as error:
            place = _place(error.__traceback__)
            what = f"template '{error.name or error.message}' is not one of the workflow's templates"
            help_text = did_you_mean(error.name, self._environment.list_templates()) or "List it in `templates`."
            raise RenderFault("WF136", what, help_text, place.template or name, place.line) from None
        except (MemoryError, OverflowError, RecursionError, TooMuchOutput, _TooLong) as error:
            place = _place(error.__traceback__)
            line = error.line if isinstance(error, TooMuchOutput) else place.line
            raise RenderFault("WF138", _too_much(error), "", place.template or name, line) from None
        except Exception as error:  # noqa: BLE001 - a template can make any operation fail
            place = _place(error.__traceback__)
            message, _, help_text = str(error).partition(shown.HELP)
            if isinstance(error, SecurityError):
                help_text = "Templates read values; they cannot change them or look into objects."
            elif not isinstance(error, jinja2.TemplateError):
                message = f"{type(error).__name__}: {message}"
            raise RenderFault("WF137", message, help_text, place.template or name, place.line) from None

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Memory, time and depth are bounded inside."""
        began = time.monotonic()
        depth = sys.getrecursionlimit()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        used = address_space()
        previous = signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, max(self._left_s, 0.001))
        try:
            if used is not None:
                most = used + _MEMORY_BYTES
                resource.setrlimit(resource.RLIMIT_AS, (most if soft < 0 else min(most, soft), hard))
            sys.setrecursionlimit(_DEPTH_MAX)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
            sys.setrecursionlimit(depth)
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            self._left_s -= time.monotonic() - began


def _ring(*_: object) -> None:
    raise _TooLong


def _too_much(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"it needs more than {_MEMORY_BYTES >> 20} MiB"
    if isinstance(error, RecursionError):
        return "it goes too deep; does a template include itself?"
    if isinstance(error, _TooLong):
        return f"the definition's templates take more than {SECONDS:g} s"
    return str(error)


def _place(trace: TracebackType | None) -> _Place:
    """The innermost line of a template in `trace`."""
    found = _Place(None, None)
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(template, jinja2.Template):
            found = _Place(template.name, template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return found
