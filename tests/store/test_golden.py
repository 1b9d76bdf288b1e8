"""Data directories that earlier versions have written, kept for ever: each is taken over whole (F29)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestrator.files import read
from orchestrator.files.layout import FORMAT
from orchestrator.store.directory import prepare
from orchestrator.store.disk import RealDisk
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


@pytest.mark.fault("F29", "F34")
def test_is_read_checked_and_taken_over(directory: Path) -> None:
    """Every record replays to what it recorded, every public file is what the replay says."""
    before = {row["id"]: row["status"] for row in read.read_tasks(str(directory))[0]}
    assert set(before.values()) >= {"succeeded", "failed", "timed_out", "cancelled", "rolled_back", "running"}
    found = verify(RealDisk(), str(directory))
    assert [finding for finding in found.findings if finding.is_fault] == []
    prepare(RealDisk(), str(directory))
    rebuild(RealDisk(), str(directory))
    assert {row["id"]: row["status"] for row in read.read_tasks(str(directory))[0]} == before
    assert verify(RealDisk(), str(directory)).findings == []
