"""The main job in every supported Nushell: submit, watch, read, cancel, and what goes wrong."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.lock import is_held
from tests.support.live import LiveDaemon
from tests.support.nushell import NEWEST, PLUGIN, ROOT, VERSIONS, clean_environment, nushell, run_nu
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW = """
import workflows

wf = workflows.WorkflowDef {
    name = "slow"
    operations = [
        {id = "wait", type = "create", target = "server", items = ["x"], command = "exec sleep 60"}
    ]
}
"""

FAILING = (
    SLOW.replace('"slow"', '"failing"')
    .replace("exec sleep 60", "exit 7")
    .replace("operations =", "retry_policy = {max_attempts = 1}\n    operations =")
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDaemon]:
    """A daemon that the tests of this module share."""
    with LiveDaemon(tmp_path_factory.mktemp("nu") / "data", "--stop-grace", "1") as live:
        yield live


def ask(code: str, daemon: LiveDaemon, home: Path, version: str = NEWEST) -> Any:
    """What `code` gives, as JSON."""
    result = run_nu(f"use nulib *; {code} | to json", home=home, version=version, ORCH_DATA_DIR=daemon.data_dir)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_main_job(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Submit and watch the sample, then read its state: the same in the oldest and the newest."""
    state = ask("batch submit data/examples/wuji.k --watch", daemon, tmp_path, version)
    assert state["status"] == "succeeded"
    assert [(row["done"], row["tasks"]) for row in state["operations"]] == [(3, 3), (3, 3), (1, 1), (3, 3)]
    workflow = state["id"]
    rows = ask(f"orch tasks | where workflow == {workflow}", daemon, tmp_path, version)
    assert len(rows) == 10
    assert list(rows[0])[:4] == ["id", "status", "created_at", "priority"]
    assert ask("orch tasks --status succeeded --limit 2 | length", daemon, tmp_path, version) == 2
    assert ask("orch status | get running", daemon, tmp_path, version) is True
    types = ask("orch status | values | first 4 | each { describe }", daemon, tmp_path, version)
    assert types[:3] == ["bool", "int", "int"]
    assert types[3] in ("date", "datetime")
    assert (
        ask(f"batch status {workflow} --format json | from json | get status", daemon, tmp_path, version) == "succeeded"
    )
    lines = ask(f"batch logs {workflow} --operation create-servers | get line", daemon, tmp_path, version)
    assert len(lines) == 3
    changes = ask("orch watch --from 1:1 | first 3", daemon, tmp_path, version)
    assert [change["seq"] for change in changes] == [2, 2, 2]
    report = ask("orch validate tests/corpora/kcl/faulty/06_check_failed_timeout.k", daemon, tmp_path, version)
    assert (report["valid"], report["errors"][0]["code"], report["errors"][0]["line"]) == (False, "WF105", 18)


@pytest.mark.parametrize("version", VERSIONS)
def test_files_of_four_fields_written_by_hand(version: str, tmp_path: Path) -> None:
    """The oldest form is served as it is; its flag is believed."""
    data = tmp_path / "by-hand"
    (data / "tasks").mkdir(parents=True)
    status = {"running": True, "tasks_pending": 5, "tasks_running": 2, "last_check": "2025-10-08T12:00:00Z"}
    (data / "status.json").write_text(json.dumps(status), encoding="utf-8")
    for number, (state, priority) in enumerate([("pending", 5), ("running", 3), ("pending", 9)], start=1):
        task = {"id": f"task-00{number}", "status": state, "created_at": "2025-10-08T12:00:00Z", "priority": priority}
        (data / "tasks" / f"task-00{number}.json").write_text(json.dumps(task), encoding="utf-8")
    code = (
        f"{{status: (orch status --data-dir {data}), tasks: (orch tasks --status pending --data-dir {data})}} | to json"
    )
    result = run_nu(code, home=tmp_path / "home", version=version)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert [found["status"][name] for name in ("running", "tasks_pending", "tasks_running")] == [True, 5, 2]
    assert [task["id"] for task in found["tasks"]] == ["task-003", "task-001"]


def test_a_failed_workflow_is_an_error_in_a_script(daemon: LiveDaemon, tmp_path: Path) -> None:
    """`--watch` in a script raises; what failed is in the message."""
    (tmp_path / "failing.k").write_text(FAILING, encoding="utf-8")
    code = f"use nulib *; batch submit {tmp_path}/failing.k --watch; print never"
    result = run_nu(code, home=tmp_path / "home", ORCH_DATA_DIR=daemon.data_dir)
    assert result.returncode == 1
    assert "exit code 7" in result.stderr
    assert "never" not in result.stdout


def test_errors_point_at_what_was_typed(daemon: LiveDaemon, tmp_path: Path) -> None:
    """A wrong id, a wrong directory, a missing file: each with a label on the argument."""
    for code, words in (
        ("orch cancel nothing-abcdef", "There is no workflow nothing-abcdef"),
        ("orch status --data-dir /nowhere", "Status file not found: /nowhere/status.json"),
        ("orch validate nowhere.k", "nowhere.k"),
        ("orch tasks --limit -1", "limit"),
    ):
        result = run_nu(code, home=tmp_path, ORCH_DATA_DIR=daemon.data_dir)
        assert result.returncode == 1, code
        assert words in re.sub(r"\s+[|│]\s*|\n", " ", result.stderr), result.stderr


def test_a_directory_without_a_daemon_never_says_running(tmp_path: Path) -> None:
    """After `kill -9` status.json still says running; the lock knows better."""
    daemon = LiveDaemon(tmp_path / "data")
    daemon.start()
    daemon.kill()
    assert '"running": true' in (tmp_path / "data" / "status.json").read_text(encoding="utf-8")
    result = run_nu("orch status | select running stale | to json", home=tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    assert json.loads(result.stdout) == {"running": False, "stale": True}
    assert not is_held(daemon.data_dir)
    refused = run_nu("orch submit data/examples/pipeline.k", home=tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    assert refused.returncode == 1
    assert "orchestrator serve" in refused.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_is_listed_with_its_examples(version: str, tmp_path: Path) -> None:
    """R2-34: what a person finds with `help`."""
    code = (
        'scope commands | where name =~ "^orch" | select name examples '
        "| update examples {|it| $it.examples | get example } | to json"
    )
    listed = run_nu(code, home=tmp_path, version=version)
    assert listed.returncode == 0, listed.stderr
    commands = {entry["name"]: entry["examples"] for entry in json.loads(listed.stdout)}
    assert set(commands) >= {
        "orch",
        "orch status",
        "orch tasks",
        "orch validate",
        "orch watch",
        "orch submit",
        "orch cancel",
        "orch workflows",
        "orch workflow",
        "orch why",
        "orch check",
        "orch pause",
        "orch resume",
        "orch retry",
        "orch rollback",
        "orch resolve",
    }
    assert all(examples for name, examples in commands.items() if name != "orch")


def test_ctrl_c_ends_a_stream_and_nothing_else(daemon: LiveDaemon, tmp_path: Path) -> None:
    """At a real prompt: it is back after Ctrl-C, and the plugin answers the next command."""
    daemon.wait_until_over(daemon.submit(ROOT / "data" / "examples" / "pipeline.k"))
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    with Terminal([str(nushell()), "--plugins", f"[{PLUGIN}]"], cwd=ROOT, env=environment) as shell:
        shell.keys("orch watch --from 1:1 | each {|change| print $change.task } | ignore\r")
        shell.wait_for("publish")
        shell.interrupt()
        assert "4237" in shell.run("orch status | get tasks_running | $in + 4200 + 37")
