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

UNTIL_DONE = {"from": "0:0", "until-done": ...}
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


def test_a_workflow_that_is_not_there_is_told(engine: Engine, own: OwnDirectory) -> None:
    """With near names, before anybody waits; a foreign directory knows none."""
    with pytest.raises(PluginError, match="There is no workflow w3") as told:
        engine.run("orch watch", data_dir=own.path, workflow="w3")
    assert "`orchestrator workflows`" in told.value.told["help"]
    with pytest.raises(PluginError, match="There is no workflow w ") as told:
        engine.run("orch watch", data_dir=own.path, workflow="w")
    assert "Did you mean w1 or w2?" in told.value.told["help"]
    with pytest.raises(PluginError, match="is no workflow id"):
        engine.run("orch watch", data_dir=own.path, workflow="../w1")


def test_ends_with_the_workflow_that_is_watched(engine: Engine, own: OwnDirectory) -> None:
    """Whatever comes of others, and without a daemon: it is over."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, workflow="w1", **UNTIL_DONE))
    assert [engine.item(stream)["status"] for _ in range(5)][-1] == "running"
    for task in ("w1.a.local.x", "w1.a.local.y"):
        own.happen(AttemptExited(task, 1, 0))
    assert [engine.item(stream)["status"] for _ in range(4)] == ["succeeded", "running", "succeeded", "succeeded"]
    assert engine.ended(stream)
    with pytest.raises(PluginError, match="--until-done needs --workflow"):
        engine.run("orch watch", data_dir=own.path, **UNTIL_DONE)


def test_without_a_daemon_nobody_waits_for_ever(engine: Engine, own: OwnDirectory) -> None:
    """With --until-done: what was written before is told, then an error."""
    lock = own.hold()
    call = engine.start("orch watch", data_dir=own.path, workflow="w1", **UNTIL_DONE)
    stream = engine.stream(call)
    assert [engine.item(stream)["status"] for _ in range(5)][-1] == "running"
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    assert engine.item(stream)["status"] == "succeeded"
    lock.release()
    assert engine.item(stream)["task"] == "w1.a.local.y"
    kind, told = engine.item(stream)
    assert (kind, told["code"]) == ("Error", "orch::daemon::not_running")
    assert told["msg"].endswith(f"No daemon runs on {own.path}, and w1 is not over.")
    assert "orchestrator serve" in told["help"]
    assert engine.ended(stream)


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
