"""Asking for the daemon's lock."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.lock import holder_text, is_held
from orchestrator.store.lock import DirectoryLock

if TYPE_CHECKING:
    from pathlib import Path


def test_sees_a_held_lock_and_a_released_one(tmp_path: Path) -> None:
    """The kernel answers; the file stays."""
    lock = DirectoryLock(str(tmp_path), "pid 7")
    assert is_held(str(tmp_path))
    lock.release()
    assert not is_held(str(tmp_path))
    assert (tmp_path / "daemon.lock").exists()


def test_sees_the_lock_of_a_process_that_was_killed(tmp_path: Path) -> None:
    """The lock goes with its holder, whatever its file says."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            DirectoryLock(str(tmp_path), "the child")
            os.write(tell, b".")
            signal.pause()
        finally:
            os._exit(1)
    os.read(ready, 1)
    assert is_held(str(tmp_path))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert not is_held(str(tmp_path))
    assert holder_text(str(tmp_path)) == "the child"


def test_asking_takes_nothing(tmp_path: Path) -> None:
    """A daemon can start while and after somebody asks."""
    DirectoryLock(str(tmp_path), "first").release()
    assert not is_held(str(tmp_path))
    DirectoryLock(str(tmp_path), "second").release()


def test_without_a_lock_file_nobody_holds_it(tmp_path: Path) -> None:
    """Asking creates nothing."""
    assert not is_held(str(tmp_path))
    assert holder_text(str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/passwd", path)])
def test_something_else_in_its_place_neither_blocks_nor_is_followed(tmp_path: Path, plant: object) -> None:
    """A FIFO, a folder or a link is nobody's lock (requirement F16)."""
    assert callable(plant)
    plant(str(tmp_path / "daemon.lock"))
    assert not is_held(str(tmp_path))
    assert holder_text(str(tmp_path)) == ""
