"""What an attempt costs: `start` to `collect` of ``true``, two at a time, against ``xargs -P2`` in the same run.

Beside it a command that gets a shell of its own, and the time this process itself spends on an attempt.
Usage: ``python -m tests.bench.bench_spawn [--attempts 1000] [--rounds 3]``.
"""

from __future__ import annotations

import argparse
import select
import statistics
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from orchestrator.effects.effect import Child, Exited
from orchestrator.effects.local import LocalEffect
from tests.support.attempts import BOOT_ID, launch

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_A_TIME = 2


def run_ours(attempts: int, command: str) -> tuple[float, float]:
    """(seconds by the clock, seconds of this process's CPU) of one run in a fresh directory."""
    with tempfile.TemporaryDirectory() as data_dir:
        effect = LocalEffect(data_dir, BOOT_ID)
        waiting: Iterator[int] = iter(range(attempts))
        running: dict[int, Child] = {}
        epoll = select.epoll()
        began, began_cpu = time.monotonic(), time.process_time()

        def start_one() -> None:
            for number in waiting:
                child = effect.start(launch(data_dir, command, f"i{number}"))
                running[child.fileno()] = child
                epoll.register(child.fileno(), select.EPOLLIN)
                return

        for _ in range(AT_A_TIME):
            start_one()
        while running:
            for fd, _ in epoll.poll():
                epoll.unregister(fd)
                assert running.pop(fd).collect(time.monotonic_ns() // 1000) == Exited(0)
                start_one()
            effect.sweep(time.monotonic_ns() // 1000)
        return time.monotonic() - began, time.process_time() - began_cpu


def run_xargs(attempts: int) -> float:
    """Seconds that xargs takes for as many processes."""
    began = time.monotonic()
    lines = "\n".join(str(number) for number in range(attempts))
    subprocess.run(["xargs", "-P", str(AT_A_TIME), "-n1", "sh", "-c", "true"], input=lines.encode(), check=True)
    return time.monotonic() - began


def main() -> None:
    """Alternate all three and print medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--attempts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rows: dict[str, list[float]] = {"xargs -P2 sh -c true": [], "start to collect": [], "with its own shell": []}
    cpu = []
    for _ in range(options.rounds):
        rows["xargs -P2 sh -c true"].append(run_xargs(options.attempts))
        wall, own = run_ours(options.attempts, "true")
        rows["start to collect"].append(wall)
        cpu.append(own)
        rows["with its own shell"].append(run_ours(options.attempts, "true $$")[0])
    print(f"an attempt of `true`, {AT_A_TIME} at a time, {options.attempts} of them, median of {options.rounds}")
    base = statistics.median(rows["xargs -P2 sh -c true"])
    for name, values in rows.items():
        each = statistics.median(values)
        print(f"  {name:22} {each / options.attempts * 1e6:7.0f} us   {each / base:.2f}")
    print(f"  {'CPU of this process':22} {statistics.median(cpu) / options.attempts * 1e6:7.0f} us")


if __name__ == "__main__":
    main()
