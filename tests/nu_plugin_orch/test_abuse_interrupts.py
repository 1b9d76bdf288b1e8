"""Ctrl-C, dropped streams and a dying engine, in every state a call can be in."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.engine import Engine, frame, run
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.nushell import PLUGIN
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = int(os.environ.get("ORCH_FAULT_RUNS", "1"))

INTERRUPT = frame({"Signal": "Interrupt"})

#: More changes than a window has room for.
MANY = plan(operation("a", tuple(f"item{number}" for number in range(150))))

#: What a plugin without an engine may take to end, on a machine that does other things as well.
GONE_S = 3.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnDirectory]:
    """A directory of ours that seems to have a daemon, which never answers; with many changes."""
    directory = OwnDirectory(tmp_path / "own")
    directory.submit(MANY, "w1")
    lock = directory.hold()
    yield directory
    lock.release()


def responses(engine: Engine) -> Counter[int]:
    """{call: how often it was answered}."""
    return Counter(message["CallResponse"][0] for message in engine.heard if "CallResponse" in message)


def ends(engine: Engine) -> Counter[int]:
    """{stream: how often it was ended}."""
    return Counter(message["End"] for message in engine.heard if "End" in message)


def code_of(response: Any) -> str | None:
    """The code of the error that answers a call."""
    return str(response["Error"]["code"]) if "Error" in response else None


def test_a_call_that_waits_for_the_engine_itself(engine: Engine, tmp_path: Path) -> None:
    """It is answered at once; what the engine answers later is passed over, and the next call finds its own."""
    folder = make_foreign(tmp_path, TASK)
    engine.silent = True
    call = engine.start("orch status")
    engine.wait_until(lambda: len(engine.unanswered) == 3)
    engine.send(INTERRUPT + INTERRUPT)
    assert code_of(engine.response(call)) == "orch::interrupted"
    engine.place["GetEnvVar"] = folder
    engine.speak()
    assert engine.run("orch status")["data_dir"] == folder
    assert set(responses(engine).values()) == {1}


def test_tab_that_waits_for_the_engine(engine: Engine) -> None:
    """Nothing is offered."""
    engine.silent = True
    wanted = {"name": "orch why", "arg_type": {"Positional": 0}, "call": {}}
    engine.send(frame({"Call": [1, {"GetCompletion": wanted}]}))
    engine.wait_until(lambda: len(engine.unanswered) == 3)
    engine.send(INTERRUPT)
    assert engine.response(1) == {"CompletionItems": []}
    engine.speak()


def test_between_the_call_and_its_answer(engine: Engine, tmp_path: Path) -> None:
    """A call and Ctrl-C that come together: one answer, of the one kind or the other."""
    folder = make_foreign(tmp_path, TASK)
    first, second = run(101, "orch status", data_dir=folder), run(102, "orch tasks")
    engine.send(first + INTERRUPT + second + INTERRUPT + INTERRUPT)
    assert "PipelineData" in engine.response(101)
    engine.response(102)
    engine.run("orch status", data_dir=folder)
    assert set(responses(engine).values()) == {1}


def test_a_call_that_waits_for_the_daemon(engine: Engine, own: OwnDirectory) -> None:
    """Twice Ctrl-C, one answer; what the request still brings is dropped."""
    calls = [engine.start("orch cancel", "w1", data_dir=own.path) for _ in range(3)]
    engine.run("orch status", data_dir=own.path)
    engine.send(INTERRUPT + INTERRUPT)
    assert {code_of(engine.response(call)) for call in calls} == {"orch::interrupted"}
    engine.run("orch status", data_dir=own.path)
    assert set(responses(engine).values()) == {1}


def test_a_number_that_is_used_again(engine: Engine, own: OwnDirectory) -> None:
    """What an interrupted call still finds out does not answer a later one of the same number."""
    engine.send(run(101, "orch cancel", "w1", data_dir=own.path))
    inbox = f"{own.path}/inbox"
    while not (requests := [name for name in os.listdir(inbox) if name.endswith(".json")]):
        engine.listen(0.002)
    engine.send(INTERRUPT)
    assert code_of(engine.response(101)) == "orch::interrupted"
    engine.send(run(101, "orch cancel", "w1", data_dir=own.path))
    while sum(name.endswith(".json") for name in os.listdir(inbox)) < 2:
        engine.listen(0.002)
    write(Path(own.path) / "replies" / requests[0], {"ok": True, "result": {"workflow": "not this one", "status": "x"}})
    engine.listen(0.2)
    assert responses(engine)[101] == 1
    engine.send(INTERRUPT)
    assert code_of(engine.response(101)) == "orch::interrupted"


@pytest.mark.parametrize("acknowledged", [0, 5, 100])
def test_a_stream_at_any_width_of_its_window(engine: Engine, own: OwnDirectory, acknowledged: int) -> None:
    """Full, partly open, wide open: one end; words about it that cross are passed over, another Ctrl-C is nothing."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, **{"from": "0:0"}))
    for _ in range(100):
        engine.item(stream, acknowledge=False)
    engine.send(frame({"Ack": stream}) * acknowledged + INTERRUPT)
    assert engine.ended(stream)
    engine.send(frame({"Ack": stream}) * 50 + frame({"Drop": stream}) + INTERRUPT + frame({"Drop": stream}))
    engine.run("orch status", data_dir=own.path)
    assert ends(engine) == {stream: 1}
    behind = engine.heard.index({"End": stream})
    assert not [message for message in engine.heard[behind:] if "Data" in message]


