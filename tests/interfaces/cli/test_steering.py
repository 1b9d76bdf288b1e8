"""``pause``, ``resume``, ``retry``, ``rollback``, ``resolve`` and ``check`` as processes, on a real daemon."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.interfaces.spool.request import ResolveArguments
from tests.files.test_drop import answering
from tests.support import gated as gated_workflow
from tests.support.live import LiveDaemon, read_workflow, wait_for
from tests.support.own_directory import OwnDirectory
from tests.support.shell import ROOT, call, command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = ROOT / "data" / "examples"

#: `first` can be undone, `second` succeeds once there is a file, `third` needs it.
GATED = """
import workflows

wf = workflows.WorkflowDef {{
    name = "gated"
    retry_policy = {{max_attempts = 1}}
    operations = [
        {{
            id = "first", type = "create", target = "server", items = ["x", "y"]
            command = "echo did $ORCH_ITEM", rollback_command = "echo undid $ORCH_ITEM"
        }}
        {{
            id = "second", type = "create", target = "server", items = ["z"], depends_on = ["first"]
            command = "test -e {gate}", rollback_command = "true", on_failure = "fail"
        }}
        {{
            id = "third", type = "create", target = "server", items = ["z"], depends_on = ["second"]
            command = "true", rollback_command = "true", on_failure = "fail"
        }}
    ]
}}
"""

SLOW = """
import workflows

wf = workflows.WorkflowDef {{
    name = "slow"
    operations = [
        {{
            id = "wait", type = "create", target = "server", items = ["x"]
            command = "test $ORCH_ATTEMPT -gt {attempts} || exec sleep 60"
        }}
        {{id = "after", type = "create", target = "server", items = ["x"], depends_on = ["wait"], command = "true"}}
    ]
}}
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDaemon]:
    """A daemon that the tests of this module share."""
    with LiveDaemon(tmp_path_factory.mktemp("steering") / "data", "--stop-grace", "1") as live:
        yield live


