"""Data directories that earlier versions have written, kept for ever: each is taken over whole (F29)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.files.layout import FORMAT
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.state.workflows import read_workflow
from orchestrator.files.undone import done_time, undo_attempts, undoings
from orchestrator.store.directory import prepare
from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import rebuild, verify

GOLDEN = Path(__file__).parents[1] / "golden" / "data"
VERSIONS = sorted(path.name for path in GOLDEN.iterdir())


@pytest.fixture(params=VERSIONS)
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a golden directory, as private as it was."""
    target = tmp_path / "data"
    shutil.copytree(GOLDEN / request.param, target)
    for folder, _, _ in os.walk(target):
        os.chmod(folder, 0o700)
    return target


def test_there_is_one_of_this_version() -> None:
    """Each new form of the files is kept with its first release."""
    assert FORMAT in VERSIONS


def test_what_is_told_of_undoing(directory: Path) -> None:
    """Since format 1.3, by the tasks and by their workflows; older files stay as they were, and are understood."""
    version = (directory / "format.json").read_text(encoding="utf-8").split('"')[3]
    rows = read_tasks(str(directory))[0]
    undone = [row for row in rows if row["status"] == "rolled_back"]
    assert undone
    for row in undone:
        entries = [
            entry
            for operation in read_workflow(str(directory), row["workflow"])["operations"]
            for entry in operation["items"]
            if (operation["id"], entry["item"]) == (row["operation"], row["item"])
        ]
        assert undoings(entries[0]) >= {row["attempt"]}
        assert undo_attempts(row) >= 1
        if version >= "1.3":
            assert row["undo_attempts"] == len(entries[0]["undoings"])
            assert 0 <= row["done_ms"] == done_time(row)
        else:
            assert done_time(row) is None
    assert all(("done_ms" in row) is (version >= "1.3") for row in rows)


@pytest.mark.fault("F34")
def test_replays_to_the_same_bytes_under_any_hash_seed(directory: Path) -> None:
    """Two interpreters that order their sets differently make the same files of one journal."""
    script = (
        "import hashlib, sys; from orchestrator.store.realdisk import RealDisk;"
        "from orchestrator.store import recover, snapshot;"
        "found = recover.recover(RealDisk(), sys.argv[1], from_oldest=True);"
        "print(hashlib.sha256(snapshot.encode(found.world, found.last_sum)).hexdigest())"
    )
    digests = {
        subprocess.check_output(
            [sys.executable, "-c", script, str(directory)], env={**os.environ, "PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2", "77")
    }
    assert len(digests) == 1


@pytest.mark.fault("F29")
def test_is_read_checked_and_taken_over(directory: Path) -> None:
    """Every record replays to what it recorded, every public file is what the replay says."""
    before = {row["id"]: row["status"] for row in read_tasks(str(directory))[0]}
    assert set(before.values()) >= {"succeeded", "failed", "timed_out", "cancelled", "rolled_back", "running"}
    found = verify(RealDisk(), str(directory))
    assert [finding for finding in found.findings if finding.is_fault] == []
    prepare(RealDisk(), str(directory))
    rebuild(RealDisk(), str(directory))
    assert {row["id"]: row["status"] for row in read_tasks(str(directory))[0]} == before
    assert verify(RealDisk(), str(directory)).findings == []