def test_a_stream_with_nothing_to_say(engine: Engine, own: OwnDirectory) -> None:
    """Its window is empty, its source sleeps; the end comes at once."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    began = time.monotonic()
    engine.send(INTERRUPT)
    assert engine.ended(stream)
    assert time.monotonic() - began < 1


def test_any_order_of_anything(own: OwnDirectory, tmp_path: Path) -> None:
    """Calls, streams, jobs, questions, drops, Ctrl-C at random: each call has one answer, each stream one end."""
    from tests.nu_plugin_orch.conftest import plugin_and_engine

    foreign = make_foreign(tmp_path / "foreign", TASK)
    for seed in range(15 * RUNS):
        rng = random.Random(seed)
        with plugin_and_engine() as engine:
            engine.greet()
            engine.place["GetEnvVar"] = foreign
            calls = Story(engine, own.path, foreign, rng).play(60)
            engine.speak()
            engine.send(INTERRUPT)
            engine.wait_until(lambda calls=calls, engine=engine: set(responses(engine)) >= set(calls))  # type: ignore[misc]
            engine.run("orch status", data_dir=foreign)
            opened = [it["CallResponse"][1] for it in engine.heard if "CallResponse" in it]
            found = [it["PipelineData"] for it in opened if "ListStream" in it.get("PipelineData", "")]
            streams = [it["ListStream"]["id"] for it in found]
            assert set(responses(engine).values()) == {1}, f"seed {seed}"
            assert ends(engine) == dict.fromkeys(streams, 1), f"seed {seed}"


class Story:
    """Random things that an engine does."""

    def __init__(self, engine: Engine, own: str, foreign: str, rng: random.Random) -> None:
        self.engine, self.own, self.foreign, self.rng = engine, own, foreign, rng
        self.calls: list[int] = []

    def play(self, steps: int) -> list[int]:
        """Do so many things; the calls that were made."""
        actions: list[Callable[[], Any]] = [
            lambda: self.calls.append(self.engine.start("orch status")),
            lambda: self.calls.append(self.engine.start("orch tasks", data_dir=self.foreign)),
            lambda: self.calls.append(self.engine.start("orch watch", data_dir=self.own, **{"from": "0:0"})),
            lambda: self.calls.append(self.engine.start("orch watch", data_dir=self.foreign)),
            lambda: self.calls.append(self.engine.start("orch cancel", "w1", data_dir=self.own)),
            lambda: self.calls.append(self.engine.start("orch why", "nope")),
            lambda: self.engine.send(INTERRUPT),
            lambda: self.engine.send(frame({"Signal": "Reset"})),
            lambda: self.engine.send(frame({"Drop": self.rng.randrange(8)})),
            lambda: self.engine.send(frame({"Ack": self.rng.randrange(8)}) * self.rng.randrange(60)),
            lambda: self.engine.listen(0.0),
            lambda: self.engine.listen(0.002),
            self.engine.speak,
            lambda: setattr(self.engine, "silent", True),
        ]
        for action in self.rng.choices(actions, k=steps):
            action()
        return self.calls


# The engine dies


def begin(engine: Engine, own: OwnDirectory, state: str) -> None:
    """Bring a call into a state."""
    match state:
        case "idle":
            engine.run("orch status", data_dir=own.path)
        case "asking":
            engine.silent = True
            engine.start("orch status")
            engine.wait_until(lambda: len(engine.unanswered) == 3)
        case "job":
            engine.start("orch cancel", "w1", data_dir=own.path)
            engine.run("orch status", data_dir=own.path)
        case "quiet stream":
            engine.stream(engine.start("orch watch", data_dir=own.path))
        case "full stream":
            stream = engine.stream(engine.start("orch watch", data_dir=own.path, **{"from": "0:0"}))
            for _ in range(100):
                engine.item(stream, acknowledge=False)
        case _:
            engine.send(run(77, "orch tasks", data_dir=own.path)[:-9])


@pytest.mark.parametrize("state", ["idle", "asking", "job", "quiet stream", "full stream", "half a message"])
@pytest.mark.parametrize("way", ["both ends", "goodbye"])
def test_it_does_not_outlive_its_engine(
    process: subprocess.Popen[bytes], own: OwnDirectory, state: str, way: str
) -> None:
    """Whatever it does when the engine goes: it is gone soon, without a word and without children."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    engine = Engine(process.stdout.fileno(), process.stdin.fileno())
    engine.greet()
    begin(engine, own, state)
    began = time.monotonic()
    if way == "goodbye" and state != "half a message":
        engine.send(frame("Goodbye"))
    else:
        process.stdin.close()
        process.stdout.close()
    assert process.wait(GONE_S) == 0
    assert time.monotonic() - began < GONE_S
    assert process.stderr.read() == b""


