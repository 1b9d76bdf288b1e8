"""What attempts leave behind is ended, and nothing else is."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.effects.effect import Child, Exited
from orchestrator.effects.leftovers import LOOK_US
from orchestrator.effects.local import LocalEffect
from orchestrator.effects.processes import read_process
from tests.support.attempts import (
    BOOT_ID,
    ForkedDaemon,
    Gate,
    ended,
    launch,
    processes_of_attempts,
    wait_for,
    wait_until_gone,
)

if TYPE_CHECKING:
    from pathlib import Path

GRACE_US = 10_000_000

#: Starts its arguments as a daemon does: in a session of their own, as nobody's child.
_DAEMONIZE = "import os, sys; os.fork() and os._exit(0); os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])"


def daemonize(script: str) -> str:
    """Shell text that starts `script` in a session of its own."""
    return f"{shlex.quote(sys.executable)} -S -c {shlex.quote(_DAEMONIZE)} sh -c {shlex.quote(script)}"


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Where what is left behind waits."""
    return Gate(tmp_path / "gate")


def left_behind(data_dir: Path, gate: Gate) -> int:
    """The one process that has been left behind, waiting at the gate; the command itself has ended."""
    gate.wait()
    wait_for(lambda: len(processes_of_attempts(data_dir)) == 1, "the command to end")
    return processes_of_attempts(data_dir)[0]


def test_a_background_job_gets_term_at_once(data_dir: Path, effect: LocalEffect, gate: Gate) -> None:
    """What is left in the process group is told to end in the moment the attempt is collected."""
    child = effect.start(launch(data_dir, f"{{ read -r _; }} <{gate.path} & exit 0"))
    pid = left_behind(data_dir, gate)
    assert ended(child) == Exited(0)
    wait_until_gone(pid)


def test_what_ignores_term_is_killed_after_the_grace(data_dir: Path, effect: LocalEffect, gate: Gate) -> None:
    """KILL follows when the grace is over, not before."""
    child = effect.start(launch(data_dir, f"trap '' TERM; {{ read -r _; }} <{gate.path} & exit 0"))
    pid = left_behind(data_dir, gate)
    assert ended(child, now_us=5) == Exited(0)
    due_us = 5 + LOOK_US
    while due_us < 5 + GRACE_US:
        assert effect.next_sweep_us() == due_us
        effect.sweep(due_us)
        assert processes_of_attempts(data_dir) == [pid]
        due_us = effect.next_sweep_us() or 0
    assert due_us == 5 + GRACE_US
    effect.sweep(due_us)
    wait_until_gone(pid)
    effect.sweep(effect.next_sweep_us() or 0)
    assert effect.next_sweep_us() is None


@pytest.mark.parametrize("ignores", ["", "trap '' TERM; "])
def test_who_left_the_session_is_found_by_the_environment(
    data_dir: Path, effect: LocalEffect, gate: Gate, ignores: str
) -> None:
    """A daemon that made a session of its own does not outlive its task by more than the grace."""
    child = effect.start(launch(data_dir, daemonize(f"{ignores}read -r _ <{gate.path}")))
    pid = left_behind(data_dir, gate)
    assert ended(child, now_us=0) == Exited(0)
    assert processes_of_attempts(data_dir) == [pid]
    effect.sweep(LOOK_US)
    if ignores:
        effect.sweep(GRACE_US)
    wait_until_gone(pid)


def test_who_hides_its_environment_is_found_by_the_session(data_dir: Path, effect: LocalEffect, gate: Gate) -> None:
    """A process without the attempt's variables that stayed in its session is the attempt's all the same."""
    child = effect.start(
        launch(data_dir, f"env -i sh -c 'echo $$ >pid; trap \"\" TERM; read -r _ <{gate.path}' & exit 0")
    )
    gate.wait()
    pid = int((data_dir / "pid").read_text())
    assert ended(child, now_us=0) == Exited(0)
    effect.sweep(GRACE_US)
    wait_until_gone(pid)


def test_who_has_stopped_itself_is_woken_to_end(data_dir: Path, effect: LocalEffect, gate: Gate) -> None:
    """TERM waits in a stopped process until CONT follows."""
    script = f"echo $$ >pid; {{ read -r _; }} <{gate.path}; kill -STOP $$"
    child = effect.start(launch(data_dir, daemonize(script)))
    pid = left_behind(data_dir, gate)
    gate.open()
    wait_for(lambda: (found := read_process(pid)) and found.state == "T", "the process to stop itself")
    assert ended(child, now_us=0) == Exited(0)
    effect.sweep(LOOK_US)
    wait_until_gone(pid)


