"""YAML files that declare something: read strictly, and told by line and key what is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from orchestrator.definitions import regular_file, yaml_text
from orchestrator.model.errors import UsageError
from orchestrator.plan.declarations import from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.definitions.kcl.positions import Place
    from orchestrator.definitions.yaml_text import Value
    from orchestrator.plan.declarations import Key

T = TypeVar("T")

#: Far more than any declaration needs.
BYTES_MAX = 1 << 20

_AT = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


class DocumentFault(Exception):
    """Something wrong in a file: what, and where (line and column from 1, None where it cannot be told)."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def load(path: str, kind: type[T], what: str, check: Callable[[T], Iterable[tuple[Key, str]]]) -> T:
    """The file at `path` as a `kind` that `check` finds nothing wrong with. `what` it is called in messages.

    Raises:
        UsageError: it cannot be read, or is not what it should be; the message says where and why.
    """
    try:
        return parse(read(path), kind, check)
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}.") from error
    except DocumentFault as fault:
        line = "" if fault.line is None else f", line {fault.line}, column {fault.column}"
        raise UsageError(f"{what} {path}{line}: {fault.message}.") from fault


def read(path: str) -> bytes:
    """What the file holds, up to one byte more than allowed.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    return regular_file.read(path, BYTES_MAX)


def parse(content: bytes, kind: type[T], check: Callable[[T], Iterable[tuple[Key, str]]]) -> T:
    """`content` as a `kind`.

    Raises:
        DocumentFault: it is not YAML, or not of that kind, or `check` finds something: the first of it.
    """
    if len(content) > BYTES_MAX:
        raise DocumentFault(f"it is larger than {BYTES_MAX >> 20} MiB")
    try:
        found = yaml_text.compose(yaml_text.decoded(content))
    except yaml_text.YamlFault as fault:
        raise _fault(str(fault) if not fault.help else f"{fault}. {fault.help}", fault.place) from fault
    try:
        converted = msgspec.convert(yaml_text.plain(found), kind, dec_hook=from_text)
    except msgspec.ValidationError as error:
        raise _not_of_kind(found, str(error)) from error
    for key, message in check(converted):
        raise _at(found, key, message)
    return converted


def _fault(message: str, place: Place | None) -> DocumentFault:
    message = message.rstrip(".")
    return DocumentFault(message) if place is None else DocumentFault(message, place.line, place.column + 1)


def _not_of_kind(found: Value, said: str) -> DocumentFault:
    """What `msgspec` says of a value, at the place it names."""
    match = _AT.search(said)
    message = said[: match.start()] if match else said
    key: Key = tuple(
        name or (int(index) if index else "...") for name, index in _STEP.findall(match[1] if match else "")
    )
    unknown = _UNKNOWN.match(message)
    if unknown:
        key, message = (*key, unknown[1]), "there is no such key"
    return _at(found, key, message[:1].lower() + message[1:])


def _at(value: Value, key: Key, message: str) -> DocumentFault:
    place = value.place
    names: list[str] = []
    for index, step in enumerate(key):
        name = _some_key(value, key[index + 1 :]) if step == "..." else step
        found = None if name is None else _step(value, name)
        if found is not None:
            place, value = found
        elif step == "...":
            break
        names.append(str(name))
    return _fault(f"{'.'.join(names)}: {message}" if names else message, place)


def _some_key(value: Value, rest: Key) -> str | None:
    """A key of a mapping, which `msgspec` does not tell: that of the first value that has `rest` in it."""
    for key, inner in value.content.items() if isinstance(value.content, dict) else ():
        if not rest or _step(inner, rest[0]) is not None:
            return str(key)
    return None


def _step(value: Value, step: str | int) -> tuple[Place, Value] | None:
    """(where it stands, what it is) of what is at `step` below `value`."""
    if isinstance(value.content, dict) and isinstance(step, str) and step in value.keys:
        return value.keys[step], value.content[step]
    if isinstance(value.content, list) and isinstance(step, int) and step < len(value.content):
        return value.content[step].place, value.content[step]
    return None
