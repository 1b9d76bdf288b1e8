"""`run`: a definition, and whatever daemon there is or is not."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.lock import is_held
from tests.support.live import records, wait_for
from tests.support.own_directory import OwnDirectory
from tests.support.shell import ROOT, call, command

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = ROOT / "data" / "examples" / "pipeline.k"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Where a directory may be made."""
    return tmp_path / "data"


def submissions(data: Path) -> list[str]:
    """Workflows that were ever submitted, in order."""
    return [record["workflow"] for record in records(str(data)) if record["event"] == "WorkflowSubmitted"]


def wait_until_free(data: Path) -> None:
    """Until the daemon that was started has ended, so that it does not outlive its directory."""
    wait_for(lambda: not is_held(str(data)), "the daemon to end by itself")


def test_the_final_state_can_be_asked_for(data: Path) -> None:
    """Alone on standard output, and as the file shows it."""
    result = call("run", PIPELINE, "--json", data_dir=data)
    assert result.returncode == 0, result.stderr
    state = json.loads(result.stdout)
    assert (state["status"], state["tasks"]) == ("succeeded", {"succeeded": 7})
    assert state["stale"] is False
    wait_until_free(data)


def test_two_at_once_share_one_daemon(data: Path) -> None:
    """Whichever is quicker starts it; both workflows end."""
    both = [
        subprocess.Popen(command("run", PIPELINE, data_dir=data), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, told = process.communicate()
        assert process.returncode == 0, told
    wait_until_free(data)
    assert len(set(submissions(data))) == 2
    assert sum(record["event"] == "DaemonStarted" for record in records(str(data))) == 1


def test_a_daemon_that_ends_as_it_is_asked_is_followed_by_another(data: Path) -> None:
    """The request is sent again with its key: the workflow runs once, and is seen from its beginning."""
    lock = OwnDirectory(data).hold()
    process = subprocess.Popen(command("run", PIPELINE, data_dir=data), stdout=subprocess.PIPE, text=True, cwd=ROOT)
    wait_for(lambda: [name for name in os.listdir(data / "inbox") if name.endswith(".json")], "the request")
    lock.release()
    shown, _ = process.communicate()
    assert process.returncode == 0
    wait_until_free(data)
    (workflow,) = submissions(data)
    assert shown.splitlines()[0].split()[1:] == ["queued", workflow]


def test_a_folder_of_somebody_else_is_left_alone(data: Path) -> None:
    """Not a file is made in it."""
    data.mkdir()
    (data / "thesis.tex").touch()
    result = call("run", PIPELINE, data_dir=data)
    assert result.returncode == 2
    assert "holds files of something else (thesis.tex)" in result.stderr
    assert os.listdir(data) == ["thesis.tex"]


def test_a_daemon_that_does_not_start_says_why(data: Path) -> None:
    """Its last words are repeated; they stand in its log among others."""
    data.mkdir(mode=0o700)
    (data / "orchestrator.toml").write_text("max_runing = 3\n", encoding="utf-8")
    result = call("run", PIPELINE, data_dir=data)
    assert result.returncode == 69
    assert "did not start" in result.stderr
    assert "max_runing" in result.stderr
    assert f"{data}/daemon.log" in result.stderr


def test_a_missing_definition_starts_nothing(data: Path) -> None:
    """No directory, no daemon."""
    result = call("run", data / "none.k", data_dir=data)
    assert result.returncode == 66
    assert f"There is no file {data}/none.k" in result.stderr
    assert not data.exists()


def test_a_definition_with_errors_leaves_an_idle_daemon_that_ends(data: Path) -> None:
    """The errors are drawn, nothing was submitted."""
    bad = ROOT / "tests" / "corpora" / "kcl" / "faulty" / "06_check_failed_timeout.k"
    result = call("run", bad, data_dir=data)
    assert result.returncode == 65
    assert f"--> {bad}:18:23" in result.stderr
    wait_until_free(data)
    assert submissions(data) == []
