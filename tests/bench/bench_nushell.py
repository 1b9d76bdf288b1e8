"""P1, P2, P5, P6, P11: what a person at a prompt waits for, measured inside a real Nushell and from a shell.

Each figure is a median (and p95) in milliseconds with its budget, and the ratio to what one would otherwise do in the
same run: start a process (P1, P2, P5, P11), or look once a second (P6).

Usage: ``python -m tests.bench.bench_nushell [--nu PATH] [--json FILE]``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import inside_nu
from tests.bench.inside_nu import NU, ROOT, Subject, told, whole_process_ms
from tests.support.live import LiveDaemon

COLD_ROUNDS = 10

#: Between two calls of a person, rather than of a loop.
PAUSE_MS = 200

_WATCH = """
orch watch --data-dir $env.DIR
| each {|row| {task: $row.task, status: $row.status, late: (((date now) - $row.time) / 1ms)} }
| take while {|it| $it.task != null or $it.status != succeeded }
| to json
"""

_STEPS = """import workflows

wf = workflows.WorkflowDef {
    name = "steps"
    operations = [workflows.OperationDef {
        id = "one", type = "create", target = "server", command = "sleep 0.01", parallel = False
        items = ["n${i}" for i in range(100)]
    }]
}
"""

#: [(key, what it is, its budget in ms, what it is compared with)].
FIGURES = (
    ("status", "P1 orch status, --data-dir given, one after another", 0.3, "process"),
    ("status, now and then", "P1 orch status, --data-dir given, now and then", 0.3, "process"),
    ("status, looked up", "P1 orch status, looked up, one after another", 0.6, "process"),
    ("first call", "P2 first call of the plugin", 30, "python"),
    ("validate", "P5 orch validate, warm", 15, "python"),
    ("validate, now and then", "P5 orch validate, warm, now and then", 15, "python"),
    ("validate, cold", "P5 orch validate, evaluator cold", None, "python"),
    ("watch", "P6 change to row in orch watch", 5, "a look a second"),
    ("shell status", "P11 orchestrator status, whole process", 25, "python"),
)

#: What the compared are called.
PEERS = {"process": "starting `true`", "python": "python -I -S", "a look a second": "a look a second"}


def bench(nu: Path) -> dict[str, Any]:
    """{key: its figure}, with those of the peers."""
    with tempfile.TemporaryDirectory() as folder, LiveDaemon(f"{folder}/data") as daemon:
        (Path(folder) / "steps.k").write_text(_STEPS, encoding="utf-8")
        env = inside_nu.environment(
            folder,
            XDG_RUNTIME_DIR=inside_nu.runtime_dir(folder),
            DIR=daemon.data_dir,
            ORCH_DATA_DIR=daemon.data_dir,
            SAMPLE=str(ROOT / "data" / "examples" / "wuji.k"),
        )
        late = _late(daemon, folder, env, nu)
        ms = {name: one.ms for name, one in inside_nu.measure(_subjects(), env, nu).items()}
        ms["status"] = repeated("orch status --data-dir $env.DIR", env, nu, times=300)
        ms["status, looked up"] = repeated("orch status", env, nu, times=300)
        ms["status, now and then"] = repeated("orch status --data-dir $env.DIR", env, nu, pause_ms=PAUSE_MS)
        ms["validate, now and then"] = repeated("orch validate $env.SAMPLE", env, nu, pause_ms=PAUSE_MS)
        ms |= _whole_processes(env, nu)
    return {
        "watch": told(late),
        "a look a second": told([500.0]),
        **{name: told(one) for name, one in ms.items()},
    }


def repeated(code: str, env: dict[str, str], nu: Path, *, times: int = 30, pause_ms: int = 0) -> list[float]:
    """Milliseconds of so many runs of `code` with pauses between them; one more before them is not counted."""
    loop = f"0..{times} | each {{ sleep {pause_ms}ms; took {{ {code} | ignore }} }} | to json"
    if not pause_ms:
        loop = loop.replace("sleep 0ms; ", "")
    found: list[float] = inside_nu.run(loop, env, nu)
    return found[1:]


def _subjects() -> list[Subject]:
    return [
        Subject("validate", "orch validate $env.SAMPLE", "get valid"),
        Subject("process", "^true", "is-empty"),
    ]


def _late(daemon: LiveDaemon, folder: str, env: dict[str, str], nu: Path) -> list[float]:
    """Milliseconds from the time in a record to its row in `orch watch`, of a workflow of 100 tasks."""
    watcher = inside_nu.start(_WATCH, env, nu)
    time.sleep(1)  # until it has begun to follow
    daemon.wait_until_over(daemon.submit(f"{folder}/steps.k"))
    shown, said = watcher.communicate(timeout=60)
    if watcher.returncode:
        raise RuntimeError(said)
    return [row["late"] for row in json.loads(shown)]


def _whole_processes(env: dict[str, str], nu: Path) -> dict[str, list[float]]:
    """What is started anew each time, in turns."""
    orchestrator = str(Path(sys.executable).with_name("orchestrator"))
    ms: dict[str, list[float]] = {"first call": [], "shell status": [], "python": [], "validate, cold": []}
    for _ in range(COLD_ROUNDS + 1):
        ms["first call"].append(inside_nu.run("(timeit { orch status | ignore }) / 1ms | to json", env, nu))
        ms["shell status"].append(whole_process_ms([orchestrator, "status"], env))
        ms["python"].append(whole_process_ms([sys.executable, "-I", "-S", "-c", "0"], env))
    for _ in range(COLD_ROUNDS + 1):  # apart: each leaves a service that ends when it finds its folder gone
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as runtime:
            alone = {**env, "XDG_RUNTIME_DIR": runtime}
            cold = inside_nu.run("(timeit { orch validate $env.SAMPLE | ignore }) / 1ms | to json", alone, nu)
        ms["validate, cold"].append(cold)
    return {name: one[1:] for name, one in ms.items()}  # without the first, which warms the disk's cache


def show(found: dict[str, Any]) -> None:
    """A line for each figure: median, p95, budget, ratio."""
    print(f"{'':40}{'median':>9}{'p95':>9}{'budget':>8}   ratio to")
    for key, name, budget, peer in FIGURES:
        one, ratio = found[key], found[key]["median"] / found[peer]["median"]
        limit = "-" if budget is None else str(budget)
        print(f"{name:40}{one['median']:9.2f}{one['p95']:9.2f}{limit:>8}   {ratio:.3g} x {PEERS[peer]}")


def main() -> None:
    """Run everything once and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nu", type=Path, default=NU)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    found = bench(options.nu)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
