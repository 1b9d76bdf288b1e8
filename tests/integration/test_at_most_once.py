"""An attempt that is lost, of a task that may run at most once: nobody repeats it, and somebody decides (A-59)."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.support.live import LiveDaemon, read_workflow, wait_for

if TYPE_CHECKING:
    from pathlib import Path

DEFINITION = """
import workflows

payment = workflows.WorkflowDef {
    name = "payment"
    operations = [
        {
            id = "pay", type = "create", target = "cluster", items = ["order 17"], at_most_once = True
            command = "echo $ORCH_ATTEMPT >> $MARK; test $ORCH_ATTEMPT -gt 1 || sleep 60"
        }
        {id = "tell", type = "create", target = "cluster", items = ["customer"], depends_on = ["pay"], command = "true"}
    ]
}
"""


@pytest.mark.fault("F02", "F26")
@pytest.mark.parametrize("decision", ["succeeded", "retry"])
def test_a_lost_attempt_is_left_to_somebody(decision: str, tmp_path: Path) -> None:
    """The task is unknown, its workflow waits, and either answer lets it go on."""
    data_dir, mark, definition = tmp_path / "data", tmp_path / "mark", tmp_path / "w.k"
    definition.write_text(DEFINITION, encoding="utf-8")
    daemon = LiveDaemon(data_dir, env={"MARK": str(mark)})
    daemon.start()
    workflow = daemon.submit(definition)
    wait_for(mark.exists, "the payment")
    daemon.kill()
    claim = (data_dir / "workflows" / workflow / "attempts.log").read_text(encoding="utf-8").split()
    os.killpg(int(claim[2]), signal.SIGKILL)
    with daemon:

        def status() -> str:
            operations = read_workflow(str(data_dir), workflow)["operations"]
            return str(operations[0]["items"][0]["status"])

        wait_for(lambda: status() == "unknown", "somebody to be asked")
        assert mark.read_text(encoding="utf-8").split() == ["1"]
        task = f"{workflow}.pay.local.order 17"
        if decision == "retry":
            assert daemon.request("retry", {"workflow": workflow, "tasks": [task]})["tasks"] == 1
        else:
            told = daemon.request("resolve", {"task": task, "outcome": "succeeded"})
            assert (told["task"], told["status"]) == (task, "succeeded")
        assert daemon.wait_until_over(workflow)["status"] == "succeeded"
    assert mark.read_text(encoding="utf-8").split() == (["1", "2"] if decision == "retry" else ["1"])
    assert [finding for finding in verify(RealDisk(), str(data_dir)).findings if finding.is_fault] == []


TIMED = """
import workflows

wf = workflows.WorkflowDef {
    name = "timed"
    operations = [
        {
            id = "p", type = "create", target = "server", items = ["x"], timeout = 2, command = "echo >> $MARK; sleep 1"
            retry_policy = {max_attempts = 3, initial_delay = 0, max_delay = 0}
        }
    ]
}
"""


@pytest.mark.fault("F02", "F21")
def test_what_ended_in_time_while_no_daemon_ran_has_not_timed_out(tmp_path: Path) -> None:
    """The next daemon hears of its end before it asks what has had its time."""
    data_dir, mark, definition = tmp_path / "data", tmp_path / "mark", tmp_path / "w.k"
    definition.write_text(TIMED, encoding="utf-8")
    daemon = LiveDaemon(data_dir, env={"MARK": str(mark)})
    daemon.start()
    workflow = daemon.submit(definition)
    wait_for(mark.exists, "the start")
    began = time.monotonic()
    daemon.kill()
    # The timeout has to be over, for a daemon that looked at the clock first.
    wait_for(lambda: time.monotonic() - began > 2.5, "the timeout")
    with daemon:
        state = daemon.wait_until_over(workflow)
    assert (state["status"], state["metrics"]["attempts"]) == ("succeeded", 1)
