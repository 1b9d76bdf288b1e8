"""Taking a directory into use, and one daemon only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.layout import FORMAT
from orchestrator.files.lock import is_held
from orchestrator.model.errors import FormatTooNew, Locked, UsageError
from orchestrator.store.directory import prepare
from orchestrator.store.lock import DirectoryLock
from orchestrator.store.realdisk import RealDisk

if TYPE_CHECKING:
    from pathlib import Path


def test_makes_a_new_directory_ours(tmp_path: Path) -> None:
    """All folders are there and private; doing it again changes nothing."""
    target = tmp_path / "a" / "data"
    for _ in range(2):
        prepare(RealDisk(), str(target))
    assert json.loads((target / "format.json").read_bytes()) == {"format": FORMAT, "kind": "orchestrator"}
    for name in ("", "tasks", "workflows", "journal", "inbox", "inbox/quarantine", "replies", "providers"):
        assert os.stat(target / name).st_mode & 0o777 == 0o700


def test_refuses_a_directory_of_something_else(tmp_path: Path) -> None:
    """Files that are not ours are never mixed with ours."""
    (tmp_path / "thesis.txt").write_text("…", encoding="utf-8")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        prepare(RealDisk(), str(tmp_path))
    assert os.listdir(tmp_path) == ["thesis.txt"]


def test_takes_a_directory_that_only_has_its_settings(tmp_path: Path) -> None:
    """Settings may be written before the first start."""
    (tmp_path / "orchestrator.toml").write_text("max_running = 2\n", encoding="utf-8")
    os.chmod(tmp_path, 0o700)
    prepare(RealDisk(), str(tmp_path))


def test_refuses_a_directory_others_may_write_to(tmp_path: Path) -> None:
    """Who may write to it could make the daemon run things."""
    os.chmod(tmp_path, 0o777)
    with pytest.raises(UsageError, match="written by others"):
        prepare(RealDisk(), str(tmp_path))


@pytest.mark.fault("F29")
@pytest.mark.parametrize("version", ["2.0", "1.9"])
def test_refuses_to_write_what_a_newer_version_has_written(version: str, tmp_path: Path) -> None:
    """Politely: nothing is changed, and the message says what to do (R2-22)."""
    os.chmod(tmp_path, 0o700)
    (tmp_path / "format.json").write_text(f'{{"format": "{version}", "kind": "orchestrator"}}', encoding="utf-8")
    with pytest.raises(FormatTooNew, match=f"format {version}"):
        prepare(RealDisk(), str(tmp_path))
    assert os.listdir(tmp_path) == ["format.json"]


@pytest.mark.fault("F29")
def test_an_older_directory_becomes_one_of_this_version(tmp_path: Path) -> None:
    """What was changed is kept beside it; doing it again changes nothing."""
    os.chmod(tmp_path, 0o700)
    old = '{"format": "1.0", "kind": "orchestrator"}'
    (tmp_path / "format.json").write_text(old, encoding="utf-8")
    for _ in range(2):
        prepare(RealDisk(), str(tmp_path))
    assert json.loads((tmp_path / "format.json").read_bytes())["format"] == FORMAT
    assert (tmp_path / "backup" / "1.0" / "format.json").read_text(encoding="utf-8") == old


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    """The lock is the kernel's: it is free again when its holder is gone, whatever the file says."""
    assert not is_held(str(tmp_path))
    first = DirectoryLock(str(tmp_path), "pid 42")
    assert is_held(str(tmp_path))
    with pytest.raises(Locked, match="pid 42"):
        DirectoryLock(str(tmp_path), "pid 43")
    first.release()
    assert not is_held(str(tmp_path))
    DirectoryLock(str(tmp_path), "pid 43").release()


def test_asking_for_the_lock_never_takes_it(tmp_path: Path) -> None:
    """A reader that asks is in nobody's way, and creates nothing."""
    assert not is_held(str(tmp_path))
    assert os.listdir(tmp_path) == []
    DirectoryLock(str(tmp_path), "x").release()
    for _ in range(3):
        is_held(str(tmp_path))
        DirectoryLock(str(tmp_path), "x").release()


def test_of_many_that_try_at_once_exactly_one_wins(tmp_path: Path) -> None:
    """F12: twenty processes, one lock; the others end with 75."""
    program = (
        "import sys\n"
        "from orchestrator.store.lock import DirectoryLock\n"
        "from orchestrator.model.errors import Locked\n"
        "try:\n    lock = DirectoryLock(sys.argv[1], 'x')\n"
        "except Locked as error:\n    sys.exit(error.exit_code)\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    many = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(20)
    ]
    codes = []
    winner = None
    for process in many:
        assert process.stdout is not None
        if process.stdout.readline() == b"held\n":
            winner = process
        else:
            codes.append(process.wait())
    assert winner is not None
    winner.communicate()
    assert codes == [75] * 19


def test_takes_a_directory_whose_preparation_was_interrupted(tmp_path: Path) -> None:
    """A power cut before the first file was in place does not make the directory somebody else's."""
    os.chmod(tmp_path, 0o700)
    (tmp_path / ".format.json.tmp").write_text('{"for', encoding="utf-8")
    prepare(RealDisk(), str(tmp_path))
    assert sorted(name for name in os.listdir(tmp_path) if name.startswith((".", "f"))) == ["format.json"]
