"""``orchestrator graph``: the picture, the record as JSON, and what other programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.files.test_graph import DEFINITION, make_two
from tests.support.foreign_directory import make_foreign
from tests.support.shell import call, call_at_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.own_directory import OwnDirectory


@pytest.fixture
def made(tmp_path: Path) -> Iterator[OwnDirectory]:
    """Two operations one after the other, which a daemon looks after."""
    directory = make_two(tmp_path / "data")
    lock = directory.hold()
    yield directory
    lock.release()


def test_shows_a_picture(made: OwnDirectory) -> None:
    """In a pipe without colours, with tasks where they are asked for."""
    result = call("graph", "w", "--tasks", data_dir=made.path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "w  ▸ running  1 of 3 tasks succeeded",
        "",
        "▸ a  create server  1/2  running",
        "│ ✓ x  ▸ y",
        "│",
        "○ b  create server  0/1  pending",
        "  ○ x",
    ]
    coloured = call("graph", "w", "--color", "always", data_dir=made.path).stdout
    assert "\x1b[36m" in coloured


def test_says_that_nothing_goes_on(tmp_path: Path) -> None:
    """If no daemon runs."""
    assert "No daemon runs" in call("graph", "w", data_dir=make_two(tmp_path / "data").path).stdout


def test_at_a_terminal_it_has_colours_unless_they_are_not_wanted(made: OwnDirectory) -> None:
    """NO_COLOR, and --color never."""
    code, shown = call_at_terminal("graph", "w", data_dir=made.path)
    assert code == 0
    assert "\x1b[36m" in shown
    for arguments, env in ((("--color", "never"), {}), ((), {"NO_COLOR": "1"})):
        _, shown = call_at_terminal("graph", "w", *arguments, data_dir=made.path, env=env)
        assert "running" in shown
        assert "\x1b[36m" not in shown


def test_where_the_locale_knows_no_lines_there_are_others(made: OwnDirectory) -> None:
    """In the picture; files for other programs are UTF-8 all the same."""
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    lines = call("graph", "w", data_dir=made.path, env=env).stdout.splitlines()
    assert lines[2:4] == ["> a  create server  1/2  running", "|"]
    assert "·" in call("graph", "w", "--format", "svg", data_dir=made.path, env=env).stdout


def test_json_is_the_record(made: OwnDirectory) -> None:
    """Of nodes and edges."""
    record = json.loads(call("graph", "w", "--json", data_dir=made.path).stdout)
    assert [it["id"] for it in record["nodes"]] == ["a", "b"]
    assert [(it["from"], it["to"], it["state"], it["holds"]) for it in record["edges"]] == [("a", "b", "waiting", 1)]


def test_other_forms(made: OwnDirectory) -> None:
    """Each whole, with its line end."""
    drawn = {
        form: call("graph", "w", "--format", form, data_dir=made.path).stdout for form in ("svg", "dot", "mermaid")
    }
    assert ElementTree.fromstring(drawn["svg"]).tag.endswith("svg")
    assert drawn["dot"].endswith("\n}\n")
    assert drawn["mermaid"].startswith("flowchart TD\n")


def test_a_definition(tmp_path: Path) -> None:
    """By its path."""
    (tmp_path / "one.k").write_text(DEFINITION, encoding="utf-8")
    result = call("graph", str(tmp_path / "one.k"), data_dir=tmp_path / "nowhere")
    assert result.stdout.splitlines() == [
        "one  2 operations, 3 tasks",
        "",
        "· a  create server  2 tasks",
        "│",
        "· b  create server   1 task",
    ]
    (tmp_path / "one.k").write_text(DEFINITION.replace('["a"]', '["aa"]'), encoding="utf-8")
    result = call("graph", str(tmp_path / "one.k"), data_dir=tmp_path / "nowhere")
    assert result.returncode == 65
    assert "error[" in result.stderr


def test_what_is_wrong(made: OwnDirectory, tmp_path: Path) -> None:
    """With the exit code that says which kind it is."""
    missing = call("graph", "ww", data_dir=made.path)
    assert (missing.returncode, missing.stdout) == (66, "")
    assert "There is no workflow ww in " in missing.stderr
    assert call("graph", "w", "--focus", "c", data_dir=made.path).returncode == 66
    assert call("graph", "a b", data_dir=made.path).returncode == 65
    assert call("graph", "w", "--format", "png", data_dir=made.path).returncode == 2
    assert call("graph", "w", "--depth", "1", data_dir=made.path).returncode == 2
    assert call("graph", data_dir=made.path).returncode == 2
    assert call("graph", "w", data_dir=make_foreign(tmp_path / "foreign")).returncode == 66
    focused = call("graph", "w", "--focus", "b", "--depth", "0", data_dir=made.path)
    assert "1 of 2 operations are left out" in focused.stdout
