"""``orch tasks``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.engine import ARGUMENT, Engine, PluginError, python
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path


def test_gives_a_table_with_typed_columns(engine: Engine, tmp_path: Path) -> None:
    """The four fields of the oldest form (requirement R2-04)."""
    (row,) = engine.run("orch tasks", data_dir=make_foreign(tmp_path, TASK))
    assert row == {
        "id": "task-001",
        "status": "pending",
        "created_at": ("Date", "2025-01-11T10:00:00.000000Z"),
        "priority": 5,
    }


def test_gives_all_of_ours_but_the_format(engine: Engine, tmp_path: Path) -> None:
    """Null cells are empty, durations are durations; the version of the file is nobody's interest."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "w1")
    (row,) = engine.run("orch tasks", data_dir=own.path)
    assert (row["workflow"], row["attempt"], row["duration"], row["stale"]) == ("w1", 1, None, True)
    assert "format" not in row
    assert "duration_ms" not in row


def test_a_large_table_is_read_while_others_are_served(engine: Engine, tmp_path: Path) -> None:
    """Four thousand tasks, asked for before and answered after the status."""
    folder = make_foreign(tmp_path)
    for number in range(4000):
        name = f"{number:030}"
        (tmp_path / "tasks" / f"{name}.json").write_text(f'{{"id": "{name}", "status": "pending"}}', encoding="utf-8")
    call = engine.start("orch tasks", data_dir=folder)
    assert engine.run("orch status", data_dir=folder)["running"] is True
    rows = python(engine.response(call)["PipelineData"]["Value"][0])
    assert [int(row["id"]) for row in rows] == list(range(4000))


def test_no_tasks_are_an_empty_table(engine: Engine, tmp_path: Path) -> None:
    """And no error (requirement R2-17)."""
    assert engine.run("orch tasks", data_dir=str(tmp_path)) == []


def test_filters_and_cuts(engine: Engine, tmp_path: Path) -> None:
    """Both flags together: first the status, then the limit."""
    tasks = [{**TASK, "id": f"t{n}", "status": "failed" if n % 2 else "pending"} for n in range(6)]
    folder = make_foreign(tmp_path, *tasks)
    rows = engine.run("orch tasks", data_dir=folder, status="failed", limit=2)
    assert [row["id"] for row in rows] == ["t1", "t3"]
    assert engine.run("orch tasks", data_dir=folder, limit=0) == []


def test_a_negative_limit_is_labelled(engine: Engine, tmp_path: Path) -> None:
    """At the number (ruling A-26)."""
    with pytest.raises(PluginError, match="Failed to read tasks: A limit of -2") as told:
        engine.run("orch tasks", data_dir=str(tmp_path), limit=-2)
    assert told.value.told["labels"][0]["span"] == ARGUMENT


@pytest.mark.parametrize(
    ("status", "warning"),
    [
        ("completed", "the word here is `succeeded`"),
        ("canceled", "the word here is `cancelled`"),
        ("Failed", "the word here is `failed`"),
        ("wibble", "Statuses are pending, waiting_retry"),
    ],
)
def test_warns_of_a_status_that_no_task_can_have(
    engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str], status: str, warning: str
) -> None:
    """An empty table alone would look like good news (ruling A-24)."""
    assert engine.run("orch tasks", data_dir=make_foreign(tmp_path, TASK), status=status) == []
    assert warning in capfd.readouterr().err


def test_does_not_warn_of_words_that_a_foreign_directory_uses(
    engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor of an empty table of a known one."""
    folder = make_foreign(tmp_path, {**TASK, "status": "completed"})
    assert len(engine.run("orch tasks", data_dir=folder, status="completed")) == 1
    assert engine.run("orch tasks", data_dir=folder, status="failed") == []
    assert capfd.readouterr().err == ""


def test_warns_of_files_that_cannot_be_read(engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Once, however many there are (ruling A-23)."""
    folder = make_foreign(tmp_path, TASK)
    for number in range(3):
        write(tmp_path / "tasks" / f"bad{number}.json", "{")
    assert len(engine.run("orch tasks", data_dir=folder)) == 1
    (warning,) = capfd.readouterr().err.splitlines()
    assert warning.startswith("Warning: 3 task files cannot be read")
    assert "bad0.json" in warning
    assert [row["status"] for row in engine.run("orch tasks", data_dir=folder, all=...)] == ["pending"] + [
        "corrupt"
    ] * 3
    with pytest.raises(PluginError, match="Failed to read tasks: Failed to parse task JSON"):
        engine.run("orch tasks", data_dir=folder, strict=...)
