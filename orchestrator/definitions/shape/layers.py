"""The file of an environment: YAML that is laid over a definition's values.

``deploy.prod.yaml`` beside ``deploy.k`` is the layer of the environment ``prod``; another can be named. The file is
read by the evaluator service, which may read it wherever it is, and understood in its child. YAML is taken apart event
by event, so that neither depth nor references can make more of a file than it is, and every value knows its place.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from orchestrator.definitions.kcl.positions import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a layer, values in it (those that are referred to counted each time), and how deep they are nested.
LAYER_BYTES_MAX = 1 << 20
_VALUES_MAX = 100_000
_DEPTH_MAX = 50

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}


class LayerFile(NamedTuple):
    """A layer as the service found it. `problem` says why there is no content."""

    path: str
    content: bytes = b""
    problem: str = ""


class Value(NamedTuple):
    """A value of a layer: a plain scalar, ``{key: Value}`` or ``[Value]``. `keys`: where those of a mapping stand."""

    content: Any
    place: Place
    keys: dict[str, Place]


class LayerFault(Exception):
    """The file is no layer."""

    def __init__(self, message: str, place: Place | None = None, help: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.help = help


def name_of(definition: str, environment: str) -> str:
    """File name of the layer of `environment` for the definition at that path."""
    return f"{os.path.splitext(os.path.basename(definition))[0]}.{environment}.yaml"


def find(definition: str, environment: str, layer: str | None) -> LayerFile | None:
    """The layer that is meant: the one named, else the environment's; None if that has none. Never raises."""
    path = layer
    if path is None:
        if not environment or "/" in environment or "\0" in environment:
            return None
        path = f"{os.path.dirname(definition)}/{name_of(definition, environment)}"
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            return LayerFile(path, file.read(LAYER_BYTES_MAX + 1))
    except FileNotFoundError:
        return None if layer is None else LayerFile(path, problem="there is no such file")
    except OSError as error:
        return LayerFile(path, problem=f"it cannot be read: {os.strerror(error.errno or 0)}")


def text_of(file: LayerFile) -> str:
    """What the file says.

    Raises:
        LayerFault: it is too large, or no text.
    """
    if file.problem:
        raise LayerFault(f"the layer cannot be used: {file.problem}", help="Check the path.")
    if len(file.content) > LAYER_BYTES_MAX:
        raise LayerFault(f"the layer is larger than {LAYER_BYTES_MAX >> 10} KiB", help="Say less in it.")
    try:
        return file.content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise LayerFault(f"byte {error.start} is not UTF-8", help="Save the file as UTF-8.") from None


def parse(text: str) -> Value:
    """The mapping that a layer is.

    Raises:
        LayerFault: it is something else, or no YAML.
    """
    try:
        return _Composer(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = None if mark is None else Place(mark.line + 1, mark.column, mark.line + 1, mark.column + 1)
        raise LayerFault(f"this is not YAML: {error.problem or error.context}", place) from None
    except (yaml.YAMLError, ValueError) as error:
        raise LayerFault(f"this is not YAML: {error}") from None


def leaves(value: Value, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Place]]:
    """(path, place) of `value` and of everything in it."""
    yield path, value.place
    if isinstance(value.content, dict):
        for key, inner in value.content.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value.content, list):
        for index, inner in enumerate(value.content):
            yield from leaves(inner, (*path, index))


def plain(value: Value) -> Any:
    """`value` without its places."""
    if isinstance(value.content, dict):
        return {key: plain(inner) for key, inner in value.content.items()}
    if isinstance(value.content, list):
        return [plain(inner) for inner in value.content]
    return value.content


class _Composer:
    """Makes values of the events of a YAML text."""

    def __init__(self, text: str) -> None:
        self._loader = _Loader(text)
        self._anchored: dict[str, tuple[Value, int]] = {}
        self._open: set[str] = set()
        self._values = 0

    def document(self) -> Value:
        """The only document there is; an empty one is an empty mapping."""
        loader = self._loader
        loader.get_event()  # the stream's start
        if loader.check_event(yaml.StreamEndEvent):
            return Value({}, Place(1, 0, 1, 0), {})
        loader.get_event()  # the document's start
        found = self._value(0)
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise LayerFault("there is a second document", _place(loader.peek_event()), "A layer is one mapping.")
        if found.content is None:
            return Value({}, found.place, {})
        if not isinstance(found.content, dict):
            raise LayerFault("a layer is a mapping", found.place, "For example: `retry_policy: {max_attempts: 5}`.")
        return found

    def _value(self, depth: int) -> Value:
        event = self._loader.get_event()
        place = _place(event)
        if depth > _DEPTH_MAX:
            raise LayerFault(f"it is nested deeper than {_DEPTH_MAX} levels", place)
        if isinstance(event, yaml.AliasEvent):
            return self._referred(str(event.anchor), place)
        before = self._values
        self._count(1, place)
        if event.anchor:
            self._open.add(event.anchor)
        found = self._made(event, place, depth)
        if event.anchor:
            self._open.discard(event.anchor)
            self._anchored[event.anchor] = found, self._values - before
        return found

    def _referred(self, anchor: str, place: Place) -> Value:
        if anchor not in self._anchored:
            why = "contains itself" if anchor in self._open else "is not known here"
            raise LayerFault(f"'*{anchor}' {why}", place)
        found, size = self._anchored[anchor]
        self._count(size, place)
        return found

    def _count(self, values: int, place: Place) -> None:
        self._values += values
        if self._values > _VALUES_MAX:
            raise LayerFault(f"it holds more than {_VALUES_MAX} values", place, "Are there references to references?")

    def _made(self, event: Any, place: Place, depth: int) -> Value:
        loader = self._loader
        if isinstance(event, yaml.ScalarEvent):
            return Value(self._scalar(event, place), place, {})
        if isinstance(event, yaml.SequenceStartEvent):
            listed: list[Value] = []
            while not loader.check_event(yaml.SequenceEndEvent):
                listed.append(self._value(depth + 1))
            loader.get_event()
            return Value(listed, place, {})
        content: dict[str, Value] = {}
        keys: dict[str, Place] = {}
        while not loader.check_event(yaml.MappingEndEvent):
            key = self._value(depth + 1)
            if not isinstance(key.content, str):
                raise LayerFault(f"{key.content!r} cannot be a key", key.place, "Write it in quotes.")
            if key.content == "<<":
                raise LayerFault("mappings are not merged with '<<' here", key.place, "Layers are merged as a whole.")
            if key.content in keys:
                raise LayerFault(f"'{key.content}' is given twice in this mapping", key.place, "Remove one.")
            keys[key.content] = key.place
            content[key.content] = self._value(depth + 1)
        loader.get_event()
        first = next(iter(keys.values()), place)
        return Value(content, Place(first.line, first.column, first.end_line, first.end_column), keys)

    def _scalar(self, event: Any, place: Place) -> Any:
        tag = event.tag if event.tag not in (None, "!") else None
        tag = tag or self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == "tag:yaml.org,2002:merge":
            return event.value
        if tag not in _PLAIN:
            kind = tag.rpartition(":")[2]
            raise LayerFault(f"a value of kind '{kind}' has no place in a layer", place, "Write text in quotes.")
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        return self._loader.construct_object(node)


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    return Place(start.line + 1, start.column, end.line + 1, end.column)