def test_asks_once_and_then_waits(data_dir: Path, effect: LocalEffect, gate: Gate, tmp_path: Path) -> None:
    """Who takes time to end is not sent TERM again with every look."""
    terms, second = tmp_path / "terms", Gate(tmp_path / "second")
    script = f"trap 'echo term >>{terms}' TERM; sleep 1000 & read -r _ <{gate.path}; wait; read -r _ <{second.path}"
    child = effect.start(launch(data_dir, daemonize(f"echo $$ >pid; {script}")))
    gate.wait()
    pid = int((data_dir / "pid").read_text())
    assert ended(child, now_us=0) == Exited(0)
    gate.open()
    effect.sweep(LOOK_US)
    second.wait()
    assert ended(effect.start(launch(data_dir, "true", item="other")), now_us=LOOK_US) == Exited(0)
    effect.sweep(3 * LOOK_US)
    second.open()
    wait_until_gone(pid)
    assert terms.read_text() == "term\n"


def test_leaves_alone_what_belongs_to_others(data_dir: Path, effect: LocalEffect, tmp_path: Path, gate: Gate) -> None:
    """Neither another attempt's process nor the same attempt's of another data directory is signalled."""
    other_dir = tmp_path / "other"
    other_dir.mkdir()
    same = launch(other_dir, "")
    next_attempt = launch(data_dir, "", attempt=2)
    bystanders = [
        subprocess.Popen(["sleep", "1000"], env={**os.environ, **of.env}, start_new_session=True)
        for of in (same, next_attempt)
    ]
    try:
        child = effect.start(launch(data_dir, daemonize(f"read -r _ <{gate.path}")))
        gate.wait()
        assert ended(child, now_us=0) == Exited(0)
        for now_us in (LOOK_US, GRACE_US, 2 * GRACE_US):
            effect.sweep(now_us)
        wait_for(lambda: len(processes_of_attempts(data_dir)) == 1, "the end of what was left behind")
        assert [process.poll() for process in bystanders] == [None, None]
    finally:
        for process in bystanders:
            process.kill()
            process.wait()


def test_a_data_directory_is_the_same_by_any_path(data_dir: Path, tmp_path: Path, gate: Gate) -> None:
    """What was started under one path of the directory is found under another."""
    link = tmp_path / "link"
    link.symlink_to(data_dir)
    daemon = ForkedDaemon(
        lambda: LocalEffect(str(data_dir), BOOT_ID), launch(data_dir, daemonize(f"read -r _ <{gate.path}"))
    )
    pid = left_behind(data_dir, gate)
    daemon.kill()
    effect = LocalEffect(str(link), BOOT_ID)
    found = effect.look_after(launch(link, ""))
    assert (ended(found) if isinstance(found, Child) else found) == Exited(0)
    effect.end_strays()
    effect.sweep(0)
    wait_until_gone(pid)


def test_the_next_daemon_ends_what_is_left_of_attempts_that_are_over(
    data_dir: Path, gate: Gate, tmp_path: Path
) -> None:
    """What an ended attempt left before the daemon died is ended; what runs is not touched."""
    other = Gate(tmp_path / "other")
    over = launch(data_dir, daemonize(f"read -r _ <{gate.path}"), "over")
    runs = launch(data_dir, f"read -r code <{other.path}; exit $code", "runs")
    daemon = ForkedDaemon(lambda: LocalEffect(str(data_dir), BOOT_ID), over, runs)
    gate.wait()
    other.wait()
    daemon.kill()
    effect = LocalEffect(str(data_dir), BOOT_ID)
    adopted = effect.look_after(runs)
    assert isinstance(adopted, Child)
    effect.end_strays()
    assert effect.next_sweep_us() == 0
    effect.sweep(0)
    wait_for(lambda: len(processes_of_attempts(data_dir)) == 2, "the end of what was left behind")
    other.open("7")
    assert ended(adopted) == Exited(7)


def test_looks_once_for_all_that_ended(data_dir: Path, effect: LocalEffect) -> None:
    """Attempts that end within a second share one look, and nothing is due when none has ended."""
    assert effect.next_sweep_us() is None
    for number in range(5):
        assert ended(effect.start(launch(data_dir, "true", f"i{number}")), now_us=number) == Exited(0)
    assert effect.next_sweep_us() == LOOK_US
    effect.sweep(LOOK_US - 1)
    assert effect.next_sweep_us() == LOOK_US
    effect.sweep(LOOK_US)
    assert effect.next_sweep_us() is None


def test_a_fork_bomb_ends(data_dir: Path, effect: LocalEffect) -> None:
    """What multiplies in its group is ended by the signal to the group."""
    child = effect.start(launch(data_dir, "f() { sleep 1000 & read -r x </dev/zero & }; f; f; f; wait"))
    wait_for(lambda: len(processes_of_attempts(data_dir)) >= 7, "some processes")
    child.signal_group(signal.SIGKILL)
    assert ended(child) == Exited(137)
    assert processes_of_attempts(data_dir) == []
