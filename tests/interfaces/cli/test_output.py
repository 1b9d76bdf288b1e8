"""What is printed, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.interfaces.cli.output import clean, print_json, print_record, print_table, width

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größe 大", "größe 大"),
        ("a\tb", "a\tb"),
        ("a\x1b[2Jb\rc\x07", "a\\x1b[2Jb\\rc\\x07"),
        ("right to \u202eleft", "right to \\u202eleft"),
        ("\x9b31m", "\\x9b31m"),
        ("two\nlines", "two\\nlines"),
        ("half a \ud800 pair", "half a \\ud800 pair"),
    ],
)
def test_what_a_terminal_would_act_upon_is_made_visible(text: str, shown: str) -> None:
    """Escape sequences, in seven bits and in eight, and characters that turn the writing around."""
    assert clean(text) == shown


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("größe", 5), ("大きい", 6), ("e\u0301", 1)])
def test_width_is_in_cells(text: str, cells: int) -> None:
    """East Asian characters take two, accents that join another character none."""
    assert width(text) == cells


def test_tables_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """By cells; what is missing is a dash."""
    rows: list[Mapping[str, object]] = [{"id": "大", "status": "failed"}, {"id": "abcd", "reason": "no luck"}]
    print_table(rows, ("id", "status", "reason"))
    assert capsys.readouterr().out.split("\n") == [
        "ID    STATUS  REASON",
        "大    failed  -",
        "abcd  -       no luck",
        "",
    ]


def test_no_rows_are_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """`orchestrator tasks | wc -l` counts no heading of nothing."""
    print_table([], ("id", "status"))
    assert capsys.readouterr().out == ""


def test_records_are_a_line_for_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    """With counts spelt out."""
    print_record({"running": False, "workflows": {"failed": 2, "running": 1}, "none": {}})
    assert capsys.readouterr().out == "running    no\nworkflows  2 failed, 1 running\nnone       -\n"


def test_json_is_read_back_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Also on one line."""
    value = {"a": ["ü", None, 1.5, {"b": True}]}
    print_json(value)
    print_json(value, indent=None)
    printed = capsys.readouterr().out
    assert json.loads(printed[: printed.rindex("\n{")]) == value
    assert json.loads(printed.splitlines()[-1]) == value
