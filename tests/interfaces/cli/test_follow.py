"""Following: workflows to their end, logs as they are written, foreign directories."""

from __future__ import annotations

import json
import os
import select
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.live import LiveDaemon, wait_for
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import ROOT, call, call_at_terminal, command

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "data" / "examples"

#: Writes a line, waits for a file, writes the rest.
IN_TWO_PARTS = """
import workflows

wf = workflows.WorkflowDef {{
    name = "parts"
    operations = [
        {{
            id = "write"
            type = "create"
            target = "server"
            items = ["x"]
            command = "echo first; until test -e {gate}; do sleep 0.01; done; printf second"
        }}
    ]
}}
"""


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory with the workflow `w` of one task, which runs; no daemon is there."""
    directory = OwnDirectory(tmp_path / "data")
    directory.submit(plan(operation("one")), "w")
    return directory


def test_a_finished_workflow_can_be_seen_again(own: OwnDirectory) -> None:
    """From its beginning, without a daemon; the exit code is that of then."""
    own.happen(AttemptExited("w.one.local.x", 1, 3))
    result = call("watch", "--workflow", "w", "--until-done", data_dir=own.path)
    assert result.returncode == 1
    assert [line.split()[1:3] for line in result.stdout.splitlines()] == [
        ["queued", "w"],
        ["pending", "w.one.local.x"],
        ["running", "w"],
        ["running", "w.one.local.x"],
        ["failed", "w.one.local.x"],
        ["failed", "w"],
    ]
    assert "Workflow w ended as failed" in result.stderr
    assert f"orchestrator logs w --failed --data-dir {own.path}" in result.stderr
    rows = call("watch", "--workflow", "w", "--until-done", "--json", data_dir=own.path).stdout.splitlines()
    assert [json.loads(row)["status"] for row in rows][-2:] == ["failed", "failed"]


def test_nobody_waits_for_a_workflow_that_stands_still(own: OwnDirectory) -> None:
    """Without a daemon nothing more comes; how to go on is said."""
    result = call("watch", "--workflow", "w", "--until-done", data_dir=own.path)
    assert result.returncode == 69
    assert f"No daemon runs on {own.path}, and w is not over." in result.stderr


@pytest.mark.parametrize("arguments", [["watch", "parts", "--until-done"], ["logs", "parts", "--follow"]])
def test_a_restart_of_the_daemon_does_not_end_the_following(tmp_path: Path, arguments: list[str]) -> None:
    """The next one is waited for, and that is told; the workflow goes on, and so does what is shown."""
    definition, gate, data = tmp_path / "parts.k", tmp_path / "gate", tmp_path / "data"
    definition.write_text(IN_TWO_PARTS.format(gate=gate))
    with LiveDaemon(data) as daemon:
        workflow = daemon.submit(definition)
        daemon.wait_until_it_is(workflow, ["running"])
        words = command(arguments[0], workflow, *arguments[2:], data_dir=data)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        daemon.kill()
        told = process.stderr.readline()
        assert told == f"warning: the daemon is gone; {workflow} goes on with the next one, which is waited for.\n"
        daemon.start()
        gate.touch()
        shown, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert shown.splitlines()[-1].endswith("second" if arguments[0] == "logs" else workflow)


def test_a_daemon_that_ends_says_what_goes_on(tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM leave running tasks alone; the next daemon takes them over."""
    definition, gate = tmp_path / "parts.k", tmp_path / "gate"
    definition.write_text(IN_TWO_PARTS.format(gate=gate))
    with LiveDaemon(tmp_path / "data") as daemon:
        workflow = daemon.submit(definition)
        daemon.wait_until_it_is(workflow, ["running"])
        assert daemon.terminate() == 0
        assert daemon.log().endswith("ended: 1 task goes on; the next daemon takes it over\n")
        daemon.start()
        gate.touch()
        daemon.wait_until_over(workflow)
        assert daemon.terminate() == 0
        assert daemon.log().endswith("ended\n")
        daemon.start()


