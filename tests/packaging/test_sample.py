"""data/sample is what this version makes of the script, byte by byte, and everything has something to show of it."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.state.workflows import list_workflows
from tests.support.live import LiveDaemon
from tests.support.nushell import NEWEST, OLDEST, ROOT, run_nu
from tests.support.sample import SAMPLE, make
from tests.support.shell import call

if TYPE_CHECKING:
    from pathlib import Path

#: Everybody gets it with the repository.
_BYTES_MAX = 300_000


@pytest.fixture
def copy(tmp_path: Path) -> str:
    """A copy, as private as a data directory is."""
    target = tmp_path / "data"
    shutil.copytree(SAMPLE, target)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o700)
    return str(target)


def files_of(folder: Path | str) -> dict[str, bytes]:
    """{path below `folder`: content}."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def test_it_is_what_the_script_makes() -> None:
    """Told otherwise: ``python -m tools.make_sample``, then look at what git says has changed."""
    made, kept = make(), files_of(SAMPLE)
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []
    assert sum(map(len, made.values())) < _BYTES_MAX


def test_it_names_nobody_and_nothing_of_this_machine() -> None:
    """Paths, hosts and users are those of the script."""
    for name, content in files_of(SAMPLE).items():
        assert str(ROOT).encode() not in content, name
        assert b"/tmp" not in content, name
        assert os.uname().nodename.encode() not in content.split(b'"'), name


def test_it_shows_something_of_everything() -> None:
    """One that is new here meets every kind of end, and every kind of waiting."""
    rows, problems = read_tasks(str(SAMPLE))
    assert problems == []
    statuses = {row["status"] for row in rows}
    assert statuses >= {
        "pending", "waiting_retry", "running", "succeeded", "failed", "timed_out", "cancelled", "skipped",
        "upstream_failed", "unknown", "rolled_back",
    }  # fmt: skip
    reasons = " ".join(str(row["reason"]) for row in rows)
    for reason in ("waits for a free slot", "waits for its turn", "waits for upgrade", "next in 240 s"):
        assert reason in reasons
    assert {row["status"] for row in list_workflows(str(SAMPLE))} >= {
        "running", "paused", "succeeded", "failed", "cancelled", "rolled_back",
    }  # fmt: skip
    assert any(row["stale"] for row in rows)
    status = read_status(str(SAMPLE))
    assert (status["running"], status["stale"], status["epoch"]) == (False, True, 2)


def test_reading_it_leaves_it_alone_and_verify_finds_it_right(copy: str) -> None:
    """Every reading command works in it, and changes not a byte."""
    before = files_of(copy)
    newest = list_workflows(copy)[0]["id"]
    lost = next(row["id"] for row in read_tasks(copy)[0] if row["status"] == "unknown")
    for words in (["status"], ["workflows"], ["tasks"], ["logs", newest], ["why", lost]):
        told = call(*words, data_dir=copy)
        assert told.returncode == 0, told.stderr
        assert told.stdout
    assert "all as the journal says" in call("verify", data_dir=copy).stdout
    assert files_of(copy) == before


def test_a_daemon_takes_it_over(copy: str) -> None:
    """It is a directory like any other: the next life begins where the last one was killed."""
    with LiveDaemon(copy) as daemon:
        assert read_status(copy)["epoch"] == 3
        daemon.request("stop", {"mode": "kill"})
        assert daemon.process is not None
        assert daemon.process.wait(60) == 0
    assert "all as the journal says" in call("verify", data_dir=copy).stdout


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_it_is_a_first_look_in_nushell(version: str, tmp_path: Path) -> None:
    """What the README tells to type first."""
    code = f"""
        {{
            status: (orch status --data-dir {SAMPLE} | get stale)
            failed: (orch tasks --data-dir {SAMPLE} --status failed | get operation)
            changes: (orch watch --data-dir {SAMPLE} --from 0:0 | first 3 | get status)
        }} | to json --raw
    """
    told = run_nu(code, home=tmp_path, version=version)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {
        "status": True,
        "failed": ["switch"],
        "changes": ["queued", "pending", "pending"],
    }
