"""What is foreseen is what happens: 500 operations, played through and then run for real, start in the same order."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import LiveDaemon, records

if TYPE_CHECKING:
    from pathlib import Path

#: Twenty-five layers of twenty operations; each waits for the whole layer before. Priorities mix the listed order.
LAYERED = """
import workflows

layered = workflows.WorkflowDef {
    name = "layered"
    operations = [workflows.OperationDef {
        id = "l${layer}-${n}", type = "create", target = "server", items = ["x"], command = "true"
        priority = n * 7 % 20
        depends_on = ["l${layer - 1}-${m}" for m in range(20)] if layer > 0 else []
    } for layer in range(25) for n in range(20)]
}
"""

#: The same number of operations in chains of different lengths, for a single slot: every choice is the engine's.
CHAINED = """
import workflows

chained = workflows.WorkflowDef {
    name = "chained"
    operations = [workflows.OperationDef {
        id = "o${n}", type = "create", target = "server", items = ["x"], command = "true"
        priority = n * 13 % 11
        depends_on = ["o${n - n % 7 - 1}"] if n > 20 else []
    } for n in range(500)]
}
"""


@pytest.mark.parametrize(("text", "slots"), [(LAYERED, 20), (CHAINED, 1)], ids=["layered", "chained"])
def test_the_simulated_order_is_the_real_one(text: str, slots: int, tmp_path: Path) -> None:
    """Start by start, with as many slots."""
    definition = tmp_path / "w.k"
    definition.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "orchestrator", "simulate", str(definition), "--json", "--data-dir", str(tmp_path)]
    told = subprocess.run([*command, "--max-running", str(slots)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    foreseen = json.loads(told.stdout)
    assert (foreseen["status"], foreseen["peak"]["tasks"], len(foreseen["order"])) == ("succeeded", slots, 500)
    with LiveDaemon(tmp_path / "data", "--max-running", str(slots)) as daemon:
        workflow = daemon.submit(definition)
        assert daemon.wait_until_over(workflow)["status"] == "succeeded"
    began = [
        task.removeprefix(f"{workflow}.")
        for record in records(str(tmp_path / "data"))
        for task, previous, status, _, _ in record["transitions"]
        if task and (previous, status) == ("pending", "running")
    ]
    assert began == [entry["task"].replace("/", ".") for entry in foreseen["order"]]
