"""`nulib`, the commands ``batch …``, in real Nushells on a real daemon."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.interfaces.cli.test_dry_run import marked
from tests.nu.conftest import DEFINITION, Nushell
from tests.support.live import read_workflow, wait_for
from tests.support.nushell import NEWEST, ROOT, VERSIONS, run_nu

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon

every_version = pytest.mark.parametrize("version", VERSIONS)


def newest(nu: Nushell, name: str) -> str:
    """The id of the newest workflow of that name."""
    return str(nu.value(f"batch list | where id starts-with {name}- | get 0.id"))


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
    assert outcome["status"] == "succeeded"
    assert [tuple(row.items()) for row in outcome["operations"]] == [
        (("id", name), ("status", "succeeded"), ("done", tasks), ("tasks", tasks), ("last_error", None))
        for name, tasks in (("first", 2), ("second", 1))
    ]
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
    assert list(found)[-6:] == ["name", "environment", "tasks", "reason", "status", "total"]
    assert set(found) >= {"waves", "order", "resolved", "irreversible", "limits", "warnings", "peak", "max_running"}
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
        ("batch status nobody", "not known here", ["There is no workflow nobody"]),
        ("batch cancel nobody", "cannot be cancelled", ["There is no workflow nobody"]),
        ("batch status nobody --format toml", "not a format", ["Formats are table, json, yaml"]),
        ("batch submit {}/good.k --data-dir /nowhere", "this data directory", ["No daemon runs on /nowhere"]),
        ("batch simulate {}/good.k --fail [gama]", "not something to fail", ["no operation or item 'gama'", "gamma"]),
        ("batch simulate {}/good.k --with [gamma]", "not something to change", ["is not NAME=CHANGE"]),
        ("batch simulate {}/nowhere.k", "cannot be read", ["There is no file"]),
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


@every_version
@pytest.mark.parametrize(
    "command", ["submit", "submit --dry-run", "submit --watch", "validate", "simulate", "check", "validate --strict"]
)
def test_a_wrong_definition_is_drawn_where_nushell_can(
    version: str, command: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """All faults at once, on the lines of the definition; in older versions as text with their places."""
    name, *flags = command.split()
    code = " ".join([f"batch {name} {definitions}/wrong.k", *flags])
    told = Nushell(daemon.data_dir, tmp_path, version).run(code)
    assert told.returncode == 1
    words = " ".join(word for word in told.stderr.split() if word != "|")
    assert "wrong.k has 2 errors." in words
    assert "nulib" not in words.replace("use nulib *", "")
    if version != NEWEST:
        assert "wrong.k:13:98: there is no operation 'frist'" in words
        assert "wrong.k:13:107: there is no operation 'secnd'" in words
        return
    lines = told.stderr.splitlines()
    (number,) = [number for number, line in enumerate(lines) if 'depends_on = ["frist", "secnd"]' in line]
    marked = [lines[number][mark.start() : mark.end()] for mark in re.finditer(r"\^+\|\^+", lines[number + 1])]
    assert marked == ['"frist"', '"secnd"']
    assert lines[number + 2].endswith("there is no operation 'secnd' [WF106]")
    assert "Did you mean 'first'?" in words


@every_version
def test_faults_without_a_line_or_in_another_file_are_told(version: str, nu: Nushell, tmp_path: Path) -> None:
    """What is wrong with a layer stands in the message, and the rest is drawn."""
    text = (ROOT / "data/examples/pipeline.k").read_text(encoding="utf-8")
    (tmp_path / "one.k").write_text(text, encoding="utf-8")
    (tmp_path / "one.bad.yaml").write_text("work: [\n")
    told = Nushell(nu.data_dir, tmp_path, version).error(f"batch validate {tmp_path}/one.k --environment bad")
    assert "one.bad.yaml" in told
    assert "nulib" not in told.replace("use nulib *", "")


def test_list_can_be_narrowed_to_a_status(nu: Nushell) -> None:
    """Newest first; only those with the status that is asked for."""
    rows = nu.value("batch list")
    assert [row["created_at"] for row in rows] == sorted((row["created_at"] for row in rows), reverse=True)
    assert {row["id"].split("-")[0] for row in nu.value("batch list --status failed")} == {"bad"}
    assert {row["status"] for row in nu.value("batch list --status [failed succeeded]")} == {"failed", "succeeded"}
    assert [row["id"] for row in nu.value("batch list --limit 1")] == [rows[0]["id"]]
    assert "less than none" in nu.error("batch list --limit (-1)")
    assert "this data directory" in nu.error("batch list --data-dir /nowhere")


@every_version
def test_list_shows_first_what_counts_most(version: str, nu: Nushell, tmp_path: Path) -> None:
    """Few columns; --long gives all there is. A status that does not exist is warned about."""
    old = Nushell(nu.data_dir, tmp_path, version)
    row = old.value("batch list | where id starts-with bad | get 0")
    assert list(row) == ["id", "status", "done", "tasks", "created_at", "duration"]
    assert (row["done"], row["tasks"]) == (2, 3)
    long = old.value("batch list --long | where name == bad | get 0")
    assert (long["tasks"], long["reason"]) == ({"succeeded": 2, "failed": 1}, "task second/gamma failed")
    none = old.run("batch list --status faild | length")
    assert none.stdout == "0\n"
    assert "No workflow has status `faild`. Did you mean failed?" in none.stderr


@every_version
def test_logs_know_the_parts_of_a_workflow(version: str, nu: Nushell, tmp_path: Path) -> None:
    """A name that is not there is marked, with near ones; the last lines; one task alone."""
    old = Nushell(nu.data_dir, tmp_path, version)
    workflow = newest(old, "good")
    for flag, near in (("--operation frist", "first"), ("--item gama", "gamma")):
        told = old.error(f"batch logs {workflow} {flag}")
        assert "not in this workflow" in told
        assert f"Did you mean {near}?" in told
        assert "nulib" not in told.replace("use nulib *", "")
    assert old.value(f"batch logs {workflow} --tail 1 --operation first | get line") == ["hello beta", "hello alpha.1"]
    assert old.value(f"batch logs {workflow}.second.local.gamma --err | get line") == ["careful"]


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
def test_status_has_operations_as_a_person_looks_at_them(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """First what counts most, in columns that are as wide as a word; --long gives what `orch workflow` gives."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflow = newest(nu, "bad")
    operations = nu.value(f"batch status {workflow} | get operations")
    assert list(operations[0]) == ["id", "status", "done", "tasks", "last_error"]
    counts = [(row["id"], row["status"], row["done"], row["tasks"], row["last_error"]) for row in operations]
    assert counts == [("first", "succeeded", 2, 2, None), ("second", "failed", 0, 1, "exit code 3")]
    drawn = nu.run(f"batch status {workflow} | get operations | table --width 100").stdout
    assert re.search(r"│ second +│ failed +│ +0 │ +1 │ exit code 3 ", drawn)
    given = nu.value(f"orch workflow {workflow}")
    short = nu.value(f"batch status {workflow}")
    assert list(short) == ["id", "status", "reason", "created_at", "duration", "operations", "tasks"]
    assert len(nu.run(f"batch status {workflow} | table --width 120").stdout.splitlines()) < 30
    assert {name: given[name] for name in short if name != "operations"} == {
        name: value for name, value in short.items() if name != "operations"
    }
    assert nu.value(f"batch status {workflow} --long") == given
    assert nu.value(f"[{workflow}] | batch status --long | get 0.operations") == given["operations"]
    assert nu.value(f"[{workflow}] | batch status | get 0.operations") == operations
    assert nu.value(f"batch status {workflow} --format json | from json | get operations.1.tasks") == {"failed": 1}
    assert "--long and --format say different things." in nu.error(f"batch status {workflow} --long --format json")


