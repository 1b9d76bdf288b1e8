"""Which changes are wanted, where they begin, and signs of life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.displays.watching import Watching
from orchestrator.files.journal.change_filter import STATUSES, ChangeFilter
from orchestrator.files.journal.changes import follow
from orchestrator.files.journal.since import Beginning, cursor_behind
from orchestrator.files.state.known_task import require_task
from orchestrator.files.state.status_words import told_of
from orchestrator.model.errors import BadId, CursorLost, NotFound, UsageError
from orchestrator.model.times import parse_rfc3339
from tests.support.foreign_directory import TASK, make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.files.rows import Row


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Three lives; in each a workflow of two tasks: seq 1 to 3, 4 to 6, 7 to 9, a second apart."""
    directory = OwnDirectory(tmp_path / "own")
    for number in range(3):
        if number:
            directory.next_life()
        directory.submit(plan(operation("a"), operation("b", after=("a",))), f"w{number}")
        directory.happen(AttemptExited(f"w{number}.a.local.x", 1, number % 2))
    return directory


def rows_of(directory: str, **how: object) -> list[Row]:
    """All rows that are there."""
    changes = follow(directory, **how)  # type: ignore[arg-type]
    found: list[Row] = []
    while (rows := changes.poll()) or changes.moved:
        found += rows
    changes.close()
    return found


def test_every_cursor_is_the_place_behind_its_row(own: OwnDirectory) -> None:
    """What is followed from there is exactly what comes after: at every row of every record, of every life."""
    everything = rows_of(own.path, from_start=True)
    for number, row in enumerate(everything, 1):
        assert rows_of(own.path, cursor=row["cursor"]) == everything[number:]
    assert len({row["cursor"] for row in everything}) == len(everything)
    last = [row["cursor"] for row in everything if "." not in row["cursor"]]
    assert last == ["1:2", "1:3", "2:5", "2:6", "3:8", "3:9"]


@pytest.mark.parametrize("cursor", ["1:2.", "1:2.x", "1.2", "1:0.1", "1:2.1.1", ":2.1"])
def test_what_is_no_cursor_is_refused(own: OwnDirectory, cursor: str) -> None:
    """As other words are."""
    with pytest.raises(UsageError, match="is no cursor"):
        follow(own.path, cursor)


def test_a_cursor_amid_a_record_that_is_gone_is_lost(own: OwnDirectory, tmp_path: Path) -> None:
    """Removed with its segment, or taken back: another record stands in its place."""
    for lost in ("1:5.1", "3:99.1"):
        with pytest.raises(CursorLost):
            follow(own.path, lost)
    (tmp_path / "own" / "journal" / "000001.jsonl").unlink()
    with pytest.raises(CursorLost, match="oldest record that is kept is 4") as told:
        follow(own.path, "1:2.1")
    assert rows_of(own.path, cursor=told.value.resume)[0]["seq"] == 5


def test_since_begins_with_the_first_record_of_that_time(own: OwnDirectory) -> None:
    """Or of later, in whichever segment; before everything it is everything, behind everything nothing."""
    everything = rows_of(own.path, from_start=True)
    for row in everything:
        moment = parse_rfc3339(row["time"])
        first = next(index for index, other in enumerate(everything) if other["time"] >= row["time"])
        assert rows_of(own.path, since_us=moment) == everything[first:]
        after = [other for other in everything if other["time"] > row["time"]]
        assert rows_of(own.path, since_us=moment + 1) == after
    assert rows_of(own.path, since_us=-1) == everything
    assert follow(own.path, since_us=0).oldest is None


def test_since_before_the_oldest_record_says_so(own: OwnDirectory, tmp_path: Path) -> None:
    """What is gone cannot be told."""
    (tmp_path / "own" / "journal" / "000001.jsonl").unlink()
    changes = follow(own.path, since_us=0)
    assert changes.oldest == "2023-11-14T22:13:24.000000Z"
    assert changes.poll()[0]["seq"] == 5


def test_since_without_a_journal(tmp_path: Path) -> None:
    """An empty one has all its future before it; a foreign directory has none."""
    own = OwnDirectory(tmp_path / "own")
    (tmp_path / "own" / "journal" / "000001.jsonl").write_bytes(b"\n" * 100)
    assert Beginning(own.path, "2020").cursor is None
    assert cursor_behind(own.path, 7) is None
    assert rows_of(own.path, since_us=0) == []
    with pytest.raises(UsageError, match="no journal"):
        follow(make_foreign(tmp_path / "foreign", TASK), since_us=0)


