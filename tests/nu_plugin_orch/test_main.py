"""The plugin's process."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import PATIENCE_S, Engine, frame, hello
from tests.support.foreign_directory import TASK, make_foreign
from tests.support.nushell import PLUGIN
from tests.support.own_directory import OwnDirectory

if TYPE_CHECKING:
    from pathlib import Path


def engine_of(process: subprocess.Popen[bytes]) -> Engine:
    """An engine that has greeted the process."""
    assert process.stdin is not None
    assert process.stdout is not None
    engine = Engine(process.stdout.fileno(), process.stdin.fileno())
    engine.greet()
    return engine


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--local-socket", "/tmp/x"], ["status"]])
def test_says_what_it_is_when_it_is_not_called_by_nushell(arguments: list[str]) -> None:
    """With the command that registers it, on standard error."""
    answer = subprocess.run([PLUGIN, *arguments], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"plugin add {PLUGIN}" in answer.stderr


@pytest.mark.parametrize("goodbye", [b"", frame("Goodbye")])
def test_ends_when_nushell_does(process: subprocess.Popen[bytes], goodbye: bytes) -> None:
    """At the end of its input, or when it is told goodbye; without a word."""
    engine = engine_of(process)
    engine.send(goodbye)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_ends_when_nobody_listens_any_more(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Nushell was killed."""
    engine = engine_of(process)
    assert process.stdout is not None
    process.stdout.close()
    engine.start("orch status", data_dir=make_foreign(tmp_path))
    assert process.wait(PATIENCE_S) == 0


def test_ends_while_a_request_waits_for_its_answer(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Threads do not keep it alive."""
    own = OwnDirectory(tmp_path)
    lock = own.hold()
    engine = engine_of(process)
    engine.place["GetCurrentDir"] = "/"
    engine.start("orch cancel", "w1", data_dir=own.path)
    while not any(name.endswith(".json") for name in os.listdir(f"{own.path}/inbox")):
        engine.run("orch status", data_dir=own.path)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0
    lock.release()


def test_nothing_but_the_protocol_gets_on_the_wire(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """What is written to standard output goes to standard error, and standard input is empty."""
    engine = engine_of(process)
    pid = process.pid
    assert os.readlink(f"/proc/{pid}/fd/0") == os.devnull
    assert os.readlink(f"/proc/{pid}/fd/1") == os.readlink(f"/proc/{pid}/fd/2")
    assert engine.run("orch tasks", data_dir=make_foreign(tmp_path, TASK))[0]["id"] == "task-001"


def test_an_engine_that_is_none_is_told(process: subprocess.Popen[bytes]) -> None:
    """On standard error, and the process ends."""
    assert process.stdin is not None
    process.stdin.write(hello(protocol="nu-game"))
    assert process.wait(PATIENCE_S) == 1
    assert process.stderr is not None
    assert b"not the plugin protocol of Nushell" in process.stderr.read()


def test_imports_only_what_a_command_needs(tmp_path: Path) -> None:
    """Nothing of the daemon's, nor threads, after a status and a table of tasks."""
    code = (
        "import os, sys; from nu_plugin_orch.host import Host; sys.stdin.close();"
        "Host(*map(int, sys.argv[1:])).run(); print(*sorted(sys.modules), file=sys.stderr)"
    )
    to_plugin, from_engine = os.pipe()
    to_engine, from_plugin = os.pipe()
    command = [str(PLUGIN.with_name("python")), "-c", code, str(to_plugin), str(from_plugin)]
    with subprocess.Popen(command, pass_fds=(to_plugin, from_plugin), stderr=subprocess.PIPE, text=True) as started:
        engine = Engine(to_engine, from_engine)
        engine.greet()
        folder = make_foreign(tmp_path, TASK)
        engine.run("orch status", data_dir=folder)
        engine.run("orch tasks", data_dir=folder)
        os.close(from_engine)
        _, told = started.communicate()
    for fd in (to_plugin, from_plugin, to_engine):
        os.close(fd)
    loaded = set(told.split())
    assert "nu_plugin_orch.commands.tasks" in loaded
    assert not loaded & {"threading", "asyncio", "subprocess", "pathlib", "dataclasses", "typing", "msgspec", "socket"}
    assert not any(name.startswith(("orchestrator.engine", "orchestrator.store")) for name in loaded)
