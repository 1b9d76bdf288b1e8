"""P7: a graph of 1,000 no-op processes in five layers, two at a time, against ``xargs -P2`` in the same run.

Prints the time from the first start to the last durable record, the time to the last public file, and the ratios.
Usage: ``python -m tests.bench.bench_graph [--nodes 1000] [--rounds 3]``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.live import LiveDaemon, records

LAYERS = 5


def definition(nodes: int) -> str:
    """A KCL file of `nodes` operations' worth of items, in layers that depend on each other."""
    layers = [
        f"""
        workflows.OperationDef {{
            id = "layer{layer}", type = "create", target = "server", command = "true"
            items = ["n${{i}}" for i in range({nodes // LAYERS})]
            depends_on = [{f'"layer{layer - 1}"' if layer else ""}]
        }}"""
        for layer in range(LAYERS)
    ]
    head = 'import workflows\n\nwf = workflows.WorkflowDef {\n    name = "graph"\n    operations = ['
    return f"{head}{''.join(layers)}\n    ]\n}}\n"


def run_ours(nodes: int, folder: str) -> tuple[float, float]:
    """(seconds to the last record, seconds to the last file) of one run in a fresh directory below `folder`.

    It is left there: what is deleted slows down whoever makes files in the next seconds (see `store.public`).
    """
    path = Path(tempfile.mkdtemp(dir=folder)) / "graph.k"
    path.write_text(definition(nodes), encoding="utf-8")
    with LiveDaemon(path.parent / "data", "--max-running", "2") as daemon:
        workflow = daemon.submit(path)
        daemon.wait_until_over(workflow)
        written = time.monotonic()
        own = [record for record in records(daemon.data_dir) if record["workflow"] == workflow]
        first, last = own[0]["mono_us"] / 1e6, own[-1]["mono_us"] / 1e6
        return last - first, written - first


def run_xargs(nodes: int) -> float:
    """Seconds that xargs takes for as many processes."""
    began = time.monotonic()
    lines = "\n".join(str(number) for number in range(nodes))
    subprocess.run(["xargs", "-P2", "-n1", "sh", "-c", "true"], input=lines.encode(), check=True)
    return time.monotonic() - began


def main() -> None:
    """Alternate both and print medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    ours, files, peer = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            peer.append(run_xargs(options.nodes))
            last_record, last_file = run_ours(options.nodes, folder)
            ours.append(last_record)
            files.append(last_file)
    base = statistics.median(peer)
    print(f"P7 graph of {options.nodes} processes, 2 at a time, median of {options.rounds}")
    print(f"  xargs -P2                 {base:7.3f} s   1.00")
    for name, values in (("ours, last record synced", ours), ("ours, last file written", files)):
        print(f"  {name:25} {statistics.median(values):7.3f} s   {statistics.median(values) / base:.2f}")


if __name__ == "__main__":
    main()