class Gated(gated_workflow.Gated):
    """One that is steered with the shell command."""

    def call(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command about it."""
        return call(name, self.id, *arguments, data_dir=self.daemon.data_dir)

    def has_made(self, *attempts: int) -> bool:
        """Wait until it is over, with so many attempts of its tasks, in their order: files follow a little behind."""
        return bool(wait_for(lambda: attempts_of(self.end()) == list(attempts), f"attempts {attempts}"))


def attempts_of(state: dict[str, Any]) -> list[int]:
    """Of the tasks of a workflow, in their order."""
    return [entry["attempt"] for operation in state["operations"] for entry in operation["items"]]


@pytest.fixture
def gated(daemon: LiveDaemon, tmp_path: Path) -> Gated:
    """One that has failed."""
    return Gated(daemon, tmp_path, GATED)


def slow(daemon: LiveDaemon, folder: Path, attempts: int) -> str:
    """A workflow whose first task runs for long, in so many attempts."""
    (folder / "slow.k").write_text(SLOW.format(attempts=attempts), encoding="utf-8")
    workflow = daemon.submit(folder / "slow.k")
    wait_for(lambda: read_workflow(daemon.data_dir, workflow).get("tasks", {}).get("running"), "the task to run")
    return workflow


def test_pause_now_and_resume(daemon: LiveDaemon, tmp_path: Path) -> None:
    """What ran is stopped, nothing starts, and it is begun again when it goes on. Asking twice is no fault."""
    workflow, path = slow(daemon, tmp_path, 1), daemon.data_dir
    for _ in range(2):
        paused = call("pause", workflow, data_dir=path)
        assert (paused.returncode, paused.stdout) == (0, f"{workflow} is paused\n")
    assert read_workflow(path, workflow)["operations"][0]["items"][0]["attempt"] == 1
    answer = call("pause", workflow, "--now", "--json", data_dir=path)
    assert json.loads(answer.stdout) == {"workflow": workflow, "status": "paused"}
    wait_for(lambda: not read_workflow(path, workflow)["tasks"].get("running"), "the task to stop")
    assert read_workflow(path, workflow)["status"] == "paused"
    resumed = call("resume", workflow, data_dir=path)
    assert (resumed.returncode, resumed.stdout) == (0, f"{workflow} is running\n")
    state = daemon.wait_until_over(workflow)
    assert (state["status"], state["operations"][0]["items"][0]["attempt"]) == ("succeeded", 2)


def test_a_wrong_state_is_refused_with_the_daemons_words(gated: Gated) -> None:
    """By exit code 70, as an id that is not there, which has near ones."""
    for name in ("pause", "resume"):
        result = gated.call(name)
        assert (result.returncode, result.stdout) == (70, "")
        assert f"error: Workflow {gated.id} is failed" in result.stderr
    for name in ("pause", "resume", "retry", "rollback"):
        result = call(name, gated.id[:-1], data_dir=gated.daemon.data_dir)
        assert (result.returncode, result.stdout) == (70, "")
        assert f"There is no workflow {gated.id[:-1]}" in result.stderr
        assert f"Did you mean {gated.id}?" in result.stderr


def test_retry_runs_what_did_not_succeed(gated: Gated) -> None:
    """And only that; --watch tells how it ended."""
    failed = gated.call("retry", "--watch")
    assert failed.returncode == 1
    assert f"Workflow {gated.id} ended as failed" in failed.stderr
    gated.gate.touch()
    done = gated.call("retry", "--watch")
    assert done.returncode == 0
    assert f"{gated.id} is running: 2 tasks to be run again" in done.stderr
    assert done.stdout.splitlines()[-1].split()[1:] == ["succeeded", gated.id]
    assert gated.has_made(1, 1, 3, 1)
    again = gated.call("retry")
    assert (again.returncode, "nothing to run again" in again.stderr) == (70, True)


def test_retry_from_an_operation_of_everything_of_a_task(gated: Gated) -> None:
    """Each says how many run again."""
    gated.gate.touch()
    gated.call("retry", "--failed", "--watch")
    gated.call("retry", "--watch")
    assert gated.has_made(1, 1, 2, 1)
    answer = json.loads(gated.call("retry", "--from", "second", "--json").stdout)
    assert (answer["workflow"], answer["tasks"]) == (gated.id, 2)
    assert gated.has_made(1, 1, 3, 2)
    assert gated.call("retry", "--all").stdout == f"{gated.id} is running: 4 tasks to be run again\n"
    assert gated.has_made(2, 2, 4, 3)
    tasks = [f"{gated.id}.first.local.{item}" for item in "xy"]
    state = json.loads(gated.call("retry", "--task", tasks[0], "--task", tasks[1], "--watch", "--json").stdout)
    assert (state["status"], attempts_of(state)) == ("succeeded", [3, 3, 4, 3])
    unknown = gated.call("retry", "--from", "secnd")
    assert (unknown.returncode, "Did you mean second?" in unknown.stderr) == (70, True)


def test_rollback_undoes_all_or_what_came_after_a_point(gated: Gated) -> None:
    """With the number of what is undone; a second time there is nothing."""
    gated.gate.touch()
    gated.call("retry", "--watch")
    nothing = gated.call("rollback", "--to", "end", "--watch")
    assert (nothing.returncode, nothing.stdout) == (0, f"{gated.id} is succeeded (There is nothing to undo.)\n")
    unknown = gated.call("rollback", "--to", "ends")
    assert (unknown.returncode, "There are: start, end" in unknown.stderr) == (70, True)
    done = gated.call("rollback", "--watch")
    assert done.returncode == 0, done.stderr
    assert f"{gated.id} is rolling_back: 4 tasks to be undone" in done.stderr
    assert done.stdout.splitlines()[-1].split()[1] == "rolled_back"
    again = gated.call("rollback")
    assert (again.returncode, "nothing of it is left to be undone" in again.stderr) == (70, True)


def test_a_rollback_says_what_it_cannot_undo(daemon: LiveDaemon, tmp_path: Path) -> None:
    """With --watch that is a failure: what was asked for did not come. What runs is said to be stopped first."""
    path = tmp_path / "slow.k"
    path.write_text(SLOW.format(attempts=0), encoding="utf-8")
    workflow = daemon.submit(path)
    daemon.wait_until_over(workflow)
    told = call("rollback", workflow, data_dir=daemon.data_dir)
    assert told.returncode == 0
    assert "declare no way to undo them" in told.stdout
    refused = call("rollback", workflow, "--watch", data_dir=daemon.data_dir)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"Workflow {workflow} is succeeded as before. Nothing was undone: 2 tasks" in refused.stderr
    state = call("rollback", workflow, "--watch", "--json", data_dir=daemon.data_dir)
    assert (state.returncode, json.loads(state.stdout)["status"]) == (1, "succeeded")
    path.write_text(SLOW.format(attempts=9), encoding="utf-8")
    running = daemon.submit(path)
    wait_for(lambda: read_workflow(daemon.data_dir, running).get("tasks", {}).get("running"), "it to run")
    stopped = call("rollback", running, data_dir=daemon.data_dir)
    assert stopped.stdout == f"{running} is being stopped first; what it did is undone then\n"
    daemon.wait_until_over(running)


def test_retry_with_the_latest_definition_shows_what_differs_and_goes_on(gated: Gated) -> None:
    """Without a terminal it needs a yes of its own; what still holds is not done again."""
    gated.do_without_gate()
    shown = gated.call("retry", "--diff")
    assert shown.returncode == 0
    assert [line.split()[:3] for line in shown.stdout.splitlines()[1:3]] == [
        ["second", "changed", "actions.local.command"],
        ["third", "unchanged", "runs"],
    ]
    rows = json.loads(gated.call("retry", "--diff", "--json").stdout)
    effects = {row["operation"]: row["effect"] for row in rows}
    assert effects == {"first": "result taken over", "second": "runs again", "third": "runs again"}
    refused = gated.call("retry", "--with-latest")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "second changed actions.local.command: test -e" in refused.stderr
    assert "Add --yes" in refused.stderr
    done = gated.call("retry", "--with-latest", "--yes")
    assert (done.returncode, "second changed" in done.stderr) == (0, True)
    state = gated.daemon.wait_until_over(done.stdout.strip())
    assert (state["status"], state["continues"]) == ("succeeded", gated.id)
    assert attempts_of(state) == [0, 0, 1, 1]
    late = gated.call("retry")
    assert (late.returncode, done.stdout.strip() in late.stderr) == (70, True)


def test_a_person_is_asked(gated: Gated) -> None:
    """On a terminal; anything but a yes does nothing."""
    gated.do_without_gate()
    code, shown = answered(gated, "n\n")
    assert code == 2
    assert "Go on like this? [y/N]" in shown
    assert "Nothing was done." in shown
    assert gated.end()["continued_by"] is None
    code, shown = answered(gated, "y\n")
    assert code == 0
    wait_for(lambda: gated.end()["continued_by"], "the files")
    assert gated.end()["continued_by"] in shown


def answered(gated: Gated, answer: str) -> tuple[int, str]:
    """(exit code, what was shown) of ``retry --with-latest`` at a terminal where `answer` is typed."""
    own, others = pty.openpty()
    words = command("retry", gated.id, "--with-latest", data_dir=gated.daemon.data_dir)
    process = subprocess.Popen(words, stdin=others, stdout=others, stderr=others, cwd=ROOT)
    os.close(others)
    os.write(own, answer.encode())
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the process is gone
        while data := os.read(own, 65536):
            shown += data
    os.close(own)
    return process.wait(), shown.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["retry", "w", "--yes"], "--yes needs --with-latest"),
        (["retry", "w", "--option", "a=1"], "--option needs --with-latest"),
        (["retry", "w", "--failed", "--all"], "not allowed with"),
        (["resolve", "w.a.local.x"], "--as"),
        (["resolve", "w.a.local.x", "--as", "odd"], "invalid choice"),
    ],
)
def test_what_is_not_understood_is_told(arguments: list[str], message: str, tmp_path: Path) -> None:
    """With exit code 2; nobody was asked."""
    result = call(*arguments, data_dir=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_definition_that_is_wrong_by_now_is_drawn(gated: Gated) -> None:
    """As on submission."""
    gated.change('depends_on = ["first"]', 'depends_on = ["frist"]')
    result = gated.call("retry", "--diff")
    assert (result.returncode, result.stdout) == (65, "")
    assert f"--> {gated.path}" in result.stderr
    assert "has 1 error now" in result.stderr


def test_resolve_is_about_tasks_that_are_unknown(gated: Gated) -> None:
    """Any other is refused."""
    result = call("resolve", f"{gated.id}.first.local.x", "--as", "failed", data_dir=gated.daemon.data_dir)
    assert (result.returncode, result.stdout) == (70, "")
    assert "is succeeded" in result.stderr


def test_resolve_says_what_the_daemon_made_of_it(tmp_path: Path) -> None:
    """In words, or as JSON; the outcome is sent as it was given."""
    own = OwnDirectory(tmp_path / "data")
    result: dict[str, object] = {"workflow": "w-1", "task": "w-1.pay.local.x", "status": "succeeded"}
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, result)) as met:
        told = call("resolve", "w-1.pay.local.x", "--as", "succeeded", data_dir=own.path)
        as_json = call("resolve", "w-1.pay.local.x", "--as", "failed", "--json", data_dir=own.path)
    assert (told.returncode, told.stdout) == (0, "w-1.pay.local.x is succeeded\n")
    assert json.loads(as_json.stdout) == result
    assert [request.arguments for request in met] == [
        ResolveArguments("w-1.pay.local.x", "succeeded"),
        ResolveArguments("w-1.pay.local.x", "failed"),
    ]


def test_check_tells_what_has_drifted_and_changes_nothing(daemon: LiveDaemon) -> None:
    """Exit code 1 before anything is there, 0 when all is, 1 when something was changed by hand."""
    path = daemon.data_dir
    before = call("check", EXAMPLES / "wuji.k", "--json", data_dir=path)
    assert before.returncode == 1
    rows = json.loads(before.stdout)
    assert len(rows) == 10
    assert "there is no server wuji-cp-0" in rows[0]["is"]
    servers = f"{path}/providers/local/servers"
    assert not os.path.exists(f"{servers}/wuji-cp-0")
    daemon.wait_until_over(daemon.submit(EXAMPLES / "wuji.k"))
    good = call("check", EXAMPLES / "wuji.k", data_dir=path)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.count("as it should be") == 10
    os.unlink(f"{servers}/wuji-cp-0/etc/hostname")
    bad = call("check", EXAMPLES / "wuji.k", data_dir=path)
    assert bad.returncode == 1
    assert "etc/hostname should say wuji-cp-0" in bad.stdout.splitlines()[1]
    assert bad.stdout.count("as it should be") == 9
    assert "1 of 10 not as declared" in bad.stderr


def test_what_cannot_be_checked_is_told(daemon: LiveDaemon) -> None:
    """By its place; with nothing left it is an error."""
    result = call("check", EXAMPLES / "pipeline.k", data_dir=daemon.data_dir)
    assert (result.returncode, result.stdout) == (65, "")
    assert "error[WF016]: nothing in this workflow can be checked" in result.stderr
    assert result.stderr.count("warning[WF015]") == 3
