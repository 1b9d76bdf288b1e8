"""``make soak``: the fault tests for hours, and the table of docs/faults.md from what they did.

Simulated histories and crash points go on in every core until `--histories` are done; then the tests of faults on the
real machine run with their numbers raised. The result is docs/faults.json, of which ``tools/generate_docs.py`` draws
the table. A history that breaks something is printed with its seed, and the exit code is 1.

Usage: ``python -m tests.simulation.soak [--histories 60000] [--from-seed 0] [--kills 600] [--times 3] [--out FILE]``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from tests.simulation.run import crash_points, play

ROOT = Path(__file__).resolve().parents[2]

#: Histories handed to a worker at a time.
_CHUNK = 200

#: Of this many histories one is also crashed at every call.
_ENUMERATED = 1500


class Tally(msgspec.Struct):
    """What was done. `broken`: [(how to see it again, what it was)]."""

    histories: int = 0
    crash_points: int = 0
    power_cuts: int = 0
    records: int = 0
    faults: dict[str, int] = {}
    broken: list[tuple[str, str]] = []

    def add(self, other: Tally) -> None:
        """And what somebody else did."""
        self.histories += other.histories
        self.crash_points += other.crash_points
        self.power_cuts += other.power_cuts
        self.records += other.records
        self.faults = dict(Counter(self.faults) + Counter(other.faults))
        self.broken += other.broken


def some_histories(first: int) -> Tally:
    """The histories of `_CHUNK` seeds, and now and then every crash point of one."""
    tally = Tally()
    for seed in range(first, first + _CHUNK):
        try:
            report = play(seed)
        except Exception as fault:  # noqa: BLE001 - told with its seed, whatever it is
            tally.broken.append((f"python -m tests.simulation {seed}", f"{type(fault).__name__}: {fault}"))
            continue
        tally.histories += 1
        tally.crash_points += len(report.crashes)
        tally.power_cuts += sum("power" in crash for crash in report.crashes)
        tally.records += report.records
        tally.faults = dict(Counter(tally.faults) + Counter(report.faults))
        if seed % _ENUMERATED == 0:
            _every_crash_point(seed, tally)
    return tally


def _every_crash_point(seed: int, tally: Tally) -> None:
    for trial in crash_points(seed):
        tally.crash_points += 1
        tally.power_cuts += bool(trial.is_power)
        try:
            play(seed, trial)
        except Exception as fault:  # noqa: BLE001 - told with its seed, whatever it is
            flags = f"{' --after' if trial.crash_after else ''}{' --power' if trial.is_power else ''}"
            again = f"python -m tests.simulation {seed} --crash-at {trial.crash_at}{flags}"
            tally.broken.append((again, f"{type(fault).__name__}: {fault}"))


def simulate(histories: int, first: int) -> Tally:
    """At least `histories` of them, in as many processes as there are cores."""
    total = Tally()
    with multiprocessing.Pool() as pool:
        for tally in pool.imap_unordered(some_histories, range(first, first + histories, _CHUNK)):
            total.add(tally)
            print(f"{total.histories} histories, {total.crash_points} crashes, {len(total.broken)} broken", flush=True)
            for again, what in tally.broken:
                print(f"BROKEN {again}: {what}", flush=True)
    return total


def run_tests(kills: int, times: int) -> tuple[int, dict[str, dict[str, int]]]:
    """(exit code, {fault: {outcome: runs}}) of the tests that inject faults, with their numbers raised."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests", "--ignore=tests/nu", "--fault-report", str(report)],
            cwd=ROOT,
            env={**os.environ, "ORCH_KILL_RUNS": str(kills), "ORCH_FAULT_RUNS": str(times)},
            check=False,
        )
        return done.returncode, json.loads(report.read_text(encoding="utf-8"))


def main() -> int:
    """Do it all and write the result."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--histories", type=int, default=60_000, help="simulated histories, at least")
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=600, help="runs with one to three real kills each")
    parser.add_argument("--times", type=int, default=3, help="how much more of the other tests on the real machine")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "faults.json")
    options = parser.parse_args()
    began = time.monotonic()
    tally = simulate(options.histories, options.from_seed)
    simulated_s = round(time.monotonic() - began)
    code, tests = run_tests(options.kills, options.times)
    result = {
        "command": " ".join(["python -m tests.simulation.soak", *sys.argv[1:]]),
        "simulated_s": simulated_s,
        "seconds": round(time.monotonic() - began),
        "simulation": msgspec.to_builtins(tally),
        "tests": tests,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written: {options.out}; now tools/generate_docs.py")
    return 1 if tally.broken or code else 0


if __name__ == "__main__":
    sys.exit(main())
