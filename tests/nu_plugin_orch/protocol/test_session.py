"""The protocol as a machine: bytes in, events out, bytes back."""

from __future__ import annotations

from collections.abc import Callable

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nu_plugin_orch.protocol.errors import LocalProtocolError, RemoteProtocolError, labeled_error
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
)
from nu_plugin_orch.protocol.session import Session, announcement
from nu_plugin_orch.protocol.streams import WINDOW
from nu_plugin_orch.protocol.value import Values, plain
from tests.support.engine import ARGUMENT, FLAG, HEAD, evaluated, frame, hello, run, wire

Feed = Callable[[Session, bytes], list[Message]]

VALUES = Values(HEAD)  # type: ignore[arg-type]


def at_once(session: Session, data: bytes) -> list[Message]:
    """All bytes in one piece."""
    return session.receive(data)


def byte_by_byte(session: Session, data: bytes) -> list[Message]:
    """Each byte for itself, as a slow pipe may deliver them."""
    return [event for i in range(len(data)) for event in session.receive(data[i : i + 1])]


@pytest.fixture(params=[at_once, byte_by_byte], ids=["at once", "byte by byte"])
def feed(request: pytest.FixtureRequest) -> Feed:
    """How bytes arrive."""
    chosen: Feed = request.param
    return chosen


@pytest.fixture
def session() -> Session:
    """A session behind its greetings."""
    opened = Session()
    opened.receive(hello())
    return opened


def sent(data: bytes) -> dict[str, object]:
    """What one message of ours says."""
    found: dict[str, object] = msgpack.unpackb(data, strict_map_key=False)
    return found


def call(number: int, what: object) -> bytes:
    """A call of the engine."""
    return frame({"Call": [number, what]})


def test_announces_its_encoding() -> None:
    """Length and name, before anything else."""
    assert announcement() == b"\x07msgpack"


@pytest.mark.parametrize("version", ["0.98.0", "0.107.0", "0.115.1", "0.116.0-nightly.1", "2.0.0"])
def test_says_the_engines_own_version(feed: Feed, version: str) -> None:
    """One build serves every Nushell: versions have to be equal, and so they are (requirement R2-35)."""
    session = Session()
    assert feed(session, hello(version)) == [EngineHello(version)]
    assert sent(session.hello()) == {"Hello": {"protocol": "nu-plugin", "version": version, "features": []}}


def test_greets_nobody_who_has_not_greeted() -> None:
    """There is no version to say yet."""
    with pytest.raises(LocalProtocolError):
        Session().hello()


def test_understands_every_call(feed: Feed, session: Session) -> None:
    """Known kinds by name, others as unknown: all want an answer."""
    completion = {"name": "orch tasks", "arg_type": {"Flag": "status"}, "call": {"call": {}, "strip": True, "pos": 9}}
    position = {"name": "orch cancel", "arg_type": {"Positional": 0}, "call": {}}
    data = b"".join(
        [
            call(0, "Metadata"),
            call(1, "Signature"),
            call(2, {"GetCompletion": completion}),
            call(3, {"GetCompletion": position}),
            call(4, {"CustomValueOp": [{"item": {}, "span": HEAD}, "ToBaseValue"]}),
            call(5, "WhatComesNext"),
        ]
    )
    assert feed(session, data) == [
        MetadataWanted(0),
        SignatureWanted(1),
        CompletionWanted(2, "orch tasks", "status"),
        CompletionWanted(3, "orch cancel", 0),
        UnknownCall(4, "CustomValueOp"),
        UnknownCall(5, "WhatComesNext"),
    ]


def test_understands_a_run_with_its_arguments(feed: Feed, session: Session) -> None:
    """Positional ones in order, named ones by their long names, with the places where they stand."""
    (event,) = feed(session, run(7, "orch x", "file.k", 3, status="failed", strict=..., data_dir=None))
    assert isinstance(event, Run)
    assert (event.call, event.name, event.input_stream) == (7, "orch x", None)
    arguments = event.arguments
    assert arguments.head == HEAD
    assert [plain(value) for value in arguments.positional] == ["file.k", 3]
    assert arguments.named == {"status": wire("failed"), "strict": None, "data-dir": wire(None)}
    assert arguments.flag_spans["strict"] == FLAG
    assert arguments.named["status"]["String"]["span"] == ARGUMENT  # type: ignore[index]


@pytest.mark.parametrize("kind", ["ListStream", "ByteStream"])
def test_a_stream_that_comes_with_a_run_can_be_dropped(feed: Feed, session: Session, kind: str) -> None:
    """Its items are passed over, whenever they come."""
    header = {kind: {"id": 12, "span": HEAD, "type": "Unknown", "metadata": None}}
    (event,) = feed(session, call(0, {"Run": {"name": "orch", "call": evaluated(), "input": header}}))
    assert isinstance(event, Run)
    assert event.input_stream == 12
    assert sent(session.drop(12)) == {"Drop": 12}
    assert feed(session, frame({"Data": [12, {"List": wire(5)}]}) + frame({"End": 12})) == []


