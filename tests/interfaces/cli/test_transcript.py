"""Logs, piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.interfaces.cli.transcript import Log, Transcript
from orchestrator.model.errors import WorkflowUnreadable

if TYPE_CHECKING:
    from pathlib import Path


def test_a_heading_stands_where_the_log_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """And a line that was not finished is, so that headings begin one."""
    transcript = Transcript(raw=False)
    transcript.write("one", b"a\n")
    transcript.write("one", b"b")
    transcript.write("two", b"c\n")
    transcript.write("one", b"d\n")
    transcript.end()
    assert capsys.readouterr().out == "==> one <==\na\nb\n==> two <==\nc\n==> one <==\nd\n"


def test_a_character_may_come_in_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    """Pieces end anywhere."""
    transcript = Transcript(raw=False)
    for byte in "大".encode():
        transcript.write("log", bytes([byte]))
    transcript.end()
    assert capsys.readouterr().out == "==> log <==\n大\n"


def test_escape_sequences_are_shown_unless_raw(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Raw is byte for byte."""
    for raw in (False, True):
        transcript = Transcript(raw=raw)
        transcript.write("log", b"\x1b[31m\xff\n")
        transcript.end()
    assert capfdbinary.readouterr().out == "==> log <==\n\\x1b[31m\ufffd\n".encode() + b"==> log <==\n\x1b[31m\xff\n"


def test_a_log_goes_on_where_it_was_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole lines while it is written, the rest at the end; before it exists there is nothing."""
    path, transcript = tmp_path / "x.out", Transcript(raw=False)
    log = Log("x", str(path))
    assert not log.copy(transcript, whole_lines=True)
    with path.open("ab", buffering=0) as file:
        file.write(b"one\ntw")
        assert log.copy(transcript, whole_lines=True)
        assert capsys.readouterr().out == "==> x <==\none\n"
        file.write(b"o\nthree")
        assert log.copy(transcript, whole_lines=True)
        assert capsys.readouterr().out == "two\n"
    log.copy(transcript)
    transcript.end()
    log.close()
    assert capsys.readouterr().out == "three\n"


def test_a_line_without_end_is_not_kept_for_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beyond a bound it is printed as it comes: memory is not a place for logs."""
    path, transcript = tmp_path / "x.out", Transcript(raw=True)
    path.write_bytes(b"x" * 1_000_000)
    log = Log("x", str(path))
    log.copy(transcript, whole_lines=True)
    log.close()
    assert len(capsys.readouterr().out) > 800_000


def test_a_link_in_the_place_of_a_log_is_refused(tmp_path: Path) -> None:
    """It could lead anywhere."""
    (tmp_path / "x.out").symlink_to("/etc/passwd")
    with pytest.raises(WorkflowUnreadable, match="symbolic link"):
        Log("x", str(tmp_path / "x.out")).copy(Transcript(raw=True))
