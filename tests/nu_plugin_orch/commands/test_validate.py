"""``orch validate``, with the real evaluator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.engine import ARGUMENT, Engine, PluginError

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """import workflows

w = workflows.WorkflowDef {
    name = "right"
    operations = [
        {id = "one", type = "create", target = "server", items = ["x"], command = "true"}
        {id = "two", type = "create", target = "server", items = ["x"], command = "true", depends_on = ["one"]}
    ]
}
"""


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """A definition without faults."""
    path = tmp_path / "right.k"
    path.write_text(RIGHT, encoding="utf-8")
    return path


def test_a_definition_without_faults_is_valid(engine: Engine, definition: Path, tmp_path: Path) -> None:
    """The three fields that everybody looks for first, then the rest, without what is for programs (R2-03)."""
    engine.place["GetCurrentDir"] = str(tmp_path)
    report = engine.run("orch validate", "right.k", data_dir=str(tmp_path / "data"))
    assert list(report)[:3] == ["valid", "errors", "warnings"]
    assert (report["valid"], report["errors"], report["file"]) == (True, [], str(definition))
    assert report["elapsed"][0] == "Duration"
    assert not {"plan", "sources", "waves"} & set(report)


def test_faults_are_a_table_with_places(engine: Engine, definition: Path, tmp_path: Path) -> None:
    """One row for each, with a place in the file (R2-24)."""
    definition.write_text(RIGHT.replace('["one"]', '["oen"]'), encoding="utf-8")
    report = engine.run("orch validate", str(definition), data_dir=str(tmp_path / "data"))
    (fault,) = report["errors"]
    assert report["valid"] is False
    assert (fault["severity"], fault["line"]) == ("error", 7)
    assert list(fault)[:7] == ["severity", "code", "line", "column", "message", "help", "file"]
    assert "oen" in fault["message"]


def test_gives_the_waves_on_request(engine: Engine, definition: Path, tmp_path: Path) -> None:
    """What may run at the same time, in order."""
    report = engine.run("orch validate", str(definition), data_dir=str(tmp_path / "data"), waves=...)
    assert [[it["id"] for it in wave] for wave in report["waves"]] == [["one"], ["two"]]


def test_a_dry_run_has_everything(engine: Engine, definition: Path, tmp_path: Path) -> None:
    """With times as durations from the start, and values that somebody chose."""
    report = engine.run("orch validate", str(definition), data_dir=str(tmp_path / "data"), dry_run=...)
    found = report["dry_run"]
    minute = 60_000_000_000
    assert [(row["wave"], row["operation"], row["starts"]) for row in found["waves"]] == [
        (1, "one", ("Duration", 0)),
        (2, "two", ("Duration", minute)),
    ]
    assert (found["total"], found["durations"]["assumed_to_be"]) == (("Duration", 2 * minute), ("Duration", minute))
    assert [row["operation"] for row in found["irreversible"]] == ["one", "two"]
    assert (found["order"], report["resolved"]) == ([], [])
    assert not {"plan", "sources", "waves"} & set(report)
    report = engine.run("orch validate", str(definition), data_dir=str(tmp_path), dry_run=..., resolved=...)
    assert {"path": "w.name", "value": "right", "origin": "file:4"} in report["resolved"]


def test_a_file_that_is_not_there_is_an_error_and_no_verdict(engine: Engine, tmp_path: Path) -> None:
    """The label is on it (R2-25)."""
    with pytest.raises(PluginError, match="Validation failed: There is no file") as told:
        engine.run("orch validate", str(tmp_path / "nowhere.k"), data_dir=str(tmp_path / "data"))
    assert told.value.told["labels"][0]["span"] == ARGUMENT


def test_options_have_to_be_a_record(engine: Engine, definition: Path, tmp_path: Path) -> None:
    """Nushell checks what is written out; a variable may hold anything."""
    with pytest.raises(PluginError, match="`--options` takes a record"):
        engine.run("orch validate", str(definition), data_dir=str(tmp_path / "data"), options="x=1")