def test_understands_signals_and_goodbye(feed: Feed, session: Session) -> None:
    """Interrupt is for everybody; Reset is no news."""
    data = frame({"Signal": "Interrupt"}) + frame({"Signal": "Reset"}) + frame("Goodbye")
    assert feed(session, data) == [Interrupted(), Goodbye()]


def test_each_call_is_answered_once(session: Session) -> None:
    """A second answer would cost the connection, so it is not sent."""
    session.receive(call(0, "Metadata") + call(1, "Signature") + run(2, "orch") + run(3, "orch"))
    assert sent(session.metadata(0, "1.2.3")) == {"CallResponse": [0, {"Metadata": {"version": "1.2.3"}}]}
    assert sent(session.signature(1, [])) == {"CallResponse": [1, {"Signature": []}]}
    value = sent(b"".join(session.value(2, VALUES.integer(5))))
    assert value == {"CallResponse": [2, {"PipelineData": {"Value": [{"Int": [5, [100, 110]]}, None]}}]}
    error = labeled_error("no", label=("here", HEAD), code="orch::x", help="do")  # type: ignore[arg-type]
    assert sent(session.error(3, error)) == {"CallResponse": [3, {"Error": error}]}
    answers: list[Callable[[int], object]] = [
        lambda number: session.value(number, VALUES.integer(5)),
        lambda number: session.error(number, error),
        lambda number: session.list_stream(number, HEAD),  # type: ignore[arg-type]
        lambda number: session.completions(number, []),
    ]
    for number in (0, 1, 2, 3, 99):
        for answer in answers:
            with pytest.raises(LocalProtocolError):
                answer(number)


def test_nothing_is_an_empty_answer(session: Session) -> None:
    """As Nushell has it."""
    session.receive(run(0, "orch"))
    assert sent(b"".join(session.value(0, VALUES.nothing()))) == {"CallResponse": [0, {"PipelineData": "Empty"}]}


def test_an_answer_that_cannot_be_encoded_leaves_the_call_open(session: Session) -> None:
    """Then it can be answered with an error instead."""
    session.receive(run(0, "orch"))
    with pytest.raises(TypeError):
        session.value(0, {"Custom": object()})
    assert sent(session.error(0, labeled_error("cannot")))["CallResponse"]


def test_completions_are_offered_or_left_to_the_engine(session: Session) -> None:
    """An empty list is not the same as none."""
    for number in range(3):
        session.receive(call(number, {"GetCompletion": {"name": "x", "arg_type": {"Positional": 0}, "call": {}}}))
    assert sent(session.completions(0, None)) == {"CallResponse": [0, {"CompletionItems": None}]}
    assert sent(session.completions(1, [])) == {"CallResponse": [1, {"CompletionItems": []}]}
    items = sent(session.completions(2, [("w1", "running"), ("w2", "")]))["CallResponse"][1]["CompletionItems"]  # type: ignore[index]
    assert [(item["value"], item["description"], item["append_whitespace"]) for item in items] == [
        ("w1", "running", True),
        ("w2", None, True),
    ]


def test_questions_get_their_answers(feed: Feed, session: Session) -> None:
    """A value, nothing, or why there is none; in any order."""
    session.receive(run(4, "orch"))
    questions = []
    for what in ("GetCurrentDir", {"GetEnvVar": "X"}, "GetHelp"):
        question, data = session.ask(4, what)
        assert sent(data) == {"EngineCall": {"context": 4, "id": question, "call": what}}
        questions.append(question)
    first, second, third = questions
    data = b"".join(
        [
            frame({"EngineCallResponse": [second, {"PipelineData": "Empty"}]}),
            frame({"EngineCallResponse": [third, {"Error": {"msg": "not now", "labels": []}}]}),
            frame({"EngineCallResponse": [first, {"PipelineData": {"Value": [wire("/x"), None]}}]}),
        ]
    )
    assert feed(session, data) == [Answer(second, None), NoAnswer(third, "not now"), Answer(first, wire("/x"))]


def test_an_answer_nobody_waits_for_is_passed_over(session: Session) -> None:
    """It came twice, or for a question of another life."""
    assert session.receive(frame({"EngineCallResponse": [5, {"PipelineData": "Empty"}]})) == []


def test_only_an_open_call_may_ask(session: Session) -> None:
    """Open is also the call whose answer is a stream, until that ends."""
    with pytest.raises(LocalProtocolError):
        session.ask(0, "GetHelp")
    session.receive(run(0, "orch"))
    stream, _ = session.list_stream(0, HEAD)  # type: ignore[arg-type]
    session.ask(0, "GetHelp")
    session.end(stream)
    with pytest.raises(LocalProtocolError):
        session.ask(0, "GetHelp")


