"""The commands ``batch …`` as somebody meets them daily: what fits a terminal, what comes after a request."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import steer
from tests.nu.conftest import Nushell
from tests.nu.test_help_and_completion import COMMANDS
from tests.support.live import LiveDaemon, read_workflow, wait_for
from tests.support.nushell import NEWEST, OLDEST, ROOT, VERSIONS, run_nu
from tests.support.shell import call

if TYPE_CHECKING:
    from collections.abc import Iterator

every_version = pytest.mark.parametrize("version", VERSIONS)
oldest_and_newest = pytest.mark.parametrize("version", [OLDEST, NEWEST])

#: A terminal that is as narrow as most are, and one from which on Nushell draws with `table --expand`.
NARROW, USUAL = 80, 100

#: What a process that ignores the request to end needs at most, with the grace below.
GRACE_S = 4


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, definitions: Path) -> Iterator[LiveDaemon]:
    """A daemon that has run the sample workflow, whose ids are long, and one that failed."""
    with LiveDaemon(tmp_path_factory.mktemp("daily") / "data", "--stop-grace", str(GRACE_S)) as live:
        live.wait_until_over(live.submit(definitions / "bad.k"))
        live.wait_until_over(live.submit(ROOT / "data" / "examples" / "wuji.k"))
        yield live


def columns_drawn(drawn: str) -> list[tuple[str, int]]:
    """(heading, cells that it is wide) of the columns of a table that `table` has drawn."""
    heading = next(line for line in drawn.splitlines() if line.startswith("│"))
    return [(cell.strip(), len(cell) - 2) for cell in heading.strip("│").split("│")]


def running(daemon: LiveDaemon, path: Path) -> str:
    """A workflow that runs until it is stopped, and whose last process has begun what it does."""
    workflow = daemon.submit(path)
    if path.name == "stubborn.k":
        log = Path(daemon.data_dir, "workflows", workflow, "logs", "second.local.gamma.1.out")
        wait_for(lambda: log.exists() and log.read_text(encoding="utf-8") == "begun\n", "it to refuse to end")
    wait_for(lambda: read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running"), "it to run")
    return workflow


@oldest_and_newest
@pytest.mark.parametrize(
    ("code", "headings"),
    [
        ("batch list", ["#", "id", "status", "done", "tasks", "created_at", "duration"]),
        (
            "batch status $wuji --tasks",
            ["#", "operation", "item", "status", "attempt", "duration", "reason"],
        ),
        ("batch status $wuji | get operations", ["#", "id", "status", "done", "tasks", "last_error"]),
        ("batch status $bad | get operations", ["#", "id", "status", "done", "tasks", "last_error"]),
        ("batch logs $wuji", ["#", "operation", "item", "undo", "stream", "line"]),
        ("batch", ["#", "name", "description"]),
    ],
)
def test_what_people_look_at_fits_a_usual_terminal(
    version: str, code: str, headings: list[str], deployed: LiveDaemon, tmp_path: Path
) -> None:
    """All columns are there, none is squeezed: not even by `table --expand`, which takes from the last ones."""
    nu = Nushell(deployed.data_dir, tmp_path, version)
    names = "let ids = batch list | get id; let wuji = $ids | where $it =~ wuji | first; let bad = $ids | last"
    done = nu.run(f"{names}; {code} | table --expand --width {USUAL}")
    assert done.returncode == 0, done.stderr
    assert max(len(line) for line in done.stdout.splitlines()) <= USUAL
    drawn = columns_drawn(done.stdout)
    assert [name for name, _ in drawn] == headings
    assert all(width >= len(name) for name, width in drawn)


@oldest_and_newest
def test_lines_of_a_log_have_room_in_a_narrow_terminal(version: str, deployed: LiveDaemon, tmp_path: Path) -> None:
    """They are what is looked for: a quarter of the width is theirs, whatever the names before them."""
    nu = Nushell(deployed.data_dir, tmp_path, version)
    code = "batch list | where id =~ wuji | first | get id | batch logs $in"
    drawn = dict(columns_drawn(nu.run(f"{code} | table --width {NARROW}").stdout))
    assert drawn["line"] >= NARROW // 4
    all_columns = ["operation", "item", "provider", "attempt", "undo", "stream", "line"]
    assert list(nu.value(f"{code} --long | first")) == all_columns


@every_version
def test_tasks_of_a_workflow_come_in_the_order_of_its_definition(
    version: str, deployed: LiveDaemon, tmp_path: Path
) -> None:
    """Of one workflow without its id in each row; of several with it, and what cannot be read is told beside them."""
    nu = Nushell(deployed.data_dir, tmp_path, version)
    wuji, bad = (nu.value(f"batch list | where id =~ {name} | get 0.id") for name in ("wuji", "bad"))
    rows = nu.value(f"batch status {wuji} --tasks")
    assert [(row["operation"], row["item"]) for row in rows] == [
        ("create-servers", "wuji-cp-0"),
        ("create-servers", "wuji-strg-0"),
        ("create-servers", "wuji-worker-0"),
        ("install-base", "os"),
        ("install-base", "resolv"),
        ("install-base", "containerd"),
        ("install-k8s", "kubernetes"),
        ("install-cluster", "rook-ceph"),
        ("install-cluster", "external-nfs"),
        ("install-cluster", "cilium"),
    ]
    assert {row["status"] for row in rows} == {"succeeded"}
    done = nu.run(f"[{bad} nobody] | batch status --tasks | to json --raw")
    assert "There is no workflow nobody" in done.stderr
    assert [(row["workflow"], row["item"], row["reason"]) for row in json.loads(done.stdout)] == [
        (bad, "beta", None),
        (bad, "alpha.1", None),
        (bad, "gamma", "exit code 3"),
    ]
    for flags in ("--long", "--follow", "--format json"):
        assert "say different things." in nu.error(f"batch status {wuji} --tasks {flags}")
    assert nu.value("[] | batch status --tasks | length") == 0


@every_version
def test_cancel_answers_when_it_is_done(version: str, deployed: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """The status is the one after; what takes longer to stop is not waited for, and the answer says so."""
    nu = Nushell(deployed.data_dir, tmp_path, version)
    workflow = running(deployed, definitions / "slow.k")
    assert nu.value(f"batch cancel {workflow}") == {"workflow": workflow, "status": "cancelled", "note": ""}
    again = nu.value(f"batch cancel {workflow}")
    assert (again["status"], again["note"]) == ("cancelled", "")
    slow, other, stubborn = (running(deployed, definitions / name) for name in ("slow.k", "slow.k", "stubborn.k"))
    begun = time.monotonic()
    rows = nu.value(f"[{stubborn} {slow} nobody {other}] | batch cancel")
    assert time.monotonic() - begun < 2 * GRACE_S
    assert [(row["workflow"], row["status"], row["error"] is None) for row in rows] == [
        (stubborn, "running", True),
        (slow, "cancelled", True),
        ("nobody", None, False),
        (other, "cancelled", True),
    ]
    assert [row["note"] for row in rows] == ["what runs is still being stopped", "", "", ""]
    assert deployed.wait_until_over(stubborn)["status"] == "cancelled"
    told = nu.error(f"batch cancel {workflow[:-2]}")
    assert f"Did you mean {workflow}?" in told
    assert "cannot be cancelled" in told


def test_cancel_waits_no_longer_than_it_was_told(deployed: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """With --no-wait the daemon's first word is the answer; the wait of the command itself has an end."""
    nu = Nushell(deployed.data_dir, tmp_path)
    stubborn = running(deployed, definitions / "stubborn.k")
    begun = time.monotonic()
    first = nu.value(f"orch cancel {stubborn} --no-wait")
    assert time.monotonic() - begun < steer.END_WAIT_S
    assert (first["status"], first["note"]) == ("running", "what runs is still being stopped")
    assert nu.value(f"batch cancel {stubborn} | get status") in ("running", "cancelled")
    assert deployed.wait_until_over(stubborn)["status"] == "cancelled"


