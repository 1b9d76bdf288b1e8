"""A failing deployment, rolled back through three ``kill -9``s: nothing is left, nothing is undone twice."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.support.live import LiveDaemon, read_workflow, records, wait_for

if TYPE_CHECKING:
    from pathlib import Path

#: Three layers, each on top of the one before; the last step fails. Whatever is made is a file in $SITE.
DEFINITION = """
import workflows

_make = "echo $ORCH_ATTEMPT >> $MARKS/do.$ORCH_OPERATION.$ORCH_ITEM; touch $SITE/$ORCH_OPERATION.$ORCH_ITEM"
_undo = "echo $ORCH_ATTEMPT >> $MARKS/undo.$ORCH_OPERATION.$ORCH_ITEM; sleep 0.4; rm $SITE/$ORCH_OPERATION.$ORCH_ITEM"

deployment = workflows.WorkflowDef {
    name = "deployment"
    retry_policy = {max_attempts = 3, initial_delay = 0, max_delay = 0}
    operations = [
        {
            id = "servers", type = "create", target = "server", items = ["a", "b", "c"]
            command = _make, rollback_command = _undo
        }
        {
            id = "services", type = "create", target = "taskserv", items = ["k8s", "dns"], depends_on = ["servers"]
            command = _make, rollback_command = _undo
        }
        {
            id = "cluster", type = "create", target = "cluster", items = ["web"]
            command = _make, rollback_command = _undo
        }
        {
            id = "switch", type = "update", target = "cluster", items = ["traffic"]
            depends_on = ["services", "cluster"]
            command = "echo no route >&2; exit 3"
            retry_policy = {max_attempts = 1}
        }
    ]
    dependencies = [{source = "taskserv.k8s", target = "cluster.web", type = "soft"}]
}
"""


def shell(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The shell command, as somebody types it."""
    command = [sys.executable, "-m", "orchestrator", *arguments, "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def undone(data_dir: Path, workflow: str) -> list[str]:
    """Operation and item of each task that is rolled back."""
    operations = read_workflow(str(data_dir), workflow)["operations"]
    return [
        f"{operation['id']}.{item['item']}"
        for operation in operations
        for item in operation["items"]
        if item["status"] == "rolled_back"
    ]


def has_undone(data_dir: Path, workflow: str, least: int) -> bool:
    """Whether so many tasks are rolled back."""
    return len(undone(data_dir, workflow)) >= least


@pytest.mark.fault("F02", "F21", "F23")
def test_a_failing_deployment_is_rolled_back_through_three_kills(tmp_path: Path) -> None:
    """Each undo attempt starts once, its effects are gone, and the story can be followed all the way."""
    data_dir, marks, site, definition = (tmp_path / name for name in ("data", "marks", "site", "w.k"))
    marks.mkdir()
    site.mkdir()
    definition.write_text(DEFINITION, encoding="utf-8")
    daemon = LiveDaemon(data_dir, "--max-running", "2", env={"MARKS": str(marks), "SITE": str(site)})
    daemon.start()
    workflow = daemon.submit(definition)
    wait_for(lambda: read_workflow(str(data_dir), workflow)["status"] == "rolling_back", "the rollback")
    for least in (0, 2, 4):
        if daemon.process is None or daemon.process.poll() is not None:
            daemon.start()
        wait_for(partial(has_undone, data_dir, workflow, least), "more undone tasks")
        daemon.kill()
        told = shell(data_dir, "why", workflow)
        assert "no daemon" in told.stdout, told
    with daemon:
        state = daemon.wait_until_over(workflow)
        assert (state["status"], state["reason"]) == ("rolled_back", "task switch/traffic failed; 6 undone"), (
            daemon.log()
        )
    assert list(site.iterdir()) == []
    check_marks(marks)
    check_order(str(data_dir), workflow)
    check_story(data_dir, workflow)
    assert [finding for finding in verify(RealDisk(), str(data_dir)).findings if finding.is_fault] == []


def check_marks(marks: Path) -> None:
    """The commands' own traces: no attempt was begun twice, and each was begun."""
    told = {mark.name: mark.read_text(encoding="utf-8").split() for mark in marks.iterdir()}
    assert all(len(attempts) == len(set(attempts)) for attempts in told.values()), told
    assert sum(name.startswith("undo.") for name in told) == 6


def check_order(data_dir: str, workflow: str) -> None:
    """R1-29: what stands on something is gone before that is touched."""
    ended: list[str] = []
    needs = {"servers.local": ["services"], "services.local.k8s": ["cluster"]}
    for record in records(data_dir):
        for task, _, status, _, reason in record["transitions"]:
            name = (task or "").removeprefix(f"{workflow}.")
            if status == "rolling_back" and reason.endswith("is running"):
                for first in (other for prefix, others in needs.items() if name.startswith(prefix) for other in others):
                    expected = 2 if first == "services" else 1
                    assert sum(done.startswith(first) for done in ended) == expected, (name, ended)
            if status == "rolled_back" and task:
                ended.append(name)
    assert len(ended) == 6


def check_story(data_dir: Path, workflow: str) -> None:
    """What `watch`, `why` and `status` say of it afterwards."""
    watched = shell(data_dir, "watch", "--until-done", "--workflow", workflow, "--json")
    rows: list[dict[str, Any]] = [json.loads(line) for line in watched.stdout.splitlines()]
    last = [row for row in rows if row["task"] is None][-1]
    assert (last["status"], last["previous_status"]) == ("rolled_back", "rolling_back")
    assert sum(row["status"] == "rolled_back" and row["task"] is not None for row in rows) == 6
    why = shell(data_dir, "why", f"{workflow}.switch.local.traffic")
    assert "exit code 3" in why.stdout, why
    states = json.loads(shell(data_dir, "workflows", "--json").stdout)
    assert [one["status"] for one in states if one["id"] == workflow] == ["rolled_back"]
