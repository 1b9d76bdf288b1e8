"""No attempt starts twice, and none is lost while it runs, whoever dies when.

The wrapper is stopped before each of its lines in turn; then the daemon, the wrapper or both are killed with
``kill -9``, and the next daemon looks after the attempt.
"""

from __future__ import annotations

import os
import shlex
import signal
from typing import TYPE_CHECKING

import pytest

from orchestrator.effects.effect import Child, Ended, Exited, Launch, Lost
from orchestrator.effects.local import LocalEffect
from orchestrator.effects.processes import Process, read_process
from orchestrator.effects.wrapper import find_wrapper, read_text
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

LINES = read_text().splitlines()


def _line(beginning: str) -> int:
    return next(number for number, line in enumerate(LINES) if line.startswith(beginning))


#: Before it is written who has the attempt; before the command begins; before it is written how it ended.
TELL, RUN, RECORD = _line("printf 'claim"), _line('eval "shift'), _line("command printf")

_ON_THE_WAY = ("ORCH_WRAPPER_STEM", "trap '", 'umask "$6"', "if cd", "unset", "case", 'set -- "$4"')

#: Every line of a wrapper that runs its command in its own shell, in the order in which they come.
STEPS = [TELL, *(number for number, line in enumerate(LINES) if line.startswith(_ON_THE_WAY)), RUN, RECORD]


class Stage:
    """One attempt whose wrapper stops before a line, and everybody around it."""

    def __init__(self, data_dir: Path, tmp_path: Path, step: int | None, command: str = "exit 5") -> None:
        self.data_dir = data_dir
        self.gate = Gate(tmp_path / "wrapper-gate")
        self.runs = tmp_path / "runs"
        self.runs.touch()
        self.shell = tmp_path / "sh"
        self._write_shell(step)
        self.launch = launch(data_dir, f'echo ran >>"$RUNS"; {command}', RUNS=str(self.runs))

    def effect(self, *, first: bool = False, boot_id: str = BOOT_ID) -> LocalEffect:
        """A daemon's; the first one's wrappers stop at the gate."""
        return LocalEffect(str(self.data_dir), boot_id, shell=str(self.shell) if first else "/bin/sh")

    def daemon(self) -> ForkedDaemon:
        """The first daemon, in a process of its own."""
        return ForkedDaemon(lambda: self.effect(first=True), self.launch)

    def wrapper(self) -> Process:
        """The wrapper, once it is one."""
        return wait_for(lambda: wrapper_of(self.launch), "the wrapper")

    def count(self) -> int:
        """How often the command has run."""
        return len(self.runs.read_text().splitlines())

    def _write_shell(self, step: int | None) -> None:
        stop = f"gate_status=$?; read -r gate_line <{self.gate.path}; ( exit $gate_status )"
        lines = list(LINES)
        if step is not None:
            lines.insert(step, stop)
        text = shlex.quote("\n".join(lines))
        self.shell.write_text(f'#!/bin/sh\nshift 2\nexec /bin/sh -c {text} "$@"\n')
        self.shell.chmod(0o700)


def wrapper_of(of: Launch) -> Process | None:
    """The living wrapper of a launch."""
    return find_wrapper((of.task, of.attempt), of.log_stem, of.data_dir)


def assert_settled(stage: Stage, how: Ended) -> None:
    """Every later daemon finds the same, a wrapper that comes late leaves, and nothing runs."""
    runs = stage.count()
    later = stage.effect().look_after(stage.launch)
    assert later == how or (isinstance(later, Lost) and isinstance(how, Lost))
    assert isinstance(ended(stage.effect().start(stage.launch)), Lost)
    assert stage.count() == runs
    assert processes_of_attempts(stage.data_dir) == []


@pytest.mark.fault("F21")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: LINES[step][:24])
def test_the_daemon_dies(data_dir: Path, tmp_path: Path, step: int) -> None:
    """Wherever the wrapper stands, it is adopted and ends by itself."""
    stage = Stage(data_dir, tmp_path, step)
    daemon = stage.daemon()
    daemon.wait()
    stage.gate.wait()
    daemon.kill()
    pid = stage.wrapper().pid
    found = stage.effect().look_after(stage.launch)
    stage.gate.open()
    assert isinstance(found, Child)
    assert found.pid == pid
    assert ended(found) == Exited(5)
    assert stage.count() == 1
    assert_settled(stage, Exited(5))


