"""YAML from somebody else: taken apart event by event, within bounds, every value with its place.

A loader of a YAML library composes recursively, in C without a limit, and its constructors raise whatever they happen
to stumble over. Here neither depth nor references can make more of a text than it is, and whatever is wrong with it is
a `YamlFault` at a line and a column. What is understood are plain values: texts, numbers, true, false and null, in
lists and in mappings by name.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from orchestrator.definitions.kcl.positions import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Values in a text (those that are referred to counted each time), and how deep they are nested.
VALUES_MAX = 100_000
DEPTH_MAX = 50

#: Characters of a number, and what it may come to: more than a machine's word is a mistake wherever it stands.
_NUMBER_LENGTH_MAX = 100
_INTEGER_MAX = (1 << 63) - 1

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + kind for kind in ("str", "int", "float", "bool", "null"))

#: What may not stand in YAML at all.
_UNACCEPTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Value(NamedTuple):
    """A value of a text: a plain scalar, ``{key: Value}`` or ``[Value]``. `keys`: where those of a mapping stand."""

    content: Any
    place: Place
    keys: dict[str, Place]


class YamlFault(Exception):
    """The text is not what is understood here. `place` is where."""

    def __init__(self, message: str, place: Place | None = None, help: str = "") -> None:
        super().__init__(message)
        self.place = place
        self.help = help


def decoded(content: bytes) -> str:
    """The text that a file holds, without a byte order mark.

    Raises:
        YamlFault: it is not UTF-8.
    """
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n")
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace").removeprefix("\ufeff"))
        place = Place(line + 1, column, line + 1, column + 1)
        raise YamlFault(f"byte {error.start} is not UTF-8", place, "Save the file as UTF-8.") from None


def compose(text: str) -> Value:
    """The only document of a text; a null at its beginning if there is none.

    Raises:
        YamlFault: it is no YAML, or something that is not understood here.
    """
    lines = _Lines(text)
    bad = _UNACCEPTABLE.search(text)
    if bad:
        what = f"this is not YAML: it may not hold the character U+{ord(bad[0]):04X}"
        raise YamlFault(what, lines.place(bad.start(), bad.end()), "Write it as an escape, in double quotes.")
    try:
        return _Composer(text, lines).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = None if mark is None else lines.place(mark.index, mark.index + 1)
        raise YamlFault(f"this is not YAML: {error.problem or error.context}", place) from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlFault(f"this is not YAML: {error}") from None


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


class _Lines:
    """Places by characters: YAML has more ends of a line than the rest of the world."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def place(self, start: int, end: int) -> Place:
        line, last = bisect_right(self._starts, start), bisect_right(self._starts, end)
        return Place(line, start - self._starts[line - 1], last, end - self._starts[last - 1])


