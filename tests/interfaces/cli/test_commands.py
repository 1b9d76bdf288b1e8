"""The shell command as a process, on real directories and real daemons."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.lock import is_held
from tests.support.live import LiveDaemon, records, wait_for
from tests.support.shell import ROOT, call, command

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = ROOT / "data" / "examples"

SLOW = """
import workflows

wf = workflows.WorkflowDef {
    name = "slow"
    operations = [
        {id = "wait", type = "create", target = "server", items = ["x"], command = "echo begun; exec sleep 60"}
    ]
}
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDaemon]:
    """A daemon that the tests of this module share."""
    with LiveDaemon(tmp_path_factory.mktemp("cli") / "data", "--stop-grace", "1") as live:
        yield live


def test_submit_prints_the_id_alone_and_watch_tells_the_outcome(daemon: LiveDaemon) -> None:
    """For `id=$(orchestrator submit …)`; warnings go to standard error."""
    path = Path(daemon.data_dir)
    submitted = call("submit", EXAMPLES / "pipeline.k", data_dir=path)
    workflow = submitted.stdout.strip()
    assert submitted.returncode == 0
    assert submitted.stdout == f"{workflow}\n"
    watched = call("watch", "--workflow", workflow, "--until-done", data_dir=path)
    assert watched.returncode == 0
    assert watched.stdout.splitlines()[-1].split()[1:] == ["succeeded", workflow]
    state = json.loads(call("workflows", "--json", data_dir=path).stdout)[0]
    assert (state["id"], state["status"]) == (workflow, "succeeded")
    rows = json.loads(call("tasks", "--workflow", workflow, "--json", data_dir=path).stdout)
    assert len(rows) == 7
    assert {row["status"] for row in rows} == {"succeeded"}
    logs = call("logs", workflow, "--operation", "fetch", "--item", "south", data_dir=path)
    assert logs.stdout == "==> fetch south on local, attempt 1 (out) <==\nfetching south\n"


def test_a_failed_workflow_is_exit_code_1(daemon: LiveDaemon) -> None:
    """With the reason and where to look."""
    result = call("submit", EXAMPLES / "rollback.k", "--watch", data_dir=Path(daemon.data_dir))
    assert result.returncode == 1
    assert "ended as rolled_back: task switch-over/traffic failed; 2 undone" in result.stderr
    assert "orchestrator logs" in result.stderr


def test_a_bad_definition_is_drawn_and_exit_code_65(daemon: LiveDaemon) -> None:
    """On submission as on validation: the line, a caret, the remedy."""
    bad = ROOT / "tests" / "corpora" / "kcl" / "faulty" / "06_check_failed_timeout.k"
    for name in ("submit", "validate"):
        result = call(name, bad, data_dir=Path(daemon.data_dir))
        assert result.returncode == 65
        told = result.stdout + result.stderr
        assert f"{bad}:18:23" in told
        assert "18 |             timeout = 0\n   |                       ^\n" in told
    assert json.loads(call("validate", bad, "--json").stdout)["errors"][0]["code"] == "WF105"


def test_validate_shows_the_waves_and_needs_no_daemon(tmp_path: Path) -> None:
    """Nothing is made in the data directory."""
    result = call("validate", EXAMPLES / "pipeline.k", "--dry-run", data_dir=tmp_path / "none")
    assert result.returncode == 0
    assert [line.split()[:3] for line in result.stdout.splitlines()[:3]] == [
        ["wave", "1", "fetch:"],
        ["wave", "2", "transform:"],
        ["wave", "3", "publish:"],
    ]
    assert os.listdir(tmp_path) == []


def test_cancel_stops_what_runs(daemon: LiveDaemon, tmp_path: Path) -> None:
    """The process ends, the workflow is cancelled; a second time is no error, an unknown id is one."""
    path = Path(daemon.data_dir)
    (tmp_path / "slow.k").write_text(SLOW, encoding="utf-8")
    workflow = daemon.submit(tmp_path / "slow.k")
    log = path / "workflows" / workflow / "logs" / "wait.local.x.1.out"
    wait_for(lambda: log.exists() and log.read_text(encoding="utf-8") == "begun\n", "the command to begin")
    assert call("cancel", workflow, data_dir=path).returncode == 0
    assert daemon.wait_until_over(workflow)["status"] == "cancelled"
    assert call("cancel", workflow, data_dir=path).returncode == 0
    unknown = call("cancel", "nothing-abcdef", data_dir=path)
    assert unknown.returncode == 70
    assert "There is no workflow nothing-abcdef" in unknown.stderr


