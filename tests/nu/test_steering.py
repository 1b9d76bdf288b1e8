"""The commands ``batch …`` that steer a workflow, and ``batch check``, in real Nushells on a real daemon."""

from __future__ import annotations

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.nu.conftest import Nushell
from tests.nu.test_help_and_completion import EXAMPLE_ID, STEERING, commands_of
from tests.support.gated import Gated
from tests.support.live import LiveDaemon, read_workflow, wait_for
from tests.support.nushell import NEWEST, PLUGIN, ROOT, VERSIONS, clean_environment, nushell
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

every_version = pytest.mark.parametrize("version", VERSIONS)

#: `first` can be undone; `second` fails until there is a gate.
GATED = """
import workflows

work = workflows.WorkflowDef {{
    name = "gated"
    retry_policy = {{max_attempts = 1}}
    operations = [
        {{
            id = "first", type = "create", target = "server", items = ["beta", "alpha"]
            command = "true", rollback_command = "true"
        }}
        {{
            id = "second", type = "create", target = "server", items = ["gamma"], depends_on = ["first"]
            command = "test -e {gate}", on_failure = "fail", rollback_command = "true"
        }}
    ]
}}
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDaemon]:
    """A daemon of this module's own: what happens to workflows here is more than other tests expect."""
    with LiveDaemon(tmp_path_factory.mktemp("steering") / "data", "--stop-grace", "1") as live:
        yield live


@pytest.fixture
def gated(daemon: LiveDaemon, tmp_path: Path) -> Gated:
    """One of this test's own."""
    return Gated(daemon, tmp_path, GATED)


