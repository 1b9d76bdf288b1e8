"""Eight readers beside a writer that does nothing but replace files: no read ever finds half of one (F13)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.foreign_directory import STATUS, TASK, make_foreign, write
from tests.support.live import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READERS = 8

#: Files that are replaced. ORCH_FAULT_RUNS=50 makes 10^5 of them.
REWRITES = 2_000 * int(os.environ.get("ORCH_FAULT_RUNS", "1"))

TASKS = 20

#: Reads everything again and again until its standard input ends; says how often, and what could not be read.
READER = r"""
import json, select, sys
from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import read_tasks
data_dir, reads, faults, torn = sys.argv[1], 0, [], 0
while not select.select([0], [], [], 0)[0]:
    try:
        status = read_status(data_dir)
        rows, problems = read_tasks(data_dir, all_rows=True)
    except Exception as error:
        faults.append(f"{type(error).__name__}: {error}")
        continue
    reads += 1
    faults += [problem["message"] for problem in problems]
    torn += status["tasks_pending"] != status["tasks_running"]
    torn += sum(row["text"] != str(row["number"]) * 200 for row in rows) + (len(rows) != int(sys.argv[2]))
print(json.dumps({"reads": reads, "faults": faults[:5], "torn": torn}))
"""


@pytest.mark.fault("F13")
def test_no_reader_meets_half_a_file(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Nothing is missing, nothing is of two versions, nothing fails."""

    def task(number: int, version: int) -> dict[str, object]:
        return {**TASK, "id": f"t{number}", "number": version, "text": str(version) * 200}

    folder = make_foreign(
        tmp_path,
        *(task(number, 0) for number in range(TASKS)),
        status={**STATUS, "tasks_pending": 0, "tasks_running": 0},
    )
    command = [sys.executable, "-c", READER, folder, str(TASKS)]
    readers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(READERS)]
    try:
        for version in range(REWRITES):
            write(tmp_path / "status.json", {**STATUS, "tasks_pending": version, "tasks_running": version})
            write(tmp_path / "tasks" / f"t{version % TASKS}.json", task(version % TASKS, version))
        results = [json.loads(reader.communicate(timeout=PATIENCE_S)[0]) for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    record_property("runs", 2 * REWRITES)
    assert [(it["faults"], it["torn"]) for it in results] == [([], 0)] * READERS
    assert min(it["reads"] for it in results) > 0
