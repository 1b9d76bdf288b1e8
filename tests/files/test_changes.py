"""Changes of a data directory as rows, whoever writes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.journal.changes import follow
from orchestrator.model.errors import NotFound, UsageError
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path


def told(rows: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    """(task, previous status, status) of each row."""
    return [(row["task"], row["previous_status"], row["status"]) for row in rows]


def test_ours_is_followed_by_its_journal(tmp_path: Path) -> None:
    """From now on, or from a cursor."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "w")
    changes = follow(own.path)
    assert changes.poll() == []
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    assert told(changes.poll()) == [("w.a.local.x", "running", "succeeded"), (None, "running", "succeeded")]
    assert len(follow(own.path, "1:1").poll()) == 6
    assert len(follow(own.path, from_start=True).poll()) == 6
    changes.close()


def test_ours_is_asked_less_often_while_nothing_happens(tmp_path: Path) -> None:
    """A millisecond apart when something does, six when nothing has for a while."""
    own = OwnDirectory(tmp_path)
    changes = follow(own.path)
    pauses = [changes.pause_s for _ in range(200) if not changes.poll()]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == pytest.approx((0.001, 0.006), rel=0.05)
    own.submit(plan(operation("a")), "w")
    assert changes.poll()
    assert changes.pause_s == pytest.approx(0.001)


def test_a_foreign_directory_is_looked_through(tmp_path: Path) -> None:
    """What was there before is no change; a new task and a changed status are, another field is not."""
    folder = make_foreign(tmp_path, TASK)
    changes = follow(folder)
    assert changes.poll() == []
    tasks = tmp_path / "tasks"
    write(tasks / "task-002.json", {**TASK, "id": "task-002", "status": "running"})
    assert told(changes.poll()) == [("task-002", None, "running")]
    write(tasks / "task-001.json", {**TASK, "status": "running"})
    write(tasks / "task-002.json", {**TASK, "id": "task-002", "status": "running", "priority": 9})
    assert told(changes.poll()) == [("task-001", "pending", "running")]
    assert changes.poll() == []


def test_a_foreign_row_has_the_columns_of_ours(tmp_path: Path) -> None:
    """With a time, and without a place in a journal."""
    folder = make_foreign(tmp_path)
    changes = follow(folder)
    write(tmp_path / "tasks" / "task-001.json", {**TASK, "reason": "why not"})
    os.utime(tmp_path / "tasks" / "task-001.json", ns=(0, 1_736_590_000_000_000_000))
    (row,) = changes.poll()
    assert list(row) == ["time", "seq", "workflow", "task", "previous_status", "status", "attempt", "reason", "cursor"]
    assert (row["time"], row["seq"], row["reason"]) == ("2025-01-11T10:06:40.000000Z", None, "why not")


def test_a_foreign_file_is_left_out_until_it_can_be_read(tmp_path: Path) -> None:
    """Half a file, written in place, is no change; the whole one is."""
    folder = make_foreign(tmp_path, TASK)
    changes = follow(folder)
    path = tmp_path / "tasks" / "task-001.json"
    path.write_text('{"id": "task-001", "sta', encoding="utf-8")
    assert changes.poll() == []
    path.write_text('{"id": "task-001", "status": "failed"}', encoding="utf-8")
    assert told(changes.poll()) == [("task-001", "pending", "failed")]


def test_a_foreign_task_that_was_removed_and_comes_again_is_new(tmp_path: Path) -> None:
    """Nothing is told of its removal."""
    folder = make_foreign(tmp_path, TASK)
    changes = follow(folder)
    (tmp_path / "tasks" / "task-001.json").unlink()
    assert changes.poll() == []
    write(tmp_path / "tasks" / "task-001.json", TASK)
    assert told(changes.poll()) == [("task-001", None, "pending")]


def test_an_empty_directory_may_become_a_daemons(tmp_path: Path) -> None:
    """Whoever began to watch before the daemon did misses nothing, and can go on from where it stopped."""
    changes = follow(str(tmp_path))
    assert changes.poll() == []
    heard: list[tuple[str, str]] = []
    changes.heard = lambda workflow, definition: heard.append((workflow, definition))
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "w1")
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    rows = [row for _ in range(3) for row in changes.poll()]
    assert [(row["task"], row["previous_status"], row["status"]) for row in rows if row["task"]] == [
        ("w1.a.local.x", None, "pending"),
        ("w1.a.local.x", "pending", "running"),
        ("w1.a.local.x", "running", "succeeded"),
    ]
    assert [workflow for workflow, _ in heard] == ["w1"]
    assert (changes.seq, changes.cursor) == (3, "1:3")
    changes.close()


def test_a_foreign_directory_may_get_its_tasks_later(tmp_path: Path) -> None:
    """No folder of tasks is a folder without tasks."""
    changes = follow(str(tmp_path))
    assert changes.poll() == []
    make_foreign(tmp_path, TASK)
    assert told(changes.poll()) == [("task-001", None, "pending")]


def test_a_large_foreign_directory_is_looked_through_less_often(tmp_path: Path) -> None:
    """A look takes a tenth of the time at most."""
    changes = follow(make_foreign(tmp_path))
    assert changes.pause_s == pytest.approx(0.05)
    folder = tmp_path / "tasks"
    for number in range(2000):
        (folder / f"{number}.json").write_text("{}", encoding="utf-8")
    changes.poll()
    assert changes.pause_s > 0.06


def test_a_foreign_directory_has_no_cursors(tmp_path: Path) -> None:
    """Nobody wrote down what happened before."""
    folder = make_foreign(tmp_path)
    with pytest.raises(UsageError, match="no journal"):
        follow(folder, "1:5")
    with pytest.raises(UsageError, match="no journal"):
        follow(folder, from_start=True)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Following it would wait for ever."""
    with pytest.raises(NotFound, match="no data directory"):
        follow(str(tmp_path / "nowhere"))
