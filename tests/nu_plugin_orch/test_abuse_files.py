"""Directories with anything in them: every command answers in time, with rows or a told error (F14, F16)."""

from __future__ import annotations

import os
import random
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from nu_plugin_orch import commands
from tests.support import hostile
from tests.support.engine import Engine, PluginError, frame
from tests.support.hostile import ARCHIVED, FILES, TASK, WORKFLOW
from tests.support.live import wait_for
from tests.support.nushell import PLUGIN
from tests.support.processes import holds, processor_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS = int(os.environ.get("ORCH_FAULT_RUNS", "1"))

#: Time of the processor that no answer about a small directory takes more of, whatever is in its files. (That it comes
#: at all, within `PATIENCE_S`, is asked by the engine.)
ANSWER_S = 3.0

#: Fields that are spoilt in each kind of file, of all that there are.
FIELDS = 25 * RUNS

#: (command, arguments, flags) of everything that reads.
READS: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    ("orch status", (), {}),
    ("orch tasks", (), {}),
    ("orch tasks", (), {"all": ..., "long": ...}),
    ("orch tasks", (), {"strict": ...}),
    ("orch tasks", (), {"limit": 1, "status": ["running"]}),
    ("orch tasks", (), {"no-cache": ..., "workflow": WORKFLOW, "min-priority": 0}),
    ("orch workflows", (), {}),
    ("orch workflow", (WORKFLOW,), {}),
    ("orch workflow", (ARCHIVED,), {}),
    ("orch why", (WORKFLOW,), {}),
    ("orch why", (TASK,), {}),
    ("orch why", (ARCHIVED,), {}),
    ("orch watch", (), {"from": "0:0"}),
    ("orch watch", (), {"from": "1:30"}),
    ("orch watch", (), {}),
    ("orch stats", (), {}),
    ("orch stats", (), {"by": "workflow"}),
    ("orch logs", (WORKFLOW,), {}),
    ("orch logs", (TASK,), {}),
    ("orch at", ("1:30",), {}),
    ("orch at", ("2026-11-21T09:05:00Z",), {}),
    ("orch diff", ("1:10", "1:30"), {}),
    ("orch graph", (WORKFLOW,), {}),
)

#: (command, argument) of which Tab offers ids.
OFFERS = (
    ("orch why", {"Positional": 0}),
    ("orch workflow", {"Positional": 0}),
    ("orch watch", {"Flag": "workflow"}),
    ("orch cancel", {"Positional": 0}),
    ("orch retry", {"Positional": 0}),
    ("orch resolve", {"Positional": 0}),
    ("orch tasks", {"Flag": "workflow"}),
    ("orch logs", {"Positional": 0}),
)


class Plugin:
    """The plugin's process, and all that is asked of it about a directory."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [PLUGIN, "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.engine = Engine(self.process.stdout.fileno(), self.process.stdin.fileno())
        self.engine.greet()

    def faults(self, data_dir: Path) -> list[str]:
        """What went wrong in asking for everything there is in `data_dir`: answers that are bugs, or come late."""
        found = []
        for name, positional, flags in READS:
            if name not in commands.MODULES:
                continue
            began = processor_s(self.process.pid)
            told = self._errors(name, positional, {**flags, "data-dir": str(data_dir)})
            found += [f"{name} {positional} {flags}: {it['msg']} {it['help']}" for it in told if _is_bug(it)]
            if (took := processor_s(self.process.pid) - began) > ANSWER_S:
                found.append(f"{name} {positional} {flags}: {took:.1f} s")
        self.engine.place["GetEnvVar"] = str(data_dir)
        for name, argument in OFFERS:
            if name in commands.MODULES:
                answer = self.engine.ask({"GetCompletion": {"name": name, "arg_type": argument, "call": {}}})
                assert "CompletionItems" in answer
        return found

    def _errors(self, name: str, positional: tuple[str, ...], flags: dict[str, Any]) -> list[dict[str, Any]]:
        """Errors that the answer is, or has in its stream, of which a few items are waited for."""
        answer = self.engine.response(self.engine.start(name, *positional, **flags))
        if "Error" in answer:
            return [answer["Error"]]
        header = answer["PipelineData"]
        if "ListStream" not in header:
            return []
        stream = header["ListStream"]["id"]
        time.sleep(0.001)
        self.engine.send(frame({"Drop": stream}))
        assert self.engine.ended(stream)
        items = [message["Data"][1]["List"] for message in self.engine.inbox if "Data" in message]
        self.engine.inbox.clear()
        return [item["Error"]["error"] for item in items if "Error" in item]

    def end(self) -> None:
        """It is asked for nothing more. Its last word is exit code 0."""
        self.process.communicate()
        assert self.process.returncode == 0


def _is_bug(told: dict[str, Any]) -> bool:
    return told["code"] in (None, "orch::bug", "orch::protocol")


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """One process for all: what is wrong in one directory must not be felt in the next."""
    started = Plugin()
    yield started
    started.end()


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A directory in which nothing is wrong yet."""
    return hostile.make_sound(tmp_path / "data")


