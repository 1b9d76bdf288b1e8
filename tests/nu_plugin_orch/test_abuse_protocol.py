"""An engine that says anything at all: the plugin goes on correctly, or ends with a line on standard error."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from nu_plugin_orch.protocol.encoding import ELEMENTS_MAX, MESSAGE_BYTES_MAX
from nu_plugin_orch.protocol.errors import LocalProtocolError, RemoteProtocolError
from nu_plugin_orch.protocol.messages import EngineHello
from nu_plugin_orch.protocol.session import Session
from tests.support.conversation import Judge, play, record, spoilt
from tests.support.engine import HEAD, evaluated, frame, hello, run, wire
from tests.support.nushell import NEWEST, OLDEST, PLUGIN
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Multiplier of what is tried at random.
RUNS = int(os.environ.get("ORCH_FAULT_RUNS", "1"))

#: No conversation of a few kilobytes takes longer.
HANG_S = 20

#: Of a process that was told to make room for anything.
MEMORY_KIB_MAX = 100_000


@contextmanager
def no_waiting() -> Iterator[None]:
    """Raises TimeoutError inside when it hangs."""

    def stuck(*_: object) -> None:
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(HANG_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> OwnDirectory:
    """A directory of ours with a workflow of two tasks."""
    directory = OwnDirectory(tmp_path_factory.mktemp("own") / "data")
    directory.submit(plan(operation("a", ("x", "y"))), "w1")
    return directory


@pytest.fixture(scope="module", params=[OLDEST, NEWEST])
def conversation(request: pytest.FixtureRequest, own: OwnDirectory, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a real Nushell says: calls with and without questions, flags, a stream that is dropped, an error."""
    code = (
        "orch status | get running; orch tasks --limit 1 --status running | length;"
        "orch watch --from 0:0 | first 2 | length; try { orch why nope }"
    )
    return record(tmp_path_factory.mktemp("heard"), code, version=request.param, ORCH_DATA_DIR=own.path)


def test_the_recorded_conversation_is_whole(conversation: bytes, tmp_path: Path) -> None:
    """What the tests below spoil: played again as it is, every call is answered once and its stream ends once."""
    with no_waiting():
        said, fault = play(conversation, tmp_path / "said")
    assert fault is None
    judge = Judge(said)
    assert set(judge.answered.values()) == {1}
    assert len(judge.answered) >= 5
    assert judge.ended == {0: 1}


def test_every_byte_of_a_conversation_may_be_another(conversation: bytes) -> None:
    """Any one byte gone, doubled, or of another value: it is understood, or refused as no protocol."""
    for at in range(len(conversation)):
        byte = conversation[at]
        for spoiled in (
            conversation[:at] + conversation[at + 1 :],
            conversation[: at + 1] + conversation[at:],
            *(conversation[:at] + bytes([byte ^ flip]) + conversation[at + 1 :] for flip in (0x01, 0x10, 0x80, 0xFF)),
        ):
            understand(spoiled)


def understand(data: bytes) -> int:
    """How many messages a session finds in `data`; what else it raises is a failure."""
    session = Session()
    try:
        found = session.receive(data)
        for event in found:
            if isinstance(event, EngineHello):
                session.hello()
    except RemoteProtocolError as error:
        told = str(error)
    else:
        return len(found)
    assert len(told) < 400
    assert "\n" not in told
    return 0


