"""``orchestrator at``, ``orchestrator diff`` and ``orchestrator workflows`` on a directory without a daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.store import archive
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import call


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`w` has failed behind record 4 and is archived behind record 6, `v` runs."""
    own = OwnDirectory(tmp_path_factory.mktemp("back") / "d")
    own.submit(plan(operation("a", ("x", "y"))), "w")
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    own.happen(AttemptExited("w.a.local.y", 1, 7))
    own.submit(plan(operation("b", ("z",))), "v")
    own.seal("w")
    archive.clear(own.disk, own.path, "w")
    return Path(own.path)


def test_at_shows_counts_and_tables(directory: Path) -> None:
    """For people; the words of a moment need no quotes."""
    lines = call("at", "3", data_dir=directory).stdout.splitlines()
    assert [line.split() for line in lines[1:7]] == [
        ["seq", "3"],
        ["cursor", "1:3"],
        ["tasks_pending", "0"],
        ["tasks_running", "1"],
        ["tasks_completed", "1"],
        ["tasks_failed", "0"],
    ]
    assert lines[8].split()[:2] == ["ID", "STATUS"]
    assert [line.split()[:2] for line in lines[-2:]] == [["w.a.local.x", "succeeded"], ["w.a.local.y", "running"]]
    told = call("at", "5", "min", "ago", "--status", "running", "--json", data_dir=directory)
    assert [row["id"] for row in json.loads(told.stdout)["tasks"]] == ["v.b.local.z"]


def test_before_the_first_record_there_was_nothing_and_that_is_said(directory: Path) -> None:
    """Of a time; who names record 0 knows."""
    told = call("at", "2000-01-01", data_dir=directory)
    assert told.stderr == f"warning: Nothing was recorded in {directory} at that time yet.\n"
    assert told.stdout.splitlines()[1].split() == ["seq", "0"]
    assert call("at", "0", data_dir=directory).stderr == ""


def test_diff_shows_changes(directory: Path) -> None:
    """As a table, or as JSON."""
    lines = call("diff", "2", "3", data_dir=directory).stdout.splitlines()
    assert lines[1].split()[1:7] == ["task", "w.a.local.x", "changed", "running", "succeeded", "1"]
    assert len(lines) == 2
    rows = json.loads(call("diff", "4", "--json", data_dir=directory).stdout)
    assert [(row["id"], row["change"]) for row in rows] == [("v", "appeared"), ("v.b.local.z", "appeared")]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("at", "soon"), 2, "'soon' is no moment."),
        (("at", "99"), 66, "There is no record 99"),
        (("diff", "4", "2"), 2, "is before the first one"),
        (("at",), 2, "arguments are required: MOMENT"),
        (("at", "now", "--workflow", "vv"), 66, "There is no workflow vv"),
        (("workflows", "--data-dir", "/nowhere/at/all"), 66, "There is no data directory /nowhere/at/all."),
    ],
)
def test_mistakes_are_told(directory: Path, arguments: tuple[str, ...], code: int, error: str) -> None:
    """In a sentence, with the remedy and an exit code."""
    result = call(*arguments, data_dir=None if "--data-dir" in arguments else directory)
    assert (result.returncode, result.stdout) == (code, "")
    assert error in result.stderr
    assert "help: " in result.stderr


def test_workflows_are_narrowed(directory: Path) -> None:
    """By status; with those in the archive if they are asked for."""

    def ids(*arguments: str) -> list[str]:
        return [row["id"] for row in json.loads(call("workflows", "--json", *arguments, data_dir=directory).stdout)]

    assert ids() == ["v"]
    assert ids("--all") == ["v", "w"]
    assert ids("--all", "--status", "failed") == ["w"]
    assert ids("--all", "--status", "failed", "--status", "running", "--limit", "1") == ["v"]
    told = call("workflows", "--status", "fialed", data_dir=directory).stderr
    assert "No workflow has status `fialed`. Did you mean failed?" in told
