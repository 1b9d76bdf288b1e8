"""``orch stats``: figures about tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.engine import ARGUMENT, HEAD, Engine, PluginError
from tests.support.foreign_directory import TASK, make_foreign, write

if TYPE_CHECKING:
    from pathlib import Path

TASKS = [
    {**TASK, "id": "a", "status": "succeeded", "duration_ms": 100, "workflow": "w", "definition": "/d/w.k"},
    {**TASK, "id": "b", "status": "failed", "duration_ms": 300, "attempt": 3, "created_at": "2024-01-01T12:00:00Z"},
    {**TASK, "id": "c", "status": "running", "duration_ms": 9000},
]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A directory with the tasks."""
    return make_foreign(tmp_path / "data", *TASKS)


def test_a_record_of_everything(engine: Engine, folder: str) -> None:
    """Durations are Nushell's; what runs changes no mean (requirement R2-07)."""
    found = engine.run("orch stats", data_dir=folder)
    assert (found["total"], found["retries"], found["failure_rate"]) == (3, 2, 0.5)
    assert (found["mean"], found["p95"]) == (("Duration", 200_000_000), ("Duration", 300_000_000))
    assert found["by_status"] == [{"status": name, "total": 1} for name in ("running", "succeeded", "failed")]
    assert found["by_priority"] == [{"priority": 5, "total": 3}]
    assert [it["total"] for it in found["by_workflow"]] == [1, 2]
    assert len(found["by_date"]) == 2


def test_a_table_by_something(engine: Engine, folder: str) -> None:
    """With the chosen column first."""
    rows = engine.run("orch stats", data_dir=folder, by="status")
    assert [list(row)[:2] for row in rows] == [["status", "total"]] * 3
    assert [row["median"] for row in rows] == [None, ("Duration", 100_000_000), ("Duration", 300_000_000)]


@pytest.mark.parametrize(
    ("flags", "total"),
    [
        ({"status": "failed"}, 1),
        ({"status": ["failed", "running"]}, 2),
        ({"workflow": "w"}, 1),
        ({"workflow": "w.k"}, 1),
        ({"from": "2024-06-01"}, 2),
        ({"to": "2024-06-01"}, 1),
        ({"from": "2024-01-01T12:00:00Z", "to": "2025-01-11T10:00:00Z"}, 1),
        ({"from": "1min"}, 0),
    ],
)
def test_filters(engine: Engine, folder: str, flags: dict[str, object], total: int) -> None:
    """By status, workflow and creation, from the one moment up to the other."""
    assert engine.run("orch stats", data_dir=folder, **flags)["total"] == total


@pytest.mark.parametrize(
    ("flags", "message", "help_text"),
    [
        ({"by": "opration"}, "'opration' is no way to put tasks together", "Did you mean operation?"),
        ({"from": "soon"}, "'soon' is no moment", "Moments look like"),
        ({"to": 5}, "A value of kind int is no moment", "Give a datetime"),
        ({"status": 5}, "takes a status or a list", "failed timed_out"),
        ({"workflow": "v"}, "There is no workflow v", "orch workflows"),
    ],
)
def test_mistakes_are_labelled(
    engine: Engine, folder: str, flags: dict[str, object], message: str, help_text: str
) -> None:
    """Each at the word that is wrong."""
    with pytest.raises(PluginError, match=f"Failed to count tasks: .*({message})") as told:
        engine.run("orch stats", data_dir=folder, **flags)
    assert told.value.told["labels"][0]["span"] == ARGUMENT
    assert help_text in told.value.told["help"]


def test_a_directory_that_is_none(engine: Engine, tmp_path: Path) -> None:
    """Zeros would look as if all were well: a wrong path is an error, at the flag or at the command."""
    for path, what in ((tmp_path / "nowhere", "There is no data directory"), (tmp_path / "file", "is not a directory")):
        (tmp_path / "file").touch()
        with pytest.raises(PluginError, match=what) as told:
            engine.run("orch stats", data_dir=str(path))
        assert told.value.told["labels"] == [{"text": "this data directory", "span": ARGUMENT}]
    engine.place["GetEnvVar"] = str(tmp_path / "nowhere")
    with pytest.raises(PluginError, match="There is no data directory") as told:
        engine.run("orch stats")
    assert told.value.told["labels"] == [{"text": "here", "span": HEAD}]


def test_warns_of_what_the_figures_do_not_tell(
    engine: Engine, folder: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Files that cannot be read, and words that no task can have."""
    assert engine.run("orch stats", data_dir=folder, status="faild")["total"] == 0
    assert "Did you mean failed?" in capfd.readouterr().err
    write(tmp_path / "data" / "tasks" / "bad.json", "{")
    assert engine.run("orch stats", data_dir=folder)["total"] == 3
    assert "cannot be read" in capfd.readouterr().err
