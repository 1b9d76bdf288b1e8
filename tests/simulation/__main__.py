"""``python -m tests.simulation SEED``: one history again, told in full; with ``--crash-at N`` a single crash in it."""

from __future__ import annotations

import argparse
import traceback

from tests.simulation.run import Run, Trial


def main() -> int:
    """Play, and say what happened. Returns 1 if something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--crash-at", type=int, metavar="CALL", help="a calm history with one crash, at this call")
    parser.add_argument("--after", action="store_true", help="the crash comes after the call's work")
    parser.add_argument("--power", action="store_true", help="the crash takes the power along")
    options = parser.parse_args()
    trial = Trial()
    if options.crash_at is not None:
        trial = Trial(options.crash_at, crash_after=options.after, is_power=options.power, is_calm=True)
    run = Run(options.seed, trial)
    try:
        report = run.play()
    except Exception:  # noqa: BLE001 - told, whatever it is
        traceback.print_exc()
        report = None
    for number, end in enumerate(run.crashes, start=1):
        print(f"life {number}: {end}")
    print("\n".join(run.said))
    print(report or f"faults until then: {run.machine.faults}")
    return 0 if report else 1


if __name__ == "__main__":
    raise SystemExit(main())
