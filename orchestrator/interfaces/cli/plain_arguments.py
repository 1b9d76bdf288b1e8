"""Reading arguments that are written plainly, without argparse.

Importing argparse and making its parser takes longer than reading the files of `orchestrator status`. Most calls are
plain: `--flag`, `--name VALUE`, `--name=VALUE`, and words, as many as are needed. Those are read here, with the same
result (tests hold it against argparse's). Anything else, whatever is wrong above all, is left to argparse.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class _NotPlain(Exception):
    """Somebody who knows more has to look at this."""


class Options:
    """The values of a command's arguments, as attributes."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


class _Argument:
    """What one call of `add_argument` declared."""

    __slots__ = ("action", "choices", "const", "convert", "default", "dest", "group", "nargs", "required")

    def __init__(self, names: tuple[str, ...], how: dict[str, Any], group: object) -> None:
        how = {name: value for name, value in how.items() if name not in ("help", "metavar")}
        long = next((name for name in names if name.startswith("--")), names[0])
        self.dest: str = how.pop("dest", long.lstrip("-").replace("-", "_"))
        self.action: str = how.pop("action", "store")
        self.default = how.pop("default", False if self.action == "store_true" else None)
        self.convert: Callable[[str], Any] | None = how.pop("type", None)
        self.choices = how.pop("choices", None)
        self.const = how.pop("const", None)
        self.required: bool = how.pop("required", False)
        self.nargs = how.pop("nargs", None)
        self.group = group
        is_converted = self.convert is not None and isinstance(self.default, str)
        if how or is_converted or self.action not in ("store", "store_true", "store_const", "append"):
            raise _NotPlain

    def value(self, text: str) -> Any:
        found = text if self.convert is None else self.convert(text)
        if self.choices is not None and found not in self.choices:
            raise _NotPlain
        return found


class _Declared:
    """Takes what a command declares, as a parser of argparse does."""

    def __init__(self) -> None:
        self.all: list[_Argument] = []
        self.options: dict[str, _Argument] = {}
        self.words: list[_Argument] = []
        self.defaults: dict[str, Any] = {}
        self._group: object = None
        self.add_argument("--data-dir")

    def add_argument(self, *names: str, **how: Any) -> None:
        argument = _Argument(names, how, self._group)
        self.all.append(argument)
        if names[0].startswith("-"):
            if argument.nargs is not None:
                raise _NotPlain
            self.options.update(dict.fromkeys(names, argument))
        else:
            self.words.append(argument)

    def set_defaults(self, **defaults: Any) -> None:
        self.defaults.update(defaults)

    def add_mutually_exclusive_group(self, *, required: bool = False) -> _Group:
        if required:
            raise _NotPlain
        return _Group(self)

    def add_in(self, group: object, *names: str, **how: Any) -> None:
        self._group = group
        self.add_argument(*names, **how)
        self._group = None


class _Group:
    """Options of which one may be given."""

    def __init__(self, declared: _Declared) -> None:
        self._declared = declared

    def add_argument(self, *names: str, **how: Any) -> None:
        self._declared.add_in(self, *names, **how)


def read(declare: Callable[[Any], None], rest: Sequence[str]) -> Options | None:
    """The arguments `rest` of a command that `declare` declares; None where argparse has to look at them."""
    declared = _Declared()
    try:
        declare(declared)
        return Options(_values(declared, list(rest)))
    except Exception:  # noqa: BLE001 - argparse says what is wrong, in the words of the type that refused
        return None


def _values(declared: _Declared, rest: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for argument in declared.all:
        values.setdefault(argument.dest, argument.default)
    values.update(declared.defaults)
    given: list[_Argument] = []
    words: list[str] = []
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            words.append(word)
            continue
        name, equals, text = word.partition("=")
        argument = declared.options[name]
        given.append(argument)
        if argument.action.startswith("store_"):
            if equals:
                raise _NotPlain
            values[argument.dest] = True if argument.action == "store_true" else argument.const
            continue
        text = text if equals else rest.pop(0)
        if text.startswith("-") or (equals and not text):
            raise _NotPlain
        value = argument.value(text)
        if argument.action == "append":
            values[argument.dest] = [*(values[argument.dest] or ()), value]
        else:
            values[argument.dest] = value
    _check(declared, given)
    return values | _positional(declared.words, words)


def _check(declared: _Declared, given: list[_Argument]) -> None:
    """Raise if an option is missing, or two that exclude each other are there."""
    if any(argument.required and argument not in given for argument in declared.options.values()):
        raise _NotPlain
    groups = [argument.group for argument in {id(it): it for it in given}.values() if argument.group is not None]
    if len(groups) != len({id(group) for group in groups}):
        raise _NotPlain


def _positional(declared: list[_Argument], words: list[str]) -> dict[str, Any]:
    """As many words as arguments; what takes several, or none, is not plain."""
    if len(words) != len(declared) or any(argument.nargs is not None for argument in declared):
        raise _NotPlain
    return {argument.dest: argument.value(word) for argument, word in zip(declared, words, strict=True)}
