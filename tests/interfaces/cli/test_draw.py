"""Diagnostics with their source lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.interfaces.cli.draw import draw

if TYPE_CHECKING:
    from pathlib import Path


def fault(path: Path, line: int | None, column: int | None, **more: object) -> dict[str, Any]:
    """A diagnostic of one character unless `more` says otherwise."""
    return {
        "severity": "error",
        "code": "WF105",
        "message": "it is wrong",
        "file": str(path),
        "line": line,
        "column": column,
        "end_line": line,
        "end_column": column and column + 1,
        "snippet": "as it was",
        "help": "",
        "related": [],
        **more,
    }


def test_carets_stand_under_what_is_meant(tmp_path: Path) -> None:
    """Counted in cells: characters of double width and tabs before them move them."""
    path = tmp_path / "w.k"
    path.write_text('\tname = "大きい"  \n\tx = 大 + 1\r\n', encoding="utf-8")
    assert draw([fault(path, 2, 6, end_column=11)]).split("\n") == [
        "error[WF105]: it is wrong",
        f"  --> {path}:2:6",
        "  |",
        "2 |  x = 大 + 1",
        "  |      ^^^^^^",
        "",
        "",
    ]


def test_a_place_of_several_lines_is_marked_to_the_end_of_the_first(tmp_path: Path) -> None:
    """One line is enough to find it."""
    path = tmp_path / "w.k"
    path.write_text("a = {\n    b = 1\n}\n", encoding="utf-8")
    assert "  |     ^\n" in draw([fault(path, 1, 5, end_line=3, end_column=2)])


def test_a_fault_of_the_whole_file_has_no_line(tmp_path: Path) -> None:
    """And no invented one."""
    assert draw([fault(tmp_path / "w.k", None, None)]) == f"error[WF105]: it is wrong\n  --> {tmp_path}/w.k\n\n"


def test_help_and_related_places_follow(tmp_path: Path) -> None:
    """In this order behind the line: where else to look, what to do."""
    path = tmp_path / "w.k"
    path.write_text("a = 1\na = 2\n", encoding="utf-8")
    other = {"message": "first here", "file": str(path), "line": 1, "column": 1}
    told = draw([fault(path, 2, 1, help="Rename one.", related=[other])])
    assert told.endswith(f"  = first here: {path}:1:1\n  = help: Rename one.\n\n")


def test_a_file_that_is_gone_leaves_its_snippet(tmp_path: Path) -> None:
    """The line as the evaluator saw it, without carets: where it begins is not known."""
    assert "3 | as it was\n\n" in draw([fault(tmp_path / "gone.k", 3, 5)])


def test_a_source_line_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Escape sequences in definitions and messages are shown, and the caret stays right."""
    path = tmp_path / "w.k"
    path.write_text("a\x1b[2J = b\n", encoding="utf-8")
    told = draw([fault(path, 1, 9, message="not \x1b[31mred")])
    assert "\x1b" not in told
    assert "1 | a\\x1b[2J = b\n  |            ^\n" in told