def test_a_conversation_may_end_anywhere(conversation: bytes, tmp_path: Path) -> None:
    """The engine dies at any byte: what was said so far is answered, and nothing is said twice."""
    step = max(1, len(conversation) // (150 * RUNS))
    for at in range(0, len(conversation) + 1, step):
        with no_waiting():
            said, fault = play(conversation[:at], tmp_path / "said")
        assert fault is None
        judge = Judge(said)
        assert set(judge.answered.values()) <= {1}
        assert judge.keeps_to_its_window()


def test_a_spoilt_conversation_is_survived_or_refused(conversation: bytes, tmp_path: Path) -> None:
    """Bytes, blocks and messages changed at random: the loop ends by itself, and never says half a message."""
    outcomes = {"on": 0, "refused": 0}
    for seed, spoiled in enumerate(spoilt(conversation, random.Random(5), 250 * RUNS)):
        with no_waiting():
            said, fault = play(spoiled, tmp_path / "said")
        try:
            Judge(said)
        except AssertionError as error:
            raise AssertionError(f"after change {seed}: {error}") from error
        outcomes["on" if fault is None else "refused"] += 1
    assert min(outcomes.values()) > 5, outcomes


class Ended(NamedTuple):
    """How a plugin's process ended. `kib`: the most memory it had."""

    code: int
    said: bytes
    told: str
    kib: int


#: Starts what it is told to, and writes how that ended and the most memory it had. The kernel counts a process's memory
#: from that of the one it was made by: this one is small, unlike a long test run.
_MEASURE = """
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
os.write(int(sys.argv[1]), f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}".encode())
"""


def process(data: bytes, tmp_path: Path, *, piece: int = 1 << 16) -> Ended:
    """Start the plugin, say `data` in pieces, and hang up."""
    with (
        open(tmp_path / "out", "wb+") as out,
        open(tmp_path / "err", "wb+") as err,
        open(tmp_path / "used", "wb+") as used,
    ):
        started = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _MEASURE, str(used.fileno()), PLUGIN, "--stdio"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            bufsize=0,
            pass_fds=[used.fileno()],
            start_new_session=True,
        )
        assert started.stdin is not None
        try:
            for at in range(0, len(data), piece):
                started.stdin.write(data[at : at + piece])
        except BrokenPipeError:
            pass
        started.stdin.close()
        try:
            started.wait(HANG_S)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            raise AssertionError("it hangs") from None
        for file in (out, err, used):
            file.seek(0)
        code, kib = used.read().split()
        return Ended(int(code), out.read(), err.read().decode(), int(kib))


def check_end(ended: Ended) -> None:
    """Whole messages only; silence and exit code 0, or one line and exit code 1; little memory."""
    Judge(ended.said) if len(ended.said) > 8 else None
    assert "Traceback" not in ended.told
    assert (ended.code, bool(ended.told)) in ((0, False), (1, True)), ended
    assert ended.told.count("\n") <= 1
    assert len(ended.told) < 500
    assert ended.kib < MEMORY_KIB_MAX, ended


def test_the_process_survives_or_says_in_a_line_why_not(conversation: bytes, tmp_path: Path) -> None:
    """As above, with the real process."""
    for spoiled in spoilt(conversation, random.Random(7), 25 * RUNS):
        check_end(process(spoiled, tmp_path))