@pytest.fixture
def streaming(session: Session) -> tuple[Session, int]:
    """A session with an open stream."""
    session.receive(run(0, "orch watch"))
    stream, data = session.list_stream(0, HEAD)  # type: ignore[arg-type]
    header = {"ListStream": {"id": stream, "span": HEAD, "metadata": None}}
    assert sent(data) == {"CallResponse": [0, {"PipelineData": header}]}
    return session, stream


def test_a_stream_stops_at_its_window(feed: Feed, streaming: tuple[Session, int]) -> None:
    """A hundred items may be on their way; each acknowledged one makes room for another."""
    session, stream = streaming
    for number in range(WINDOW):
        assert session.room(stream) == WINDOW - number
        assert sent(session.item(stream, VALUES.integer(number)))["Data"][0] == stream  # type: ignore[index]
    with pytest.raises(LocalProtocolError):
        session.item(stream, VALUES.integer(0))
    assert feed(session, frame({"Ack": stream}) * 2) == [WindowOpened(stream)] * 2
    assert session.room(stream) == 2


def test_a_stream_ends_once(feed: Feed, streaming: tuple[Session, int]) -> None:
    """After its end nothing is said about it, and what the engine still says is passed over."""
    session, stream = streaming
    session.item(stream, VALUES.integer(1))
    assert sent(session.end(stream)) == {"End": stream}
    with pytest.raises(LocalProtocolError):
        session.end(stream)
    with pytest.raises(LocalProtocolError):
        session.item(stream, VALUES.integer(1))
    assert session.room(stream) == 0
    assert feed(session, frame({"Ack": stream}) + frame({"Drop": stream})) == []


def test_a_dropped_stream_takes_no_items_but_wants_its_end(feed: Feed, streaming: tuple[Session, int]) -> None:
    """The engine keeps it in its books until then."""
    session, stream = streaming
    assert feed(session, frame({"Drop": stream})) == [StreamDropped(stream)]
    assert session.room(stream) == 0
    with pytest.raises(LocalProtocolError):
        session.item(stream, VALUES.integer(1))
    assert sent(session.end(stream)) == {"End": stream}


def test_streams_have_numbers_of_their_own(session: Session) -> None:
    """None is used twice."""
    numbers = []
    for number in range(3):
        session.receive(run(number, "orch watch"))
        stream, _ = session.list_stream(number, HEAD)  # type: ignore[arg-type]
        session.end(stream)
        numbers.append(stream)
    assert len(set(numbers)) == 3


@pytest.mark.parametrize(
    "data",
    [
        frame(5),
        frame("Hi"),
        frame([]),
        frame({}),
        frame({"Call": 5}),
        frame({"Call": [0]}),
        frame({"Call": ["x", "Metadata"]}),
        frame({"Call": [0, {}]}),
        frame({"Call": [0, {"Run": {}}]}),
        frame({"Call": [0, {"Run": {"name": "x", "call": {}, "input": "Empty"}}]}),
        frame({"Call": [0, {"GetCompletion": {"name": "x", "arg_type": {}}}]}),
        frame({"EngineCallResponse": 0}),
        call(0, "Metadata") * 2,
        hello() + hello(),
        b"\xc1",
        b"\xa1\xff",
        b"\xdf\xff\xff\xff\xff",
    ],
)
def test_what_is_no_protocol_is_the_engines_fault(feed: Feed, session: Session, data: bytes) -> None:
    """Told apart from our own faults."""
    with pytest.raises(RemoteProtocolError):
        feed(session, data)


def test_an_engine_has_to_greet_first(feed: Feed) -> None:
    """And in the right protocol."""
    for data in (call(0, "Metadata"), hello(protocol="nu-game"), frame({"Hello": {"protocol": "nu-plugin"}})):
        with pytest.raises(RemoteProtocolError):
            feed(Session(), data)


def test_a_later_invention_is_passed_over(feed: Feed, session: Session) -> None:
    """A newer engine may say more than we know, with more fields."""
    data = frame({"Weather": "fine"}) + frame({"Signal": "Later"}) + call(0, "Metadata")
    assert feed(session, data) == [MetadataWanted(0)]


@given(st.binary(max_size=64))
def test_any_bytes_are_understood_or_refused(data: bytes) -> None:
    """Nothing but the two families of errors ever comes out."""
    session = Session()
    session.receive(hello())
    try:
        session.receive(data)
    except RemoteProtocolError as fault:
        told = str(fault)
        assert told


@given(st.integers(0, 400), st.lists(st.sampled_from(["item", "ack"]), max_size=400))
def test_the_window_is_never_overrun(eager: int, turns: list[str]) -> None:
    """Whatever the order of items and acknowledgements."""
    session = Session()
    session.receive(hello() + run(0, "orch watch"))
    stream, _ = session.list_stream(0, HEAD)  # type: ignore[arg-type]
    under_way = 0
    for turn in ["item"] * eager + turns:
        if turn == "ack" and under_way:
            session.receive(frame({"Ack": stream}))
            under_way -= 1
        elif turn == "item" and session.room(stream):
            session.item(stream, VALUES.integer(1))
            under_way += 1
        assert session.room(stream) == WINDOW - under_way >= 0
