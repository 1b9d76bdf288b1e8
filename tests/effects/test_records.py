"""Reading attempts.log, whole and torn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.effects.records import Claim, Records, append_taken, read_records, size_of

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    b"claim op.local.x.1 12 34 boot\n",
    b"claim op.local.xx.1 13 35 boot\n",
    b"exit op.local.x.1 7\n",
    b"exit op.local.xx.1 0\n",
    b"taken op.local.y.1\n",
]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A log with the lines above."""
    (tmp_path / "attempts.log").write_bytes(b"".join(LINES))
    return str(tmp_path / "attempts.log")


def test_tells_the_lines_of_one_attempt(path: str) -> None:
    """A stem that begins or ends like another is another."""
    assert read_records(path, "op.local.x.1") == Records(Claim(12, 34, "boot"), 7)
    assert read_records(path, "op.local.xx.1") == Records(Claim(13, 35, "boot"), 0)
    assert read_records(path, "op.local.y.1") == Records(taken=True)
    assert read_records(path, "local.x.1") == Records()
    assert read_records(path, "op.local.x") == Records()


def test_reads_from_an_offset(path: str) -> None:
    """What stands before the offset is not looked at."""
    assert read_records(path, "op.local.x.1", len(LINES[0])) == Records(exit_code=7)
    assert read_records(path, "op.local.x.1", size_of(path)) == Records()
    assert read_records(path, "op.local.x.1", size_of(path) + 100) == Records()


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    """Before the first wrapper there is no file."""
    assert read_records(str(tmp_path / "none"), "a.b.c.1") == Records()
    assert size_of(str(tmp_path / "none")) == 0


@pytest.mark.parametrize("cut", range(len(LINES[2])))
def test_a_line_without_its_end_is_not_there(tmp_path: Path, cut: int) -> None:
    """Torn anywhere, also just before its newline, an exit line does not count."""
    path = tmp_path / "attempts.log"
    path.write_bytes(LINES[0] + LINES[2][:cut])
    assert read_records(str(path), "op.local.x.1").exit_code is None


@pytest.mark.parametrize("cut", range(len(LINES[0])))
@pytest.mark.parametrize("following", [LINES[1], LINES[3], LINES[4]])
def test_a_torn_line_spoils_neither_itself_nor_the_next(tmp_path: Path, cut: int, following: bytes) -> None:
    """What a full disk cut off stands before the next writer's line, without a newline between them."""
    path = tmp_path / "attempts.log"
    path.write_bytes(LINES[0][:cut] + following)
    alone = tmp_path / "alone.log"
    alone.write_bytes(following)
    for stem in ("op.local.xx.1", "op.local.y.1"):
        assert read_records(str(path), stem) == read_records(str(alone), stem)
    assert read_records(str(path), "op.local.x.1") == Records()


@given(st.binary(max_size=200))
def test_noise_is_no_record(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    """Whatever stands in the file is read without a fault, and lines behind it count."""
    path = tmp_path_factory.mktemp("noise") / "attempts.log"
    path.write_bytes(noise + b"\n" + LINES[2])
    assert read_records(str(path), "op.local.x.1").exit_code is not None


def test_the_first_line_of_a_kind_counts(tmp_path: Path) -> None:
    """There is one claim and one exit; whatever else is written later changes nothing."""
    path = tmp_path / "attempts.log"
    path.write_bytes(b"claim a.b.c.1 1 2 x\nclaim a.b.c.1 3 4 x\nexit a.b.c.1 5\nexit a.b.c.1 6\n")
    assert read_records(str(path), "a.b.c.1") == Records(Claim(1, 2, "x"), 5)


def test_tells_that_a_daemon_took_an_attempt(path: str) -> None:
    """The line is appended behind the others."""
    append_taken(path, "op.local.z.1")
    assert read_records(path, "op.local.z.1") == Records(taken=True)
    assert read_records(path, "op.local.x.1").exit_code == 7


@pytest.mark.parametrize("kind", ["fifo", "symlink", "directory"])
def test_does_not_wait_for_and_does_not_follow_what_lies_in_its_place(tmp_path: Path, kind: str) -> None:
    """A planted FIFO, link or directory is an error, at once."""
    path = tmp_path / "attempts.log"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "symlink":
        path.symlink_to("/etc/passwd")
    else:
        path.mkdir()
    with pytest.raises(OSError, match=r"Errno"):
        read_records(str(path), "a.b.c.1")
