"""P9, in part: how many records a second a start replays through the checked engine.

Usage: ``python -m tests.bench.bench_replay [--tasks 10000]``.
"""

from __future__ import annotations

import argparse
import time
from collections import deque

from orchestrator.engine.commands import StartAttempt
from orchestrator.engine.events import AttemptExited
from orchestrator.store.recover import recover
from tests.store.test_recover import Life
from tests.support.plans import operation, plan, started


def main() -> None:
    """Run one wide workflow on a disk in memory, then recover it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=10_000)
    options = parser.parse_args()
    life = Life()
    life.happen(started())
    commands = deque(life.submit(plan(operation("a", tuple(f"i{n}" for n in range(options.tasks)))), "w").commands)
    while commands:
        command = commands.popleft()
        if isinstance(command, StartAttempt):
            commands.extend(life.happen(AttemptExited(command.task, command.attempt, 0)).commands)
    began = time.perf_counter()
    world = recover(life.disk, "/d").world
    replayed = time.perf_counter() - began
    print(f"P9 {world.seq} records of {options.tasks} tasks")
    print(f"  recovered (decoded, checked, stepped) {world.seq / replayed:9.0f} records/s  (budget 30,000)")


if __name__ == "__main__":
    main()
