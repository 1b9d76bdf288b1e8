"""``orchestrator why``: the sentence, the links, what to do; as JSON the same as a reader of files gets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.files.test_why import RETRY, SLOT, MadeByHand, check_form
from tests.support.foreign_directory import TASK, make_foreign
from tests.support.shell import call, call_at_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MadeByHand]:
    """A task that waits for an operation, in which one waits for its next try."""
    directory = MadeByHand(tmp_path / "data")
    directory.status(last_check="2020-01-01T00:00:00.000000Z")
    directory.workflow({"a": {"items": {"x": RETRY, "y": SLOT}}, "b": {"after": ["a"], "items": {"x": "pending"}}})
    yield directory
    directory.end_daemon()


def test_says_a_sentence_then_each_link_then_what_to_do(made: MadeByHand) -> None:
    """The commands that are named are those of the shell."""
    result = call("why", "w.b.local.x", data_dir=made.path)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("The daemon has said nothing for ")
    assert lines[1].split() == ["LEVEL", "KIND", "OF", "STATUS", "WHAT"]
    assert [line.split()[:3] for line in lines[2:6]] == [
        ["1", "lock", "-"],
        ["2", "dependency", "w.b.local.x"],
        ["3", "dependency", "operation"],
        ["4", "retry_delay", "w.a.local.x"],
    ]
    assert lines[6] == f"-> look at {made.path}/daemon.log and at its process"
    made.end_daemon()
    assert call("why", "w", data_dir=made.path).stdout.endswith(f"-> orchestrator serve --data-dir {made.path}\n")


def test_json_is_the_whole_answer(made: MadeByHand) -> None:
    """For programs, with the commands of the shell."""
    made.workflow_status("paused", "paused by ann")
    answer = json.loads(call("why", "w", "--json", data_dir=made.path).stdout)
    check_form(answer)
    assert (answer["subject"], answer["status"]) == ("w", "paused")
    assert [row["unblocks"] for row in answer["chain"] if row["kind"] == "pause"] == ["orchestrator resume w"]


def test_what_there_is_not_is_told_with_near_ones(made: MadeByHand) -> None:
    """On standard error, with the exit code of what is not there, or of what can be no id."""
    missing = call("why", "w.b.local.z", data_dir=made.path)
    assert (missing.returncode, missing.stdout) == (66, "")
    assert "There is no task w.b.local.z" in missing.stderr
    assert "Did you mean w.b.local.x" in missing.stderr
    assert call("why", "../w", data_dir=made.path).returncode == 65
    assert call("why", data_dir=made.path).returncode == 2
    assert call("why", "w", data_dir=made.path / "nowhere").returncode == 66


def test_what_tasks_wrote_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    """Neither in the sentence nor in the table."""
    folder = make_foreign(tmp_path, {**TASK, "reason": "\x1b]0;gotcha\x07 and more"})
    code, shown = call_at_terminal("why", "task-001", data_dir=folder, env={"NO_COLOR": "1"})
    assert code == 0
    assert "\x1b" not in shown
    assert "gotcha" in shown
