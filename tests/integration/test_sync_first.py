"""What is acknowledged or begun is on the disk before: as the kernel saw the calls (strace)."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import drop
from tests.faults.common import define, operation
from tests.support.live import LiveDaemon, records, wait_for

if TYPE_CHECKING:
    from pathlib import Path

#: The calls that matter, in the order in which they ended.
_CALLS = "trace=pwrite64,fdatasync,fsync,rename,renameat2,vfork,clone,clone3,execve"


@pytest.mark.skipif(shutil.which("strace") is None, reason="not run: strace is not installed")
def test_nothing_is_told_or_started_before_its_record_is_synced(tmp_path: Path) -> None:
    """Plan pinned and synced, record written and synced; only then the command starts and the answer appears."""
    data_dir, trace = tmp_path / "data", tmp_path / "trace"
    definition = define(tmp_path / "w.k", operation("a", "true"))
    with LiveDaemon(data_dir) as daemon:
        assert daemon.process is not None
        command = ["strace", "-f", "-y", "-s", "400", "-e", _CALLS, "-o", str(trace), "-p", str(daemon.process.pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert tracer.stderr is not None
        tracer.stderr.readline()  # "attached"
        drop.send(str(data_dir), "submit", {"path": str(definition)})
        wait_for(lambda: len(records(str(data_dir))) >= 3, "the end of the task")
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
    calls = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    pinned = _first(calls, r"rename\(.*plan\.json")
    written = _first(calls, r"pwrite64\(.*journal/.*WorkflowSubmitted")
    synced = _first(calls[written:], r"fdatasync.* = 0") + written
    answered = _first(calls, r"rename.*replies/")
    started = _first(calls, r"execve\(.*orch-attempt")
    assert pinned < written < synced < min(answered, started), "\n".join(calls)


def _first(lines: list[str], pattern: str) -> int:
    found = next((number for number, line in enumerate(lines) if re.search(pattern, line)), None)
    assert found is not None, f"no {pattern} in\n" + "\n".join(lines)
    return found
