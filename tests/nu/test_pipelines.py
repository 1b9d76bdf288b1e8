"""``… | batch …``: several workflows, tasks or files with one command, in real Nushells on a real daemon."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.nu.conftest import Nushell
from tests.support.live import read_workflow, wait_for
from tests.support.nushell import OLDEST, ROOT, VERSIONS, run_nu

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon

every_version = pytest.mark.parametrize("version", VERSIONS)

#: Commands that take ids or rows in place of an id.
TAKERS = ("cancel", "pause", "resume", "rollback", "resolve --as failed", "retry", "status", "eta", "logs", "monitor")


def running(daemon: LiveDaemon, definitions: Path, count: int) -> list[str]:
    """So many workflows that run until they are stopped."""
    made = [daemon.submit(definitions / "slow.k") for _ in range(count)]

    def all_run() -> bool:
        return all(read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running") for workflow in made)

    wait_for(all_run, "them to run")
    return made


@every_version
def test_files_are_submitted_with_a_row_for_each(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """Rows of `ls`, paths from `glob`, one string: in their order; what is wrong is a row with its faults."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    rows = nu.value(f"ls {definitions}/*.k | where name =~ 'good|wrong|bad' | batch submit")
    assert [row["file"] for row in rows] == [f"{definitions}/{name}.k" for name in ("bad", "good", "wrong")]
    assert [row["tasks"] for row in rows] == [3, 3, None]
    assert [row["error"] for row in rows[:2]] == [None, None]
    assert "13:98: there is no operation 'frist'" in rows[2]["error"]
    assert "13:107: there is no operation 'secnd'" in rows[2]["error"]
    ends = [daemon.wait_until_over(row["workflow"])["status"] for row in rows[:2]]
    assert ends == ["failed", "succeeded"]
    answers = json.dumps(rows)
    followed = nu.run(f"'{answers}' | from json | batch status | get status | to json --raw")
    assert json.loads(followed.stdout) == ["failed", "succeeded"]
    assert "1 of the rows name no workflow" in followed.stderr
    assert [row["error"] for row in nu.value(f"'{definitions}/good.k' | batch submit")] == [None]
    (one,) = nu.value(f"glob {definitions}/good.k | batch submit --validate | select valid error")
    assert one == {"valid": True, "error": None}
    dry = nu.value(f"ls {definitions}/*.k | where name =~ 'good|wrong' | batch submit --dry-run")
    assert [(row.get("tasks"), row["error"] is None) for row in dry] == [(3, True), (None, False)]


@every_version
def test_what_holds_no_definition_is_left_out_of_a_folder(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """One line tells of files of other kinds and of folders; what is named by itself is taken as it is."""
    nu = Nushell(daemon.data_dir, tmp_path / "home", version)
    folder = tmp_path / "mixed"
    (folder / "old.k").mkdir(parents=True)
    (folder / "good.k").write_text((definitions / "good.k").read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("a.sh", "b.log"):
        (folder / name).write_text("echo a\n", encoding="utf-8")
    listed = f"cd {folder}; ls | sort-by name"
    code = f"{listed} | batch submit --validate | select file valid | to json --raw"
    result = nu.run(code)
    assert json.loads(result.stdout) == [{"file": "good.k", "valid": True}]
    assert result.stderr.splitlines() == ["left out, no definitions: a.sh, b.log, old.k"]
    for name in ("c.log", "d.log"):
        (folder / name).touch()
    assert nu.run(code).stderr.splitlines() == ["left out, no definitions: a.sh, b.log and 3 more"]
    told = nu.error(f"{listed} | where name !~ good | batch submit")
    assert "No definition is among them: a.sh, b.log and 3 more." in told
    assert "`-- no definitions" in told
    assert "ls *.k batch submit" in told
    assert nu.value("[] | batch submit") == []
    named = nu.error(f"['{folder}/a.sh'] | batch submit")
    assert "a.sh has 2 errors." in named
    assert "left out" not in named


@every_version
def test_files_are_followed_one_after_another(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """Every change of each is shown, also of what had ended by then; in a script an error unless all succeeded."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    good = f"{definitions}/good.k"
    result = nu.run(f"[{good} {good}] | batch submit --watch | select file status | to json --raw")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [{"file": good, "status": "succeeded"}] * 2
    assert [line.split()[1] for line in result.stderr.splitlines() if " succeeded " in line] == [
        "1/3",
        "2/3",
        "3/3",
    ] * 2
    told = nu.error(f"[{definitions}/bad.k {good} {definitions}/wrong.k] | batch submit --watch")
    assert "bad.k: failed" in told
    assert "wrong.k: not submitted" in told
    assert "2 of 3 did not succeed." in told


@every_version
def test_what_runs_is_paused_resumed_cancelled(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """Rows of workflows and of tasks, ids, answers of the command before; a request for each workflow."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    made = running(daemon, definitions, 2)
    mine = f"where id in {json.dumps(made)}"
    paused = nu.value(f"orch tasks --long | where workflow in {json.dumps(made)} | batch pause")
    assert sorted(row["workflow"] for row in paused) == sorted(made)
    assert {(row["status"], row["error"]) for row in paused} == {("paused", None)}
    resumed = nu.value(f"{json.dumps([*made, 'nobody'])} | batch resume")
    assert [row["status"] for row in resumed] == ["running", "running", None]
    assert resumed[2]["error"] == "There is no workflow nobody."
    left = nu.value(f"batch list --status running | {mine} | batch eta")
    assert {(row["workflow"], row["error"]) for row in left} == {(workflow, None) for workflow in made}
    assert all(row["remaining"] > 0 for row in left)
    states = nu.value(f"batch list | {mine} | append nobody | batch status | select id status error")
    assert [row["status"] for row in states] == ["running", "running", None]
    ended = nu.value(f"batch list | {mine} | batch cancel | batch status | get id")
    assert sorted(ended) == sorted(made)
    assert {daemon.wait_until_over(workflow)["status"] for workflow in made} == {"cancelled"}
    undone = nu.value(f"batch list | {mine} | append nobody | batch rollback | select workflow error")
    assert [row["error"] is None for row in undone] == [True, True, False]


@every_version
def test_logs_of_rows_say_whose_they_are(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """Of tasks just what those have printed; what cannot be read is a warning beside the rest."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    workflows = [daemon.submit(definitions / "good.k") for _ in range(2)]
    for workflow in workflows:
        daemon.wait_until_over(workflow)
    tasks = [f"{workflow}.second.local.gamma" for workflow in workflows]
    rows = nu.value(f"{json.dumps(tasks)} | batch logs --err | select workflow line")
    assert rows == [{"workflow": workflow, "line": "careful"} for workflow in workflows]
    assert nu.value(f"orch tasks | where id in {json.dumps(tasks)} | batch logs | length") == 4
    result = nu.run(f"[nobody {workflows[0]}] | batch logs --operation first | get line | to json --raw")
    assert json.loads(result.stdout) == ["hello beta", "hello alpha.1"]
    assert "There is no workflow nobody" in result.stderr


@every_version
@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_workflow_is_marked(version: str, taker: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Numbers, other rows, nothing at all: the user's own words are marked, and the remedy is a whole pipeline."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    for given in ("[1 2]", "[[a]; [1]]"):
        told = nu.error(f"{given} | batch {taker}")
        assert "Not ids or rows" in told
        assert "`-- not ids or rows" in told
        assert f"2 {given.replace('|', '')} batch {taker}" in told
        assert "nulib" not in told.replace("use nulib *", "")
        assert f"batch {taker.split()[0]}" in told.partition("help:")[2]
    if taker != "monitor":  # which without anything shows all there are
        told = nu.error(f"batch {taker}")
        assert "Which " in told
        assert "nulib" not in told.replace("use nulib *", "")
        assert nu.value(f"[] | batch {taker} | length") == 0


@every_version
@pytest.mark.parametrize("taker", [taker for taker in TAKERS if taker not in ("monitor", "logs")])
def test_if_all_are_refused_it_is_an_error(version: str, taker: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """What is in the pipeline is marked, and each of them has its reason."""
    told = Nushell(daemon.data_dir, tmp_path, version).error(f"[nobody.a.b.c none.a.b.c] | batch {taker}")
    if taker in ("cancel", "rollback"):
        assert "Not whole workflows: 'nobody.a.b.c'." in told
        return
    assert "There is no " in told
    assert "none" in told
    assert "all 2 were refused" in told
    assert "nulib" not in told.replace("use nulib *", "")


@every_version
@pytest.mark.parametrize("taker", [taker for taker in TAKERS if taker not in ("monitor", "logs")])
def test_of_one_thing_the_refusal_is_the_one_of_an_argument(
    version: str, taker: str, daemon: LiveDaemon, tmp_path: Path
) -> None:
    """The same message, code and help; of several that are refused alike, too."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    given = "nobody.a.b.c" if "resolve" in taker else "nobody"
    verb, *flags = taker.split(maxsplit=1)
    said = "{|error| $error.details? | default { $error.json | from json } | select msg code help }"
    argument = nu.value(f"try {{ batch {verb} {given} {' '.join(flags)} }} catch {said}")
    assert version == OLDEST or argument["code"].startswith("orch::")  # there, no code can be raised
    for rows in (f"[{given}]", f"'{given}'"):
        assert nu.value(f"try {{ {rows} | batch {taker} }} catch {said}") == argument
    if taker not in ("cancel", "rollback"):
        away = nu.value(f"try {{ [a.a.b.c b.a.b.c] | batch {taker} --data-dir /nowhere }} catch {said}")
        assert away["msg"].count("/nowhere") == 1
        both = nu.value(f"try {{ [a.a.b.c b.a.b.c] | batch {taker} }} catch {said}")
        assert both["code"] == argument["code"]
        assert len(both["msg"].splitlines()) == 2
        assert not both["msg"].startswith("a")


@every_version
def test_one_wrong_definition_in_a_pipeline_is_told_as_an_argument_is(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """With its faults, drawn on it where Nushell can."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    for flag in ("", "--dry-run"):
        argument = nu.error(f"batch submit {definitions}/wrong.k {flag}")
        told = nu.error(f"['{definitions}/wrong.k'] | batch submit {flag}")
        assert "wrong.k has 2 errors." in told
        assert "nulib" not in told.replace("use nulib *", "")
        assert ("[WF106]" in told) == ("[WF106]" in argument)


@every_version
def test_rows_of_our_own_commands_are_not_marked_in_our_source(
    version: str, daemon: LiveDaemon, tmp_path: Path
) -> None:
    """Values that were made in the module point there: nobody typed that."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    for code in (
        "batch list --status failed | batch cancel",
        "batch list --status failed --limit 1 | batch cancel",
        "batch list --limit 1 | each {|it| {a: $it.id} } | batch pause",
        "batch list --status failed --limit 1 | batch status --long | batch pause",
        "batch list --status failed --limit 1 | get id | batch resume",
        "batch pause (batch list --status failed --limit 1 | get 0.id)",
        "let one = batch list --status failed | first; batch pause $one.id",
        "batch list --limit 1 | get id | wrap a | batch logs",
        "batch list --limit 1 | batch resolve --as failed",
    ):
        told = nu.error(code)
        assert "nulib" not in told.replace("use nulib *", ""), code
    mine = nu.error("orch workflows --status failed | batch cancel")
    assert "use nulib * 2 orch workflows" in mine  # the user's own line


@every_version
def test_what_is_ours_is_known_behind_a_link(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """No line of the module, wherever it was loaded from; a module of the user's own beside it is marked."""
    (tmp_path / "linked").symlink_to(ROOT / "nulib")
    (tmp_path / "mine.nu").write_text("export def bad [] { orch workflows --status failed }\n", encoding="utf-8")
    for rows, marked in (("batch list --status failed", False), ("bad", True)):
        code = f"use {tmp_path}/linked *; use {tmp_path}/mine.nu *; {rows} | batch cancel"
        told = run_nu(code, home=tmp_path / "home", version=version, ORCH_DATA_DIR=daemon.data_dir)
        assert told.returncode == 1
        assert "it has already ended" in told.stderr
        assert "linked" not in told.stderr
        assert ("mine.nu:1:" in told.stderr) == marked


@every_version
def test_a_task_is_not_taken_for_its_workflow_where_that_ends_it(
    version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path
) -> None:
    """Rows of tasks would cancel or undo whole workflows: that has to be said."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    (workflow,) = running(daemon, definitions, 1)
    for verb in ("cancel", "rollback"):
        told = nu.error(f"orch tasks --status running | where workflow == {workflow} | batch {verb}")
        assert "Not whole workflows" in told
        assert f"get workflow uniq batch {verb}" in told
    assert read_workflow(daemon.data_dir, workflow)["status"] == "running"
    (row,) = nu.value(
        f"orch tasks --status running | where workflow == {workflow} | get workflow | uniq | batch cancel"
    )
    assert (row["workflow"], row["error"]) == (workflow, None)
    daemon.wait_until_over(workflow)


@every_version
def test_flags_that_mean_one_workflow_are_refused_for_rows(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Before anything is asked."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    for code, words in (
        ("[a b] | batch rollback --watch", "--watch needs a workflow's id"),
        ("[a b] | batch status --follow", "--follow needs a workflow's id"),
        ("[a b] | batch status --format json", "--format needs a workflow's id"),
        ("[a b] | batch logs --follow", "--follow needs the id of one"),
        ("[a b] | batch monitor", "shows one workflow, or all"),
        ("batch submit x.k --validate --watch", "--validate and --watch say different things"),
        ("batch submit x.k --resolved", "--resolved needs --dry-run"),
    ):
        assert words in nu.error(code)
