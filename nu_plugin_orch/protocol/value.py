"""Values as they travel, made from Python's and turned into them.

Every value carries a span, the place that an error about it will point at. All values of an answer get the span of
the call, as those of Nushell's own commands do: other spans would show some other text of the user's.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nu_plugin_orch.protocol.errors import Span
    from nu_plugin_orch.protocol.messages import Wire

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1


class Encoded:
    """A value that is encoded already, in `pieces` that are made while those before them are sent: used up once."""

    __slots__ = ("pieces",)

    def __init__(self, *pieces: bytes, more: "Iterable[bytes]" = ()) -> None:
        self.pieces: Iterable[bytes] = pieces or more

    @property
    def data(self) -> bytes:
        """All pieces together."""
        return b"".join(self.pieces)


class NotPlain(ValueError):
    """A value of a kind that is no JSON; the text is the kind."""


class Values:
    """Makes values that all carry `span`.

    With `compact` payloads are arrays in the order of the engine's fields, a third smaller and faster to decode than
    maps by name. Every supported engine takes both (tests/nu); only the one by name is documented.
    """

    __slots__ = ("_compact", "_short", "span")

    def __init__(self, span: "Span", *, compact: bool = True) -> None:
        self.span = span
        self._compact = compact
        self._short = [span["start"], span["end"]]

    def boolean(self, value: bool) -> "Wire":
        """A bool."""
        return self._scalar("Bool", value)

    def integer(self, value: int) -> "Wire":
        """An int; one that does not fit 64 bits becomes a string of its digits."""
        return self._scalar("Int", value) if INT_MIN <= value <= INT_MAX else self._scalar("String", str(value))

    def real(self, value: float) -> "Wire":
        """A float."""
        return self._scalar("Float", value)

    def string(self, value: str) -> "Wire":
        """A string."""
        return self._scalar("String", value)

    def date(self, value: str) -> "Wire":
        """A datetime; `value` is RFC 3339 with a zone, which is not checked here."""
        return self._scalar("Date", value)

    def duration(self, nanoseconds: int) -> "Wire":
        """A duration; of 292 years at most."""
        return self._scalar("Duration", max(INT_MIN, min(nanoseconds, INT_MAX)))

    def nothing(self) -> "Wire":
        """What Nushell shows as an empty cell."""
        return {"Nothing": [self._short]} if self._compact else {"Nothing": {"span": self.span}}

    def list_of(self, values: "list[Wire]") -> "Wire":
        """A list; of records with the same columns it is a table."""
        return {"List": [values, self._short]} if self._compact else {"List": {"vals": values, "span": self.span}}

    def record(self, fields: "dict[str, Wire]") -> "Wire":
        """A record."""
        return self._scalar("Record", fields)

    def error(self, error: "dict[str, Any]") -> "Wire":
        """An error as a value; in a stream it ends the pipeline with it."""
        return {"Error": {"error": error, "span": self.span}}

    def _scalar(self, kind: str, value: object) -> "Wire":
        return {kind: [value, self._short]} if self._compact else {kind: {"val": value, "span": self.span}}


def plain(value: "Wire | None") -> "Any":
    """The Python value of a value that the engine sent: None, bool, int, float, str, list or dict.

    Raises:
        NotPlain: it is, or holds, something that JSON has no word for (a date, a closure, ...).
    """
    if value is None:
        return None
    ((kind, payload),) = value.items()
    if kind == "Nothing":
        return None
    if kind in ("Bool", "Int", "Float", "String", "Glob"):
        return payload["val"]
    if kind == "List":
        return [plain(item) for item in payload["vals"]]
    if kind == "Record":
        return {name: plain(item) for name, item in payload["val"].items()}
    raise NotPlain(kind.lower())


def span_of(value: "Wire") -> "Span":
    """Where a value that the engine sent stands."""
    ((_, payload),) = value.items()
    span: Span = payload["span"]
    return span
