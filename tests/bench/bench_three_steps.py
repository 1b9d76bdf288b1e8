"""P8: a workflow of three steps, real processes, daemon running: request file in place -> finished.

Prints medians with and without evaluation of the definition (the evaluation's own time is what the report says).
Usage: ``python -m tests.bench.bench_three_steps [--rounds 30]``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tests.support.live import LiveDaemon, records

STEPS = """import workflows

wf = workflows.WorkflowDef {
    name = "steps"
    operations = [
        {id = "one", type = "create", target = "server", items = ["x"], command = "true"}
        {id = "two", type = "create", target = "server", items = ["x"], command = "true", depends_on = ["one"]}
        {id = "three", type = "create", target = "server", items = ["x"], command = "true", depends_on = ["two"]}
    ]
}
"""


def main() -> None:
    """Submit again and again, and take times from the journal, whose clock is the same."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    whole, without = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "steps.k"
        path.write_text(STEPS, encoding="utf-8")
        with LiveDaemon(f"{folder}/data") as daemon:
            for _ in range(options.rounds):
                began = time.monotonic()
                workflow = daemon.submit(path)
                daemon.wait_until_over(workflow)
                own = [record for record in records(daemon.data_dir) if record["workflow"] == workflow]
                whole.append((own[-1]["mono_us"] / 1e6 - began) * 1e3)
                without.append((own[-1]["mono_us"] - own[0]["mono_us"]) / 1e3)
    print(f"P8 three steps, median of {options.rounds}")
    print(f"  request in place -> last record     {statistics.median(whole):6.1f} ms  (budget 25)")
    print(f"  plan accepted -> last record        {statistics.median(without):6.1f} ms  (budget 12)")


if __name__ == "__main__":
    main()