def test_nobody_listens_to_a_stream(process: subprocess.Popen[bytes], own: OwnDirectory) -> None:
    """Its reader is gone while items are sent, though there is an engine that could say more."""
    assert process.stdin is not None
    assert process.stdout is not None
    engine = Engine(process.stdout.fileno(), process.stdin.fileno())
    engine.greet()
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    process.stdout.close()
    own.happen(AttemptExited("w1.a.local.item0", 1, 0))
    assert process.wait(GONE_S) == 0
    assert stream == 0


@pytest.mark.parametrize(("descriptors", "streams"), [(64, 80), (2000, 1100)])
def test_more_streams_than_descriptors(own: OwnDirectory, descriptors: int, streams: int) -> None:
    """What cannot be opened any more is told, the rest goes on; numbers above 1023 are waited for as others are."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < descriptors:
        pytest.skip("fewer descriptors may be had here")
    command = ["sh", "-c", f'ulimit -n {descriptors} && exec "$0" --stdio', str(PLUGIN)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        engine = Engine(started.stdout.fileno(), started.stdin.fileno())
        engine.greet()
        calls = [engine.start("orch watch", data_dir=own.path) for _ in range(streams)]
        answers = [engine.response(call) for call in calls]
        opened = [it["PipelineData"]["ListStream"]["id"] for it in answers if "PipelineData" in it]
        assert {code_of(it) for it in answers} - {None} <= {"orch::journal::unreadable"}
        assert (len(opened) == streams) == (descriptors > streams)
        job = engine.start("orch cancel", "w1", data_dir=own.path)
        engine.listen(0.05)
        engine.send(INTERRUPT)
        engine.wait_until(lambda: len(ends(engine)) == len(opened))
        assert code_of(engine.response(job)) is not None
        assert engine.run("orch status", data_dir=own.path)
        started.stdin.close()
        assert started.wait(GONE_S) == 0
