"""``kill -9`` of a real daemon at random moments: nothing acknowledged is lost, nothing runs twice."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.support.live import LiveDaemon, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Seeds in a normal run; ORCH_KILL_RUNS=1000 runs that many instead.
RUNS = int(os.environ.get("ORCH_KILL_RUNS", "24"))

DEFINITION = """
import workflows

wf = workflows.WorkflowDef {
    name = "killed"
    retry_policy = {max_attempts = 2, initial_delay = 0, max_delay = 0}
    operations = [
        {
            id = "first", type = "create", target = "server", items = ["a", "b", "c"]
            command = "echo $ORCH_ATTEMPT >> $MARKS/first.$ORCH_ITEM; sleep 0.02"
        }
        {
            id = "flaky", type = "create", target = "server", items = ["d", "e"], depends_on = ["first"]
            command = "m=$MARKS/flaky.$ORCH_ITEM; test -e $m; again=$?; echo $ORCH_ATTEMPT >> $m; exit $again"
        }
        {
            id = "last", type = "create", target = "server", items = ["f", "g", "h"], depends_on = ["flaky"]
            parallel = False
            command = "echo $ORCH_ATTEMPT >> $MARKS/last.$ORCH_ITEM; sleep 0.01"
        }
    ]
}
"""


@pytest.mark.fault("F02", "F21")
@pytest.mark.parametrize("seed", range(RUNS))
def test_survives_kill_9_at_any_moment(
    seed: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After kills at random moments every acknowledged workflow succeeds, each attempt started at most once."""
    fate = random.Random(seed)
    data_dir, marks, definition = tmp_path / "data", tmp_path / "marks", tmp_path / "w.k"
    marks.mkdir()
    definition.write_text(DEFINITION, encoding="utf-8")
    daemon = LiveDaemon(data_dir, "--max-running", "3", env={"MARKS": str(marks)})
    accepted: list[str] = []
    kills = fate.randint(1, 3)
    record_property("runs", kills)
    for _ in range(kills):
        daemon.start()
        accepted.append(daemon.submit(definition))
        # The moment of the kill is the random part; there is no fact to wait for.
        time.sleep(fate.random() * 0.25)
        daemon.kill()
    with daemon:
        for workflow in accepted:
            assert daemon.wait_until_over(workflow)["status"] == "succeeded", daemon.log()
    check_history(str(data_dir), accepted)
    check_marks(marks, len(accepted))
    found = verify(RealDisk(), str(data_dir))
    assert [finding for finding in found.findings if finding.is_fault] == []


def check_history(data_dir: str, accepted: list[str]) -> None:
    """Each task succeeded exactly once, after everything its operation depends on."""
    done: list[str] = []
    started: list[tuple[str, int]] = []
    for record in records(data_dir):
        for task, previous, status, attempt, _ in record["transitions"]:
            if task and status == "succeeded" and previous != "succeeded":
                done.append(task)
            if task and status == "running" and previous == "pending":
                started.append((task, attempt))
                workflow, operation = task.split(".")[:2]
                needed = {"first": 0, "flaky": 3, "last": 5}[operation]
                assert sum(other.startswith(f"{workflow}.") for other in done) >= needed
    assert len(started) == len(set(started))
    assert sorted(done) == sorted(set(done))
    assert len(done) == 8 * len(accepted)


def check_marks(marks: Path, workflows: int) -> None:
    """The commands' own traces: no attempt number appears more often than there are workflows."""
    for mark in marks.iterdir():
        attempts = mark.read_text(encoding="utf-8").split()
        assert all(attempts.count(attempt) <= workflows for attempt in attempts), f"{mark.name}: {attempts}"
