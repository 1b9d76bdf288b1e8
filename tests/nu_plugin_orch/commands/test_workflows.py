"""``orch workflows`` and ``orch workflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Two workflows."""
    directory = OwnDirectory(tmp_path)
    for name in ("w1", "w2"):
        directory.submit(plan(operation("a", ("x", "y"))), name)
    return directory


def test_lists_workflows_newest_first(engine: Engine, own: OwnDirectory) -> None:
    """Without their operations."""
    rows = engine.run("orch workflows", data_dir=own.path)
    assert [row["id"] for row in rows] == ["w2", "w1"]
    assert (rows[0]["created_at"][0], rows[0]["tasks"], rows[0]["stale"]) == ("Date", {"running": 2}, True)
    assert "operations" not in rows[0]


def test_without_workflows_the_table_is_empty(engine: Engine, tmp_path: Path) -> None:
    """And no error."""
    assert engine.run("orch workflows", data_dir=str(tmp_path)) == []


def test_shows_one_with_its_operations(engine: Engine, own: OwnDirectory) -> None:
    """Tables within the record, typed as the record is."""
    state = engine.run("orch workflow", "w1", data_dir=own.path)
    (shown,) = state["operations"]
    assert (state["id"], shown["id"], shown["started_at"][0]) == ("w1", "a", "Date")
    assert [item["item"] for item in shown["items"]] == ["x", "y"]


@pytest.mark.parametrize(("workflow", "code"), [("w9", "orch::not_found"), ("../w1", "orch::id::bad")])
def test_an_id_that_is_not_known_is_labelled(engine: Engine, own: OwnDirectory, workflow: str, code: str) -> None:
    """At the id, with the way to the right ones."""
    with pytest.raises(PluginError, match="Failed to read workflow: ") as told:
        engine.run("orch workflow", workflow, data_dir=own.path)
    assert (told.value.told["code"], told.value.told["labels"][0]["span"]) == (code, ARGUMENT)
    assert "orch workflows" in told.value.told["help"]


def test_lists_some_statuses_and_so_many(engine: Engine, own: OwnDirectory) -> None:
    """One word or several; a word that none can have is warned about."""
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    own.happen(AttemptExited("w1.a.local.y", 1, 0))

    def ids(**flags: object) -> list[str]:
        return [row["id"] for row in engine.run("orch workflows", data_dir=own.path, **flags)]

    assert ids(status="running") == ["w2"]
    assert ids(status=["running", "succeeded"]) == ["w2", "w1"]
    assert ids(limit=1) == ["w2"]
    assert ids(limit=0) == []
    assert ids(status="completed") == []
    for flags, label in (({"limit": -1}, "less than none"), ({"status": 3}, "not a status")):
        with pytest.raises(PluginError) as told:
            ids(**flags)
        assert told.value.told["labels"][0]["text"] == label


def test_shows_archived_ones_when_asked_for(engine: Engine, own: OwnDirectory) -> None:
    """With the path of their file."""
    for item in "xy":
        own.happen(AttemptExited(f"w1.a.local.{item}", 1, 0))
    path = own.archive("w1")
    assert [row["id"] for row in engine.run("orch workflows", data_dir=own.path)] == ["w2"]
    rows = engine.run("orch workflows", data_dir=own.path, all=...)
    assert [(row["id"], row.get("archived")) for row in rows] == [("w2", None), ("w1", path)]


def test_a_directory_that_is_not_there_is_told(engine: Engine, tmp_path: Path) -> None:
    """It was mistyped: an empty table would not say so."""
    with pytest.raises(PluginError, match="There is no data directory") as told:
        engine.run("orch workflows", data_dir=f"{tmp_path}/nowhere")
    assert told.value.told["labels"][0]["text"] == "this data directory"


def test_an_id_that_is_nearly_one_is_put_right(engine: Engine, own: OwnDirectory) -> None:
    """Close matches stand in the help."""
    own.submit(plan(operation("a")), "deploy-4k7q0d")
    with pytest.raises(PluginError) as told:
        engine.run("orch workflow", "deploy-4k7q", data_dir=own.path)
    assert "Did you mean deploy-4k7q0d?" in told.value.told["help"]
