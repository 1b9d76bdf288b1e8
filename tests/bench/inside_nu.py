"""Measuring inside a real Nushell: subjects take turns in one session, so that they share its good and bad moments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.nushell import clean_environment

ROOT = Path(__file__).resolve().parents[2]
NU = ROOT / ".tools" / "bin" / "nu"
PLUGIN = Path(sys.executable).with_name("nu_plugin_orch")

#: A subject runs as often as fits into so many milliseconds, but no more and no less often than this; one that takes
#: longer than `SLOW_MS` runs only twice more.
LAP_MS, LAPS_MAX, LAPS_MIN, SLOW_MS = 1500, 100, 3, 3000

#: What takes less than this runs once more just before each measured run, whoever's it is. Otherwise the processor's
#: caches hold what the subject before it has left: after a scan of all files a call of half a millisecond takes one.
QUICK_MS = 20

_BEGIN = """
$env.config = ($env.config? | default {} | merge {plugin_gc: {default: {enabled: false}}})
def took [run: closure] { (timeit { do $run }) / 1ms }
def laps [first: float] {
  if $first > %(slow)s { 2 } else { [%(most)s ([%(least)s ((%(lap)s / $first) | into int)] | math max)] | math min }
}
def memory [] {
  let pid = plugin list | where name == orch | get pid.0
  let status = open --raw $"/proc/($pid)/status" | lines
  {rss_kib: ($status | where $it starts-with VmRSS | parse "{_}:{kib}kB" | get kib.0 | str trim | into int)
   peak_kib: ($status | where $it starts-with VmHWM | parse "{_}:{kib}kB" | get kib.0 | str trim | into int)}
}
"""

_LAPS = """
let first = $subjects | each {|it|
  let began = date now
  let answer = do $it.answer
  let warming = ((date now) - $began) / 1ms
  let first = if $warming > %(slow)s { $warming } else { took $it.run }
  {name: $it.name, run: $it.run, answer: $answer, laps: (laps $first), first: $first}
}
let most = $first | get laps | math max
let laps = 0..<$most | each {|lap|
  $first | where laps > $lap | each {|it|
    if $it.first < %(quick)s { do $it.run }
    {name: $it.name, ms: (took $it.run)}
  }
} | flatten
{first: ($first | reject run), laps: $laps} | to json --raw
"""


class Subject(NamedTuple):
    """Something to measure: `code` is Nushell; `answer` (Nushell, too) is fed its output and gives what is compared."""

    name: str
    code: str
    answer: str = "length"


class Measured(NamedTuple):
    """`ms`: what each run took. `answer`: what it gave."""

    ms: list[float]
    answer: Any


def environment(home: Path | str, **more: str) -> dict[str, str]:
    """For a Nushell without anybody's settings.

    Python keeps what it has compiled, as it does for people: else each start would compile what was changed last.
    """
    cleaned = clean_environment(Path(home), **more)
    return {name: value for name, value in cleaned.items() if not name.startswith("PYTHON")}


def start(code: str, env: dict[str, str], nu: Path = NU) -> subprocess.Popen[str]:
    """A Nushell that runs `code`; its output is to be read.

    As at a prompt, it knows the plugin and has not started it.
    """
    registry = f"{env['HOME']}/plugins.msgpackz"
    command = [str(nu), "--no-config-file", "--no-std-lib", "--commands"]
    if not Path(registry).exists():
        add = f"plugin add --plugin-config {registry} {PLUGIN}"
        subprocess.run([*command, add], env=env, check=True, stdin=subprocess.DEVNULL)
    command.append(f"plugin use --plugin-config {registry} orch\n{_begin()}{code}")
    return subprocess.Popen(
        command,
        cwd=env["HOME"],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, env: dict[str, str], nu: Path = NU, patience_s: float = 600) -> Any:
    """What `code` prints, as JSON.

    Raises:
        RuntimeError: it failed; the message is Nushell's.
    """
    process = start(code, env, nu)
    shown, said = process.communicate(timeout=patience_s)
    if process.returncode:
        raise RuntimeError(f"nu ended with {process.returncode}:\n{said[-2000:]}")
    return json.loads(shown)


def measure(subjects: list[Subject], env: dict[str, str], nu: Path = NU) -> dict[str, Measured]:
    """Run all subjects in turn in one session, as often as `laps` says; the first run of each is not counted."""
    rows = "\n".join(
        f"  {{name: {json.dumps(it.name)}, run: {{|| {it.code} | ignore }}, answer: {{|| {it.code} | {it.answer} }}}}"
        for it in subjects
    )
    found = run(f"let subjects = [\n{rows}\n]\n{_LAPS % {'slow': SLOW_MS, 'quick': QUICK_MS}}", env, nu)
    measured = {row["name"]: Measured([], row["answer"]) for row in found["first"]}
    for lap in found["laps"]:
        measured[lap["name"]].ms.append(lap["ms"])
    return measured


def median(values: list[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def p95(values: list[float]) -> float:
    """What 95 of 100 do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * 95 // 100)]


def told(ms: list[float]) -> dict[str, float]:
    """What of the runs is kept."""
    return {"median": round(median(ms), 4), "p95": round(p95(ms), 4), "runs": len(ms)}


def rss_kib(pid: int) -> int:
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def whole_process_ms(command: list[str], env: dict[str, str]) -> float:
    """What it takes to start a command and to wait for its end; its output is read and thrown away."""
    import time

    began = time.perf_counter()
    done = subprocess.run(command, env=env, cwd=env["HOME"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    took = (time.perf_counter() - began) * 1000
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return took


def _begin() -> str:
    return _BEGIN % {"slow": SLOW_MS, "most": LAPS_MAX, "least": LAPS_MIN, "lap": LAP_MS}


def runtime_dir(folder: Path | str) -> str:
    """A folder for the sockets of services that a benchmark starts."""
    path = f"{folder}/run"
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
