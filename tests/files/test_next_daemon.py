"""Waiting for the next daemon."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from orchestrator.files.state import next_daemon
from orchestrator.files.state.next_daemon import NextDaemon
from orchestrator.model.times import rfc3339
from tests.support.own_directory import OwnDirectory


@pytest.fixture(autouse=True)
def _looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_daemon, "LOOK_S", 0.0)


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Its last daemon was there long ago."""
    return OwnDirectory(tmp_path / "it's data")


def beat(own: OwnDirectory, age_s: float) -> None:
    """The last daemon said so long ago that it was there."""
    path = Path(own.path, "status.json")
    when = time.time_ns() // 1000 - int(age_s * 1_000_000)
    path.write_text(json.dumps({**json.loads(path.read_text()), "last_check": rfc3339(when)}))


def test_one_that_went_long_ago_is_not_waited_for(own: OwnDirectory) -> None:
    """What to do then is told, with both commands ready to be copied."""
    waiting = NextDaemon(own.path, "w", "batch monitor w")
    assert waiting.is_given_up()
    error = waiting.failure()
    assert error.message == f"No daemon runs on {own.path}, and w is not over."
    quoted = own.path.replace("'", "'\"'\"'")
    assert error.help == (
        f"To see it again: batch monitor w. It goes on with the next daemon: orchestrator serve --data-dir '{quoted}'"
    )


def test_one_that_was_seen_is_waited_for(own: OwnDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """From when it was seen last, each time anew; that is told once each time."""
    told: list[str] = []
    waiting = NextDaemon(own.path, "w", "batch monitor w", told.append)
    for lives in (1, 2):
        lock = own.hold()
        assert not waiting.is_given_up()
        lock.release()
        assert not waiting.is_given_up()
        assert not waiting.is_given_up()
        assert told == ["the daemon is gone; w goes on with the next one, which is waited for."] * lives
    monkeypatch.setattr(next_daemon, "WAIT_S", 0.0)
    assert waiting.is_given_up()


def test_one_that_was_there_just_now_is_waited_for(own: OwnDirectory) -> None:
    """Also by who never saw it: its last sign of life tells. One of before ten seconds does not count."""
    beat(own, 3.0)
    assert not NextDaemon(own.path, "w", "").is_given_up()
    beat(own, 11.0)
    assert NextDaemon(own.path, "w", "").is_given_up()
    Path(own.path, "status.json").write_text("{")
    assert NextDaemon(own.path, "w", "").is_given_up()


def test_one_that_came_and_went_between_two_looks_counts(own: OwnDirectory) -> None:
    """The time begins anew with its last sign of life."""
    waiting = NextDaemon(own.path, "w", "")
    waiting._seen_s = time.monotonic() - 60
    beat(own, 1.0)
    assert not waiting.is_given_up()


def test_nobody_looks_all_the_time(own: OwnDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the next look is due it is not given up."""
    monkeypatch.setattr(next_daemon, "LOOK_S", 3600.0)
    assert not NextDaemon(own.path, "w", "").is_given_up()
