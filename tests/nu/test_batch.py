"""`nulib`, the commands ``batch …``, in real Nushells on a real daemon."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.interfaces.cli.test_dry_run import marked
from tests.nu.conftest import Nushell
from tests.support.live import read_workflow, wait_for
from tests.support.nushell import ROOT, VERSIONS, run_nu

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon

if TYPE_CHECKING:
    from pathlib import Path

every_version = pytest.mark.parametrize("version", VERSIONS)


def newest(nu: Nushell, name: str) -> str:
    """The id of the newest workflow of that name."""
    return str(nu.value(f"batch list | where name == {name} | get 0.id"))


@every_version
def test_without_the_plugin_the_module_says_what_to_do(version: str, tmp_path: Path) -> None:
    """`use nulib *` fails with both steps instead of taking `orch` for a program."""
    result = run_nu("use nulib *; batch list", home=tmp_path, version=version, plugin=False)
    assert result.returncode != 0
    assert "The plugin `orch` is not loaded" in result.stderr
    assert "plugin use orch" in result.stderr


@every_version
def test_watch_follows_to_the_end(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """A line for each change on standard error, in order; the outcome as a value."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    result = nu.run(f"batch submit {definitions}/good.k --watch | to json --raw")
    assert result.returncode == 0, result.stderr
    outcome = json.loads(result.stdout)
    assert (outcome["status"], [row["id"] for row in outcome["operations"]]) == ("succeeded", ["first", "second"])
    heading, *lines = result.stderr.splitlines()
    assert heading.startswith(f"{outcome['id']}: 3 tasks.")
    assert [line.split()[1:] for line in lines[-2:]] == [
        ["2/3", "running", "second", "gamma"],
        ["3/3", "succeeded", "second", "gamma"],
    ]
    assert {line.split()[-1] for line in lines} == {"beta", "alpha.1", "gamma"}


