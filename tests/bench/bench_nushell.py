"""P1, P2, P5, P6: what a person at a Nushell prompt waits for, measured inside a real Nushell.

Each figure is a median (and p95) in milliseconds, with the ratio to what one would otherwise do in the same run: start
a process (P1, P2, P5), or look once a second (P6).
Usage: ``python -m tests.bench.bench_nushell [--nu PATH]``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.live import LiveDaemon

ROOT = Path(__file__).parents[2]
PLUGIN = Path(sys.executable).parent / "nu_plugin_orch"

WARM = """
def figures []: list<duration> -> record {
  let all = $in | sort
  {median: (($all | math median) / 1ms), p95: (($all | get ((($all | length) * 95) // 100)) / 1ms)}
}
let dir = $env.DIR
let first = timeit { orch status --data-dir $dir }
let first_validate = timeit { orch validate $env.SAMPLE }
{
  first: ($first / 1ms)
  status: (1..300 | each { timeit { orch status --data-dir $dir } } | figures)
  status_looked_up: (1..300 | each { timeit { orch status } } | figures)
  process: (1..50 | each { timeit { ^true } } | figures)
  python: (1..20 | each { timeit { ^$env.PYTHON -I -S -c "0" } } | figures)
  first_validate: ($first_validate / 1ms)
  validate: (1..50 | each { timeit { orch validate $env.SAMPLE } } | figures)
} | to json
"""

WATCH = """
let dir = $env.DIR
orch watch --data-dir $dir
| each {|row| {task: $row.task, status: $row.status, late: (((date now) - $row.time) / 1ms)} }
| take while {|it| $it.task != null or $it.status != succeeded }
| to json
"""

STEPS = """import workflows

wf = workflows.WorkflowDef {
    name = "steps"
    operations = [workflows.OperationDef {
        id = "one", type = "create", target = "server", command = "sleep 0.01", parallel = False
        items = ["n${i}" for i in range(100)]
    }]
}
"""


def nushell(nu: str, script: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    """A Nushell without settings that runs `script` with the plugin."""
    registry = f"{environment['HOME']}/plugins.msgpackz"
    if not Path(registry).exists():
        add = f"plugin add --plugin-config {registry} {PLUGIN}"
        subprocess.run([nu, "-n", "--no-std-lib", "-c", add], env=environment, check=True)
    use = f"plugin use --plugin-config {registry} orch\n"
    command = [nu, "-n", "--no-std-lib", "-c", use + script]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def main() -> None:
    """Run everything once and print a line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nu", default=str(ROOT / ".tools" / "bin" / "nu"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LiveDaemon(f"{folder}/data") as daemon:
        (Path(folder) / "steps.k").write_text(STEPS, encoding="utf-8")
        environment = {
            **daemon.env,
            "HOME": folder,
            "DIR": daemon.data_dir,
            "ORCH_DATA_DIR": daemon.data_dir,
            "SAMPLE": str(ROOT / "data" / "examples" / "wuji.k"),
            "PYTHON": sys.executable,
        }
        watcher = nushell(options.nu, WATCH, environment)
        daemon.wait_until_over(daemon.submit(f"{folder}/steps.k"))
        late = sorted(row["late"] for row in json.loads(watcher.communicate(timeout=60)[0]))
        found = json.loads(nushell(options.nu, WARM, environment).communicate(timeout=120)[0])
    show(found, late)


def show(found: dict[str, Any], late: list[float]) -> None:
    """A line for each figure: median, p95, budget, ratio."""
    process, python = found["process"]["median"], found["python"]["median"]
    cold = {"p95": None}
    lines: list[tuple[str, dict[str, Any], float, str, str]] = [
        ("P1 orch status, warm, --data-dir given", found["status"], process, "0.3", "starting `true`"),
        ("P1 orch status, warm, looked up", found["status_looked_up"], process, "0.6", "starting `true`"),
        ("P2 first call of the plugin", cold | {"median": found["first"]}, python, "30", "python -I -S"),
        ("P5 orch validate, warm", found["validate"], python, "15", "python -I -S"),
        ("P5 orch validate, evaluator cold", cold | {"median": found["first_validate"]}, python, "-", "python -I -S"),
    ]
    sys.stdout.write(f"{'':40}{'median':>9}{'p95':>9}{'budget':>8}   ratio to\n")
    for name, values, base, budget, peer in lines:
        p95 = "" if values["p95"] is None else f"{values['p95']:.2f}"
        ratio = values["median"] / base
        sys.stdout.write(f"{name:40}{values['median']:9.2f}{p95:>9}{budget:>8}   {ratio:.2f} x {peer}\n")
    median, p95_late = late[len(late) // 2], late[len(late) * 95 // 100]
    ratio = median / 1000
    name = "P6 change to row in orch watch"
    sys.stdout.write(f"{name:40}{median:9.2f}{p95_late:9.2f}{'5':>8}   {ratio:.4f} x a look a second\n")


if __name__ == "__main__":
    main()
