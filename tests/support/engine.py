"""The other end of the plugin protocol, written from its description: an engine for tests.

`frames` says what an engine sends; `Engine` is one at the ends of two pipes, which answers a plugin's questions as
Nushell does.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 20.0

HEAD = {"start": 100, "end": 110}
ARGUMENT = {"start": 120, "end": 130}
FLAG = {"start": 140, "end": 150}


def frame(message: object) -> bytes:
    """One message as bytes."""
    return bytes(msgpack.packb(message))


def hello(version: str = "0.115.1", protocol: str = "nu-plugin") -> bytes:
    """The engine's greeting."""
    return frame({"Hello": {"protocol": protocol, "version": version, "features": [{"name": "LocalSocket"}]}})


def wire(value: object, span: dict[str, int] = ARGUMENT) -> dict[str, Any]:
    """A value as an engine sends it; ``(kind, payload)`` is one of another kind, such as a date."""
    if isinstance(value, tuple):
        return {value[0]: {"val": value[1], "span": span}}
    kinds: dict[type, str] = {bool: "Bool", int: "Int", float: "Float", str: "String"}
    if value is None:
        return {"Nothing": {"span": span}}
    if isinstance(value, list):
        return {"List": {"vals": [wire(item, span) for item in value], "span": span}}
    if isinstance(value, dict):
        return {"Record": {"val": {name: wire(item, span) for name, item in value.items()}, "span": span}}
    return {kinds[type(value)]: {"val": value, "span": span}}


def evaluated(*positional: object, **named: object) -> dict[str, Any]:
    """An EvaluatedCall. A flag that is ``...`` is a switch without a value; ``_`` in a name stands for a hyphen."""
    flags = [
        [{"item": name.replace("_", "-"), "span": FLAG}, None if value is ... else wire(value)]
        for name, value in named.items()
    ]
    return {"head": HEAD, "positional": [wire(value) for value in positional], "named": flags}


def run(call: int, name: str, /, *positional: object, **named: object) -> bytes:
    """A call of a command."""
    what = {"Run": {"name": name, "call": evaluated(*positional, **named), "input": "Empty"}}
    return frame({"Call": [call, what]})


def python(value: dict[str, Any]) -> Any:
    """The Python value of a value that a plugin sent, in either form; dates and durations as ``(kind, value)``."""
    ((kind, payload),) = value.items()
    if kind == "Nothing":
        return None
    inner = payload[0] if isinstance(payload, list) else payload.get("val", payload.get("vals", payload.get("error")))
    if kind == "List":
        return [python(item) for item in inner]
    if kind == "Record":
        return {name: python(item) for name, item in inner.items()}
    return (kind, inner) if kind in ("Date", "Duration", "Error") else inner


def spans(value: dict[str, Any]) -> set[tuple[int, int]]:
    """Every span in a value."""
    ((kind, payload),) = value.items()
    span = payload[-1] if isinstance(payload, list) else payload["span"]
    found = {tuple(span) if isinstance(span, list) else (span["start"], span["end"])}
    inner = payload[0] if isinstance(payload, list) else payload.get("val", payload.get("vals"))
    for item in inner if kind == "List" else inner.values() if kind == "Record" else ():
        found |= spans(item)
    return found