def test_behind_a_record(own: OwnDirectory, tmp_path: Path) -> None:
    """A cursor for a seq alone, of the right life; before the oldest that is kept where it is gone."""
    assert [cursor_behind(own.path, seq) for seq in (0, 1, 3, 4, 6, 9)] == ["1:0", "1:1", "2:3", "2:4", "3:6", "3:9"]
    for seq in range(10):
        found = rows_of(own.path, cursor=cursor_behind(own.path, seq))
        assert not found or found[0]["seq"] > seq
    (tmp_path / "own" / "journal" / "000001.jsonl").unlink()
    assert cursor_behind(own.path, 1) == "2:3"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, bool),
        ({"workflows": ["w1", "w2"]}, lambda row: row["workflow"] in ("w1", "w2")),
        ({"operations": ["b"]}, lambda row: ".b." in (row["task"] or "")),
        ({"items": ["x"], "operations": ["a"]}, lambda row: ".a.local.x" in (row["task"] or "")),
        ({"statuses": ["failed", "succeeded"]}, lambda row: row["status"] in ("failed", "succeeded")),
        ({"tasks": ["w0.a.local.x"]}, lambda row: row["task"] == "w0.a.local.x"),
    ],
)
def test_rows_are_chosen(own: OwnDirectory, wanted: dict[str, Any], expected: Any) -> None:
    """By what they are about; a mere reason only when it is asked for."""
    everything = rows_of(own.path, from_start=True)
    chosen = [row for row in everything if expected(row)]
    assert chosen
    with_reasons = ChangeFilter(reasons=True, **wanted)
    assert [row for row in everything if with_reasons(row)] == chosen
    without = ChangeFilter(**wanted)
    changed = [row for row in chosen if row["status"] != row["previous_status"]]
    assert [row for row in everything if without(row)] == changed


def test_unknown_statuses_are_told() -> None:
    """With the word that is meant, or all there are."""
    assert told_of(("failed", "queued", "paused"), "task or workflow", STATUSES) == []
    assert "the word here is `succeeded`" in told_of(["Completed"], "task or workflow", STATUSES)[0]
    for words in ("failed,running", "failed, running", "failed running"):
        (told,) = told_of([words], "task", STATUSES)
        assert "--status [failed running], and elsewhere --status failed --status running." in told
    assert "Statuses are pending," in told_of(["failed,runing"], "task", STATUSES)[0]
    assert "Statuses are pending," in told_of(["done"], "task or workflow", STATUSES)[0]


def test_a_task_that_is_not_there_is_told(own: OwnDirectory, tmp_path: Path) -> None:
    """Nobody waits for it for ever; in a foreign directory nobody can say."""
    require_task(own.path, "w0.a.local.x")
    with pytest.raises(NotFound, match=r"There is no task w0\.a\.local\.xx") as told:
        require_task(own.path, "w0.a.local.xx")
    assert "Did you mean w0.a.local.x" in told.value.help
    with pytest.raises(NotFound, match="There is no workflow w9"):
        require_task(own.path, "w9.a.local.x")
    with pytest.raises(BadId):
        require_task(own.path, "../w0.a")
    require_task(make_foreign(tmp_path / "foreign", TASK), "whatever")


def test_a_heartbeat_comes_when_nothing_else_does(own: OwnDirectory, tmp_path: Path) -> None:
    """Not sooner; with a cursor behind what the filter kept away, and the truth about the daemon."""
    changes = follow(own.path)
    quiet = ChangeFilter(statuses=["rolled_back"])
    assert Watching(changes, changes, quiet, own.path, 3600.0).poll() == []
    watching = Watching(changes, changes, quiet, own.path, 0.0)
    own.submit(plan(operation("a")), "w3")
    (beat,) = watching.poll()
    assert (beat["status"], beat["task"], beat["seq"], beat["cursor"], beat["daemon"]) == (
        None,
        None,
        10,
        "3:10",
        False,
    )
    lock = own.hold()
    assert watching.poll()[0]["daemon"] is True
    lock.release()
    changes = follow(own.path, "0:0")
    rows = Watching(changes, changes, ChangeFilter(), own.path, 60.0).poll()
    assert {row["daemon"] for row in rows} == {None}
    foreign = make_foreign(tmp_path / "foreign", TASK)
    folder = follow(foreign)
    (beat,) = Watching(folder, folder, quiet, foreign, 0.0).poll()
    assert (beat["seq"], beat["cursor"], beat["daemon"]) == (None, None, True)
