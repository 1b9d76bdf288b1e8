"""The made-up directories that benchmarks and tests read are what a daemon would have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.state.workflows import list_workflows
from orchestrator.files.tables.index import Index
from orchestrator.store.realdisk import RealDisk
from orchestrator.store.recover import recover
from orchestrator.store.verify import verify
from tests.support.many_tasks import make_directory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("count", [0, 1, 7, 100, 1234])
def test_the_journal_and_the_files_agree(tmp_path: Path, count: int) -> None:
    """`orchestrator verify` would find nothing, whatever the number."""
    made = make_directory(tmp_path / "data", count)
    found = verify(RealDisk(), made.path)
    assert found.findings == []
    assert found.seq == made.seq == recover(RealDisk(), made.path).world.seq
    assert len(read_tasks(made.path)[0]) == count == sum(made.counts.values())


def test_the_index_is_complete(tmp_path: Path) -> None:
    """It shows every task, in the order of tables, up to the last record."""
    made = make_directory(tmp_path / "data", 1000)
    index = Index(made.path)
    assert (index.count, index.seq, index.epoch) == (1000, made.seq, made.epoch)
    rows = index.rows(index.find())
    index.close()
    assert [row["id"] for row in rows] == [row["id"] for row in read_tasks(made.path)[0]]


def test_what_is_in_it(tmp_path: Path) -> None:
    """What tables are about: statuses, reasons, durations, attempts."""
    made = make_directory(tmp_path / "data", 1000)
    rows, problems = read_tasks(made.path)
    assert problems == []
    assert made.counts["failed"] == made.counts["running"] == 10
    assert all(row["reason"] for row in rows if row["status"] == "pending")
    assert all(row["duration_ms"] > 0 for row in rows if row["status"] == "succeeded")
    assert [row["attempt"] for row in rows if row["status"] == "failed"] == [2] * 10
    assert {row["status"] for row in list_workflows(made.path)} == {"succeeded", "failed", "running"}
    status = read_status(made.path)
    assert (status["tasks_failed"], status["seq"]) == (10, made.seq)


def test_full_segments_are_followed_by_others(tmp_path: Path) -> None:
    """With a snapshot in between, as a daemon does."""
    made = make_directory(tmp_path / "data", 5000, segment_bytes=1 << 20)
    names = {path.name for path in (tmp_path / "data" / "journal").iterdir()}
    assert {"000001.jsonl", "000002.jsonl", "000002.snapshot.jsonl"} <= names
    assert verify(RealDisk(), made.path).findings == []


def test_the_same_again(tmp_path: Path) -> None:
    """Nothing in it is random."""
    one, other = (make_directory(tmp_path / name, 200) for name in ("one", "other"))
    assert read_tasks(one.path) == read_tasks(other.path)