@every_version
def test_watch_raises_in_a_script_when_the_workflow_fails(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """The error names the workflow's end, the operation and where to look; what stands behind it is not run."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    result = nu.run(f"batch submit {definitions}/bad.k --watch; print behind")
    assert (result.returncode, result.stdout) == (1, "")
    assert "ended as failed" in result.stderr
    assert "second: exit code 3" in result.stderr
    assert "batch logs bad-" in result.stderr


@every_version
def test_dry_run_gives_a_record(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """One row for each operation, with the wave in which it would run, and all the rest; nothing is submitted."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    before = nu.value("batch list | length")
    found = nu.value("batch submit data/examples/wuji.k --dry-run --data-dir /nowhere")
    assert list(found)[:8] == [
        "name",
        "environment",
        "waves",
        "order",
        "resolved",
        "irreversible",
        "limits",
        "warnings",
    ]
    assert (found["total"], found["durations"]["assumed"]) == (240_000_000_000, 10)
    assert [(row["wave"], row["operation"], row["tasks"]) for row in found["waves"]] == [
        (1, "create-servers", 3),
        (2, "install-base", 3),
        (3, "install-k8s", 1),
        (4, "install-cluster", 3),
    ]
    assert nu.value("batch list | length") == before


def test_validate_submits_nothing(nu: Nushell, definitions: Path) -> None:
    """The report of a wrong definition is a value, not an error."""
    before = nu.value("batch list | length")
    report = nu.value(f"batch submit {definitions}/wrong.k --validate")
    assert (report["valid"], len(report["errors"])) == (False, 2)
    assert nu.value("batch list | length") == before


def test_dry_run_tells_values_that_were_chosen(nu: Nushell) -> None:
    """Those of an environment; all of them on request."""
    code = "batch submit data/examples/environments.k --environment prod --dry-run {} | get resolved | length"
    chosen, every = (nu.value(code.format(flag)) for flag in ("", "--resolved"))
    assert chosen == 5
    assert every > 2 * chosen


def test_the_document_shows_what_a_dry_run_says(tmp_path: Path) -> None:
    """docs/simulate.md: the very table."""
    for name, text in marked("file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (shown,) = marked("shown by nu")
    script = f"use {ROOT}/nulib *; cd {tmp_path}; {shown[0]}"
    assert run_nu(script, home=tmp_path / "home").stdout.strip() == shown[1].strip()


@every_version
def test_simulate_and_eta(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """How long, with what-ifs; how long still, of a workflow that runs and of one that is over."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    simulate = f"batch simulate {definitions}/good.k --assume 10sec --data-dir /nowhere"
    assert nu.value(f"{simulate} --with [first=2x] --max-running 1 | $in.total / 1sec") == 50
    assert nu.value(f"{simulate} --fail [gamma] | get status") == "failed"
    assert nu.value(f"batch eta {newest(nu, 'good')} | select status remaining") == {
        "status": "succeeded",
        "remaining": 0,
    }
    workflow = daemon.submit(definitions / "slow.k")
    wait_for(lambda: read_workflow(daemon.data_dir, workflow)["tasks"].get("succeeded") == 2, "the last task alone")
    left = nu.value(f"batch eta {workflow}")
    assert (left["workflow"], left["tasks"]) == (workflow, 1)
    assert 0 < left["remaining"] <= 60 * 10**9  # nothing is known of such a command: a minute is assumed
    nu.value(f"batch cancel {workflow}")
    daemon.wait_until_over(workflow)


@every_version
def test_submit_answers_with_the_workflow(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """Without flags: the id, whose state can be read from then on; the workflow goes on by itself."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    answer = nu.value(f"let answer = batch submit {definitions}/good.k; batch status $answer.workflow; $answer")
    assert (answer["name"], answer["tasks"]) == ("good", 3)
    assert daemon.wait_until_over(answer["workflow"])["status"] == "succeeded"


@every_version
@pytest.mark.parametrize(
    ("code", "label", "words"),
    [
        ("batch submit {}/nowhere.k", "cannot be read", ["There is no file", "nowhere.k"]),
        ("batch submit {}/wrong.k", "has errors", ["has 2 errors", "frist", "secnd"]),
        ("batch status nobody", "not known here", ["There is no workflow nobody"]),
        ("batch cancel nobody", "cannot be cancelled", ["There is no workflow nobody"]),
        ("batch status nobody --format toml", "not a format", ["Formats are table, json, yaml"]),
        ("batch submit {}/good.k --data-dir /nowhere", "this data directory", ["No daemon runs on /nowhere"]),
        ("batch simulate {}/good.k --fail [gama]", "not something to fail", ["no operation or item 'gama'", "gamma"]),
        ("batch simulate {}/good.k --with [gamma]", "not something to change", ["is not NAME=CHANGE"]),
        ("batch simulate {}/nowhere.k", "no such file", ["There is no file"]),
        ("batch eta nobody", "not known here", ["There is no workflow nobody"]),
    ],
)
def test_an_error_points_at_what_was_typed(
    version: str, code: str, label: str, words: list[str], daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """The label is under the user's own words, and no line of the module is shown."""
    told = Nushell(daemon.data_dir, tmp_path, version).error(code.format(definitions))
    assert label in told
    assert "nulib" not in told.replace("use nulib *", "")
    assert all(word in told for word in words)


def test_a_dry_run_of_a_wrong_definition_is_an_error(nu: Nushell, definitions: Path) -> None:
    """All of its problems with their places."""
    told = nu.error(f"batch submit {definitions}/wrong.k --dry-run")
    assert "has 2 errors" in told
    assert "wrong.k:13:" in told


def test_list_can_be_narrowed_to_a_status(nu: Nushell) -> None:
    """Newest first; only those with the status that is asked for."""
    rows = nu.value("batch list")
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert {row["name"] for row in nu.value("batch list --status failed")} == {"bad"}


def test_status_as_text_is_what_the_file_says(nu: Nushell, daemon: LiveDaemon) -> None:
    """JSON and YAML hold the state's own fields: times as RFC 3339, durations in milliseconds."""
    workflow = newest(nu, "bad")
    state = read_workflow(daemon.data_dir, workflow)
    assert json.loads(nu.run(f"batch status {workflow} --format json").stdout) == state
    assert (
        yaml.safe_load(nu.run(f"batch status {workflow} --format yaml").stdout)["duration_ms"] == state["duration_ms"]
    )
    assert nu.value(f"batch status {workflow} | get status") == "failed"


@every_version
def test_follow_ends_with_the_workflow(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """A stream of changes, as JSON one object a line, whose last one is the workflow's end."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflow = daemon.submit(definitions / "lingering.k")
    wait_for(lambda: read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running"), "the workflow to run")
    follow = f"batch status {workflow} --follow --format json | str join (char nl)"
    lines = nu.run(f"batch cancel {workflow}; {follow}").stdout.splitlines()
    changes = [json.loads(line) for line in lines if line.startswith("{")]
    assert (changes[-1]["task"], changes[-1]["status"]) == (None, "cancelled")
    daemon.wait_until_over(workflow)  # the stream is ahead of the files
    assert nu.value(f"batch status {workflow} --follow") == []


def test_cancel_ends_a_workflow(nu: Nushell, daemon: LiveDaemon, definitions: Path) -> None:
    """What runs is ended, and the workflow with it."""
    workflow = daemon.submit(definitions / "slow.k")
    assert nu.value(f"batch cancel {workflow}")["workflow"] == workflow
    assert daemon.wait_until_over(workflow)["status"] == "cancelled"


@every_version
def test_logs_are_rows_in_the_order_of_the_plan(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """A row for each line; items with a dot read back; nothing that could act on a terminal."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflow = newest(nu, "good")
    rows = nu.value(f"batch logs {workflow} | select operation item attempt stream line")
    assert [tuple(row.values()) for row in rows] == [
        ("first", "beta", 1, "out", "hello beta"),
        ("first", "alpha.1", 1, "out", "hello alpha.1"),
        ("second", "gamma", 1, "err", "careful"),
        ("second", "gamma", 1, "out", "red"),
    ]
    assert nu.value(f"batch logs {workflow} --err | get line") == ["careful"]
    assert nu.value(f"batch logs {workflow} --operation first --item alpha.1 | get line") == ["hello alpha.1"]
    assert nu.value(f"batch logs {workflow} --raw | last | get line") == "\x1b[31mred\x1b[0m"
