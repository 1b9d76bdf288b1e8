"""``orch watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path

IN_TURN = plan(operation("a", ("x", "y"), parallel=False))


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Two workflows of tasks that run one after another."""
    directory = OwnDirectory(tmp_path / "own")
    for name in ("w1", "w2"):
        directory.submit(IN_TURN, name)
    return directory


def watch(engine: Engine, own: OwnDirectory, count: int, **flags: object) -> list[dict[str, object]]:
    """The first `count` records from the beginning."""
    call = engine.start("orch watch", data_dir=own.path, **{"from": "0:0", **flags})
    stream = engine.stream(call)
    return [engine.item(stream) for _ in range(count)]


def test_tells_changes_of_status(engine: Engine, own: OwnDirectory) -> None:
    """With the time as a datetime; a mere reason is no change."""
    rows = watch(engine, own, 5)
    assert list(rows[0]) == ["time", "seq", "workflow", "task", "previous_status", "status", "attempt", "reason"]
    assert rows[0]["time"] == ("Date", "2023-11-14T22:13:22.000000Z")
    assert [(row["task"], row["status"]) for row in rows] == [
        (None, "queued"),
        ("w1.a.local.x", "pending"),
        ("w1.a.local.y", "pending"),
        (None, "running"),
        ("w1.a.local.x", "running"),
    ]


def test_tells_reasons_on_request(engine: Engine, own: OwnDirectory) -> None:
    """Why a task waits now."""
    assert [row["status"] for row in watch(engine, own, 4, reasons=...)] == ["queued", "pending", "pending", "pending"]


def test_follows_one_workflow(engine: Engine, own: OwnDirectory) -> None:
    """And passes over the others."""
    rows = watch(engine, own, 5, workflow="w2")
    assert {row["workflow"] for row in rows} == {"w2"}


def test_begins_now_without_a_cursor(engine: Engine, own: OwnDirectory) -> None:
    """What happened before is not told."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    assert engine.item(stream)["status"] == "succeeded"


@pytest.mark.parametrize("cursor", ["nonsense", "1:99"])
def test_a_cursor_that_is_none_is_labelled(engine: Engine, own: OwnDirectory, cursor: str) -> None:
    """Before anything is streamed."""
    with pytest.raises(PluginError, match="Failed to watch: ") as told:
        engine.run("orch watch", data_dir=own.path, **{"from": cursor})
    assert told.value.told["labels"][0]["span"] == ARGUMENT


def test_a_directory_that_cannot_be_watched_is_told(engine: Engine, tmp_path: Path) -> None:
    """A foreign one has no past, one that is not there has no future."""
    with pytest.raises(PluginError, match="no journal"):
        engine.run("orch watch", data_dir=make_foreign(tmp_path / "foreign"), **{"from": "0:0"})
    with pytest.raises(PluginError, match="no data directory"):
        engine.run("orch watch", data_dir=str(tmp_path / "nowhere"))
