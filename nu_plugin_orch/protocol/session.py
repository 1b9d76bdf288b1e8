"""One conversation with a Nushell engine, from the first byte to the last.

Theory of operation
-------------------
We announce our encoding, the engine says Hello, we say Hello with the same version: the rule is that minor versions
are equal, and what we send is understood by every version we support. From then on both sides talk at any time.

The engine opens *calls*; each gets exactly one response (the engine waits for it for ever, and a second one costs
the connection). While a call is open, or the stream that is its response, we may ask *questions*; each gets an
answer. A *stream* is announced by a response, carries items within its window, and ends once, with our End, also
after the engine's Drop. After Drop or End, words about a stream may still be on their way: they are passed over.

    call:    open ──value, error, completions──▶ answered
                  └─list_stream──▶ streaming ──end──▶ answered

Methods that send return bytes (a value: pieces of them), and raise LocalProtocolError before anything has changed if it
is not their turn.
"""

from itertools import chain

from nu_plugin_orch.protocol.encoding import ANNOUNCEMENT, Decoder, encode
from nu_plugin_orch.protocol.errors import LocalProtocolError, RemoteProtocolError, shortened
from nu_plugin_orch.protocol.messages import (
    Answer,
    CompletionWanted,
    EngineHello,
    Goodbye,
    Interrupted,
    Message,
    MetadataWanted,
    NoAnswer,
    Run,
    SignatureWanted,
    StreamDropped,
    UnknownCall,
    WindowOpened,
    parse_arguments,
)
from nu_plugin_orch.protocol.streams import OutgoingStream
from nu_plugin_orch.protocol.typed_line import typed_words
from nu_plugin_orch.protocol.value import Encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nu_plugin_orch.protocol.errors import Span
    from nu_plugin_orch.protocol.messages import Wire

PROTOCOL = "nu-plugin"

#: In MessagePack. What is encoded already is put in the place of one.
_NOTHING = b"\xc0"
_TWO_NOTHINGS = 2 * _NOTHING


