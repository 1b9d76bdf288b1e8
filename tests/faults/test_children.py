"""Commands that will not end, leave things behind or hide: right statuses, and nothing outlives the grace (F20)."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.effects.processes import read_process
from tests.faults.common import RUNS, SLACK_S, define, final_row, living_of, operation
from tests.support.attempts import kill_attempts, processes_of_attempts
from tests.support.live import LiveDaemon, wait_for
from tests.support.processes import children

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.fault("F20")

GRACE_S = 0.5

#: Programs that misbehave, each in a process of its own: python -S -c MISBEHAVE <which> <mark to make when done>.
MISBEHAVE = r"""
import os, signal, sys, time

def mark():
    os.close(os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY))

def rest():
    mark()
    while True:
        time.sleep(1000)

def daemon(ignore=False, close=True):
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    if ignore:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if close:
        os.closerange(0, 3)
    rest()

def ignore():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    rest()

def zombies():
    for _ in range(5):
        if os.fork() == 0:
            os._exit(3)
    rest()

def stopped(ignore=False):
    if ignore:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mark()
    os.kill(os.getpid(), signal.SIGSTOP)
    rest()

def group_stopped():
    mark()
    os.killpg(0, signal.SIGSTOP)
    rest()

def respawn():
    # Whoever gets TERM leaves a successor in a session of its own.
    def again(*_):
        if os.fork() == 0:
            os.setsid()
            return
        os._exit(0)
    signal.signal(signal.SIGTERM, again)
    rest()

def graceful():
    def say(text):
        with open(sys.argv[2], "a") as file:
            file.write(text + "\n")
    def end(*_):
        time.sleep(0.3)
        say("ends")
        os._exit(1)
    signal.signal(signal.SIGTERM, end)
    say("begins")
    while True:
        time.sleep(1000)

