"""A real daemon whose kernel fails its syncs, or kills it at them (strace): nothing acknowledged is lost (F01, F07)."""

from __future__ import annotations

import shutil
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import validator
from orchestrator.files.lock import is_held
from orchestrator.model.errors import NoDaemon, NoReply
from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.faults.common import RUNS, define, operation
from tests.support.live import LiveDaemon

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="not run: strace is not installed")

#: The calls at which something happens, counted from the start of the daemon.
CALLS = range(3, 3 + 6 * RUNS)


class Injected:
    """A daemon below strace with an injection. strace ends with it, and as it does."""

    def __init__(self, data_dir: Path, trace: Path, fault: str) -> None:
        command = ("strace", "-f", "-q", "-o", str(trace), "-e", "trace=fdatasync,pwrite64", "-e", f"inject={fault}")
        self.daemon = LiveDaemon(data_dir, below=command)
        self.accepted: list[str] = []

    def submit_until_it_ends(self, definition: Path) -> int:
        """Its exit code, or the signal's number below zero."""
        validator.evaluate(str(definition))  # so that the evaluator is not a child of the daemon
        with suppress(AssertionError):  # it may end before anybody could ask it for anything
            self.daemon.start()
        while is_held(self.daemon.data_dir):
            try:
                self.accepted.append(self.daemon.submit(definition))
            except (NoDaemon, NoReply):
                break
        assert self.daemon.process is not None
        return self.daemon.process.wait(30)


def check(data_dir: Path, accepted: list[str]) -> None:
    """The next daemon has everything that was acknowledged, and brings it to its end."""
    with LiveDaemon(data_dir) as daemon:
        for workflow in accepted:
            assert daemon.wait_until_over(workflow)["status"] == "succeeded", daemon.log()
    assert [finding for finding in verify(RealDisk(), str(data_dir)).findings if finding.is_fault] == []


@pytest.mark.fault("F07")
@pytest.mark.parametrize("call", CALLS)
def test_a_sync_that_fails_ends_the_daemon(tmp_path: Path, call: int) -> None:
    """Exit code 74, the failed sync is not tried again, and the record it was for was never acknowledged."""
    definition = define(tmp_path / "w.k", operation("a", "true"))
    run = Injected(tmp_path / "data", tmp_path / "trace", f"fdatasync:error=EIO:when={call}")
    assert run.submit_until_it_ends(definition) == 74
    trace = (tmp_path / "trace").read_text(encoding="utf-8", errors="replace")
    syncs = [line for line in trace.splitlines() if "fdatasync" in line]
    assert "EIO" in syncs[-1], "tried again"
    check(tmp_path / "data", run.accepted)


@pytest.mark.fault("F01", "F02")
@pytest.mark.parametrize("what", ["fdatasync", "pwrite64"])
@pytest.mark.parametrize("call", CALLS)
def test_a_daemon_that_is_killed_at_a_call_loses_nothing(tmp_path: Path, what: str, call: int) -> None:
    """``kill -9`` at the very call that writes or syncs a record."""
    definition = define(tmp_path / "w.k", operation("a", "true"))
    run = Injected(tmp_path / "data", tmp_path / "trace", f"{what}:signal=KILL:when={call}")
    assert run.submit_until_it_ends(definition) == -signal.SIGKILL
    check(tmp_path / "data", run.accepted)