class Session:
    """See the text of the module. `engine_version` is None until the engine has said Hello."""

    def __init__(self) -> None:
        self.engine_version: str | None = None
        self._decoder = Decoder()
        self._calls: dict[int, None] = {}
        #: {stream: it}
        self._streams: dict[int, OutgoingStream] = {}
        #: {call whose response is a stream that has not ended: the stream}
        self._streaming: dict[int, int] = {}
        #: {question: the call it was asked for}
        self._questions: dict[int, int] = {}
        self._next_stream = 0
        self._next_question = 0

    # --- what the engine says --------------------------------------------------------------------------------

    def receive(self, data: bytes) -> "list[Message]":
        """The events that `data`, the next bytes of the engine, completes.

        Raises:
            RemoteProtocolError: they are not the protocol; nothing more may be received.
        """
        found: list[Message] = []
        for message in self._decoder.feed(data):
            event = self._understand(message)
            if event is not None:
                found.append(event)
        return found

    def _understand(self, message: "Any") -> "Message | None":
        if message == "Goodbye":
            return Goodbye()
        if not isinstance(message, dict) or len(message) != 1:
            raise RemoteProtocolError(f"the engine sent what is no message: {_short(message)}")
        ((kind, body),) = message.items()
        if kind == "Hello":
            return self._hello_received(body)
        if self.engine_version is None:
            raise RemoteProtocolError(f"the engine sent {_short(kind)} before Hello")
        try:
            return self._dispatch(kind, body)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise RemoteProtocolError(f"the engine sent {_short(kind)} in an unknown shape: {_short(body)}") from error

    def _hello_received(self, body: "Any") -> EngineHello:
        if self.engine_version is not None:
            raise RemoteProtocolError("the engine sent Hello twice")
        if not isinstance(body, dict) or body.get("protocol") != PROTOCOL or not isinstance(body.get("version"), str):
            raise RemoteProtocolError(f"this is not the plugin protocol of Nushell: {_short(body)}")
        self.engine_version = body["version"]
        return EngineHello(body["version"])

    def _dispatch(self, kind: "Any", body: "Any") -> "Message | None":
        if kind == "Call":
            call, what = body
            return self._called(call, what)
        if kind == "EngineCallResponse":
            question, answer = body
            return self._answered(question, answer)
        if kind == "Ack" and body in self._streams:
            self._streams[body].acknowledged()
            return WindowOpened(body)
        if kind == "Drop" and body in self._streams:
            self._streams[body].dropped = True
            return StreamDropped(body)
        if kind == "Signal" and body == "Interrupt":
            return Interrupted()
        return None  # Reset, data of a stream we did not want, words about one that has ended, later inventions

    def _called(self, call: int, what: "Any") -> Message:
        if type(call) is not int or call in self._calls or call in self._streaming:
            raise RemoteProtocolError(f"the engine opened call {_short(call)}, which is none or is open already")
        self._calls[call] = None
        if what == "Metadata":
            return MetadataWanted(call)
        if what == "Signature":
            return SignatureWanted(call)
        if isinstance(what, dict) and "Run" in what:
            run = what["Run"]
            return Run(call, run["name"], parse_arguments(run["call"]), _stream_of(run["input"]))
        if isinstance(what, dict) and "GetCompletion" in what:
            wanted = what["GetCompletion"]
            ((_, argument),) = wanted["arg_type"].items()
            return CompletionWanted(call, wanted["name"], argument, typed_words(wanted.get("call")))
        if isinstance(what, str):
            return UnknownCall(call, what)
        ((kind, _),) = what.items()
        return UnknownCall(call, str(kind))

    def _answered(self, question: int, answer: "Any") -> "Message | None":
        if self._questions.pop(question, None) is None:
            return None
        if isinstance(answer, dict) and "PipelineData" in answer:
            data = answer["PipelineData"]
            return Answer(question, data["Value"][0] if isinstance(data, dict) and "Value" in data else None)
        message = answer["Error"].get("msg", "") if isinstance(answer, dict) and "Error" in answer else _short(answer)
        return NoAnswer(question, str(message))

    # --- what we say -----------------------------------------------------------------------------------------

    def hello(self) -> bytes:
        """Announcement and greeting are the first two things we send; this one answers `EngineHello`."""
        if self.engine_version is None:
            raise LocalProtocolError("the engine has not said Hello yet")
        return _bytes({"Hello": {"protocol": PROTOCOL, "version": self.engine_version, "features": []}})

    def metadata(self, call: int, version: str) -> bytes:
        """Answer `MetadataWanted` with the plugin's own version."""
        return self._respond(call, {"Metadata": {"version": version}})

    def signature(self, call: int, signatures: "list[dict[str, Any]]") -> bytes:
        """Answer `SignatureWanted`; see `nu_plugin_orch.protocol.signature`."""
        return self._respond(call, {"Signature": signatures})

    def value(self, call: int, value: "Wire | Encoded") -> "Iterable[bytes]":
        """Answer `Run` with a value: pieces to send one after another, and nothing else in between."""
        if isinstance(value, Encoded):
            head = self._respond(call, {"PipelineData": {"Value": [None, None]}})
            return chain((head[: -len(_TWO_NOTHINGS)],), value.pieces, (_NOTHING,))
        data = "Empty" if "Nothing" in value else {"Value": [value, None]}
        return (self._respond(call, {"PipelineData": data}),)

    def error(self, call: int, error: "dict[str, Any]") -> bytes:
        """Answer any call with an error; see `nu_plugin_orch.protocol.errors.labeled_error`."""
        return self._respond(call, {"Error": error})

    def completions(self, call: int, items: "list[tuple[str, str]] | None") -> bytes:
        """Answer `CompletionWanted` with (text, description) each.

        None leaves it to the engine, which offers file names; an empty list offers nothing.
        """
        if items is None:
            return self._respond(call, {"CompletionItems": None})
        return self._respond(call, {"CompletionItems": [_completion(*item) for item in items]})

    def list_stream(self, call: int, span: "Span") -> "tuple[int, bytes]":
        """Answer `Run` with a stream of values: (its id, what to send). It has to be ended with `end`."""
        stream = self._next_stream
        header = {"ListStream": {"id": stream, "span": span, "metadata": None}}
        data = self._respond(call, {"PipelineData": header})
        self._next_stream += 1
        self._streams[stream] = OutgoingStream()
        self._streaming[call] = stream
        return stream, data

    def room(self, stream: int) -> int:
        """How many items may be sent on `stream` now."""
        return self._streams[stream].room if stream in self._streams else 0

    def item(self, stream: int, value: "Wire | Encoded") -> bytes:
        """The next item of a stream."""
        if stream not in self._streams:
            raise LocalProtocolError(f"stream {stream} has ended")
        if isinstance(value, Encoded):
            data = _bytes({"Data": [stream, {"List": None}]})[: -len(_NOTHING)] + value.data
        else:
            data = _bytes({"Data": [stream, {"List": value}]})
        self._streams[stream].sent()
        return data

    def end(self, stream: int) -> bytes:
        """The end of a stream, after its last item or after the engine has dropped it."""
        if stream not in self._streams:
            raise LocalProtocolError(f"stream {stream} has ended")
        del self._streams[stream]
        self._streaming = {call: other for call, other in self._streaming.items() if other != stream}
        return _bytes({"End": stream})

    def drop(self, stream: int) -> bytes:
        """Say that the stream which came with a `Run` is not wanted."""
        return _bytes({"Drop": stream})

    def ask(self, call: int, what: "str | dict[str, Any]") -> "tuple[int, bytes]":
        """Ask the engine something for an open call: (the question's id, what to send)."""
        if call not in self._calls and call not in self._streaming:
            raise LocalProtocolError(f"call {call} is not open, and nothing can be asked for it")
        question = self._next_question
        data = _bytes({"EngineCall": {"context": call, "id": question, "call": what}})
        self._next_question += 1
        self._questions[question] = call
        return question, data

    def _respond(self, call: int, response: "dict[str, Any]") -> bytes:
        if call not in self._calls:
            raise LocalProtocolError(f"call {call} has been answered, or never was")
        data = _bytes({"CallResponse": [call, response]})
        del self._calls[call]
        return data


def announcement() -> bytes:
    """The very first bytes of a plugin."""
    return ANNOUNCEMENT


def _bytes(message: "dict[str, Any]") -> bytes:
    return encode(message) or b""


def _stream_of(header: "Any") -> "int | None":
    """The id of the stream that a pipeline header announces."""
    if isinstance(header, dict):
        for kind in ("ListStream", "ByteStream"):
            if kind in header:
                return int(header[kind]["id"])
    return None


def _completion(text: str, description: str) -> "dict[str, Any]":
    return {
        "value": text,
        "display_override": None,
        "description": description or None,
        "extra": None,
        "append_whitespace": True,
        "match_indices": None,
        "span": None,
        "kind": None,
    }


def _short(what: "Any") -> str:
    return shortened(what)