#: {what an engine says behind its Hello: the message}
GARBAGE: dict[str, bytes] = {
    "text instead of messages": b"GET / HTTP/1.1\r\n",
    "a string of 2 GB": b"\x81\xa4Call\xdb" + struct.pack(">I", 2**31) + b"x" * 100_000,
    "bytes of 4 GB": b"\xc6\xff\xff\xff\xff" + b"x" * 100_000,
    "an extension of 4 GB": b"\xc9\xff\xff\xff\xff\x05" + b"x" * 100_000,
    "a list of 4 billion": b"\xdd\xff\xff\xff\xff" + b"\xc0" * 100_000,
    "a map of 4 billion": b"\xdf\xff\xff\xff\xff" + b"\xc0" * 100_000,
    "lists of as many as may be, in one another": (b"\xdd" + struct.pack(">I", ELEMENTS_MAX)) * 900,
    "100,000 levels of lists": b"\x91" * 100_000,
    "100,000 levels of maps": b"\x81\xa1a" * 100_000,
    "as many levels as can be decoded": b"\x91" * 500 + b"\xc0",
    "a call with levels": b"\x81\xa4Call" + b"\x91" * 500 + b"\xc0",
    "a map with a list as key": b"\x81\x91\x01\x02",
    "a map with a number as key": frame({5: 1}),
    "two keys": frame({"Ack": 1, "Drop": 1}),
    "no key": frame({}),
    "nil": b"\xc0",
    "a byte that is never used": b"\xc1",
    "text that is no UTF-8": b"\x81\xa4Call\xa2\xff\xfe",
    "a wrong date": b"\xd6\xff\x00",
    "a message that is too large": frame({"Data": [1, {"Raw": {"Ok": b"x" * (MESSAGE_BYTES_MAX + 1)}}]}),
    "a message as large as may be": frame({"Data": [1, {"Raw": {"Ok": b"x" * (MESSAGE_BYTES_MAX - 100)}}]}),
    "Hello again": hello(),
    "a call of no number": frame({"Call": ["x", "Metadata"]}),
    "a call of a list": frame({"Call": [[1], "Metadata"]}),
    "a call without a question": frame({"Call": [1]}),
    "a call twice": run(1, "orch watch", data_dir="/nowhere") + frame({"Call": [1, {}]}),
    "a run without a name": frame({"Call": [1, {"Run": {"call": evaluated(), "input": "Empty"}}]}),
    "a run of a list": frame({"Call": [1, {"Run": {"name": ["x"], "call": evaluated(), "input": "Empty"}}]}),
    "a run without arguments": frame({"Call": [1, {"Run": {"name": "orch status", "call": {}, "input": "Empty"}}]}),
    "a run with a place that is none": frame(
        {"Call": [1, {"Run": {"name": "orch status", "call": {**evaluated(), "head": 5}, "input": "Empty"}}]}
    ),
    "a run with a place that ends before it begins": frame(
        {
            "Call": [
                1,
                {"Run": {"name": "orch", "call": {**evaluated(), "head": {"start": 5, "end": 4}}, "input": "Empty"}},
            ]
        }
    ),
    "a run with an argument that is none": frame(
        {"Call": [1, {"Run": {"name": "orch why", "call": {**evaluated(), "positional": [5]}, "input": "Empty"}}]}
    ),
    "a run with an input of no number": frame(
        {
            "Call": [
                1,
                {
                    "Run": {
                        "name": "orch status",
                        "call": evaluated(data_dir="/"),
                        "input": {"ListStream": {"id": float("inf"), "span": HEAD}},
                    }
                },
            ]
        }
    ),
    "completion of nothing": frame({"Call": [1, {"GetCompletion": {"name": "orch why"}}]}),
    "completion of a list": frame({"Call": [1, {"GetCompletion": {"name": [], "arg_type": {"Flag": "x"}}}]}),
    "an answer to no question": frame({"EngineCallResponse": [99, {"PipelineData": "Empty"}]}),
    "an answer of no shape": run(1, "orch status")
    + frame({"EngineCallResponse": [0, {"PipelineData": {"Value": []}}]}),
    "an answer of a number": run(1, "orch status") + frame({"EngineCallResponse": [0, 5]}),
    "answers that are no values": run(1, "orch status")
    + b"".join(frame({"EngineCallResponse": [n, {"PipelineData": {"Value": [5, None]}}]}) for n in range(3)),
    "words about streams nobody opened": frame({"Ack": 5})
    + frame({"Drop": 5})
    + frame({"End": 5})
    + frame({"Data": [5, {"List": wire(1)}]})
    + frame({"Ack": {}}),
    "an unknown signal": frame({"Signal": "Hangup"}) + frame({"Signal": {"Interrupt": []}}),
    "a later invention": frame({"Teleport": [1, 2, 3]}),
    "an unknown call": frame({"Call": [1, "Fly"]}) + frame({"Call": [2, {"Fly": "x" * 100_000}]}),
    "goodbye amid a call": run(1, "orch status") + frame("Goodbye") + run(2, "orch status"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_or_answered(name: str, tmp_path: Path) -> None:
    """It takes no memory, no time and no traceback, in one piece or byte by byte."""
    data = hello() + GARBAGE[name]
    check_end(process(data, tmp_path))
    if len(data) < 2000:
        check_end(process(data, tmp_path, piece=1))


@pytest.mark.parametrize(
    "first", [b"\xc0", frame({"Call": [1, "Metadata"]}), frame("Goodbye"), hello(protocol="x"), b""]
)
def test_an_engine_that_does_not_greet(first: bytes, tmp_path: Path) -> None:
    """Nobody is greeted who has not greeted."""
    ended = process(first, tmp_path)
    check_end(ended)
    assert ended.said == b"\x07msgpack"


def test_an_unknown_call_is_answered(tmp_path: Path) -> None:
    """In words that are not as long as its name."""
    ended = process(hello() + GARBAGE["an unknown call"], tmp_path)
    assert Judge(ended.said).answered == {1: 1, 2: 1}


@pytest.mark.parametrize("descriptor", ["<&-", ">&-", "<&- >&-"])
def test_without_a_channel_it_says_so(descriptor: str) -> None:
    """Closed standard input or output: one line."""
    ended = subprocess.run(
        ["sh", "-c", f'"{PLUGIN}" --stdio {descriptor}'], capture_output=True, text=True, timeout=HANG_S
    )
    assert ended.returncode in (0, 1)
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") <= 1


def test_what_is_sent_has_its_turn() -> None:
    """A session refuses to say what has no place, and is unharmed."""
    session = Session()
    session.receive(hello())
    with pytest.raises(LocalProtocolError):
        session.end(0)
    with pytest.raises(LocalProtocolError):
        session.item(0, {})
    with pytest.raises(LocalProtocolError):
        session.error(1, {})
    assert session.receive(frame({"Call": [1, "Metadata"]}))
    assert session.metadata(1, "1")
