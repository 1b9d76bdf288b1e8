"""Public files by recycled inodes: what a reader of the old one sees, and when it is written again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.store.public import REST_US, SPARES_KEPT, PublicFiles
from orchestrator.store.realdisk import RealDisk
from tests.support.disk import MemoryDisk

ROW = b'{"id": "%s", "status": "pending", "created_at": "2026-01-01T00:00:00Z", "priority": 0, "n": %d}\n'


def batch(n: int, *names: str) -> list[tuple[str, bytes]]:
    """Version `n` of these task files."""
    return [(f"tasks/{name}.json", ROW % (name.encode(), n)) for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A data directory with a folder for tasks and one for the index."""
    for name in ("tasks", "index"):
        (tmp_path / name).mkdir()
    return str(tmp_path)


def test_a_reader_that_is_late_sees_what_the_file_was(folder: str) -> None:
    """An inode that was seen under a name keeps its content for the rest, however often files are written."""
    files = PublicFiles(RealDisk(), folder)
    files.write(batch(1, "a"), 0)
    with open(f"{folder}/tasks/a.json", "rb") as late:
        for n in range(2, 40):
            files.write(batch(n, "a", "b"), n * (REST_US // 50))
        assert late.read() == batch(1, "a")[0][1]
    assert Path(f"{folder}/tasks/a.json").read_bytes() == batch(39, "a")[0][1]


def test_an_inode_is_written_again_after_its_rest(folder: str) -> None:
    """Nothing is deleted and, once there are enough, nothing is made."""
    files = PublicFiles(RealDisk(), folder)
    for n in range(10):
        files.write(batch(n, "a", "b"), n * REST_US)
    inodes = {entry.inode() for entry in os.scandir(f"{folder}/tasks")}
    for n in range(10, 20):
        files.write(batch(n, "a", "b"), n * REST_US)
    assert {entry.inode() for entry in os.scandir(f"{folder}/tasks")} == inodes
    assert sorted(name for name in os.listdir(f"{folder}/tasks") if name[0] != ".") == ["a.json", "b.json"]


def test_too_many_spares_are_removed_when_there_is_time(folder: str) -> None:
    """And those of an earlier daemon when the next begins."""
    files = PublicFiles(RealDisk(), folder)
    names = [f"t{number}" for number in range(SPARES_KEPT + 50)]
    for n in (1, 2, 3):
        files.write(batch(n, *names), n)
    while files.tidy(REST_US + 10):
        pass
    assert len(os.listdir(f"{folder}/tasks")) == len(names) + SPARES_KEPT
    PublicFiles(RealDisk(), folder).remove_old_spares()
    assert len(os.listdir(f"{folder}/tasks")) == len(names)


def test_files_are_replaced_where_exchanging_is_slow() -> None:
    """On a file system that is not known the usual way is taken."""
    disk = MemoryDisk()
    disk.files.kind = "btrfs"
    for name in ("/d", "/d/tasks", "/d/index"):
        disk.make_directory(name)
    files = PublicFiles(disk, "/d")
    for n in (1, 2):
        assert files.write(batch(n, "a"), n) == {}
    assert disk.names("/d/tasks") == ["a.json"]


def test_one_file_that_cannot_be_written_does_not_hold_up_the_others(folder: str) -> None:
    """It is named, with why."""
    os.mkdir(f"{folder}/tasks/a.json")
    os.mkdir(f"{folder}/tasks/a.json/inside")
    files = PublicFiles(RealDisk(), folder)
    files.write(batch(1, "b"), 0)
    failed = files.write([("nowhere/a.json", b"{}"), *batch(2, "b")], 1)
    assert list(failed) == ["nowhere/a.json"]
    assert Path(f"{folder}/tasks/b.json").read_bytes() == batch(2, "b")[0][1]


def test_what_an_earlier_life_has_left_is_never_written_again(folder: str) -> None:
    """After a power cut two names may stand for one inode: neither is a spare."""
    for name in ("a", "b"):
        Path(f"{folder}/tasks/{name}.json").write_bytes(batch(0, name)[0][1])
    os.unlink(f"{folder}/tasks/b.json")
    os.link(f"{folder}/tasks/a.json", f"{folder}/tasks/b.json")
    shared = os.open(f"{folder}/tasks/a.json", os.O_RDONLY)
    files = PublicFiles(RealDisk(), folder)
    for n in range(1, 10):
        assert files.write(batch(n, "a", "b", "c"), n * REST_US) == {}
        for name in ("a", "b", "c"):
            assert Path(f"{folder}/tasks/{name}.json").read_bytes() == batch(n, name)[0][1]
    assert os.pread(shared, 1000, 0) == batch(0, "a")[0][1]
    os.close(shared)
