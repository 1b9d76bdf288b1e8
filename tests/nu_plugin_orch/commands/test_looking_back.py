"""``orch at`` and ``orch diff``. That what they say is right is shown in tests/files and tests/integration."""

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


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A workflow that runs behind record 2, and has failed behind record 4."""
    directory = OwnDirectory(tmp_path / "d")
    directory.submit(plan(operation("a", ("x", "y"))), "w")
    directory.happen(AttemptExited("w.a.local.x", 1, 0))
    directory.happen(AttemptExited("w.a.local.y", 1, 7))
    return directory


def test_shows_a_record_of_counts_and_tables(engine: Engine, own: OwnDirectory) -> None:
    """Times are times."""
    state = engine.run("orch at", 3, data_dir=own.path)
    assert (state["seq"], state["cursor"], state["time"][0]) == (3, "1:3", "Date")
    assert (state["tasks_running"], state["tasks_completed"]) == (1, 1)
    assert [row["status"] for row in state["tasks"]] == ["succeeded", "running"]
    assert state["tasks"][0]["finished_at"][0] == "Date"
    assert [row["status"] for row in state["workflows"]] == ["running"]


@pytest.mark.parametrize(("moment", "seq"), [(0, 0), ("2", 2), ("1:2", 2), ("now", 4), ("1sec", 4), ("2000-01-01", 0)])
def test_a_moment_has_many_forms(engine: Engine, own: OwnDirectory, moment: object, seq: int) -> None:
    """Numbers and texts here; datetimes and durations are typed in a real Nushell (tests/nu)."""
    assert engine.run("orch at", moment, data_dir=own.path)["seq"] == seq


def test_tables_are_narrowed(engine: Engine, own: OwnDirectory) -> None:
    """By the flags of `orch tasks`."""
    state = engine.run("orch at", "now", data_dir=own.path, status=["failed", "running"], workflow="w", limit=5)
    assert [row["id"] for row in state["tasks"]] == ["w.a.local.y"]


@pytest.mark.parametrize("moment", ["soon", -3, 1.5, "9", "7:3"])
def test_a_moment_that_is_none_is_labelled(engine: Engine, own: OwnDirectory, moment: object) -> None:
    """On the word itself, with what would be one."""
    with pytest.raises(PluginError, match="Failed to look back: ") as told:
        engine.run("orch at", moment, data_dir=own.path)
    assert told.value.told["labels"][0]["span"] == ARGUMENT
    assert told.value.told["help"]


def test_who_may_have_meant_the_time_of_day_is_told_how_it_is_written(engine: Engine, own: OwnDirectory) -> None:
    """Two numbers are a cursor by their form, of which there is none here."""
    for moment in ("14:10", "14:3"):
        with pytest.raises(PluginError) as told:
            engine.run("orch at", moment, data_dir=own.path)
        hours, minutes = moment.split(":")
        assert f"'today {hours}:{minutes:0>2}'" in told.value.told["help"]
    assert engine.run("orch at", "14:10:00", data_dir=own.path)["seq"] == 4


def test_the_counts_stand_where_the_screen_ends(engine: Engine, own: OwnDirectory) -> None:
    """Behind the tables, which may be longer than it."""
    columns = list(engine.run("orch at", "now", data_dir=own.path))
    assert columns[:2] == ["tasks", "workflows"]
    assert columns[-4:] == ["tasks_pending", "tasks_running", "tasks_completed", "tasks_failed"]


def test_a_workflow_that_was_not_there_is_labelled(engine: Engine, own: OwnDirectory) -> None:
    """With near names where there is none at all."""
    own.submit(plan(operation("a")), "deploy-4k7q0d")
    with pytest.raises(PluginError, match="There is no workflow deploy in") as told:
        engine.run("orch at", "now", data_dir=own.path, workflow="deploy")
    assert told.value.told["labels"][0]["text"] == "not known here"
    assert "Did you mean deploy-4k7q0d?" in told.value.told["help"]
    with pytest.raises(PluginError, match=r"There was no workflow deploy-4k7q0d in .* at record 1") as told:
        engine.run("orch at", 1, data_dir=own.path, workflow="deploy-4k7q0d")
    assert told.value.told["labels"][0]["text"] == "not there then"


def test_shows_what_changed(engine: Engine, own: OwnDirectory) -> None:
    """Between two moments; without the second until now."""
    rows = engine.run("orch diff", 2, 3, data_dir=own.path)
    assert [(row["id"], row["change"], row["status"]) for row in rows] == [("w.a.local.x", "changed", "succeeded")]
    assert rows[0]["first_at"][0] == "Date"
    rows = engine.run("orch diff", 3, data_dir=own.path)
    assert [(row["kind"], row["id"], row["status"]) for row in rows] == [
        ("workflow", "w", "failed"),
        ("task", "w.a.local.y", "failed"),
    ]


@pytest.mark.parametrize(
    ("moments", "label"),
    [((9, 3), "not known"), ((2, 9), "not known"), ((4, 2), "before the first"), (("soon", 2), "not a moment")],
)
def test_moments_that_cannot_be_compared_are_labelled(
    engine: Engine, own: OwnDirectory, moments: tuple[object, object], label: str
) -> None:
    """Whichever of the two it is."""
    with pytest.raises(PluginError, match="Failed to compare: ") as told:
        engine.run("orch diff", *moments, data_dir=own.path)
    assert (told.value.told["labels"][0]["text"], told.value.told["labels"][0]["span"]) == (label, ARGUMENT)


def test_directories_without_a_past_are_told(engine: Engine, tmp_path: Path) -> None:
    """A foreign one, and one that is not there."""
    for command in ("orch at", "orch diff"):
        with pytest.raises(PluginError, match="has no journal"):
            engine.run(command, 1, data_dir=make_foreign(tmp_path))
        with pytest.raises(PluginError, match="There is no data directory"):
            engine.run(command, 1, data_dir=f"{tmp_path}/nowhere")
