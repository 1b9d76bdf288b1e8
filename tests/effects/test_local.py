"""Starting: what a command is given, and what is said when it cannot be started."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
from typing import TYPE_CHECKING

import msgspec
import pytest

from orchestrator.effects.effect import Exited, Lost, StartError
from orchestrator.effects.local import LocalEffect
from orchestrator.effects.processes import read_process
from orchestrator.model.errors import DiskFailed
from tests.support.attempts import BOOT_ID, Gate, ended, launch, processes_of_attempts, wait_for

if TYPE_CHECKING:
    from pathlib import Path


def output(data_dir: Path, stem: str = "op.local.x.1") -> str:
    """What an attempt wrote to standard output."""
    return (data_dir / "workflows" / "w" / "logs" / f"{stem}.out").read_text()


def test_the_command_has_the_environment_of_its_launch_and_the_daemons_own(data_dir: Path) -> None:
    """What the launch says is added to what the daemon has; what is only meant for the daemon is left out."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/home/me",
        "ORCH_ATTEMPT": "99",
        "ORCH_DATA_DIR": "/elsewhere",
        "ORCH_TOKEN": "secret",
        "ORCH_LOCAL_ROOT": "/srv",
        "NOTIFY_SOCKET": "/run/notify",
        "LISTEN_FDS": "1",
    }
    effect = LocalEffect(str(data_dir), BOOT_ID, environ=environ)
    of = launch(data_dir, "env", LEVEL="two words\nand a line")
    assert ended(effect.start(of)) == Exited(0)
    lines = output(data_dir).splitlines()
    assert {*lines} >= {f"{name}={value}" for name, value in of.env.items() if name != "LEVEL"}
    assert {"HOME=/home/me", "ORCH_LOCAL_ROOT=/srv", "LEVEL=two words", "and a line"} <= {*lines}
    assert not [line for line in lines if line.startswith(("ORCH_TOKEN", "NOTIFY", "LISTEN", "ORCH_WRAPPER"))]


def test_the_command_runs_in_its_working_directory(data_dir: Path, tmp_path: Path, effect: LocalEffect) -> None:
    """The directory may hold any character."""
    strange = tmp_path / "a b'\"$(c)\n-d"
    strange.mkdir()
    of = msgspec.structs.replace(launch(data_dir, "pwd"), working_dir=str(strange))
    assert ended(effect.start(of)) == Exited(0)
    assert output(data_dir) == f"{strange}\n"


def test_the_data_directory_may_hold_any_character(tmp_path: Path) -> None:
    """Paths are passed as they are, never read as shell text."""
    data_dir = tmp_path / "da ta'\"$(x)`y`\n;*"
    data_dir.mkdir()
    effect = LocalEffect(str(data_dir), BOOT_ID)
    assert ended(effect.start(launch(data_dir, "echo fine"))) == Exited(0)
    assert output(data_dir) == "fine\n"


def test_an_attempt_has_a_session_of_its_own(data_dir: Path, tmp_path: Path, effect: LocalEffect) -> None:
    """A child leads its session and process group, so that a signal to the group reaches it and nobody else."""
    gate = Gate(tmp_path / "gate")
    child = effect.start(launch(data_dir, f"read -r _ <{gate.path}"))
    assert (os.getsid(child.pid), os.getpgid(child.pid)) == (child.pid, child.pid)
    gate.open()
    assert ended(child) == Exited(0)


def test_no_child_and_no_descriptor_stays(data_dir: Path, effect: LocalEffect) -> None:
    """A child that was collected has left neither a zombie nor an open descriptor."""
    assert ended(effect.start(launch(data_dir, "true"))) == Exited(0)
    gc.collect()  # what other tests have left gives its descriptors back now, and not amid this one
    before = sorted(os.listdir("/proc/self/fd"))
    pids = []
    for attempt in range(2, 5):
        child = effect.start(launch(data_dir, "true", attempt=attempt))
        pids.append(child.pid)
        assert ended(child) == Exited(0)
    assert sorted(os.listdir("/proc/self/fd")) == before
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize(
    ("command", "env", "why"),
    [
        ("echo " + "x" * 140_000, {}, "Argument list too long. Put a long command into a script file"),
        ("true", {"X": "y" * 140_000}, "Argument list too long"),
        ("echo a\0b", {}, "no process can be given its command, environment or paths"),
        ("true", {"A": "b\0c"}, "no process can be given"),
        ("true", {"A=B": "c"}, "no process can be given"),
        ("true", {"": "c"}, "no process can be given"),
        ("echo \ud800", {}, "no process can be given"),
    ],
)
def test_says_why_a_command_cannot_be_started(
    data_dir: Path, effect: LocalEffect, command: str, env: dict[str, str], why: str
) -> None:
    """The message names the attempt and the task, what is wrong, and what to do."""
    with pytest.raises(StartError, match=r"attempt 1 of w\.op\.local\.x could not be started") as raised:
        effect.start(msgspec.structs.replace(launch(data_dir, command), env=env))
    assert why in str(raised.value)


