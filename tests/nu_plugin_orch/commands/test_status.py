"""``orch status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.files.layout import FORMAT
from tests.support.engine import Engine, PluginError
from tests.support.foreign_directory import STATUS, make_foreign, write
from tests.support.own_directory import OwnDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_gives_the_four_fields_first_and_typed(engine: Engine, tmp_path: Path) -> None:
    """A datetime is one, a duration too (requirement R2-02, rulings A-21 and A-49)."""
    status = engine.run("orch status", data_dir=make_foreign(tmp_path))
    assert list(status) == [
        "running",
        "tasks_pending",
        "tasks_running",
        "last_check",
        "data_dir",
        "heartbeat_age",
        "stale",
    ]
    assert status["last_check"] == ("Date", "2025-01-11T10:30:00.000000Z")
    assert status["heartbeat_age"][0] == "Duration"


def test_gives_all_of_ours_in_order(engine: Engine, tmp_path: Path) -> None:
    """What people look for, then the rest of the file."""
    own = OwnDirectory(tmp_path)
    lock = own.hold()
    status = engine.run("orch status", data_dir=own.path)
    lock.release()
    assert list(status)[:10] == [
        "running",
        "tasks_pending",
        "tasks_running",
        "last_check",
        "tasks_completed",
        "tasks_failed",
        "data_dir",
        "version",
        "heartbeat_age",
        "stale",
    ]
    assert (status["running"], status["format"], status["epoch"], status["seq"]) == (True, FORMAT, 1, 1)


def test_never_says_that_a_dead_daemon_runs(engine: Engine, tmp_path: Path) -> None:
    """Whatever its file goes on saying (ruling A-48)."""
    status = engine.run("orch status", data_dir=OwnDirectory(tmp_path).path)
    assert (status["running"], status["stale"]) == (False, True)


@pytest.mark.parametrize(
    ("content", "message", "code"),
    [
        (None, "Failed to read status: Status file not found: ", "orch::status::not_found"),
        ("{", "Failed to read status: Failed to parse status JSON ", "orch::status::invalid"),
        ({**STATUS, "format": "7.0"}, "Failed to read status: ", "orch::format::too_new"),
    ],
)
def test_failures_say_what_failed_and_where(
    engine: Engine, tmp_path: Path, content: object, message: str, code: str
) -> None:
    """Each with its own text and code (requirements R2-15, R2-16, R2-21)."""
    if content is not None:
        write(tmp_path / "status.json", content)
    with pytest.raises(PluginError, match=message) as told:
        engine.run("orch status", data_dir=str(tmp_path))
    assert str(tmp_path) in told.value.told["msg"]
    assert told.value.told["code"] == code
    assert told.value.told["help"]
