"""P7 beside others: the same graph of no-op processes, two at a time, in what people use for such graphs.

Five layers, each of which waits for the whole one before; each node runs ``sh -c true``. Every peer must run every node
once (it counts) and is told apart by what it keeps durably: most of them nothing. Peers from PyPI are installed into
``.tools/peers``; one that cannot be had is a line that says so.

Usage: ``python -m tests.bench.bench_peers [--nodes 200] [--rounds 3] [--only make,ninja]``.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.bench_graph import LAYERS, run_ours, run_xargs

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".tools" / "peers"

#: Each script gets the number of nodes a layer as its argument and prints how many nodes it has run.
_HEAD = """
import subprocess, sys, pathlib
LAYERS, WIDTH = 5, int(sys.argv[1])
def node(*_):
    subprocess.run(["sh", "-c", "true"], check=True)
    return 1
"""

_DOIT = f"""{_HEAD}
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
def task_graph():
    for layer in range(LAYERS):
        before = [f"graph:{{layer - 1}}.{{n}}" for n in range(WIDTH)] if layer else []
        for n in range(WIDTH):
            made = f"{{layer}}.{{n}}.stamp"
            yield {{"name": f"{{layer}}.{{n}}", "actions": [f"true && touch {{made}}"], "task_dep": before}}
module = {{"task_graph": task_graph, "DOIT_CONFIG": {{"verbosity": 0, "reporter": "zero"}}}}
DoitMain(ModuleTaskLoader(module)).run(["-n", "2", "-P", "thread"])
print(len(list(pathlib.Path(".").glob("*.stamp"))))
"""

_HUEY = f"""{_HEAD}
from huey import SqliteHuey
huey = SqliteHuey(filename="huey.db", fsync=True)
step = huey.task()(node)
consumer = huey.create_consumer(workers=2, worker_type="thread", periodic=False, initial_delay=0.001, max_delay=0.001)
consumer.start()
done = 0
for layer in range(LAYERS):
    results = [step() for _ in range(WIDTH)]
    done += sum(result.get(blocking=True, backoff=1, max_delay=0.002) for result in results)
consumer.stop(graceful=True)
print(done)
"""

_LUIGI = f"""{_HEAD}
import luigi
class Node(luigi.Task):
    layer = luigi.IntParameter()
    n = luigi.IntParameter()
    def requires(self):
        return [Node(self.layer - 1, n) for n in range(WIDTH)] if self.layer else []
    def output(self):
        return luigi.LocalTarget(f"{{self.layer}}.{{self.n}}.stamp")
    def run(self):
        node()
        self.output().open("w").close()
luigi.build([Node(LAYERS - 1, n) for n in range(WIDTH)], workers=2, local_scheduler=True, log_level="ERROR")
print(len(list(pathlib.Path(".").glob("*.stamp"))))
"""

_DASK = f"""{_HEAD}
from dask.distributed import Client, LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        before, everything = [], []
        for layer in range(LAYERS):
            before = [client.submit(node, *before, pure=False) for _ in range(WIDTH)]
            everything += before
        print(sum(client.gather(everything)))
"""


class Peer(NamedTuple):
    """`run(nodes, folder)` returns how many nodes ran. `kept`: what is durable after each step."""

    name: str
    kept: str
    run: Callable[[int, Path], int]


def _call(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}")
    return done.stdout


def _script(text: str) -> Callable[[int, Path], int]:
    def run(nodes: int, folder: Path) -> int:
        (folder / "graph.py").write_text(text, encoding="utf-8")
        shown = _call([str(VENV / "bin" / "python"), "graph.py", str(nodes // LAYERS)], folder)
        return int(shown.split()[-1])

    return run


def _make(nodes: int, folder: Path) -> int:
    """Stamp files; ``sh -c :`` would not even start a shell."""
    layers = [[f"{layer}.{n}.stamp" for n in range(nodes // LAYERS)] for layer in range(LAYERS)]
    lines = [f"all: {' '.join(layers[-1])}"]
    for layer, names in enumerate(layers):
        before = " ".join(layers[layer - 1]) if layer else ""
        lines += [f"{name}: {before}\n\t@sh -c true && touch $@" for name in names]
    (folder / "Makefile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _call(["make", "-j2"], folder)
    return len(list(folder.glob("*.stamp")))


def _ninja(nodes: int, folder: Path) -> int:
    layers = [[f"{layer}.{n}.stamp" for n in range(nodes // LAYERS)] for layer in range(LAYERS)]
    lines = ["rule node", "  command = sh -c true && touch $out"]
    for layer, names in enumerate(layers):
        before = f" | {' '.join(layers[layer - 1])}" if layer else ""
        lines += [f"build {name}: node{before}" for name in names]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _call([str(VENV / "bin" / "ninja"), "-j2", "--quiet"], folder)
    return len(list(folder.glob("*.stamp")))


PEERS = [
    Peer("make -j2, stamps", "files, not synced", _make),
    Peer("ninja -j2, stamps", "files, not synced", _ninja),
    Peer("doit -n 2", "nothing", _script(_DOIT)),
    Peer("huey, sqlite, fsync", "yes", _script(_HUEY)),
    Peer("luigi, 2 workers", "files, not synced", _script(_LUIGI)),
    Peer("dask distributed", "nothing", _script(_DASK)),
]


def install() -> str:
    """Make `VENV`; returns why not, "" when it is there."""
    wanted = ROOT / "tests" / "bench" / "peers.txt"
    mark = VENV / "peers.txt"
    if mark.exists() and mark.read_bytes() == wanted.read_bytes():
        return ""
    commands = (
        [sys.executable, "-m", "venv", str(VENV)],
        [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(wanted)],
    )
    for command in commands:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            return done.stderr.strip()[-200:]
    shutil.copy(wanted, mark)
    return ""


def time_peer(peer: Peer, nodes: int, rounds: int, folder: str) -> float:
    """Median seconds, start of the program included where it is one. Raises RuntimeError: not every node ran."""
    seconds = []
    for _ in range(rounds):
        place = Path(tempfile.mkdtemp(dir=folder))
        began = time.monotonic()
        ran = peer.run(nodes, place)
        seconds.append(time.monotonic() - began)
        if ran != nodes:
            raise RuntimeError(f"{ran} of {nodes} nodes ran")
    return statistics.median(seconds)


def main() -> int:
    """Print the table. Returns 1 if a peer that could run did not run everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, or parts of them, with commas")
    options = parser.parse_args()
    chosen = [peer for peer in PEERS if any(part in peer.name for part in options.only.split(","))]
    missing = install()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        base = statistics.median(run_xargs(options.nodes) for _ in range(options.rounds))
        ours = statistics.median(run_ours(options.nodes, folder)[0] for _ in range(options.rounds))
        print(f"P7 {options.nodes} nodes in {LAYERS} layers, 2 at a time, median of {options.rounds}")
        print(f"  {'xargs -P2 (no layers)':24} {base:7.2f} s  {1:6.2f}  kept at each step: nothing")
        print(f"  {'ours':24} {ours:7.2f} s  {ours / base:6.2f}  kept at each step: every transition, synced")
        for peer in chosen:
            if missing and peer.run is not _make:
                print(f"  {peer.name:24} not run: {missing}")
                continue
            try:
                seconds = time_peer(peer, options.nodes, options.rounds, folder)
            except (RuntimeError, FileNotFoundError) as fault:
                faults += 1
                print(f"  {peer.name:24} failed: {fault}")
            else:
                print(f"  {peer.name:24} {seconds:7.2f} s  {seconds / base:6.2f}  kept at each step: {peer.kept}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