@every_version
def test_status_says_that_nobody_goes_on(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Where a workflow is not over and no daemon runs; a reason of its own counts more."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    told = nu.value("batch list --data-dir data/sample | batch status --data-dir data/sample | select id status reason")
    reasons = {row["id"]: (row["status"], row["reason"]) for row in told}
    assert reasons["certificates-zfdpn5"] == ("running", "no daemon runs: it goes on with the next one")
    assert reasons["release-zvx90y"] == ("succeeded", None)
    assert "no daemon runs" not in reasons["certificates-h3fsrg"][1]


@every_version
def test_follow_ends_with_the_workflow(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """A stream of changes, as JSON one object a line, whose last one is the workflow's end."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflow = daemon.submit(definitions / "lingering.k")
    wait_for(lambda: read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running"), "the workflow to run")
    follow = f"batch status {workflow} --follow --format json | str join (char nl)"
    lines = nu.run(f"orch cancel {workflow} --no-wait; {follow}").stdout.splitlines()
    changes = [json.loads(line) for line in lines if line.startswith("{")]
    assert (changes[-1]["task"], changes[-1]["status"]) == (None, "cancelled")
    daemon.wait_until_over(workflow)  # the stream is ahead of the files
    assert nu.value(f"batch status {workflow} --follow") == []


@every_version
def test_logs_are_rows_in_the_order_of_the_plan(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """A row for each line; items with a dot read back; nothing that could act on a terminal."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflow = newest(nu, "good")
    assert list(nu.value(f"batch logs {workflow} | first")) == ["operation", "item", "undo", "stream", "line"]
    rows = nu.value(f"batch logs {workflow} --long | select operation item attempt stream line")
    assert [tuple(row.values()) for row in rows] == [
        ("first", "beta", 1, "out", "hello beta"),
        ("first", "alpha.1", 1, "out", "hello alpha.1"),
        ("second", "gamma", 1, "out", "red"),
        ("second", "gamma", 1, "err", "careful"),
    ]
    assert nu.value(f"batch logs {workflow} --err | get line") == ["careful"]
    assert nu.value(f"batch logs {workflow} --operation first --item alpha.1 | get line") == ["hello alpha.1"]
    assert nu.value(f"batch logs {workflow} --raw | where stream == out | last | get line") == "\x1b[31mred\x1b[0m"


@every_version
def test_logs_come_as_they_are_written(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """With --follow the first line is there long before the last; of one workflow in the pipeline, too."""
    path = tmp_path / "chatty.k"
    path.write_text(
        DEFINITION.format(name="chatty", first="echo begun; exec sleep 600", second="true"), encoding="utf-8"
    )
    workflow = daemon.submit(path)
    wait_for(lambda: read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running"), "it to run")
    nu = Nushell(daemon.data_dir, tmp_path, version)
    for code in (f"batch logs {workflow} --follow", f"[{workflow}] | batch logs --follow"):
        assert nu.value(f"{code} | first 1 | get line") == ["begun"]
    assert read_workflow(daemon.data_dir, workflow)["status"] == "running"
    daemon.request("cancel", {"workflow": workflow})
    daemon.wait_until_over(workflow)