def test_run_starts_a_daemon_that_ends_when_idle(tmp_path: Path) -> None:
    """`run` needs nothing but a definition, and leaves no process behind."""
    result = call("run", EXAMPLES / "pipeline.k", data_dir=tmp_path / "data")
    assert result.returncode == 0, result.stderr
    wait_for(lambda: not is_held(str(tmp_path / "data")), "the daemon to end by itself")
    assert json.loads(call("status", "--json", data_dir=tmp_path / "data").stdout)["running"] is False
    shown = call("status", data_dir=tmp_path / "data").stdout
    told = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert told["running"] == "no"
    assert told["limits"].startswith("max_running ")
    assert told["workflows"] == "succeeded 1"
    assert "{" not in shown


def test_ctrl_c_detaches_and_says_how_to_go_on(tmp_path: Path) -> None:
    """The workflow goes on; 130 is the exit code of an interrupt."""
    (tmp_path / "slow.k").write_text(SLOW, encoding="utf-8")
    with LiveDaemon(tmp_path / "data", "--stop-grace", "1"):
        words = command("run", tmp_path / "slow.k", data_dir=tmp_path / "data")
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if " running " in line:
                break
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
        assert process.returncode == 130
        assert "goes on" in told
        assert "  to end it:       orchestrator cancel slow-" in told
        rows = json.loads(call("tasks", "--status", "running", "--json", data_dir=tmp_path / "data").stdout)
        assert len(rows) == 1


def test_stop_kills_and_the_next_daemon_starts_again(tmp_path: Path) -> None:
    """What was stopped with the daemon is interrupted, which costs no try."""
    (tmp_path / "slow.k").write_text(SLOW, encoding="utf-8")
    live = LiveDaemon(tmp_path / "data", "--stop-grace", "1")
    live.start()
    workflow = live.submit(tmp_path / "slow.k")
    assert call("stop", "--kill", data_dir=tmp_path / "data").returncode == 0
    assert not is_held(str(tmp_path / "data"))
    stopped = call("stop", data_dir=tmp_path / "data")
    assert stopped.returncode == 69
    assert "orchestrator serve" in stopped.stderr
    with live:
        task = f"{workflow}.wait.local.x"
        wait_for(lambda: [task, "pending", "running", 2] in transitions(live.data_dir), "the second attempt")


def transitions(data_dir: str) -> list[list[object]]:
    """Transitions of the journal without their reasons."""
    return [change[:4] for record in records(data_dir) for change in record["transitions"]]


def test_verify_and_rebuild(tmp_path: Path) -> None:
    """A changed file is found; rebuilding mends it; a daemon in the way is told."""
    data = tmp_path / "data"
    with LiveDaemon(data) as live:
        live.wait_until_over(live.submit(EXAMPLES / "pipeline.k"))
        assert call("verify", data_dir=data).returncode == 0
        held = call("rebuild", data_dir=data)
        assert held.returncode == 75
        assert f"pid {live.process.pid if live.process else 0}" in held.stderr
    task = next((data / "tasks").glob("*fetch.local.north.json"))
    task.write_text(task.read_text(encoding="utf-8").replace("succeeded", "failed"), encoding="utf-8")
    found = call("verify", "--json", data_dir=data)
    assert found.returncode == 1
    assert [one["path"] for one in json.loads(found.stdout)["findings"]] == [f"tasks/{task.name}"]
    assert call("rebuild", data_dir=data).returncode == 0
    assert call("verify", data_dir=data).returncode == 0


def test_watch_as_json_is_an_object_a_line(daemon: LiveDaemon) -> None:
    """With the previous status and the seq, and nothing twice."""
    words = command("watch", "--json", data_dir=daemon.data_dir)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    rows: list[dict[str, Any]] = []
    workflow = ""
    while not rows or rows[-1]["task"] is not None or rows[-1]["status"] != "succeeded":
        if not workflow:
            wait_for(lambda: os.path.exists(f"/proc/{process.pid}/fd/3"), "the journal to be open")
            workflow = daemon.submit(EXAMPLES / "pipeline.k")
        rows.append(json.loads(process.stdout.readline()))
    process.terminate()
    process.communicate()
    own = [row for row in rows if row["workflow"] == workflow]
    assert sum(row["status"] == "succeeded" for row in own) >= 8
    assert [row["seq"] for row in own] == sorted(row["seq"] for row in own)


def test_a_status_nobody_has_is_warned_about(daemon: LiveDaemon) -> None:
    """A-24: the list is empty, and why is said; a word of others is translated."""
    result = call("tasks", "--status", "completed", data_dir=Path(daemon.data_dir))
    assert result.returncode == 0
    assert "the word here is `succeeded`." in result.stderr


def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    """R2-15: the words and the path."""
    result = call("status", data_dir=tmp_path / "none")
    assert result.returncode == 66
    assert f"Status file not found: {tmp_path}/none/status.json" in result.stderr
