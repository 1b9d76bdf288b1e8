"""``orch workflows`` and ``orch workflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
