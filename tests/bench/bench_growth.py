"""How time and memory grow with the size of a graph: 100 to 100,000 no-op processes, two at a time, daemon running.

Usage: ``python -m tests.bench.bench_growth [--sizes 100,1000,10000]`` (100,000 takes minutes).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.bench.bench_graph import definition, run_xargs
from tests.support.live import LiveDaemon, records, wait_for
from tests.support.processes import memory_kib


def run(nodes: int, folder: str) -> tuple[float, float, int]:
    """(seconds from the first record to the last, seconds of a restart after it, MiB of the daemon at the end)."""
    path = Path(tempfile.mkdtemp(dir=folder)) / "graph.k"
    path.write_text(definition(nodes), encoding="utf-8")
    with LiveDaemon(path.parent / "data", "--max-running", "2") as daemon:
        workflow = daemon.submit(path)
        state = path.parent / "data" / "workflows" / workflow / "state.json"
        wait_for(lambda: b'"status": "succeeded"' in state.read_bytes()[:200], "the end", 10 + nodes / 100)
        own = [record for record in records(daemon.data_dir) if record["workflow"] == workflow]
        assert daemon.process is not None
        memory = memory_kib(daemon.process.pid) >> 10
        daemon.kill()
        began = time.monotonic()
        daemon.start()
        restart = time.monotonic() - began
        return (own[-1]["mono_us"] - own[0]["mono_us"]) / 1e6, restart, memory


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="100,1000,10000")
    options = parser.parse_args()
    print("  nodes   seconds   ms a node   of xargs   restart, s   daemon, MiB")
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, options.sizes.split(",")):
            peer = run_xargs(size)
            seconds, restart, memory = run(size, folder)
            each = seconds / size * 1e3
            print(
                f"{size:7} {seconds:9.2f} {each:11.2f} {seconds / peer:10.2f} {restart:12.2f} {memory:13}", flush=True
            )


if __name__ == "__main__":
    main()
