"""Rows as records and tables with Nushell's own types (ruling A-49).

What a column is follows from its name, as everywhere in the file formats: ``…_at``, ``time`` and ``last_check`` are
times, ``…_ms`` are durations, and lose the unit. What does not hold what its name says is shown as it is.
"""

from orchestrator.model.times import parse_rfc3339, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any

    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.value import Values

_TIMES = frozenset({"at", "time", "last_check"})
_TIME_SUFFIX = "_at"
_DURATION_SUFFIX = "_ms"

#: What a column may hold: its values as they are; times; durations; values below a name that has to be looked at.
_PLAIN, _TIME, _DURATION, _STRANGE = range(4)

#: Nushell's durations are 64 bits of nanoseconds.
_DURATION_MS_MAX = (1 << 63) / 1_000_000

#: Levels of lists and records that are shown as such; deeper ones, which only hostile files have, as text. The
#: engine's decoder gives up at about 300.
_DEPTH_MAX = 24

#: Times that are remembered.
_DATES_MAX = 10_000

#: Length of the only form `rfc3339` writes for the years 1000 to 9999; Nushell takes no others.
_RFC3339_LENGTH = 27


class Cells:
    """Converts rows, all with the span of `values`. Remembers columns and times: they come again and again."""

    def __init__(self, values: "Values") -> None:
        self._values = values
        self._dates: dict[str, Wire] = {}
        #: {name: what holds a column of that name}
        self._columns: dict[str, int] = {}
        self._makers: dict[type, Callable[[Any], Wire]] = {
            str: values.string,
            bool: values.boolean,
            int: values.integer,
            float: values.real,
            type(None): lambda _: values.nothing(),
        }

    def table(self, rows: "Iterable[dict[str, Any]]", omit: "Collection[str]" = ()) -> "Wire":
        """A table of `rows` without the columns `omit`."""
        return self._values.list_of([self.record(row, omit) for row in rows])

    def record(self, row: "dict[str, Any]", omit: "Collection[str]" = (), depth: int = 0) -> "Wire":
        """A record of the fields of `row`, in their order, without `omit`."""
        return self._values.record(self.fields(row, omit, depth))

    def fields(self, row: "dict[str, Any]", omit: "Collection[str]" = (), depth: int = 0) -> "dict[str, Wire]":
        """The fields of such a record."""
        fields: dict[str, Wire] = {}
        columns, makers = self._columns, self._makers
        for name, raw in row.items():
            if name in omit:
                continue
            kind = columns.get(name)
            if kind is None:
                kind = columns[name] = _kind_of(name)
            if kind == _PLAIN:
                make = makers.get(type(raw))
                fields[name] = make(raw) if make is not None else self._nested(raw, depth)
            elif kind == _TIME:
                fields[name] = self._date(raw) if type(raw) is str else self._cell(raw, depth)
            elif kind == _DURATION and _is_free(name[: -len(_DURATION_SUFFIX)], row, fields):
                fields[name[: -len(_DURATION_SUFFIX)]] = self._duration(raw, depth)
            else:
                fields[_clean(name, row, fields)] = self._cell(raw, depth)
        return fields

    def _cell(self, raw: "Any", depth: int) -> "Wire":
        make = self._makers.get(type(raw))
        return make(raw) if make is not None else self._nested(raw, depth)

    def _nested(self, raw: "Any", depth: int) -> "Wire":
        if depth >= _DEPTH_MAX:
            return self._values.string(_as_text(raw))
        if isinstance(raw, dict):
            return self.record(raw, depth=depth + 1)
        if isinstance(raw, list):
            return self._values.list_of([self._cell(item, depth + 1) for item in raw])
        raise TypeError(f"no cell can hold a {type(raw).__name__}")

    def _date(self, text: str) -> "Wire":
        found = self._dates.get(text)
        if found is None:
            if len(self._dates) >= _DATES_MAX:  # of a stream, which may go on for months
                self._dates.clear()
            found = self._dates[text] = self._to_date(text)
        return found

    def _to_date(self, text: str) -> "Wire":
        try:
            exact = rfc3339(parse_rfc3339(text))
        except (ValueError, OverflowError):
            return self._values.string(text)
        return self._values.date(exact) if len(exact) == _RFC3339_LENGTH else self._values.string(text)

    def _duration(self, raw: object, depth: int) -> "Wire":
        match raw:
            case bool():
                pass
            case int() | float() if abs(raw) < _DURATION_MS_MAX:
                return self._values.duration(int(raw * 1_000_000))
        return self._cell(raw, depth)


def is_told_by_name(name: str) -> bool:
    """Whether the name of a column says that it holds times or durations."""
    return _kind_of(name) in (_TIME, _DURATION)


def _kind_of(name: str) -> int:
    if not name.isascii():
        return _STRANGE
    if name.endswith(_DURATION_SUFFIX):
        return _DURATION
    return _TIME if name in _TIMES or name.endswith(_TIME_SUFFIX) else _PLAIN


def _is_free(name: str, row: "dict[str, Any]", fields: "dict[str, Wire]") -> bool:
    return name not in row and name not in fields


def _clean(name: str, row: "dict[str, Any]", fields: "dict[str, Wire]") -> str:
    """A column name that is valid text and like no other of the row: the engine takes nothing else."""
    clean = name.encode("utf-8", "replace").decode()
    if clean != name and not _is_free(clean, row, fields):
        clean += f"?{len(fields)}"  # of which there is one each; those that differ by surrogates can be very many
    while clean != name and not _is_free(clean, row, fields):
        clean += "?"
    return clean


def _as_text(raw: object) -> str:
    import json

    try:
        return json.dumps(raw)
    except RecursionError:  # what could just be read can be too deep to be written
        return "(nested too deeply)"
