"""``orchestrator watch``: filters, places to begin, signs of life, the display."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import call, command

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Two workflows of two operations, each with a success; no daemon."""
    directory = OwnDirectory(tmp_path / "data")
    for name in ("w1", "w2"):
        directory.submit(plan(operation("one"), operation("two", after=("one",))), name)
        directory.happen(AttemptExited(f"{name}.one.local.x", 1, 0))
    return directory


def first(own: OwnDirectory, count: int, *arguments: str) -> list[dict[str, Any]]:
    """The first lines, as JSON."""
    words = command("watch", "--json", *arguments, data_dir=own.path)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = [json.loads(process.stdout.readline()) for _ in range(count)]
    process.terminate()
    process.communicate()
    return found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--workflow", "w2"], [(None, "queued"), ("w2.one.local.x", "pending")]),
        (["w2"], [(None, "queued"), ("w2.one.local.x", "pending")]),
        (["w.k", "--status", "succeeded"], [("w1.one.local.x", "succeeded"), ("w2.one.local.x", "succeeded")]),
        (["w2", "--workflow", "/d/w.k", "--status", "succeeded"], [("w1.one.local.x", "succeeded")]),
        (["--operation", "two", "--status", "running"], [("w1.two.local.x", "running"), ("w2.two.local.x", "running")]),
        (["--task", "w1.one.local.x", "--status", "succeeded"], [("w1.one.local.x", "succeeded")]),
        (["--item", "x", "--status", "succeeded", "--status", "failed"], [("w1.one.local.x", "succeeded")]),
        (["--reasons", "--operation", "two"], [("w1.two.local.x", "pending")]),
    ],
)
def test_changes_are_chosen(own: OwnDirectory, arguments: list[str], expected: list[tuple[str | None, str]]) -> None:
    """As in the plugin; options may be repeated."""
    rows = first(own, len(expected), "--from", "0:0", *arguments)
    assert [(row["task"], row["status"]) for row in rows] == expected


def test_a_row_tells_where_to_go_on(own: OwnDirectory) -> None:
    """Also amid a record."""
    rows = first(own, 5, "--from", "0:0")
    for number in range(4):
        assert first(own, 1, "--from", rows[number]["cursor"]) == [rows[number + 1]]


def test_begins_at_a_moment(own: OwnDirectory) -> None:
    """A time, or how long ago."""
    assert first(own, 1, "--since", "2023-11-14T22:13:24Z")[0]["workflow"] == "w2"
    assert first(own, 1, "--since", "100000d ago")[0]["workflow"] == "w1"


def test_gives_signs_of_life(own: OwnDirectory) -> None:
    """As JSON, and as a line."""
    (beat,) = first(own, 1, "--heartbeat", "50ms")
    assert (beat["status"], beat["cursor"], beat["daemon"]) == (None, "1:5", False)
    process = subprocess.Popen(
        command("watch", "--heartbeat", "50ms", data_dir=own.path), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().rstrip().endswith("nothing new, and no daemon runs")
    process.terminate()
    process.communicate()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--from", "0:0", "--since", "1min"], "both say where to begin"),
        (["--since", "soon"], "'soon' is no moment"),
        (["--since", "2999-01-01"], "lies in the future"),
        (["--heartbeat", "often"], "no length of time"),
        (["--heartbeat", "1us"], "no length of time"),
        (["--live"], "--live draws on a terminal"),
        (["--until-done", "--workflow", "w1", "--workflow", "w2"], "ends with one workflow"),
        (["--until-done", "--workflow", "w1", "--status", "failed"], "Leave --status out"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(own: OwnDirectory, arguments: list[str], told: str) -> None:
    """With what to do instead."""
    result = call("watch", *arguments, data_dir=own.path)
    assert result.returncode == 2
    assert told in result.stderr


def test_a_task_that_is_not_there_is_told(own: OwnDirectory) -> None:
    """At once, with a near name."""
    result = call("watch", "--task", "w1.one.local.y", data_dir=own.path)
    assert result.returncode == 66
    assert "Did you mean w1.one.local.x?" in result.stderr


def test_what_is_waited_for_is_told(own: OwnDirectory) -> None:
    """Nothing has that operation so far."""
    words = command("watch", "--operation", "onne", data_dir=own.path)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "warning: No task has operation `onne`. Did you mean one?\n"
    process.terminate()
    process.communicate()


def test_one_of_several_has_to_be_named_to_be_followed_to_its_end(own: OwnDirectory) -> None:
    """A definition that was submitted twice is two workflows."""
    result = call("watch", "w.k", "--until-done", data_dir=own.path)
    assert result.returncode == 66
    assert result.stderr == "error: 2 workflows have the definition w.k.\nhelp: Name one: w1, w2.\n"


def test_a_terminal_shows_all_workflows_in_place(own: OwnDirectory) -> None:
    """Until Ctrl-C, which ends it with the code of an interrupt; new ones appear."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color"}
    words = command("watch", "--live", data_dir=own.path)
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    end = time.monotonic() + 30
    while b"2 workflows: " not in shown and time.monotonic() < end:
        shown += os.read(ours, 65536)
    own.submit(plan(operation("one")), "w3")
    while b"3 workflows: " not in shown and time.monotonic() < end:
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    os.close(ours)
    assert b"3 workflows: " in shown
