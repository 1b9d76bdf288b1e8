"""The plugin at work, with an engine at the other end of its pipes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nu_plugin_orch import commands
from orchestrator import __version__
from orchestrator.engine.events import AttemptExited
from tests.nu_plugin_orch.conftest import plugin_and_engine
from tests.support.engine import ARGUMENT, HEAD, Engine, PluginError, evaluated, frame
from tests.support.foreign_directory import STATUS, TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPT = frame({"Signal": "Interrupt"})
MANY = plan(operation("a", tuple(f"item{n}" for n in range(150))))


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory of ours with a workflow of two tasks that run."""
    directory = OwnDirectory(tmp_path / "own")
    directory.submit(plan(operation("a", ("x", "y"))), "w1")
    return directory


def end(own: OwnDirectory, item: str, exit_code: int = 0) -> None:
    """A task of the workflow ends."""
    own.happen(AttemptExited(f"w1.a.local.{item}", 1, exit_code))


@pytest.mark.parametrize("version", ["0.98.0", "0.107.0", "0.109.1", "0.115.1"])
def test_greets_every_engine_in_its_own_version(version: str) -> None:
    """And advertises nothing it does not want."""
    with plugin_and_engine(version=version) as engine:
        assert engine.greet() == {"protocol": "nu-plugin", "version": version, "features": []}


def test_tells_its_version_and_its_commands(engine: Engine) -> None:
    """For `plugin add`."""
    assert engine.ask("Metadata") == {"Metadata": {"version": __version__}}
    told = engine.ask("Signature")["Signature"]
    assert [it["sig"]["name"] for it in told] == list(commands.MODULES)


def test_a_command_without_questions_is_answered_at_once(engine: Engine, tmp_path: Path) -> None:
    """With an absolute --data-dir the engine is asked nothing."""
    status = engine.run("orch status", data_dir=make_foreign(tmp_path))
    assert status["running"] is True
    assert engine.asked == []


def test_calls_are_answered_with_the_span_of_their_head(engine: Engine, tmp_path: Path) -> None:
    """So that Nushell can point at them."""
    call = engine.start("orch status", data_dir=make_foreign(tmp_path))
    value = engine.response(call)["PipelineData"]["Value"][0]
    assert value["Record"][1] == [HEAD["start"], HEAD["end"]]


def test_asks_where_the_caller_is(engine: Engine, tmp_path: Path) -> None:
    """Folder, variable and configuration, all at once, at every call: the caller may have moved."""
    first, second = make_foreign(tmp_path / "first"), make_foreign(tmp_path / "second")
    engine.place["GetEnvVar"] = first
    assert engine.run("orch status")["data_dir"] == first
    assert engine.asked == ["GetCurrentDir", {"GetEnvVar": "ORCH_DATA_DIR"}, "GetPluginConfig"]
    engine.place["GetEnvVar"] = None
    engine.place["GetPluginConfig"] = {"data_dir": second, "other": [1]}
    assert engine.run("orch status")["data_dir"] == second


def test_a_relative_directory_starts_where_the_caller_is(engine: Engine, tmp_path: Path) -> None:
    """Not in the folder in which the plugin was started."""
    make_foreign(tmp_path / "d")
    engine.place["GetCurrentDir"] = str(tmp_path)
    assert engine.run("orch status", data_dir="d")["data_dir"] == str(tmp_path / "d")
    assert engine.asked == ["GetCurrentDir"]


def test_finds_the_checkout_above_the_caller(engine: Engine, tmp_path: Path) -> None:
    """The nearest data/state upwards that is ours."""
    own = OwnDirectory(tmp_path / "data" / "state")
    (tmp_path / "deep").mkdir()
    engine.place["GetCurrentDir"] = str(tmp_path / "deep")
    assert engine.run("orch status")["data_dir"] == own.path


def test_a_null_flag_is_no_flag(engine: Engine, tmp_path: Path) -> None:
    """A command of a module hands its own optional flags on."""
    engine.place["GetEnvVar"] = make_foreign(tmp_path, TASK)
    assert len(engine.run("orch tasks", data_dir=None, status=None, limit=None)) == 1


def test_help_is_the_engines(engine: Engine) -> None:
    """The bare command shows the subcommands, as Nushell words them."""
    engine.place["GetHelp"] = "Usage: …"
    assert engine.run("orch") == "Usage: …"


