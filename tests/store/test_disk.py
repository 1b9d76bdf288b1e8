"""What a disk must do, on the real one and on the one in memory."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.model.errors import DiskFailed
from orchestrator.store.disk import Unfit
from orchestrator.store.realdisk import RealDisk
from tests.support.disk import MemoryDisk

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.store.disk import Disk


@pytest.fixture(params=["real", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Disk, str]:
    """A disk and an existing directory on it."""
    if request.param == "real":
        return RealDisk(), str(tmp_path)
    disk = MemoryDisk()
    disk.make_directory("/base")
    return disk, "/base"


def test_replaces_a_file_and_reads_it_back(place: tuple[Disk, str]) -> None:
    """What was put last is what is read, durable or not."""
    disk, base = place
    for durable in (False, True):
        disk.replace(f"{base}/f", f"content {durable}".encode(), durable=durable)
        assert disk.read(f"{base}/f") == f"content {durable}".encode()
    assert disk.names(base) == ["f"]


def test_an_absent_file_reads_as_none(place: tuple[Disk, str]) -> None:
    """No file, no directory: None and no names, not an error."""
    disk, base = place
    assert disk.read(f"{base}/nothing") is None
    assert disk.names(f"{base}/nothing") == []


def test_a_log_keeps_what_is_written_where_it_is_written(place: tuple[Disk, str]) -> None:
    """Writes land at their offsets; a cut removes what is behind it."""
    disk, base = place
    log = disk.create_log(f"{base}/log")
    log.write(0, b"\n" * 10)
    log.write(0, b"abc\n")
    log.write(4, b"de\n")
    log.sync()
    assert disk.read(f"{base}/log") == b"abc\nde\n\n\n\n"
    log.truncate(7)
    log.close()
    assert disk.read(f"{base}/log") == b"abc\nde\n"
    again = disk.open_log(f"{base}/log")
    again.write(7, b"f\n")
    again.close()
    assert disk.read(f"{base}/log") == b"abc\nde\nf\n"


def test_refuses_to_create_a_log_that_exists(place: tuple[Disk, str]) -> None:
    """An existing log is never overwritten."""
    disk, base = place
    disk.create_log(f"{base}/log").close()
    with pytest.raises(DiskFailed, match="opening"):
        disk.create_log(f"{base}/log")


def test_moves_and_removes(place: tuple[Disk, str]) -> None:
    """A moved file is at its new name only; removing twice is fine."""
    disk, base = place
    disk.replace(f"{base}/a", b"1", durable=False)
    disk.move(f"{base}/a", f"{base}/b")
    assert (disk.read(f"{base}/a"), disk.read(f"{base}/b")) == (None, b"1")
    disk.remove(f"{base}/b")
    disk.remove(f"{base}/b")
    assert disk.names(base) == []


def test_says_what_was_tried_and_on_what(place: tuple[Disk, str]) -> None:
    """A failure names the path."""
    disk, base = place
    with pytest.raises(DiskFailed, match="nowhere"):
        disk.replace(f"{base}/nowhere/f", b"", durable=False)


def test_files_are_private(tmp_path: Path) -> None:
    """Files are 0600 and directories 0700, whatever the umask."""
    old = os.umask(0)
    try:
        disk = RealDisk()
        disk.make_directory(f"{tmp_path}/d")
        disk.replace(f"{tmp_path}/d/f", b"", durable=True)
        disk.create_log(f"{tmp_path}/d/l").close()
    finally:
        os.umask(old)
    modes = [os.stat(f"{tmp_path}/{name}").st_mode & 0o777 for name in ("d", "d/f", "d/l")]
    assert modes == [0o700, 0o600, 0o600]


def test_links_and_pipes_in_the_way_are_not_followed(tmp_path: Path) -> None:
    """A symbolic link and a FIFO read as no file, without blocking; replacing a link leaves its target alone."""
    disk = RealDisk()
    (tmp_path / "secret").write_bytes(b"secret")
    os.symlink(tmp_path / "secret", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    assert disk.read(f"{tmp_path}/link") is None
    assert disk.read(f"{tmp_path}/pipe") is None
    disk.replace(f"{tmp_path}/link", b"new", durable=False)
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert disk.read(f"{tmp_path}/link") == b"new"


def test_two_files_change_places(place: tuple[Disk, str]) -> None:
    """Each name has what the other had; without the other nothing changes."""
    disk, base = place
    disk.write_new(f"{base}/one", b"1")
    assert not disk.exchange(f"{base}/one", f"{base}/other")
    assert disk.read(f"{base}/one") == b"1"
    disk.write_new(f"{base}/other", b"2")
    assert disk.exchange(f"{base}/one", f"{base}/other")
    assert (disk.read(f"{base}/one"), disk.read(f"{base}/other")) == (b"2", b"1")
    disk.overwrite(f"{base}/one", b"longer than before")
    disk.overwrite(f"{base}/other", b"")
    assert (disk.read(f"{base}/one"), disk.read(f"{base}/other")) == (b"longer than before", b"")


def test_removes_a_tree(place: tuple[Disk, str]) -> None:
    """A folder goes with everything in it; removing it twice is fine, and its neighbours stay."""
    disk, base = place
    for folder in ("tree", "tree/a", "tree/a/b", "other"):
        disk.make_directory(f"{base}/{folder}")
    for path in ("tree/f", "tree/a/b/f", "other/f"):
        disk.replace(f"{base}/{path}", b"x", durable=False)
    disk.remove_tree(f"{base}/tree")
    disk.remove_tree(f"{base}/tree")
    assert disk.names(base) == ["other"]
    assert disk.read(f"{base}/other/f") == b"x"


def test_tells_size_and_names(place: tuple[Disk, str]) -> None:
    """What is not there has neither."""
    disk, base = place
    disk.replace(f"{base}/f", b"12345", durable=True)
    assert (disk.size(f"{base}/f"), disk.links(f"{base}/f")) == (5, 1)
    assert (disk.size(f"{base}/g"), disk.links(f"{base}/g")) == (0, 0)
    assert disk.modified_us(f"{base}/g") is None
    assert disk.modified_us(f"{base}/f") is not None


def test_reads_what_others_put_there_with_care(place: tuple[Disk, str]) -> None:
    """A folder or a file that is too large is unfit, a missing one is none."""
    disk, base = place
    disk.replace(f"{base}/f", b"12345", durable=False)
    disk.make_directory(f"{base}/d")
    assert disk.read_strange(f"{base}/f", 5) == b"12345"
    assert disk.read_strange(f"{base}/g", 5) is None
    for name in ("f", "d"):
        with pytest.raises(Unfit):
            disk.read_strange(f"{base}/{name}", 4)


def test_a_file_that_cannot_be_written_leaves_nothing_behind() -> None:
    """A full disk does not keep half of a temporary file, and the old content stays."""
    disk = MemoryDisk()
    disk.make_directory("/base")
    disk.replace("/base/f", b"old", durable=True)
    disk.files.fault = lambda call, _: errno.ENOSPC if call == "write" else None
    with pytest.raises(DiskFailed, match="No space left") as failed:
        disk.replace("/base/f", b"new", durable=True)
    assert failed.value.may_pass
    assert (disk.names("/base"), disk.read("/base/f")) == (["f"], b"old")


def test_a_failed_sync_does_not_pass() -> None:
    """Whatever its number: what was written before it is in doubt."""
    disk = MemoryDisk()
    disk.make_directory("/base")
    log = disk.create_log("/base/log")
    disk.files.fault = lambda call, _: errno.ENOSPC if call == "sync" else None
    with pytest.raises(DiskFailed) as failed:
        log.sync()
    assert not failed.value.may_pass
