"""Many daemons started at once on one directory: one has it, the others say who (F12)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.lock import is_held
from orchestrator.files.state.status import read_status
from orchestrator.model.errors import Locked
from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.faults.common import RUNS, serve
from tests.support.live import PATIENCE_S, LiveDaemon, records, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.fault("F12")

DAEMONS = 20


#: A daemon that is slow between taking the lock and writing who has it.
SLOW = """
import os, sys, time
cut = os.ftruncate
def slow(*arguments):
    time.sleep(0.5)
    os.ftruncate = cut
    cut(*arguments)
os.ftruncate = slow
from orchestrator import serve
sys.exit(serve.main(["--data-dir", sys.argv[1]]))
"""


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with daemons."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def race(data_dir: Path) -> None:
    """Start the daemons, and check that exactly one wins and that all others say who it is."""
    crowd = [serve(data_dir) for _ in range(DAEMONS)]
    try:
        wait_for(lambda: sum(process.poll() is not None for process in crowd) >= DAEMONS - 1, "all losers to end")
        winners = [process for process in crowd if process.poll() is None]
        assert len(winners) == 1, [process.returncode for process in crowd]
        check_losers([process for process in crowd if process is not winners[0]], winners[0].pid)
        assert is_held(str(data_dir))
        wait_for((data_dir / "status.json").exists, "the winner's first heartbeat")
        assert read_status(str(data_dir))["pid"] == winners[0].pid
        winners[0].send_signal(signal.SIGTERM)
        assert winners[0].wait(PATIENCE_S) == 0
    finally:
        for process in crowd:
            process.kill()
            process.communicate()
    assert lives(str(data_dir))[-1] == winners[0].pid
    assert not is_held(str(data_dir))
    assert [finding for finding in verify(RealDisk(), str(data_dir)).findings if finding.is_fault] == []


def check_losers(losers: list[subprocess.Popen[str]], winner: int) -> None:
    """Each ended with the code of a locked directory and one message that names the winner."""
    misled = []
    for process in losers:
        said = process.communicate(timeout=PATIENCE_S)[1]
        assert process.returncode == Locked.exit_code == 75, said
        assert "Another daemon holds " in said
        assert "Traceback" not in said
        if f"(pid {winner}, started " not in said:
            misled.append(said)
    assert misled == []


@pytest.mark.parametrize("round", range(RUNS))
def test_of_many_daemons_on_a_fresh_directory_one_wins(tmp_path: Path, round: int) -> None:
    """Exactly one serves; each of the others ends with 75 and names its process, and only one life is recorded."""
    race(tmp_path / "data")
    assert len(lives(str(tmp_path / "data"))) == 1, round


def test_a_stale_lock_text_decides_nothing(tmp_path: Path, bystander: subprocess.Popen[bytes]) -> None:
    """The lock file names a living, unrelated process, as after a crash and a reuse of the number: it is overruled."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    serve_once(data_dir)
    (data_dir / "daemon.lock").write_text(f"pid {bystander.pid}, started 2020-01-01T00:00:00Z\n" * 40)
    race(data_dir)
    assert bystander.poll() is None
    assert f"pid {bystander.pid}" not in (data_dir / "daemon.lock").read_text(encoding="utf-8")


def test_a_lock_text_of_nobody_decides_nothing(tmp_path: Path) -> None:
    """Garbage, or the number of a process that is gone, is overwritten by the one who has the lock."""
    data_dir = tmp_path / "data"
    serve_once(data_dir)
    for text in (b"", b"\xff\x00\xfe garbage without end", b"pid 999999999, started never\n"):
        (data_dir / "daemon.lock").write_bytes(text)
        pid = serve_once(data_dir)
        assert (data_dir / "daemon.lock").read_text(encoding="utf-8").startswith(f"pid {pid}, started ")


@pytest.mark.parametrize("text", ["", "pid 999999999, started 2020-01-01T00:00:00Z\n"])
def test_the_owner_is_named_even_before_it_has_said_who_it_is(tmp_path: Path, text: str) -> None:
    """Who comes in the moment between the taking of the lock and the writing of its text is told the right name."""
    data_dir = tmp_path / "data"
    serve_once(data_dir)
    (data_dir / "daemon.lock").write_text(text, encoding="utf-8")
    winner = subprocess.Popen([sys.executable, "-c", SLOW, str(data_dir)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_held(str(data_dir)), "the lock")
        loser = serve(data_dir)
        said = loser.communicate(timeout=PATIENCE_S)[1]
        assert loser.returncode == Locked.exit_code, said
        assert f"(pid {winner.pid}, started " in said
    finally:
        winner.kill()
        winner.wait()


def test_removing_the_lock_file_lets_nobody_in(tmp_path: Path) -> None:
    """A person who removes daemon.lock while a daemon runs, as one does with pid files, gets no second daemon."""
    with LiveDaemon(tmp_path / "data") as daemon:
        os.unlink(f"{daemon.data_dir}/daemon.lock")
        second = serve(daemon.data_dir)
        try:
            wait_for(lambda: second.poll() is not None or len(lives(daemon.data_dir)) > 1, "the second one's fate")
            assert second.poll() == Locked.exit_code
        finally:
            second.kill()
            second.communicate()
            assert daemon.process is not None
            daemon.process.kill()
            daemon.process.wait()


def serve_once(data_dir: Path) -> int:
    """A daemon's whole life on the directory; its process id."""
    process = serve(data_dir)
    wait_for(lambda: is_held(str(data_dir)) and (data_dir / "journal/000001.jsonl").exists(), "the daemon")
    wait_for(lambda: served_by(data_dir) == process.pid, "its heartbeat")
    process.terminate()
    said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 0, said
    return process.pid


def lives(data_dir: str) -> list[int]:
    """The processes that the journal tells of as daemons, in order."""
    return [record["data"]["pid"] for record in records(data_dir) if record["event"] == "DaemonStarted"]


def served_by(data_dir: Path) -> int:
    """Who wrote status.json; 0 while nobody has."""
    return int(read_status(str(data_dir))["pid"]) if (data_dir / "status.json").exists() else 0