def test_answers_calls_it_does_not_know(engine: Engine) -> None:
    """An unanswered call would hang the shell for ever."""
    assert "CustomValueOp" in engine.ask({"CustomValueOp": [{}, "ToBaseValue"]})["Error"]["msg"]
    with pytest.raises(PluginError, match="no command `orch frobnicate`"):
        engine.run("orch frobnicate")


def test_drops_input_it_does_not_want(engine: Engine, tmp_path: Path) -> None:
    """And answers as if there were none."""
    header = {"ListStream": {"id": 7, "span": HEAD, "metadata": None}}
    flags = evaluated(data_dir=make_foreign(tmp_path))
    engine.send(frame({"Call": [1, {"Run": {"name": "orch status", "call": flags, "input": header}}]}))
    assert engine.wait(lambda message: message.get("Drop")) == 7
    assert "PipelineData" in engine.response(1)


def test_a_failure_nobody_foresaw_is_an_answer_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that the fault is the plugin's, and where."""
    monkeypatch.setattr("nu_plugin_orch.commands.status.read_status", lambda _: 1 // 0)
    with pytest.raises(PluginError, match="The plugin failed: ZeroDivisionError") as told:
        engine.run("orch status", data_dir="/a")
    assert told.value.told["code"] == "orch::bug"
    assert "test_host.py" in told.value.told["help"]


def test_a_path_that_none_can_be_is_told_at_its_flag(engine: Engine) -> None:
    """A NUL character ends no plugin."""
    with pytest.raises(PluginError, match="A path cannot hold a NUL character") as told:
        engine.run("orch status", data_dir="/a\0b")
    assert told.value.told["labels"][0]["text"] == "no path"


def test_a_failure_is_labelled_where_it_was_typed(engine: Engine, tmp_path: Path) -> None:
    """At the flag if one is at fault, else at the command; never at a made-up place."""
    with pytest.raises(PluginError, match="Failed to read status: Status file not found: ") as told:
        engine.run("orch status", data_dir=str(tmp_path))
    assert told.value.told["labels"] == [{"text": "this data directory", "span": {"start": 120, "end": 130}}]
    engine.place["GetEnvVar"] = str(tmp_path)
    with pytest.raises(PluginError, match="Failed to read status") as told:
        engine.run("orch status")
    assert told.value.told["labels"] == [{"text": "here", "span": HEAD}]


def test_a_stream_gives_what_happens(engine: Engine, own: OwnDirectory) -> None:
    """One record for each change, as it comes."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    end(own, "x")
    assert engine.item(stream)["task"] == "w1.a.local.x"
    end(own, "y", 2)
    row = engine.item(stream)
    assert (row["previous_status"], row["status"]) == ("running", "failed")
    assert engine.item(stream)["task"] is None


def test_a_stream_ends_when_it_is_dropped(engine: Engine, own: OwnDirectory) -> None:
    """`first 1` wants no more; the end is said all the same, and the next call is answered."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, **{"from": "0:0"}))
    engine.item(stream)
    engine.send(frame({"Drop": stream}))
    assert engine.ended(stream)
    assert engine.run("orch tasks", data_dir=own.path)


def test_a_stream_keeps_to_its_window(engine: Engine, tmp_path: Path) -> None:
    """A hundred items without an acknowledgement; then one for each."""
    own = OwnDirectory(tmp_path)
    own.submit(MANY, "w1")
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, **{"from": "0:0"}))
    for _ in range(100):
        engine.item(stream, acknowledge=False)
    # Everything the plugin has to say before this answer is here when the answer is.
    engine.run("orch status", data_dir=own.path)
    assert not any("Data" in message for message in engine.inbox)
    for _ in range(50):
        engine.send(frame({"Ack": stream}))
        engine.item(stream, acknowledge=False)


def test_acknowledgements_do_not_cut_pauses_short(engine: Engine, own: OwnDirectory) -> None:
    """Nothing comes that did not happen."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    end(own, "x")
    engine.item(stream)
    for _ in range(50):
        engine.send(frame({"Ack": stream}))
    engine.run("orch status", data_dir=own.path)
    assert not any("Data" in message for message in engine.inbox)


def test_ctrl_c_ends_every_stream(engine: Engine, own: OwnDirectory) -> None:
    """Also those that have nothing to say, and the next call is answered."""
    streams = [engine.stream(engine.start("orch watch", data_dir=own.path)) for _ in range(3)]
    engine.send(INTERRUPT)
    assert all(engine.ended(stream) for stream in streams)
    assert engine.run("orch status", data_dir=own.path)


def test_a_drop_that_crosses_ctrl_c_is_no_fault(engine: Engine, own: OwnDirectory) -> None:
    """The engine may drop what has just ended."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    engine.send(INTERRUPT + frame({"Drop": stream}) + frame({"Ack": stream}))
    assert engine.ended(stream)
    assert engine.run("orch status", data_dir=own.path)