@every_version
def test_a_remedy_can_be_typed_as_it_stands(
    version: str, deployed: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """The daemon names a command by its verb; here it has its full name."""
    nu = Nushell(deployed.data_dir, tmp_path, version)
    workflow = deployed.submit(definitions / "good.k")
    deployed.wait_until_over(workflow)
    assert f"`batch retry {workflow} --all`" in nu.error(f"batch retry {workflow}").replace("| ", "")


@every_version
def test_a_loop_may_hold_a_command_whatever_it_goes_over(
    version: str, deployed: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """What `each` hands on is of no matter to a command that has its argument; without one it is told what is wrong."""
    nu = Nushell(deployed.data_dir, tmp_path, version)
    good = definitions / "good.k"
    made = nu.value(f"1..2 | each {{ batch submit {good} | get workflow }}")
    assert len(set(made)) == 2
    assert nu.value(f"[2min 3min] | each {{ batch status {made[0]} | get id }}") == [made[0]] * 2
    assert {deployed.wait_until_over(workflow)["status"] for workflow in made} == {"succeeded"}
    told = nu.error("5 | batch cancel")
    assert "Not ids or rows of workflows: 5, a value of type int." in told
    assert "input_type" not in told


@every_version
def test_a_name_that_is_no_command_may_have_arguments(version: str, deployed: LiveDaemon, tmp_path: Path) -> None:
    """It is what was typed wrong, not that something stands behind it."""
    told = Nushell(deployed.data_dir, tmp_path, version).error("batch resum some-workflow 5")
    assert "There is no command `batch resum`." in told
    assert "Did you mean resume?" in told
    assert "nulib" not in told.replace("use nulib *", "")


@every_version
def test_a_check_has_a_word_for_what_it_found(version: str, tmp_path: Path) -> None:
    """Columns for a condition and for people; what could not be checked is neither as declared nor drifted."""
    text = (ROOT / "data/examples/wuji.k").read_text(encoding="utf-8")
    (tmp_path / "wuji.k").write_text(text, encoding="utf-8")
    with LiveDaemon(tmp_path / "data") as daemon:
        nu = Nushell(daemon.data_dir, tmp_path / "home", version)
        daemon.wait_until_over(daemon.submit(tmp_path / "wuji.k"))
        (tmp_path / "data/providers/local/servers/wuji-cp-0/etc/hostname").unlink()
        rows = nu.value(f"batch check {tmp_path}/wuji.k")
        assert list(rows[0]) == ["operation", "item", "state", "is"]
        states = {(row["operation"], row["item"]): row["state"] for row in rows}
        assert states.pop(("create-servers", "wuji-cp-0")) == "drifted"
        assert set(states.values()) == {"ok"}


@every_version
def test_what_helps_says_what_it_is_about(version: str, deployed: LiveDaemon, tmp_path: Path) -> None:
    """Each remedy with the code and lines of its faults where Nushell draws them, else beside its fault."""
    (tmp_path / "two.k").write_text(
        """import workflows

two = workflows.WorkflowDef {
    name = "two"
    operations = [
        {id = "a", type = "create", target = "server", items = ["x"], command = "true", timeout = -1}
        {id = "b", type = "create", target = "server", items = ["x"], command = "true", depends_on = ["aa"]}
        {id = "c", type = "create", target = "server", items = ["x"], command = "true", timeout = 0}
    ]
}
""",
        encoding="utf-8",
    )
    nu = Nushell(deployed.data_dir, tmp_path / "home", version)
    for command in ("validate", "submit"):
        told = nu.error(f"batch {command} {tmp_path}/two.k")
        if version == NEWEST:
            assert "[WF105] lines 6, 8: It is a number of seconds." in told
            assert "[WF106] line 7: Did you mean 'a'?" in told
        else:
            assert "the timeout must be positive, not -1. It is a number of seconds." in told
            assert "there is no operation 'aa'. Did you mean 'a'?" in told


@every_version
def test_several_definitions_are_validated_in_a_pipeline(version: str, definitions: Path, tmp_path: Path) -> None:
    """A row for each: what is wrong with its place and its remedy, what cannot be read with the reason."""
    nu = Nushell(str(tmp_path), tmp_path / "home", version)
    rows = nu.value(f"ls {definitions}/*.k | where name =~ 'good|wrong' | append {definitions}/none.k | batch validate")
    assert [(row["valid"], row["error"] is None) for row in rows] == [(True, True), (False, False), (False, False)]
    assert list(rows[0]) == ["file", "valid", "workflows", "warnings", "error"]
    assert "wrong.k:13:98: there is no operation 'frist'. Did you mean 'first'?" in rows[1]["error"]
    assert "There is no file" in rows[2]["error"]
    told = nu.error("batch validate")
    assert "Which definition? `batch validate` needs a file, or several." in told
    assert "cannot be read" in nu.error(f"['{definitions}/none.k'] | batch validate")


@every_version
def test_what_differs_is_in_sight_however_long_the_values(version: str, deployed: LiveDaemon, tmp_path: Path) -> None:
    """Before somebody is asked whether to go on with it: the difference, not the beginning that is the same."""
    begin = "true && echo " + "x" * 60
    text = """import workflows

long = workflows.WorkflowDef {{
    name = "long"
    retry_policy = {{max_attempts = 1}}
    operations = [{{id = "a", type = "create", target = "server", items = ["x"], command = "{}"}}]
}}
"""
    path = tmp_path / "long.k"
    path.write_text(text.format(f"{begin} one; exit 1"), encoding="utf-8")
    workflow = deployed.submit(path)
    deployed.wait_until_over(workflow)
    path.write_text(text.format(f"{begin} two; exit 0"), encoding="utf-8")
    nu = Nushell(deployed.data_dir, tmp_path / "home", version)
    asked = nu.run(f"batch retry {workflow} --with-latest")
    assert asked.returncode == 1
    assert "Nobody can be asked" in asked.stderr
    shown = " ".join(asked.stderr.split())
    assert "one; exit 1" in shown
    assert "two; exit 0" in shown
    assert "true && echo" not in shown


@oldest_and_newest
@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_narrow_terminal(version: str, command: str, tmp_path: Path) -> None:
    """Nushell prints it as it is written, so a line that is too long would be broken within a word."""
    done = run_nu(f"use nulib *; help {command}", home=tmp_path, version=version)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 10
    assert [line for line in lines if len(line) > NARROW] == []


def test_the_shell_waits_alike(deployed: LiveDaemon, definitions: Path) -> None:
    """`orchestrator cancel`: the status after, in words and as JSON; the request was taken, so the exit code is 0."""
    slow, other, stubborn = (running(deployed, definitions / name) for name in ("slow.k", "slow.k", "stubborn.k"))
    told = [call("cancel", workflow, data_dir=deployed.data_dir) for workflow in (slow, stubborn)]
    assert [done.returncode for done in told] == [0, 0]
    assert [done.stdout for done in told] == [
        f"{slow} is cancelled\n",
        f"{stubborn} is being cancelled: what runs of it has been told to stop\n",
    ]
    answer = json.loads(call("cancel", other, "--json", data_dir=deployed.data_dir).stdout)
    assert answer == {"workflow": other, "status": "cancelled"}
    assert deployed.wait_until_over(stubborn)["status"] == "cancelled"
    unknown = call("cancel", slow[:-2], data_dir=deployed.data_dir)
    assert (unknown.returncode, f"Did you mean {slow}?" in unknown.stderr) == (70, True)
