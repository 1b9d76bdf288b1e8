"""Reading /proc."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.effects.processes import (
    attempt_of,
    command_line,
    find_attempts,
    has_ended,
    process_ids,
    read_process,
    session_members,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["a b", "a) R 1 2 3", ")", "(((", "x) Z 0 0 0 0"])
def test_a_name_with_blanks_and_parentheses_is_no_trap(tmp_path: Path, name: str) -> None:
    """The fields are counted from behind the last parenthesis, whatever the program is called."""
    program = shutil.copy(shutil.which("sleep") or "", tmp_path / name)
    with subprocess.Popen([program, "1000"], start_new_session=True) as process:
        try:
            found = read_process(process.pid)
            assert found is not None
            assert (found.pid, found.group, found.session) == (process.pid,) * 3
            assert found.state in "RSD"
            assert found.start > 1000
        finally:
            process.kill()


def test_a_process_that_has_ended_is_told_apart_from_one_that_is_gone() -> None:
    """A zombie is dead, with its group and session; then there is nothing."""
    process = subprocess.Popen(["true"], start_new_session=True)
    pidfd = os.pidfd_open(process.pid)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    found = read_process(process.pid)
    assert found is not None
    assert found.is_dead
    assert has_ended(pidfd)
    assert session_members(process.pid) == []
    assert command_line(process.pid) == []
    process.wait()
    assert read_process(process.pid) is None
    assert has_ended(pidfd)
    os.close(pidfd)


def test_knows_itself() -> None:
    """This process is in the list and its arguments are its own."""
    assert os.getpid() in process_ids()
    assert command_line(os.getpid())
    assert os.getpid() in session_members(os.getsid(0))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ORCH_TASK_ID": "w.o.p.i", "ORCH_ATTEMPT": "3"}, ("w.o.p.i", 3)),
        ({"ORCH_TASK_ID": "w.o.p.i", "ORCH_ATTEMPT": "three"}, None),
        ({"ORCH_TASK_ID": "w.o.p.i"}, None),
        ({"ORCH_ATTEMPT": "3"}, None),
        ({"ORCH_TASK_ID": "w.o.p.i", "ORCH_ATTEMPT": "3", "ORCH_DATA_DIR": "/elsewhere"}, None),
        ({"ORCH_TASK_ID": "w.o.p.i", "ORCH_ATTEMPT": "3", "ORCH_DATA_DIR": ""}, None),
        ({"MY_ORCH_TASK_ID": "w.o.p.i", "ORCH_ATTEMPT": "3"}, None),
    ],
)
def test_knows_the_attempt_a_process_belongs_to(
    tmp_path: Path, environ: dict[str, str], expected: tuple[str, int] | None
) -> None:
    """All of task, attempt and data directory must agree."""
    with subprocess.Popen(["/bin/sleep", "1000"], env={"ORCH_DATA_DIR": str(tmp_path), **environ}) as process:
        try:
            assert attempt_of(process.pid, str(tmp_path)) == expected
            found = find_attempts(str(tmp_path), {("w.o.p.i", 3)})
            assert found == ({expected: [process.pid]} if expected else {})
        finally:
            process.kill()