class _Composer:
    """Makes values of the events of a YAML text."""

    def __init__(self, text: str, lines: _Lines) -> None:
        self._loader = _Loader(text)
        self._lines = lines
        #: {anchor: (value, values in it, levels in it)}.
        self._anchored: dict[str, tuple[Value, int, int]] = {}
        self._open: set[str] = set()
        self._values = 0
        self._deepest = 0

    def document(self) -> Value:
        loader = self._loader
        try:
            loader.get_event()  # the stream's start
            if loader.check_event(yaml.StreamEndEvent):
                return Value(None, Place(1, 0, 1, 0), {})
            loader.get_event()  # the document's start
            found = self._value(0)
            loader.get_event()
            if not loader.check_event(yaml.StreamEndEvent):
                raise YamlFault("there is a second document", self._place(loader.peek_event()), "One is all there is.")
            return found
        finally:
            loader.dispose()

    def _place(self, event: Any) -> Place:
        return self._lines.place(event.start_mark.index, event.end_mark.index)

    def _value(self, depth: int) -> Value:
        event = self._loader.get_event()
        place = self._place(event)
        self._reach(depth, place)
        if isinstance(event, yaml.AliasEvent):
            return self._referred(str(event.anchor), place, depth)
        self._count(1, place)
        if not event.anchor:
            return self._made(event, place, depth)
        before, deepest = self._values, self._deepest
        self._open.add(event.anchor)
        self._deepest = depth
        found = self._made(event, place, depth)
        self._open.discard(event.anchor)
        self._anchored[event.anchor] = found, self._values - before + 1, self._deepest - depth
        self._deepest = max(self._deepest, deepest)
        return found

    def _referred(self, anchor: str, place: Place, depth: int) -> Value:
        if anchor in self._open:
            raise YamlFault(f"'*{anchor}' contains itself", place)
        if anchor not in self._anchored:
            raise YamlFault(f"'*{anchor}' is not known here", place)
        found, size, levels = self._anchored[anchor]
        self._reach(depth + levels, place)
        self._count(size, place)
        return found

    def _reach(self, depth: int, place: Place) -> None:
        if depth > DEPTH_MAX:
            raise YamlFault(f"it is nested deeper than {DEPTH_MAX} levels", place)
        self._deepest = max(self._deepest, depth)

    def _count(self, values: int, place: Place) -> None:
        self._values += values
        if self._values > VALUES_MAX:
            raise YamlFault(f"it holds more than {VALUES_MAX} values", place, "Are there references to references?")

    def _made(self, event: Any, place: Place, depth: int) -> Value:
        loader = self._loader
        if isinstance(event, yaml.ScalarEvent):
            return Value(self._scalar(event, place), place, {})
        self._demand_tag(event, place)
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
            self._demand_key(key, keys)
            keys[key.content] = key.place
            content[key.content] = self._value(depth + 1)
        loader.get_event()
        return Value(content, next(iter(keys.values()), place), keys)

    def _demand_tag(self, event: Any, place: Place) -> None:
        """A list is a list and a mapping is one, whatever they are said to be: there are no sets or pairs."""
        kind = "seq" if isinstance(event, yaml.SequenceStartEvent) else "map"
        if event.tag not in (None, "!", _TAG + kind):
            raise _no_place_for(event.tag, place)

    def _demand_key(self, key: Value, keys: dict[str, Place]) -> None:
        if not isinstance(key.content, str):
            shown = "this" if isinstance(key.content, dict | list) else repr(key.content)
            raise YamlFault(f"{shown} cannot be a key", key.place, "Write it in quotes.")
        if key.content == "<<":
            raise YamlFault("mappings are not merged with '<<' here", key.place, "Write out what they have in common.")
        if key.content in keys:
            raise YamlFault(f"'{key.content}' is given twice in this mapping", key.place, "Remove one.")

    def _scalar(self, event: Any, place: Place) -> Any:
        tag = event.tag if event.tag not in (None, "!") else None
        tag = tag or self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag in (f"{_TAG}merge", f"{_TAG}value"):
            return event.value
        if tag not in _PLAIN:
            raise _no_place_for(tag, place)
        kind = tag.removeprefix(_TAG)
        if kind in ("int", "float") and len(event.value) > _NUMBER_LENGTH_MAX:
            raise YamlFault("this number is too long", place, "Write text in quotes.")
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            made = self._loader.construct_object(node)
        except Exception:  # noqa: BLE001 - the library's constructors fail with whatever they stumble over
            raise YamlFault(f"this is not of kind '{kind}'", place, "Write text in quotes.") from None
        if (kind == "int" and abs(made) > _INTEGER_MAX) or (kind == "float" and not math.isfinite(made)):
            raise YamlFault("this number is not one that a machine can hold", place, "Write text in quotes.")
        return made


def _no_place_for(tag: str, place: Place) -> YamlFault:
    kind = tag.removeprefix(_TAG)
    return YamlFault(f"a value of kind '{kind:.60}' has no place here", place, "Write text in quotes.")
