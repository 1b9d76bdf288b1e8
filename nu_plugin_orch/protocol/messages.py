"""What the engine says, as `Session.receive` gives it."""

from nu_plugin_orch.protocol.errors import RemoteProtocolError, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.protocol.errors import Span
    from nu_plugin_orch.protocol.typed_line import Typed

    #: A value as it travels: {kind: payload}.
    Wire = dict[str, Any]


class Message:
    """Base of the events: equal if the same class says the same."""

    __slots__: "tuple[str, ...]" = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._content() == other._content()

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._content()!r}"

    def _content(self) -> "tuple[object, ...]":
        return tuple(getattr(self, name) for name in self.__slots__)


class EngineHello(Message):
    """The engine is of this version, and waits for ours."""

    __slots__ = ("version",)

    def __init__(self, version: str) -> None:
        self.version = version


class MetadataWanted(Message):
    """Call `call` asks for the plugin's version."""

    __slots__ = ("call",)

    def __init__(self, call: int) -> None:
        self.call = call


class SignatureWanted(Message):
    """Call `call` asks what commands there are."""

    __slots__ = ("call",)

    def __init__(self, call: int) -> None:
        self.call = call


class Run(Message):
    """Call `call` runs the command `name`. `input_stream`: id of a stream it gets and may `Session.drop`, or None."""

    __slots__ = ("arguments", "call", "input_stream", "name")

    def __init__(self, call: int, name: str, arguments: "Arguments", input_stream: "int | None" = None) -> None:
        self.call = call
        self.name = name
        self.arguments = arguments
        self.input_stream = input_stream


class CompletionWanted(Message):
    """Call `call` asks what could be typed for an argument of the command `name`.

    `argument`: the long name of a flag, or the position of a positional argument. `typed`: the words of the line.
    """

    __slots__ = ("argument", "call", "name", "typed")

    def __init__(self, call: int, name: str, argument: "str | int", typed: "Typed | None" = None) -> None:
        self.call = call
        self.name = name
        self.argument = argument
        self.typed = typed or {}


class UnknownCall(Message):
    """Call `call` asks for something else, `kind`; it has to be answered all the same."""

    __slots__ = ("call", "kind")

    def __init__(self, call: int, kind: str) -> None:
        self.call = call
        self.kind = kind


class Answer(Message):
    """The engine's answer to question `question`: a value as it travels, or None for nothing."""

    __slots__ = ("question", "value")

    def __init__(self, question: int, value: "Wire | None") -> None:
        self.question = question
        self.value = value


class NoAnswer(Message):
    """The engine could not answer question `question`; `message` says why."""

    __slots__ = ("message", "question")

    def __init__(self, question: int, message: str) -> None:
        self.question = question
        self.message = message


class WindowOpened(Message):
    """More items may be sent on stream `stream` than before."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class StreamDropped(Message):
    """Nobody reads stream `stream` any more; it still has to be ended."""

    __slots__ = ("stream",)

    def __init__(self, stream: int) -> None:
        self.stream = stream


class Interrupted(Message):
    """Ctrl-C was pressed. It says nothing about which call is meant, so all are."""

    __slots__ = ()


class Goodbye(Message):
    """The engine will say nothing more."""

    __slots__ = ()


class Arguments(Message):
    """What a command was called with.

    Attributes:
        head: where its name stands.
        positional: values as they travel, in order.
        named: {long name: its value, None for a switch}; the last one where a name was repeated.
        flag_spans: {long name: where the flag itself stands}.
    """

    __slots__ = ("flag_spans", "head", "named", "positional")

    def __init__(
        self, head: "Span", positional: "list[Wire]", named: "dict[str, Wire | None]", flag_spans: "dict[str, Span]"
    ) -> None:
        self.head = head
        self.positional = positional
        self.named = named
        self.flag_spans = flag_spans


def parse_arguments(call: "Any") -> Arguments:
    """The arguments of an EvaluatedCall.

    Raises:
        RemoteProtocolError: it has another shape.
    """
    try:
        pairs = [(name["item"], _span(name["span"]), value) for name, value in call["named"]]
        return Arguments(
            _span(call["head"]),
            [_value(value) for value in call["positional"]],
            {name: value if value is None else _value(value) for name, _, value in pairs},
            {name: span for name, span, _ in pairs},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RemoteProtocolError(f"a call has an unknown shape: {shortened(call)}") from error


def _span(found: "Any") -> "Span":
    """A span that may be sent back: a wrong one is one the engine ends over. Raises ValueError."""
    start, end = found["start"], found["end"]
    if type(start) is not int or type(end) is not int or not 0 <= start <= end:
        raise ValueError("no span")
    span: Span = found
    return span


def _value(found: "Any") -> "Wire":
    """A value of which kind and place are sure; what is in it is looked at by who wants it. Raises as `_span`."""
    ((kind, payload),) = found.items()
    if not isinstance(kind, str):
        raise ValueError("no kind")
    _span(payload["span"])
    value: Wire = found
    return value