def test_an_error_in_a_stream_is_its_last_item(engine: Engine, own: OwnDirectory) -> None:
    """It says where to go on."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    end(own, "x")
    engine.item(stream)
    journal = Path(own.path) / "journal" / "000001.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:1]))
    own.next_life()
    kind, told = engine.item(stream)
    assert (kind, told["code"]) == ("Error", "orch::journal::cursor_lost")
    assert "Failed to watch: " in told["msg"]
    assert engine.ended(stream)


def test_streams_and_calls_go_side_by_side(engine: Engine, own: OwnDirectory, tmp_path: Path) -> None:
    """A stream does not keep a call waiting, nor a call a stream."""
    foreign = make_foreign(tmp_path / "foreign", TASK)
    first = engine.stream(engine.start("orch watch", data_dir=own.path))
    second = engine.stream(engine.start("orch watch", data_dir=foreign))
    end(own, "x")
    write(tmp_path / "foreign" / "tasks" / "task-001.json", {**TASK, "status": "failed"})
    assert engine.run("orch status", data_dir=foreign)["tasks_pending"] == STATUS["tasks_pending"]
    assert engine.item(second)["task"] == "task-001"
    assert engine.item(first)["task"] == "w1.a.local.x"


@pytest.fixture
def waiting_daemon(own: OwnDirectory) -> Iterator[str]:
    """A daemon that holds its directory and never answers."""
    lock = own.hold()
    yield own.path
    lock.release()


def wait_for_request(engine: Engine, data_dir: str) -> None:
    """Until a request lies in the inbox. Other calls are made meanwhile, and questions answered."""
    while not any(name.endswith(".json") for name in os.listdir(f"{data_dir}/inbox")):
        engine.run("orch status", data_dir=data_dir)


def test_ctrl_c_ends_a_call_that_waits(engine: Engine, waiting_daemon: str) -> None:
    """At once, saying what becomes of its request; the next call is answered."""
    call = engine.start("orch cancel", "w1", data_dir=waiting_daemon)
    wait_for_request(engine, waiting_daemon)
    engine.send(INTERRUPT)
    told = engine.response(call)["Error"]
    assert (told["msg"], told["code"]) == ("Interrupted", "orch::interrupted")
    assert "orch workflows" in told["help"]
    assert engine.run("orch status", data_dir=waiting_daemon)["running"] is True


def test_a_call_that_waits_keeps_nobody_waiting(engine: Engine, waiting_daemon: str) -> None:
    """Others are answered meanwhile, and streams go on."""
    engine.start("orch cancel", "w1", data_dir=waiting_daemon)
    wait_for_request(engine, waiting_daemon)
    assert engine.run("orch status", data_dir=waiting_daemon)["running"] is True
    stream = engine.stream(engine.start("orch watch", data_dir=waiting_daemon, **{"from": "0:0"}))
    assert engine.item(stream)["status"] == "queued"
    engine.send(INTERRUPT)


def completion(name: str, argument: dict[str, object], *words: str, **flags: str) -> dict[str, object]:
    """What an engine asks when somebody presses Tab behind these words; `_` in a name stands for a hyphen."""
    arguments: list[object] = [{"Positional": {"expr": {"String": word}}} for word in words]
    for flag, word in flags.items():
        arguments.append({"Named": [{"item": flag.replace("_", "-")}, None, {"expr": {"String": word}}]})
    call = {"call": {"arguments": arguments}, "strip": False, "pos": 0}
    return {"GetCompletion": {"name": name, "arg_type": argument, "call": call}}


def offered(engine: Engine, name: str, argument: dict[str, object], *words: str, **flags: str) -> list[str] | None:
    """What Tab gets."""
    items = engine.ask(completion(name, argument, *words, **flags))["CompletionItems"]
    return None if items is None else [item["value"] for item in items]


def test_tab_offers_workflows(engine: Engine, own: OwnDirectory) -> None:
    """Those that are not over for `orch cancel`, all of them elsewhere, newest first."""
    engine.place["GetEnvVar"] = own.path
    own.submit(plan(operation("a")), "w2")
    for item in "xy":
        end(own, item)
    assert offered(engine, "orch cancel", {"Positional": 0}) == ["w2"]
    assert offered(engine, "orch workflow", {"Positional": 0}) == ["w2", "w1"]
    assert offered(engine, "orch why", {"Positional": 0}) == ["w2", "w1", "w2.a.local.x"]
    assert offered(engine, "orch watch", {"Flag": "workflow"}) == ["w2", "w1"]


def test_tab_offers_what_the_line_narrows(engine: Engine, own: OwnDirectory, tmp_path: Path) -> None:
    """Parts of the workflow that it names, as an argument or with a flag, in the directory that it names."""
    other = OwnDirectory(tmp_path / "other")
    other.submit(plan(operation("b", ("p", "q")), operation("c", ("r",))), "w7")
    other.submit(plan(operation("d")), "w8")
    there = {"data_dir": other.path}
    operations: dict[str, object] = {"Flag": "operation"}
    assert offered(engine, "orch logs", operations, "w7", **there) == ["b", "c"]
    assert offered(engine, "orch watch", operations, "w8", **there) == ["d"]
    assert offered(engine, "orch retry", operations, "w7", **there) == ["b", "c"]
    for name in ("orch tasks", "orch watch"):
        assert offered(engine, name, operations, workflow="w7", **there) == ["b", "c"]
        assert offered(engine, name, {"Flag": "item"}, workflow="w7", operation="c", **there) == ["r"]
        assert set(offered(engine, name, operations, **there) or ()) == {"b", "c", "d"}
    assert offered(engine, "orch watch", {"Flag": "task"}, "w8", **there) == ["w8.d.local.x"]
    assert offered(engine, "orch graph", {"Flag": "focus"}, "w8", **there) == ["d"]
    assert offered(engine, "orch rollback", {"Flag": "to"}, "w7", **there) == ["start"]
    assert set(offered(engine, "orch watch", {"Flag": "workflow"}, workflow="w7", **there) or ()) == {"w7", "w8"}
    assert offered(engine, "orch diff", {"Flag": "workflow"}, "w7", data_dir=own.path) == ["w1"]
    engine.place["GetCurrentDir"] = str(tmp_path)
    assert offered(engine, "orch logs", operations, "w8", data_dir="other") == ["d"]


def test_tab_leaves_other_arguments_to_the_engine(engine: Engine) -> None:
    """Which offers file names; something else would take their place."""
    assert offered(engine, "orch watch", {"Flag": "data-dir"}) is None
    for name in ("orch validate", "orch nothing"):
        assert offered(engine, name, {"Positional": 0}) is None
    for name in ("orch", "orch status"):  # the engine offers the commands; the files of the folder are none of them
        assert offered(engine, name, {"Positional": 0}) == []


def test_tab_remembers_where_the_last_command_was(engine: Engine, own: OwnDirectory) -> None:
    """Engines up to 0.114 answer no questions while somebody presses Tab."""
    engine.place["GetEnvVar"] = own.path
    engine.run("orch status")
    engine.place.clear()
    assert offered(engine, "orch cancel", {"Positional": 0}) == ["w1"]


def test_tab_offers_nothing_where_nothing_can_be_read(engine: Engine, tmp_path: Path) -> None:
    """An error would be no help."""
    engine.place["GetEnvVar"] = str(tmp_path)
    write(tmp_path / "format.json", {"format": "9.0", "kind": "orchestrator"})
    assert offered(engine, "orch cancel", {"Positional": 0}) == []


def test_a_switch_set_to_false_is_off(engine: Engine, tmp_path: Path) -> None:
    """`--all=false` is another way not to say it."""
    folder = make_foreign(tmp_path, TASK)
    write(tmp_path / "tasks" / "bad.json", "{")
    assert len(engine.run("orch tasks", data_dir=folder, all=...)) == 2
    assert len(engine.run("orch tasks", data_dir=folder, all=True)) == 2
    assert len(engine.run("orch tasks", data_dir=folder, all=False)) == 1


def test_an_argument_of_another_type_is_refused(engine: Engine, tmp_path: Path) -> None:
    """A variable may hold anything; the label is on it."""
    for flag, value in (("limit", "five"), ("status", 5), ("limit", True)):
        with pytest.raises(PluginError, match=f"`--{flag}` takes") as told:
            engine.run("orch tasks", data_dir=str(tmp_path), **{flag: value})
        assert told.value.told["labels"][0]["span"] == ARGUMENT