@pytest.mark.fault("F20")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: LINES[step][:24])
def test_the_wrapper_dies(data_dir: Path, tmp_path: Path, step: int) -> None:
    """The daemon sees the signal as the end."""
    stage = Stage(data_dir, tmp_path, step)
    child = stage.effect(first=True).start(stage.launch)
    stage.gate.wait()
    os.kill(child.pid, signal.SIGKILL)
    assert ended(child) == Exited(137)
    assert stage.count() == (1 if step == RECORD else 0)
    stage.gate.close()


@pytest.mark.fault("F21")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: LINES[step][:24])
def test_both_die(data_dir: Path, tmp_path: Path, step: int) -> None:
    """What is written decides: not begun, or begun and lost."""
    stage = Stage(data_dir, tmp_path, step)
    daemon = stage.daemon()
    daemon.wait()
    stage.gate.wait()
    pid = stage.wrapper().pid
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    found = stage.effect().look_after(stage.launch)
    if step == TELL:
        assert found == Lost("its process ended before its command began")
    else:
        assert found == Lost("its process ended without recording an exit code")
    assert stage.count() == (1 if step == RECORD else 0)
    assert_settled(stage, found)
    stage.gate.close()


@pytest.mark.fault("F21")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: LINES[step][:24])
def test_the_daemon_dies_and_then_the_wrapper_that_the_next_one_adopted(
    data_dir: Path, tmp_path: Path, step: int
) -> None:
    """An adopted wrapper that is killed is lost."""
    stage = Stage(data_dir, tmp_path, step)
    daemon = stage.daemon()
    daemon.wait()
    stage.gate.wait()
    daemon.kill()
    found = stage.effect().look_after(stage.launch)
    os.kill(stage.wrapper().pid, signal.SIGKILL)
    assert isinstance(found, Child)
    found = ended(found)
    told = "without recording an exit code" if step != TELL else "before its command began"
    assert isinstance(found, Lost)
    assert told in found.why or "without recording" in found.why
    assert stage.count() == (1 if step == RECORD else 0)
    assert_settled(stage, found)
    stage.gate.close()


@pytest.mark.fault("F21")
@pytest.mark.parametrize("starts", range(6))
def test_the_daemon_dies_while_it_starts_attempts(data_dir: Path, tmp_path: Path, starts: int) -> None:
    """Killed between any two starts, or in one: each attempt has run once or never will, as it is told."""
    runs = tmp_path / "runs"
    runs.mkdir()
    launches = [launch(data_dir, f"echo ran >>{runs}/{number}", f"i{number}") for number in range(6)]
    daemon = ForkedDaemon(lambda: LocalEffect(str(data_dir), BOOT_ID), *launches)
    daemon.wait(starts)
    daemon.kill()
    effect = LocalEffect(str(data_dir), BOOT_ID)
    results = []
    for of in launches:
        found = effect.look_after(of)
        results.append(ended(found) if isinstance(found, Child) else found)
    for pid in processes_of_attempts(data_dir):
        wait_until_gone(pid)
    for number, result in enumerate(results):
        path = runs / str(number)
        assert result in (Exited(0), Lost("it had not begun when the daemon ended", has_begun=False))
        assert path.exists() == isinstance(result, Exited)
        assert not path.exists() or path.read_text() == "ran\n"


#: A command that is another process than its wrapper, and waits.
APART = """sh -c 'read -r _ <"$GATE"; exit 3'; exit $?"""


class Running:
    """An attempt whose command waits, with its wrapper and its command's process."""

    def __init__(self, data_dir: Path, tmp_path: Path, command: str) -> None:
        self.gate = Gate(tmp_path / "gate")
        self.launch: Launch = launch(data_dir, command, GATE=str(self.gate.path))
        self.data_dir = data_dir

    def pids(self) -> list[int]:
        """What lives of it."""
        return processes_of_attempts(self.data_dir)


def test_a_command_that_outlives_its_wrapper_is_ended_before_the_attempt_is(data_dir: Path, tmp_path: Path) -> None:
    """The wrapper is killed, the command is not: it gets TERM, and the attempt is over when it is gone."""
    running = Running(data_dir, tmp_path, APART)
    effect = LocalEffect(str(data_dir), BOOT_ID)
    child = effect.start(running.launch)
    running.gate.wait()
    os.kill(child.pid, signal.SIGKILL)
    assert ended(child) == Exited(137)
    assert running.pids() == []
    running.gate.close()


