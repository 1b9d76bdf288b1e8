"""YAML files that declare something: read strictly, and told by line and key what is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import yaml

from orchestrator.model.errors import UsageError
from orchestrator.plan.declarations import from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from orchestrator.plan.declarations import Key

T = TypeVar("T")

#: Far more than any declaration needs.
BYTES_MAX = 1 << 20

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

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
        line = "" if fault.line is None else f", line {fault.line}"
        raise UsageError(f"{what} {path}{line}: {fault.message}.") from fault


def read(path: str) -> bytes:
    """What the file holds, up to one byte more than allowed."""
    with open(path, "rb") as file:
        return file.read(BYTES_MAX + 1)


def parse(content: bytes, kind: type[T], check: Callable[[T], Iterable[tuple[Key, str]]]) -> T:
    """`content` as a `kind`.

    Raises:
        DocumentFault: it is not YAML, or not of that kind, or `check` finds something: the first of it.
    """
    if len(content) > BYTES_MAX:
        raise DocumentFault(f"it is larger than {BYTES_MAX >> 20} MiB")
    node, value = _compose(content)
    try:
        converted = msgspec.convert(value, kind, dec_hook=from_text)
    except msgspec.ValidationError as error:
        raise _not_of_kind(node, str(error)) from error
    for key, message in check(converted):
        raise _at(node, key, message)
    return converted


def _compose(content: bytes) -> tuple[Any, Any]:
    try:
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
            _refuse_doubled(node)
            return node, None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise DocumentFault(error.problem or "it is not YAML", line, column) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentFault(f"it is not YAML: {error}") from error


def _refuse_doubled(root: Any) -> None:
    """YAML takes the last of two equal keys, which hides the other."""
    pending, seen = [root], {id(root)}
    while pending:
        node = pending.pop()
        inner = []
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    mark = key.start_mark
                    raise DocumentFault(f"'{key.value}' is given twice", mark.line + 1, mark.column + 1)
                keys.add(str(key.value))
                inner.append(value)
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        pending += [one for one in inner if id(one) not in seen]
        seen.update(id(one) for one in inner)


def _not_of_kind(node: Any, said: str) -> DocumentFault:
    """What `msgspec` says of a value, at the place it names."""
    match = _AT.search(said)
    message = said[: match.start()] if match else said
    key: Key = tuple(
        name or (int(index) if index else "...") for name, index in _STEP.findall(match[1] if match else "")
    )
    unknown = _UNKNOWN.match(message)
    if unknown:
        key, message = (*key, unknown[1]), "there is no such key"
    return _at(node, key, message[:1].lower() + message[1:])


def _at(node: Any, key: Key, message: str) -> DocumentFault:
    mark = None if node is None else node.start_mark
    names: list[str] = []
    for index, step in enumerate(key):
        name = _some_key(node, key[index + 1 :]) if step == "..." else step
        found = None if name is None else _step(node, name)
        if found is not None:
            mark, node = found
        elif step == "...":
            break
        names.append(str(name))
    text = f"{'.'.join(names)}: {message}" if names else message
    return DocumentFault(text) if mark is None else DocumentFault(text, mark.line + 1, mark.column + 1)


def _some_key(node: Any, rest: Key) -> str | None:
    """A key of a mapping, which `msgspec` does not tell: that of the first value that has `rest` in it."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if not rest or _step(value, rest[0]) is not None:
            return str(key.value)
    return None


def _step(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """(where it stands, its node) of what is at `step` below `node`."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    return None
