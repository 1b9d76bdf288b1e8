"""Definitions among what Tab offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files.state.definition_files import definition_files

if TYPE_CHECKING:
    from pathlib import Path


def test_definitions_of_a_folder(tmp_path: Path) -> None:
    """Files that can be typed as they are, and nothing else."""
    for name in ("b.k", "a-1.k", "my plan.k", ".hidden.k", "-x.k", "a;b.k", "é.k", "note.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.k").mkdir()
    assert definition_files(str(tmp_path)) == [("a-1.k", "definition"), ("b.k", "definition")]
    assert definition_files(str(tmp_path / "nowhere")) == []
    assert definition_files(str(tmp_path / "b.k")) == []


def test_of_very_many_some_are_offered(tmp_path: Path) -> None:
    """Nobody looks through more."""
    for number in range(250):
        (tmp_path / f"{number}.k").touch()
    assert len(definition_files(str(tmp_path))) == 200