def test_a_sound_directory_has_no_faults(plugin: Plugin, sound: Path) -> None:
    """The tests below are about what is put into it."""
    assert plugin.faults(sound) == []


@pytest.mark.fault("F14")
@pytest.mark.parametrize("file", FILES)
def test_any_content_is_shown_or_told(plugin: Plugin, sound: Path, file: str) -> None:
    """Whatever a file holds: every command answers, in time, and no answer is a failure of the plugin's own."""
    for name, content in hostile.CONTENTS.items():
        hostile.put(sound / file, lambda path, content=content: path.write_bytes(content) and None)  # type: ignore[misc]
        assert plugin.faults(sound) == [], f"{file}: {name}"


@pytest.mark.fault("F14")
@pytest.mark.parametrize("file", [it for it in FILES if it.endswith(("json", "jsonl"))])
def test_any_field_may_be_odd(plugin: Plugin, sound: Path, file: str) -> None:
    """One field gone, or of another kind, in each kind of file."""
    cases = list(hostile.with_odd_fields((sound / file).read_text(encoding="utf-8")))
    for name, content in random.Random(11).sample(cases, min(FIELDS, len(cases))):
        (sound / file).write_bytes(content)
        assert plugin.faults(sound) == [], f"{file}: {name}"


@pytest.mark.fault("F16")
@pytest.mark.parametrize("file", FILES)
def test_anything_may_be_in_a_files_place(plugin: Plugin, sound: Path, file: str) -> None:
    """A FIFO is not waited at, a link is not followed, a gigabyte is not read."""
    for name, make in hostile.KINDS.items():
        hostile.put(sound / file, make)
        assert plugin.faults(sound) == [], f"{file}: {name}"


@pytest.mark.fault("F16")
@pytest.mark.parametrize("folder", ["tasks", "workflows", f"workflows/{WORKFLOW}", "journal", "archive", "index"])
def test_anything_may_be_in_a_folders_place(plugin: Plugin, sound: Path, folder: str) -> None:
    """The same for folders."""
    for name, make in hostile.KINDS.items():
        hostile.put(sound / folder, make)
        assert plugin.faults(sound) == [], f"{folder}: {name}"


@pytest.mark.fault("F14", "F16")
def test_the_plugin_stays_small(plugin: Plugin, sound: Path) -> None:
    """After all that, and the worst contents again: no descriptors are left open, no threads, and little memory."""
    before = holds(plugin.process.pid)
    for content in hostile.CONTENTS.values():
        for file in FILES[:6]:
            (sound / file).write_bytes(content)
        assert plugin.faults(sound) == []
    wait_for(lambda: holds(plugin.process.pid)[1] <= before[1], "the end of the jobs' threads")
    descriptors, _, kib = holds(plugin.process.pid)
    assert descriptors <= before[0] + 1
    assert kib < 150_000, f"{kib} KiB"


def test_failures_beside_an_open_stream_leave_nothing(plugin: Plugin, sound: Path) -> None:
    """Neither memory, which errors and their traces hold in circles, nor the files that were opened before one."""
    engine, pid = plugin.engine, plugin.process.pid
    stream = engine.stream(engine.start("orch watch", data_dir=str(sound)))
    most = 0

    def fail(times: int) -> None:
        nonlocal most
        for number in range(times):
            command = ("orch why", "orch watch")[number % 2]
            with pytest.raises(PluginError):
                engine.run(command, "nope", data_dir=str(sound))
            most = max(most, len(os.listdir(f"/proc/{pid}/fd")))

    fail(600)
    before = holds(pid)
    fail(2400)
    assert holds(pid)[2] < before[2] + 8_000
    assert most <= before[0] + 3
    engine.send(frame({"Drop": stream}))
    assert engine.ended(stream)