def test_a_command_that_outlives_its_wrapper_and_ignores_term_is_killed_after_the_grace(
    data_dir: Path, tmp_path: Path
) -> None:
    """Until then the attempt is not over, whatever is asked."""
    running = Running(data_dir, tmp_path, 'trap "" TERM; read -r _ <"$GATE"; exit 3')
    effect = LocalEffect(str(data_dir), BOOT_ID, grace_s=10)
    child = effect.start(running.launch)
    running.gate.wait()
    os.kill(child.pid, signal.SIGKILL)
    wait_until_gone(child.pid)
    assert child.collect(1_000_000) is None
    effect.sweep(2_000_000)
    effect.sweep(10_999_999)
    assert child.collect(10_999_999) is None
    assert len(running.pids()) == 1
    effect.sweep(effect.next_sweep_us() or 0)
    effect.sweep(11_000_000)
    assert ended(child) == Exited(137)
    assert running.pids() == []
    running.gate.close()


def test_the_next_daemon_ends_a_command_whose_wrapper_is_gone(data_dir: Path, tmp_path: Path) -> None:
    """Daemon and wrapper died, the command lives on: it is ended, and only then the attempt is lost."""
    running = Running(data_dir, tmp_path, APART)
    daemon = ForkedDaemon(lambda: LocalEffect(str(data_dir), BOOT_ID), running.launch)
    running.gate.wait()
    daemon.kill()
    wrapper = wrapper_of(running.launch)
    assert wrapper is not None
    os.kill(wrapper.pid, signal.SIGKILL)
    wait_until_gone(wrapper.pid)
    found = LocalEffect(str(data_dir), BOOT_ID).look_after(running.launch)
    assert isinstance(found, Child)
    assert ended(found) == Lost("its wrapper was killed, and what it ran had to be ended")
    assert running.pids() == []
    running.gate.close()


def test_an_adopted_attempt_that_is_killed_ends_as_killed(data_dir: Path, tmp_path: Path) -> None:
    """Who sends KILL to an adopted attempt knows how it ended, although nobody recorded it."""
    running = Running(data_dir, tmp_path, 'trap "" TERM; read -r _ <"$GATE"')
    daemon = ForkedDaemon(lambda: LocalEffect(str(data_dir), BOOT_ID), running.launch)
    running.gate.wait()
    daemon.kill()
    found = LocalEffect(str(data_dir), BOOT_ID).look_after(running.launch)
    assert isinstance(found, Child)
    found.signal_group(signal.SIGKILL)
    assert ended(found) == Exited(137)
    running.gate.close()


def _claim(data_dir: Path, pid: int, start: int, boot_id: str) -> Launch:
    """An attempt whose claim names the given process."""
    of = launch(data_dir, "true")
    logs = data_dir / "workflows" / "w" / "logs"
    logs.mkdir(parents=True)
    (logs / f"{of.log_stem}.out").touch()
    (logs.parent / "attempts.log").write_text(f"claim {of.log_stem} {pid} {start} {boot_id}\n")
    return of


def test_a_process_that_only_has_the_number_is_left_alone(data_dir: Path) -> None:
    """The number in a claim was given to somebody else since: not adopted, not signalled, and the attempt is lost."""
    own = read_process(os.getpid())
    assert own is not None
    of = _claim(data_dir, own.pid, own.start - 1, BOOT_ID)
    found = LocalEffect(str(data_dir), BOOT_ID).look_after(of)
    assert found == Lost("its process ended without recording an exit code")


def test_nothing_is_adopted_from_before_a_restart_of_the_machine(data_dir: Path) -> None:
    """Number and start time may agree by chance when the boot is another one."""
    own = read_process(os.getpid())
    assert own is not None
    of = _claim(data_dir, own.pid, own.start, "another-boot")
    assert LocalEffect(str(data_dir), BOOT_ID).look_after(of) == Lost("the machine was restarted while it ran")


def test_an_exit_code_from_before_a_restart_of_the_machine_counts(data_dir: Path) -> None:
    """What was recorded is believed, whatever happened to the machine since."""
    of = _claim(data_dir, 1, 1, "another-boot")
    with (data_dir / "workflows" / "w" / "attempts.log").open("a") as log:
        log.write(f"exit {of.log_stem} 4\n")
    assert LocalEffect(str(data_dir), BOOT_ID).look_after(of) == Exited(4)


def test_a_daemon_that_died_between_taking_and_telling_has_taken(data_dir: Path) -> None:
    """The log file alone is the claim: without a line about it the attempt is lost all the same."""
    of = launch(data_dir, ": >ran")
    logs = data_dir / "workflows" / "w" / "logs"
    logs.mkdir(parents=True)
    (logs / f"{of.log_stem}.out").touch()
    effect = LocalEffect(str(data_dir), BOOT_ID)
    assert effect.look_after(of) == Lost("its process ended before its command began")
    assert isinstance(ended(effect.start(of)), Lost)
    assert not (data_dir / "ran").exists()
