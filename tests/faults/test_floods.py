"""Commands that write floods: their logs stay bounded, the daemon's memory flat, and the tasks succeed (F19)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from orchestrator.effects.output import OUTPUT_BYTES_MAX
from tests.faults.common import RUNS, define, final_row, operation
from tests.support.live import FINAL, PATIENCE_S, LiveDaemon, read_workflow, wait_for
from tests.support.processes import memory_kib

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.fault("F19")

#: What the daemon may grow by while all the floods go through.
GROWTH_KIB = 20 << 10

MARKER = re.compile(rb"\n\[orchestrator: ([0-9]+) bytes were dropped here, the limit is ([0-9]+)\]\n")

#: {what: (shell text, bytes it writes at least)}; all but the last are larger than the bound.
FLOODS = {
    "lines": (f"yes | head -c {300 * RUNS}M", 300 * RUNS << 20),
    "no newline": (f"head -c {200 * RUNS}M /dev/zero | tr '\\\\0' x", 200 * RUNS << 20),
    "zeros": (f"head -c {200 * RUNS}M /dev/zero", 200 * RUNS << 20),
    "escapes": (f"yes '\\033[31m\\033[2J\\033]0;title\\007' | head -c {100 * RUNS}M", 100 * RUNS << 20),
    "in pieces": (f"for i in 1 2 3 4; do head -c {70 * RUNS}M /dev/zero; sleep 0.3; done", 280 * RUNS << 20),
    "noise": ("head -c 20M /dev/urandom", 20 << 20),
}


@pytest.mark.parametrize("stream", ["out", "err"])
def test_floods_are_cut(tmp_path: Path, stream: str) -> None:
    """Each log ends up within its bound, says what was dropped, and the daemon neither grows nor fails."""
    redirect = " >&2" if stream == "err" else ""
    floods = list(FLOODS.values()) if stream == "out" else [FLOODS["lines"]]
    operations = [operation(f"f{number}", f"{{ {text}; }}{redirect}") for number, (text, _) in enumerate(floods)]
    definition = define(tmp_path / "w.k", *operations)
    with LiveDaemon(tmp_path / "data", "--max-running", "2") as daemon:
        assert daemon.process is not None
        warm = daemon.submit(define(tmp_path / "warm.k", operation("warm", "yes | head -c 1M")))
        assert daemon.wait_until_over(warm)["status"] == "succeeded"
        before = memory_kib(daemon.process.pid)
        workflow = daemon.submit(definition)
        largest = largest_until_over(daemon.data_dir, workflow, daemon.process.pid)
        assert daemon.wait_until_over(workflow)["status"] == "succeeded", daemon.log()
        assert largest - before < GROWTH_KIB
        for number, (_, written) in enumerate(floods):
            assert final_row(daemon.data_dir, workflow, f"f{number}", "succeeded")["exit_code"] == 0
            check_log(daemon.data_dir, workflow, f"f{number}.local.x.1.{stream}", written)


def largest_until_over(data_dir: str, workflow: str, pid: int) -> int:
    """The most memory that the process was seen to have until the workflow ended, in KiB."""
    seen = [0]

    def is_over() -> bool:
        seen.append(max(seen.pop(), memory_kib(pid)))
        return read_workflow(data_dir, workflow)["status"] in FINAL

    wait_for(is_over, "the end of the floods", PATIENCE_S * RUNS)
    return seen[0]


def check_log(data_dir: str, workflow: str, name: str, written: int) -> None:
    """The log holds everything; or its first half, a line about the last cut, and what came after it."""
    path = f"{data_dir}/workflows/{workflow}/logs/{name}"
    size = os.stat(path).st_size
    if written <= OUTPUT_BYTES_MAX:
        assert size == written
        return
    with open(path, "rb") as file:
        content = file.read()
    assert size <= OUTPUT_BYTES_MAX
    dropped = [(int(found[1]), int(found[2])) for found in MARKER.finditer(content)]
    assert [limit for _, limit in dropped] == [OUTPUT_BYTES_MAX], content[-200:]
    # What an earlier cut dropped is not told again, so what is told is at most what was written.
    assert 0 < dropped[0][0] <= written
    # A command that writes on may come between the cut and the line about it, but never into the first half.
    marker = MARKER.search(content)
    assert marker is not None
    assert marker.start() >= OUTPUT_BYTES_MAX // 2