@pytest.mark.parametrize("arguments", [["watch", "w"], ["watch", "w", "--until-done"], ["watch"]])
def test_a_directory_that_is_not_there_is_told(tmp_path: Path, arguments: list[str]) -> None:
    """Before anything is said of a workflow."""
    result = call(*arguments, data_dir=tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (66, "")
    assert result.stderr.startswith(f"error: There is no data directory {tmp_path}/nowhere.\nhelp: ")
    assert "orchestrator serve" in result.stderr


def test_a_display_of_a_directory_that_is_not_there_is_none(tmp_path: Path) -> None:
    """Nothing is drawn."""
    for words in (["--live"], ["w", "--live"]):
        code, shown = call_at_terminal("watch", *words, data_dir=tmp_path / "nowhere")
        assert code == 66
        assert shown.startswith("error: There is no data directory")


def test_a_watch_of_what_is_over_says_so(own: OwnDirectory) -> None:
    """It goes on watching: the workflow may be retried."""
    own.submit(plan(operation("one")), "v")
    own.happen(AttemptExited("w.one.local.x", 1, 3))

    def first_words(*words: str) -> str:
        """What the command says on standard error by the time of its first line."""
        line = command("watch", *words, "--heartbeat", "0.1s", data_dir=own.path)
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline()
        assert process.poll() is None
        process.terminate()
        return process.communicate()[1]

    told = "warning: w (failed) is over: what comes is a retry or a rollback; --from 0:0 shows how it went.\n"
    assert first_words("w") == told
    assert first_words("w", "--from", "0:0") == first_words("v") == first_words("v", "--workflow", "w") == ""
    own.happen(AttemptExited("v.one.local.x", 1, 0))
    assert first_words("v", "--workflow", "w").startswith("warning: v (succeeded), w (failed) are over: ")


@pytest.mark.parametrize("arguments", [["watch", "--until-done", "--workflow", "v"], ["logs", "v"]])
def test_nobody_waits_for_a_workflow_that_is_not_there(own: OwnDirectory, arguments: list[str]) -> None:
    """Also while a daemon runs, which could go on for ever."""
    lock = own.hold()
    result = call(*arguments, data_dir=own.path)
    assert result.returncode == 66
    assert "There is no workflow v" in result.stderr
    lock.release()


def test_watching_a_workflow_that_is_not_there_is_refused_at_once(own: OwnDirectory) -> None:
    """With near names. One that is over can be watched: it may be retried."""
    own.submit(plan(operation("one")), "deploy-4k7q0d")
    for more in ([], ["--json"], ["--until-done"]):
        result = call("watch", "--workflow", "deploy-4k7q0e", *more, data_dir=own.path)
        assert (result.returncode, result.stdout) == (66, "")
        assert f"There is no workflow deploy-4k7q0e in {own.path}." in result.stderr
        assert "Did you mean deploy-4k7q0d?" in result.stderr
    assert call("watch", "--workflow", "../w", data_dir=own.path).returncode == 66


def test_a_life_that_took_records_back_does_not_end_the_following(own: OwnDirectory) -> None:
    """The next daemon's records are shown as they follow."""
    own.next_life()
    own.happen(AttemptExited("w.one.local.x", 1, 0))
    result = call("watch", "--workflow", "w", "--until-done", data_dir=own.path)
    assert (result.returncode, result.stdout.splitlines()[-1].split()[1]) == (0, "succeeded")


def test_a_cursor_goes_on_behind_a_record(own: OwnDirectory) -> None:
    """0:0 is before everything; a cursor that is none is a usage error."""
    process = subprocess.Popen(
        command("watch", "--from", "0:0", "--json", data_dir=own.path), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["status"] == "queued"
    process.terminate()
    process.communicate()
    assert call("watch", "--from", "then", data_dir=own.path).returncode == 2
    assert call("watch", "--from", "1:99", data_dir=own.path).returncode == 65


def test_foreign_directories_can_be_watched(tmp_path: Path) -> None:
    """By looking again and again: they have no journal."""
    data_dir = make_foreign(tmp_path / "data", TASK)
    process = subprocess.Popen(command("watch", data_dir=data_dir), stdout=subprocess.PIPE)
    assert process.stdout is not None
    shown = process.stdout.fileno()
    statuses = ["pending", "running"]

    def is_shown() -> bool:
        """Changes go on until one falls behind the first look."""
        statuses.reverse()
        write(tmp_path / "data" / "tasks" / "task-001.json", {**TASK, "status": statuses[0]})
        return bool(select.select([shown], [], [], 0.05)[0])

    wait_for(is_shown, "a change to be shown")
    assert os.read(shown, 1000).decode().split()[2] == "task-001"
    process.terminate()
    process.communicate()


def test_logs_are_followed_line_by_line(tmp_path: Path) -> None:
    """What was written is there before the task is over; the end of the workflow is the end."""
    gate = tmp_path / "gate"
    (tmp_path / "parts.k").write_text(IN_TWO_PARTS.format(gate=gate), encoding="utf-8")
    with LiveDaemon(tmp_path / "data") as daemon:
        workflow = daemon.submit(tmp_path / "parts.k")
        words = command("logs", workflow, "--follow", data_dir=daemon.data_dir)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "==> write x on local, attempt 1 (out) <==\n"
        assert process.stdout.readline() == "first\n"
        gate.touch()
        assert process.stdout.read() == "second\n"
        assert process.wait() == 0
        again = call("logs", workflow, "--follow", data_dir=daemon.data_dir)
        assert again.stdout == call("logs", workflow, data_dir=daemon.data_dir).stdout


def test_logs_are_chosen_by_what_is_asked_for(tmp_path: Path) -> None:
    """Each attempt has its own, errors have theirs; nothing found is told."""
    with LiveDaemon(tmp_path / "data") as daemon:
        workflow = daemon.submit(EXAMPLES / "rollback.k")
        daemon.wait_until_over(workflow)

        def logs(*arguments: str) -> str:
            return call("logs", workflow, *arguments, data_dir=daemon.data_dir).stdout

        assert [line for line in logs().splitlines() if line.startswith("==>")] == [
            "==> prepare database on local, attempt 1 (out) <==",
            "==> prepare database on local, attempt 2, to undo it (out) <==",
            "==> prepare cache on local, attempt 1 (out) <==",
            "==> prepare cache on local, attempt 2, to undo it (out) <==",
            "==> switch-over traffic on local, attempt 1 (err) <==",
            "==> switch-over traffic on local, attempt 2 (err) <==",
        ]
        assert sorted(logs("--follow").splitlines()) == sorted(logs().splitlines())  # nothing comes twice
        assert logs("--failed").count("no route to traffic") == 2
        assert logs("--err", "--attempt", "2").count("no route to traffic") == 1
        assert logs("--item", "cache", "--attempt", "1").endswith("creating cache\n")
        missing = call("logs", workflow, "--operation", "nothing", data_dir=daemon.data_dir)
        assert missing.returncode == 66
        assert "There is no operation nothing in" in missing.stderr


def test_a_terminal_gets_a_table_that_lives(tmp_path: Path) -> None:
    """With a bar for each operation, and no colour where none is wanted; the files know the end when it returns."""
    with LiveDaemon(tmp_path / "data") as daemon:
        for env in ({}, {"NO_COLOR": "1"}):
            code, shown = call_at_terminal(
                "submit", EXAMPLES / "pipeline.k", "--watch", data_dir=daemon.data_dir, env=env
            )
            assert code == 0
            end = shown[shown.rindex("transform") :]
            assert "━" in end
            assert "3 succeeded" in end
            assert ("\x1b[32m" in shown) is not bool(env)
            rows = json.loads(call("tasks", "--json", data_dir=daemon.data_dir).stdout)
            assert {row["status"] for row in rows} == {"succeeded"}