{
    "graceful": graceful,
    "rest": rest,
    "ignore": ignore,
    "daemon": daemon,
    "deaf daemon": lambda: daemon(ignore=True),
    "writing daemon": lambda: daemon(close=False),
    "zombies": zombies,
    "stopped": stopped,
    "deaf and stopped": lambda: stopped(ignore=True),
    "group stopped": group_stopped,
    "respawn": respawn,
}[sys.argv[1]]()
"""

#: Operations that do not end by themselves: {id: program}.
STUBBORN = {
    "rests": "rest",
    "ignores": "ignore",
    "reaps-nothing": "zombies",
    "stops": "stopped",
    "stops-deaf": "deaf and stopped",
    "stops-all": "group stopped",
    "respawns": "respawn",
}

#: Operations that end at once and leave something: {id: program}.
LEAVING = {
    "daemon": "daemon",
    "deaf": "deaf daemon",
    "writes-on": "writing daemon",
    "zombies": "zombies",
    "stopped": "stopped",
    "respawning": "respawn",
}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[LiveDaemon]:
    """A daemon with a short grace, and what its commands are told; nothing of theirs survives the test."""
    program = f"{shlex.quote(sys.executable)} -S -c {shlex.quote(MISBEHAVE)}"
    (tmp_path / "misbehave").write_text(f'#!/bin/sh\nexec {program} "$@"\n', encoding="utf-8")
    (tmp_path / "misbehave").chmod(0o700)
    (tmp_path / "marks").mkdir()
    env = {"MISBEHAVE": str(tmp_path / "misbehave"), "MARKS": str(tmp_path / "marks")}
    live = LiveDaemon(tmp_path / "data", "--stop-grace", str(GRACE_S), "--max-running", "32", env=env)
    try:
        with live:
            yield live
    finally:
        kill_attempts(tmp_path / "data")


def stubborn(id: str, **fields: object) -> str:
    """An operation that misbehaves and does not end by itself; it makes a mark with its id when it is at it."""
    return operation(id, f'"$MISBEHAVE" "{STUBBORN[id]}" "$MARKS/{id}"', **fields)


def leaving(id: str) -> str:
    """An operation that ends well when what it leaves behind has made its mark."""
    wait = f'until [ -e "$MARKS/{id}" ]; do sleep 0.01; done'
    return operation(id, f'"$MISBEHAVE" "{LEAVING[id]}" "$MARKS/{id}" & {wait}')


def wait_for_marks(tmp_path: Path, *ids: str) -> None:
    """Until every one of them misbehaves."""
    wait_for(lambda: all((tmp_path / "marks" / id).exists() for id in ids), f"{ids} to be at it")


def check_nobody_left(daemon: LiveDaemon) -> None:
    """Past the grace and the look that follows it nothing lives that names an attempt; the daemon has no zombies."""
    wait_for(lambda: not living_of(daemon.data_dir), "the end of all", GRACE_S + SLACK_S)
    assert processes_of_attempts(daemon.data_dir) == []
    assert daemon.process is not None
    found = [read_process(pid) for pid in children(daemon.process.pid)]
    assert [child for child in found if child is not None and child.is_dead] == []


@pytest.mark.parametrize("run", range(RUNS))
def test_a_timeout_ends_whoever_will_not(daemon: LiveDaemon, tmp_path: Path, run: int) -> None:
    """Every command that does not end is timed out within its time and the grace, and nothing of it stays."""
    operations = [stubborn(id, timeout=1) for id in STUBBORN]
    workflow = daemon.submit(define(tmp_path / f"w{run}.k", *operations))
    assert daemon.wait_until_over(workflow)["status"] == "failed"
    for id in STUBBORN:
        row = final_row(daemon.data_dir, workflow, id, "timed_out")
        assert 1000 <= row["duration_ms"] < 1000 * (1 + GRACE_S + SLACK_S), row
    check_nobody_left(daemon)


@pytest.mark.parametrize("run", range(RUNS))
def test_a_cancel_ends_whoever_will_not(daemon: LiveDaemon, tmp_path: Path, run: int) -> None:
    """Cancelling a workflow ends every command of it, however it resists, and nothing of it stays."""
    workflow = daemon.submit(define(tmp_path / f"w{run}.k", *map(stubborn, STUBBORN)))
    wait_for_marks(tmp_path, *STUBBORN)
    daemon.request("cancel", {"workflow": workflow})
    assert daemon.wait_until_over(workflow)["status"] == "cancelled"
    for id in STUBBORN:
        final_row(daemon.data_dir, workflow, id, "cancelled")
    check_nobody_left(daemon)


@pytest.mark.parametrize("run", range(RUNS))
def test_what_is_left_behind_ends(daemon: LiveDaemon, tmp_path: Path, run: int) -> None:
    """A command that ended well has succeeded whatever it left running, and that is gone after the grace."""
    background = operation("open", "trap '' TERM; { while :; do echo again; sleep 0.05; done; } & echo first; exit 0")
    workflow = daemon.submit(define(tmp_path / f"w{run}.k", background, *map(leaving, LEAVING)))
    assert daemon.wait_until_over(workflow)["status"] == "succeeded"
    for id in ("open", *LEAVING):
        row = final_row(daemon.data_dir, workflow, id, "succeeded")
        assert row["exit_code"] == 0
        assert row["duration_ms"] < 1000 * SLACK_S  # nobody waits for the end of the output
    check_nobody_left(daemon)


def test_a_command_that_kills_its_wrapper_has_failed(daemon: LiveDaemon, tmp_path: Path) -> None:
    """KILL to the parent, to the whole group and to itself: each is a failure by signal 9, and nothing stays."""
    killers = {"parent": "kill -9 $PPID; sleep 1000", "group": "kill -9 0; sleep 1000", "itself": "kill -9 $$"}
    workflow = daemon.submit(define(tmp_path / "w.k", *(operation(id, text) for id, text in killers.items())))
    assert daemon.wait_until_over(workflow)["status"] == "failed"
    for id in killers:
        assert final_row(daemon.data_dir, workflow, id, "failed")["exit_code"] == 137
    check_nobody_left(daemon)


@pytest.mark.parametrize("mode", ["drain", "kill"])
def test_a_daemon_told_to_stop_sees_to_what_is_left_first(daemon: LiveDaemon, tmp_path: Path, mode: str) -> None:
    """`stop --drain` and `stop --kill` leave no process of a task behind: there may be no next daemon to end it."""
    kept = stubborn("ignores") if mode == "kill" else leaving("deaf")
    daemon.submit(define(tmp_path / "w.k", kept, leaving("daemon")))
    wait_for_marks(tmp_path, "ignores" if mode == "kill" else "deaf", "daemon")
    daemon.request("stop", {"mode": mode})
    assert daemon.process is not None
    assert daemon.process.wait(GRACE_S + SLACK_S) == 0, daemon.log()
    assert living_of(daemon.data_dir) == []


def test_the_next_attempt_waits_for_the_end_of_the_one_before(daemon: LiveDaemon, tmp_path: Path) -> None:
    """A command that needs a part of the grace to end in order is not run a second time beside itself."""
    policy = {"max_attempts": 2, "initial_delay": 0, "max_delay": 0}
    texts = {"plain": "{}", "own-shell": "set -u; {}; exit $?"}
    commands = {id: text.format(f'"$MISBEHAVE" graceful "$MARKS/{id}"') for id, text in texts.items()}
    operations = [operation(id, text, timeout=1, retry_policy=policy) for id, text in commands.items()]
    workflow = daemon.submit(define(tmp_path / "w.k", *operations))
    assert daemon.wait_until_over(workflow)["status"] == "failed"
    check_nobody_left(daemon)
    stories = {id: (tmp_path / "marks" / id).read_text(encoding="utf-8").split() for id in texts}
    assert stories == {id: ["begins", "ends"] * 2 for id in texts}