def running(daemon: LiveDaemon, definitions: Path) -> str:
    """A workflow that runs until it is stopped."""
    workflow = daemon.submit(definitions / "slow.k")
    wait_for(lambda: read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running"), "the workflow to run")
    return workflow


@every_version
def test_pause_and_resume(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """Twice each, which is no fault; with --now what runs is stopped."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflow = running(daemon, definitions)
    code = "[(batch pause ID) (batch pause ID) (batch pause ID --now) (batch resume ID) (batch resume ID)] | get status"
    assert nu.value(code.replace("ID", workflow)) == ["paused", "paused", "paused", "running", "running"]
    daemon.request("cancel", {"workflow": workflow})
    daemon.wait_until_over(workflow)


@every_version
def test_retry_and_rollback_follow_to_the_end(version: str, gated: Gated, tmp_path: Path) -> None:
    """A line for each change; an error in a script unless it ends as it should."""
    nu = Nushell(gated.daemon.data_dir, tmp_path, version)
    failed = nu.run(f"batch retry {gated.id} --watch; print behind")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert f"Workflow {gated.id} ended as failed" in failed.stderr
    gated.gate.touch()
    done = nu.run(f"batch retry {gated.id} --watch | get status")
    assert (done.returncode, done.stdout) == (0, "succeeded\n")
    assert [line.split()[1:] for line in done.stderr.splitlines()[1:]] == [
        ["0/1", "running", "second", "gamma", "attempt", "3"],
        ["1/1", "succeeded", "second", "gamma"],
    ]
    assert nu.value(f"batch retry {gated.id} first | select status tasks") == {"status": "running", "tasks": 3}
    gated.has_ended_as("succeeded")
    undone = nu.run(f"batch rollback {gated.id} --watch | get status")
    assert (undone.returncode, undone.stdout) == (0, "rolled_back\n")
    assert {line.split()[1] for line in undone.stderr.splitlines() if " rolled_back " in line} == {"1/3", "2/3", "3/3"}


@every_version
def test_rows_of_tasks_are_retried_with_a_request_for_each_workflow(
    version: str, daemon: LiveDaemon, tmp_path: Path
) -> None:
    """The answers are a table; what is refused is an error, behind the others."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(Gated(daemon, tmp_path / name, GATED))
    nu = Nushell(daemon.data_dir, tmp_path, version)
    ids = json.dumps([one.id for one in made])
    failed = f"orch tasks --status failed | where workflow in {ids}"
    made[0].gate.touch()
    rows = nu.value(f"{failed} | batch retry | sort-by workflow")
    ids_in_order = sorted(one.id for one in made)
    assert rows == [{"workflow": one, "status": "running", "tasks": 1, "error": None} for one in ids_in_order]
    made[0].has_ended_as("succeeded")
    made[1].has_ended_as("failed")
    second = f"orch tasks | where workflow in {ids} | where operation == second | select id workflow"
    mixed = nu.value(f"{second} | append {{id: x.a, workflow: x}} | batch retry | sort-by workflow")
    assert [row["error"] for row in mixed] == [None, None, "There is no workflow x."]
    assert [row["tasks"] for row in mixed] == [1, 1, 0]
    made[0].has_ended_as("succeeded")
    made[1].has_ended_as("failed")
    refused = nu.error("[{id: x.a, workflow: x}, y] | batch retry")
    assert "There is no workflow x." in refused
    assert "There is no workflow y." in refused
    assert "x: " not in refused
    assert nu.value(f"[{made[1].id}] | batch retry | get tasks") == [1]
    made[1].has_ended_as("failed")
    one_row = nu.value(f"orch tasks --status failed | where workflow == {made[1].id} | first | batch retry")
    assert [row["workflow"] for row in one_row] == [made[1].id]
    made[1].has_ended_as("failed")
    assert nu.value("[] | batch retry") == []
    assert "Not ids or rows of tasks: a row with a." in nu.error("[[a]; [1]] | batch retry")
    assert "Which workflow is to be retried?" in nu.error("batch retry")
    assert "--watch needs a workflow's id" in nu.error("[x] | batch retry --watch")


@every_version
def test_flags_that_would_do_nothing_are_refused(version: str, gated: Gated, tmp_path: Path) -> None:
    """What belongs to --with-latest without it, and two that contradict each other, before anything is asked."""
    nu = Nushell(gated.daemon.data_dir, tmp_path, version)
    for flags in ("--yes", "--options {a: 1}", f"--layer {tmp_path}/none.yaml"):
        assert f"{flags.split()[0]} needs --with-latest." in nu.error(f"batch retry {gated.id} {flags}")
    told = nu.error(f"batch retry {gated.id} --all --with-latest --yes")
    assert "--all and --with-latest say different things." in told
    assert "result taken over" not in told
    assert "`--options` needs --with-latest" in nu.error(f"orch retry {gated.id} --options {{a: 1}}")
    assert gated.has_ended_as("failed")["continued_by"] is None


@every_version
def test_rows_of_checks_and_of_continued_workflows_are_left_out(version: str, tmp_path: Path) -> None:
    """With a word on each; who names one gets the daemon's answer."""
    with LiveDaemon(tmp_path / "own") as own:
        nu = Nushell(own.data_dir, tmp_path, version)
        gated = Gated(own, tmp_path, GATED)
        assert len(nu.value(f"batch check {ROOT}/data/examples/wuji.k")) == 10
        gated.do_without_gate()
        later = nu.value(f"batch retry {gated.id} --with-latest --yes | get workflow")
        own.wait_until_over(later)
        wait_for(lambda: read_workflow(own.data_dir, gated.id)["continued_by"], "the files")
        assert len({row["workflow"] for row in nu.value("orch tasks --status failed")}) == 2
        result = nu.run("orch tasks --status failed | batch retry | length")
        assert (result.returncode, result.stdout) == (0, "0\n"), result.stderr
        assert f"{gated.id} is left out: continued by {later}." in result.stderr
        assert "is left out: a check" in result.stderr
        assert "was continued by" in nu.error(f"[{gated.id}] | batch retry")
        offered = nu.value(
            "use nulib/complete.nu *; nu-complete batch undoable 'batch rollback ' | get completions.value"
        )
        assert later in offered
        assert gated.id not in offered


@every_version
def test_a_daemon_that_goes_away_ends_the_watching(version: str, definitions: Path, tmp_path: Path) -> None:
    """Within seconds, with the shell's words, and none of the module's source."""
    with LiveDaemon(tmp_path / "own") as own:
        nu = Nushell(own.data_dir, tmp_path, version)
        workflow = running(own, definitions)
        with ThreadPoolExecutor(1) as pool:
            for code in (f"batch status {workflow} --follow", f"batch submit {definitions}/slow.k --watch"):
                told = pool.submit(nu.error, code)
                if "submit" in code:
                    wait_for(lambda: len(os.listdir(f"{own.data_dir}/workflows")) == 2, "the submission")
                time.sleep(1.0)  # whether it is watched by then or not: the words are the same
                own.terminate()
                shown = told.result(timeout=20).replace(" ", "")  # the path may be broken anywhere
                assert f"Nodaemonrunson{own.data_dir},and" in shown
                assert "isnotover." in shown
                assert "orchestratorserve" in shown
                assert "nulib" not in shown
                own.start()


@every_version
def test_retry_with_the_latest_definition(version: str, gated: Gated, tmp_path: Path) -> None:
    """What differs is a value, or shown; a script has to say yes."""
    nu = Nushell(gated.daemon.data_dir, tmp_path, version)
    gated.do_without_gate()
    rows = nu.value(f"batch retry {gated.id} --diff | select operation change what effect")
    columns = nu.value(f"batch retry {gated.id} --diff | columns")
    assert columns.index("effect") < columns.index("before") < columns.index("after")
    assert [tuple(row.values()) for row in rows] == [
        ("first", "unchanged", "", "result taken over"),
        ("second", "changed", "actions.local.command", "runs again"),
    ]
    refused = nu.run(f"batch retry {gated.id} --with-latest")
    assert refused.returncode == 1
    assert "Nobody can be asked" in refused.stderr
    assert "actions.local.command" in refused.stderr
    assert gated.has_ended_as("failed")["continued_by"] is None
    done = nu.run(f"batch retry {gated.id} --with-latest --yes --watch | select status operations | to json --raw")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "succeeded"
    assert "runs again" in done.stderr
    later = nu.error(f"batch retry {gated.id}")
    assert "cannot be retried" in later
    assert "was continued by gated-" in later


@every_version
def test_an_error_points_at_what_was_typed(version: str, gated: Gated, tmp_path: Path) -> None:
    """The id, or the name inside of it; with the daemon's words and near names."""
    nu = Nushell(gated.daemon.data_dir, tmp_path, version)
    gated.succeed()
    cases = [
        (f"batch pause {gated.id}", gated.id, "cannot be paused", "it has already ended"),
        (f"batch resume {gated.id[:-1]}", gated.id[:-1], "cannot be resumed", f"Did you mean {gated.id}"),
        (f"batch retry {gated.id} frist", "frist", "not in this workflow", "Did you mean first?"),
        (f"batch retry {gated.id}", gated.id, "cannot be retried", "--all"),
        (f"batch rollback {gated.id} --to begin", "--to begin", "not in this workflow", "There are: start, end"),
        (
            f"batch resolve {gated.id}.first.local.beta --as odd",
            "--as odd",
            "not an outcome",
            "Say succeeded or failed",
        ),
        (
            f"batch resolve {gated.id}.first.local.beta --as failed",
            f"{gated.id}.first.local.beta",
            "cannot be",
            "known",
        ),
        (f"batch check {gated.path}x", f"{gated.path}x", "cannot be read", "There is no file"),
    ]
    for code, marked, label, words in cases:
        result = nu.run(code)
        assert result.returncode == 1
        lines = result.stderr.splitlines()
        (number,) = [number for number, line in enumerate(lines) if line.endswith(code)]
        place = re.search(r"[\^|]+$", lines[number + 1])
        assert place is not None, result.stderr
        assert lines[number][place.start() : place.end()] == marked, result.stderr
        assert label in lines[number + 2]
        assert words in " ".join(word for word in result.stderr.split() if word != "|")


@every_version
def test_a_rollback_says_what_it_cannot_undo(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """A value that tells of it; with --watch in a script an error. What runs is stopped before anything is counted."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    kept = daemon.submit(definitions / "good.k")
    daemon.wait_until_over(kept)
    answer = nu.value(f"batch rollback {kept}")
    assert (answer["status"], answer["tasks"], answer["kept"]) == ("succeeded", 0, 3)
    assert "declare no way to undo them" in answer["note"]
    refused = nu.error(f"batch rollback {kept} --watch")
    assert f"Workflow {kept} is succeeded as before." in refused
    assert "declare no way to undo them" in refused
    path = tmp_path / "begun.k"
    text = GATED.format(gate="nothing").replace("test -e nothing", "exec sleep 600")
    path.write_text(text, encoding="utf-8")
    begun = daemon.submit(path)
    wait_for(
        lambda: read_workflow(daemon.data_dir, begun).get("tasks", {}).get("succeeded") == 2, "the first operation"
    )
    undone = nu.run(f"batch rollback {begun} --watch | get status")
    assert (undone.returncode, undone.stdout) == (0, "rolled_back\n"), undone.stderr
    first, *lines = undone.stderr.splitlines()
    assert first.startswith(f"{begun} is being stopped first. Ctrl-C")
    assert [line.split()[1] for line in lines if " rolled_back " in line] == ["1/2", "2/2"]
    assert "/0" not in undone.stderr


@every_version
def test_check_is_a_table_of_what_is_there(version: str, tmp_path: Path) -> None:
    """Before and after it is made, and after something was changed by hand."""
    sample = ROOT / "data" / "examples" / "wuji.k"
    with LiveDaemon(tmp_path / "own") as own:
        nu = Nushell(own.data_dir, tmp_path, version)
        drifted = f"batch check {sample} | where state == drifted | get item"
        assert len(nu.value(drifted)) == 10
        own.wait_until_over(own.submit(sample))
        assert nu.value(drifted) == []
        os.unlink(f"{own.data_dir}/providers/local/servers/wuji-cp-0/etc/hostname")
        assert nu.value(drifted) == ["wuji-cp-0"]


def test_a_person_is_asked(gated: Gated, tmp_path: Path) -> None:
    """At a terminal; anything but a yes does nothing."""
    gated.do_without_gate()
    command = [str(nushell(NEWEST)), "--no-config-file", "--plugins", f"[{PLUGIN}]"]
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=gated.daemon.data_dir)
    for answer, shown in (("no\r", "Nothing was done."), ("\x03", "Nothing was done."), ("y\r", "new: gated-")):
        assert gated.has_ended_as("failed")["continued_by"] is None
        with Terminal(command, cwd=ROOT, env=environment) as terminal:
            terminal.run("use nulib *")
            terminal.keys(f"batch retry {gated.id} --with-latest | $'new: ($in.workflow)'\r")
            terminal.wait_for("Go on like this? [y/N]")
            terminal.keys(answer)
            terminal.wait_for(shown)
    wait_for(lambda: gated.has_ended_as("failed")["continued_by"], "the files")


def test_examples_run_where_they_can(nu: Nushell, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """Each as it is typed, on a workflow that stands as it needs it; results are as promised."""
    made = 0
    for row in commands_of(nu):
        for example in row["examples"] if row["name"] in STEERING else ():
            made += 1
            folder = tmp_path / str(made)
            folder.mkdir()
            workflow, code = prepared(row["name"], example["example"], daemon, definitions, folder)
            nu.value(code.replace(EXAMPLE_ID, workflow))
            if read_workflow(daemon.data_dir, workflow)["name"] == "slow":
                daemon.request("cancel", {"workflow": workflow})
    assert made >= 10


def prepared(name: str, code: str, daemon: LiveDaemon, definitions: Path, folder: Path) -> tuple[str, str]:
    """(workflow that the example can be about, the example)."""
    if name in ("batch pause", "batch resume", "batch cancel"):
        workflow = running(daemon, definitions)
        if name == "batch resume":
            daemon.request("pause", {"workflow": workflow})
            wait_for(lambda: read_workflow(daemon.data_dir, workflow)["status"] == "paused", "the pause")
        return workflow, code
    gated = Gated(daemon, folder, GATED)
    gated.gate.touch()
    if name == "batch rollback":
        gated.succeed()
    if name == "batch resolve":  # whose end is unknown only where a machine was lost: see the tests of the engine
        code = f"try {{ {code} }} catch {{|error| $error.msg }}"
    return gated.id, code