class Engine:
    """An engine that talks to a plugin through two descriptors.

    Attributes:
        place: {question: the Python value of its answer}; a question that is not here gets an error.
        asked: the questions that came, in order.
        unanswered: questions are kept here, and not answered, while `silent`.
        heard: every message that came, in order.
    """

    def __init__(self, read_fd: int, write_fd: int, *, version: str = "0.115.1", one_byte: bool = False) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._one_byte = one_byte
        self._unpacker = msgpack.Unpacker(strict_map_key=False)
        self._next_call = 0
        self.inbox: list[Any] = []
        self.asked: list[Any] = []
        self.silent = False
        self.unanswered: list[dict[str, Any]] = []
        self.heard: list[Any] = []
        self.place: dict[str, object] = {"GetCurrentDir": "/", "GetPluginConfig": None, "GetEnvVar": None}
        self.version = version

    def greet(self) -> dict[str, Any]:
        """The beginning of every conversation; what the plugin says about itself."""
        announced = b""
        while len(announced) < 8:
            announced += os.read(self._read_fd, 8 - len(announced))
        assert announced == b"\x07msgpack"
        self.send(hello(self.version))
        return dict(self.wait(lambda message: message.get("Hello")))

    def send(self, data: bytes) -> None:
        """Put bytes on the wire, all at once or one by one."""
        for part in (data[i : i + 1] for i in range(len(data))) if self._one_byte else (data,):
            os.write(self._write_fd, part)

    def start(self, name: str, /, *positional: object, **named: object) -> int:
        """Call a command; the number of the call."""
        self._next_call += 1
        self.send(run(self._next_call, name, *positional, **named))
        return self._next_call

    def ask(self, what: object) -> Any:
        """Make another call than a run; its response."""
        self._next_call += 1
        self.send(frame({"Call": [self._next_call, what]}))
        return self.response(self._next_call)

    def response(self, call: int) -> Any:
        """The response to a call."""
        return self.wait(lambda message: _second(message.get("CallResponse"), call))

    def run(self, name: str, /, *positional: object, **named: object) -> Any:
        """Call a command; the Python value of its answer.

        Raises:
            PluginError: it answered with an error.
        """
        answer = self.response(self.start(name, *positional, **named))
        if "Error" in answer:
            raise PluginError(answer["Error"])
        data = answer["PipelineData"]
        return None if data == "Empty" else python(data["Value"][0])

    def stream(self, call: int) -> int:
        """The id of the stream with which a call is answered."""
        return int(self.response(call)["PipelineData"]["ListStream"]["id"])

    def item(self, stream: int, *, acknowledge: bool = True) -> Any:
        """The next item of a stream."""
        found = self.wait(lambda message: _second(message.get("Data"), stream))
        if acknowledge:
            self.send(frame({"Ack": stream}))
        return python(found["List"])

    def ended(self, stream: int) -> bool:
        """Wait for the end of a stream."""
        return self.wait(lambda message: message.get("End") == stream or None) is True

    def wait(self, wanted: Callable[[dict[str, Any]], Any]) -> Any:
        """The first thing that `wanted` finds in a message; others are kept. Questions are answered meanwhile."""
        end = time.monotonic() + PATIENCE_S
        while True:
            for index, message in enumerate(self.inbox):
                found = wanted(message)
                if found is not None:
                    del self.inbox[index]
                    return found
            assert self._is_ready(end), f"waited in vain; there came {self.inbox}"
            self._receive()

    def _receive(self) -> None:
        data = os.read(self._read_fd, 1 << 16)
        assert data, f"the plugin has ended; before it said {self.inbox}"
        self._unpacker.feed(data)
        for message in self._unpacker:
            self.heard.append(message)
            if "EngineCall" in message:
                self._asked(message["EngineCall"])
            else:
                self.inbox.append(message)

    def speak(self) -> None:
        """Answer what was asked while the engine was silent, and be silent no more."""
        self.silent = False
        for question in self.unanswered:
            self._answer(question)
        self.unanswered.clear()

    def listen(self, seconds: float) -> None:
        """Take what comes for a while."""
        end = time.monotonic() + seconds
        while self._is_ready(end):
            self._receive()

    def wait_until(self, fact: Callable[[], bool]) -> None:
        """Take what comes until something is so."""
        end = time.monotonic() + PATIENCE_S
        while not fact():
            assert self._is_ready(end), "waited in vain"
            self._receive()

    def _is_ready(self, end: float) -> bool:
        """Whether something comes until `end`. A test run may have more descriptors than `select` takes."""
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        return bool(poll.poll(max(0.0, end - time.monotonic()) * 1000))

    def _asked(self, question: dict[str, Any]) -> None:
        self.asked.append(question["call"])
        if self.silent:
            self.unanswered.append(question)
        else:
            self._answer(question)

    def _answer(self, question: dict[str, Any]) -> None:
        what = question["call"]
        key = what if isinstance(what, str) else next(iter(what))
        if key not in self.place:
            answer: Any = {"Error": {"msg": "not here", "labels": []}}
        elif self.place[key] is None:
            answer = {"PipelineData": "Empty"}
        else:
            answer = {"PipelineData": {"Value": [wire(self.place[key]), None]}}
        self.send(frame({"EngineCallResponse": [question["id"], answer]}))


class PluginError(Exception):
    """A command was answered with an error. `told` is its LabeledError."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["msg"])
        self.told = told


def _second(pair: Any, first: int) -> Any:
    return pair[1] if pair is not None and pair[0] == first else None
