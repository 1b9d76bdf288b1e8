"""How long a forecast takes, against stepping the same events through the engine and keeping nothing.

A plan of 500 operations with two items each, ten of which depend on ten others, and so on. Prints the time of the bare
engine, of the rehearsal with its books, and of the whole forecast as plain values; and the ratios.
Usage: ``python -m tests.bench.bench_forecast [--operations 500] [--rounds 5]``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from orchestrator.engine.commands import StartAttempt
from orchestrator.engine.events import AttemptExited, Moment
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.forecast import Assumptions, forecast, to_plain
from orchestrator.forecast.assumptions import ASSUMED_MS, Script
from orchestrator.forecast.rehearsal import Rehearsal
from orchestrator.model.limits import MAX_RUNNING_DEFAULT
from tests.support.plans import operation, plan, started, submitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.events import Event
    from orchestrator.plan.ir import Plan

#: Operations in a layer.
WIDTH = 10


def sample(operations: int) -> Plan:
    """A plan in layers: each operation needs one of the layer before."""
    return plan(
        *(
            operation(f"o{number}", ("x", "y"), (f"o{number - WIDTH}",) if number >= WIDTH else ())
            for number in range(operations)
        )
    )


def engine_alone(of: Plan) -> int:
    """Run `of` by the engine, with nothing beside it. Returns when it ends, in milliseconds."""
    world = World()
    ends: list[tuple[int, int, str, int]] = []

    def happen(event: Event, now_us: int) -> None:
        for command in step(world, event, Moment(now_us, now_us)).commands:
            if isinstance(command, StartAttempt):
                heappush(ends, (now_us + ASSUMED_MS * 1000, world.ticket, command.task, command.attempt))

    happen(started(MAX_RUNNING_DEFAULT), 0)
    happen(submitted(of), 0)
    now_us = 0
    while ends:
        now_us, _, task, attempt = heappop(ends)
        happen(AttemptExited(task, attempt, 0), now_us)
    return now_us // 1000


def rehearsed(of: Plan) -> int:
    """The same with the books of a rehearsal."""
    return Rehearsal(of, Script(of, Assumptions()), MAX_RUNNING_DEFAULT, {}).now_us // 1000


def forecasted(of: Plan) -> int:
    """The whole forecast, as it leaves the evaluator."""
    return int(to_plain(forecast(of, Assumptions()))["total_ms"])


def measure(work: Callable[[Plan], int], of: Plan, rounds: int) -> tuple[float, int]:
    """(median seconds, what it found)."""
    times, found = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        found = work(of)
        times.append(time.perf_counter() - began)
    return statistics.median(times), found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--operations", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    of = sample(options.operations)
    rows = {
        "the engine alone": measure(engine_alone, of, options.rounds),
        "with the rehearsal's books": measure(rehearsed, of, options.rounds),
        "the whole forecast": measure(forecasted, of, options.rounds),
    }
    if len({found for _, found in rows.values()}) != 1:
        raise SystemExit(f"they do not agree on the end: {rows}")
    base = rows["the engine alone"][0]
    print(f"forecast of {options.operations} operations, {2 * options.operations} tasks, median of {options.rounds}")
    for name, (seconds, _) in rows.items():
        print(f"  {name:28} {seconds * 1000:8.1f} ms   {seconds / base:.2f}")


if __name__ == "__main__":
    main()