def test_says_that_the_shell_is_missing(data_dir: Path) -> None:
    """A machine without the shell is told by the shell's path."""
    effect = LocalEffect(str(data_dir), BOOT_ID, shell="/no/such/sh")
    with pytest.raises(StartError, match="with /no/such/sh: No such file"):
        effect.start(launch(data_dir, "true"))


@pytest.mark.parametrize("kind", ["fifo", "symlink"])
def test_refuses_to_start_when_something_lies_in_the_place_of_the_records(
    data_dir: Path, effect: LocalEffect, kind: str
) -> None:
    """attempts.log is neither waited for nor followed; the message names it."""
    (data_dir / "workflows" / "w").mkdir(parents=True)
    records = data_dir / "workflows" / "w" / "attempts.log"
    if kind == "fifo":
        os.mkfifo(records)
    else:
        records.symlink_to(data_dir / "target")
    with pytest.raises(StartError, match=r"attempts\.log: .*remove it"):
        effect.start(launch(data_dir, ": >ran"))
    with pytest.raises(DiskFailed, match=r"cannot be found out: .*attempts\.log"):
        effect.look_after(launch(data_dir, ": >ran"))
    assert not (data_dir / "ran").exists()
    assert not (data_dir / "target").exists()


def test_says_that_logs_have_no_place(data_dir: Path, effect: LocalEffect) -> None:
    """A file in the place of the workflow's directory is named."""
    (data_dir / "workflows").write_text("")
    with pytest.raises(StartError, match="workflows/w"):
        effect.start(launch(data_dir, "true"))


def test_refuses_to_start_without_a_descriptor_and_watches_with_the_last_one(data_dir: Path) -> None:
    """With every descriptor in use a child that was started is still watched; the next start is refused."""
    effect = LocalEffect(str(data_dir), BOOT_ID)
    assert ended(effect.start(launch(data_dir, "true"))) == Exited(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gc.collect()  # as above
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 4, hard))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        child = effect.start(launch(data_dir, "exit 3", attempt=2))
        with pytest.raises(StartError, match=r"too many files open \(ulimit -n\)"):
            effect.start(launch(data_dir, ": >ran", attempt=3))
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert ended(child) == Exited(3)
    assert not (data_dir / "ran").exists()
    assert ended(effect.start(launch(data_dir, "exit 4", attempt=4))) == Exited(4)


def test_the_exit_code_75_of_a_command_is_not_taken_for_a_wrapper_that_left(
    data_dir: Path, effect: LocalEffect
) -> None:
    """A claim in the log tells the command's own 75 from that of a wrapper without a claim."""
    assert ended(effect.start(launch(data_dir, "exit 75"))) == Exited(75)
    again = ended(effect.start(launch(data_dir, "exit 75")))
    assert isinstance(again, Lost)
    assert "could not begin" in again.why


def test_the_exit_code_is_known_without_the_records(data_dir: Path, tmp_path: Path, effect: LocalEffect) -> None:
    """Somebody removed attempts.log while an attempt ran: the kernel still tells how it ended."""
    gate = Gate(tmp_path / "gate")
    child = effect.start(launch(data_dir, f"read -r code <{gate.path}; exit $code"))
    gate.wait()
    (data_dir / "workflows" / "w" / "attempts.log").unlink()
    gate.open("6")
    assert ended(child) == Exited(6)


def test_term_reaches_a_command_that_has_stopped_itself(data_dir: Path, effect: LocalEffect) -> None:
    """TERM is followed by CONT, so that who sleeps in the group wakes up to end."""
    child = effect.start(launch(data_dir, "kill -STOP $$; exit 1"))
    wait_for(lambda: [pid for pid in processes_of_attempts(data_dir) if is_stopped(pid)], "a stopped process")
    child.signal_group(signal.SIGTERM)
    assert ended(child) == Exited(143)


def is_stopped(pid: int) -> bool:
    """Whether the process waits for CONT."""
    process = read_process(pid)
    return process is not None and process.state == "T"


def test_a_command_that_ignores_term_is_ended_by_kill(data_dir: Path, tmp_path: Path, effect: LocalEffect) -> None:
    """KILL to the group ends what TERM did not, wrapper included."""
    gate = Gate(tmp_path / "gate")
    child = effect.start(launch(data_dir, f"trap '' TERM; read -r _ <{gate.path}"))
    gate.wait()
    child.signal_group(signal.SIGTERM)
    assert child.collect(0) is None
    child.signal_group(signal.SIGKILL)
    assert ended(child) == Exited(137)
    gate.close()
