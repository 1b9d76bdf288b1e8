"""The task table."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.events import AttemptExited
from orchestrator.files.state.tasks import read_tasks
from orchestrator.model.errors import FormatTooNew, TaskInvalid, TasksUnreadable, UsageError
from tests.files.test_document import FAULTS
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.users import unprivileged


def task(name: str, **fields: object) -> dict[str, object]:
    """A task in the oldest form."""
    return {**TASK, "id": name, **fields}


def ids(data_dir: str, **options: object) -> list[str]:
    """The ids of the rows, in their order."""
    rows, problems = read_tasks(data_dir, **options)  # type: ignore[arg-type]
    assert problems == []
    return [row["id"] for row in rows]


def test_reads_the_four_fields_of_the_oldest_form(tmp_path: Path) -> None:
    """A task file written by hand is a row (requirement R2-14)."""
    assert read_tasks(make_foreign(tmp_path, TASK)) == ([TASK], [])


def test_reads_ours_with_all_fields(tmp_path: Path) -> None:
    """The four first, then what else the file says, then whether somebody keeps it current."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a", ("x",)), operation("b", ("y",), ("a",))), "w")
    rows, _ = read_tasks(own.path)
    assert [row["id"] for row in rows] == ["w.a.local.x", "w.b.local.y"]
    assert list(rows[0])[:4] == ["id", "status", "created_at", "priority"]
    assert rows[0]["operation"] == "a"
    assert [(row["status"], row["stale"]) for row in rows] == [("running", True), ("pending", False)]
    lock = own.hold()
    assert [row["stale"] for row in read_tasks(own.path)[0]] == [False, False]
    lock.release()


def test_without_tasks_there_are_none(tmp_path: Path) -> None:
    """No folder of tasks is no error (requirement R2-17)."""
    assert read_tasks(str(tmp_path)) == ([], [])
    assert read_tasks(str(tmp_path / "nowhere")) == ([], [])


def test_reads_only_regular_json_files_directly_in_the_folder(tmp_path: Path) -> None:
    """Folders, links, FIFOs, temporary files and other extensions are passed over."""
    folder = make_foreign(tmp_path, TASK)
    tasks = tmp_path / "tasks"
    for name in (".task-002.json.tmp", ".hidden.json", "task-003.txt", "task-004.json.bak"):
        write(tasks / name, task(name))
    (tasks / "folder.json").mkdir()
    (tasks / "inside").mkdir()
    write(tasks / "inside" / "task-005.json", task("task-005"))
    os.symlink(tasks / "task-001.json", tasks / "link.json")
    os.mkfifo(tasks / "fifo.json")
    assert ids(folder) == ["task-001"]


def test_filters_by_exact_status(tmp_path: Path) -> None:
    """`Pending` is another word (ruling A-24)."""
    folder = make_foreign(tmp_path, task("a"), task("b", status="Pending"), task("c", status="failed"))
    assert ids(folder, statuses=["pending"]) == ["a"]
    assert ids(folder, statuses=["Pending", "failed"]) == ["b", "c"]
    assert ids(folder, statuses=[]) == []


def test_sorts_by_priority_then_by_instant_then_by_id(tmp_path: Path) -> None:
    """Times with different offsets are compared as instants, what is no time comes last (ruling A-25)."""
    folder = make_foreign(
        tmp_path,
        task("first", priority=9, created_at="2025-01-11T23:00:00Z"),
        task("c", created_at="2025-01-11T12:00:00+05:00"),
        task("b", created_at="2025-01-11T08:00:00Z"),
        task("a", created_at="2025-01-11T08:00:00.000Z"),
        task("no-zone", created_at="2025-01-01T00:00:00"),
        task("no-time", created_at=None),
        task("last", priority=-1, created_at="2024-01-11T23:00:00Z"),
    )
    assert ids(folder) == ["first", "c", "a", "b", "no-time", "no-zone", "last"]


TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given one
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.lists(st.tuples(st.integers(-1000, 1000), TIMES, OFFSETS), max_size=12))
def test_any_table_is_sorted(entries: list[tuple[int, datetime, timezone]]) -> None:
    """Whatever the priorities, times and offsets are."""
    tasks = [
        task(f"t{number:02}", priority=priority, created_at=moment.astimezone(offset).isoformat())
        for number, (priority, moment, offset) in enumerate(entries)
    ]
    expected = sorted(range(len(entries)), key=lambda n: (-entries[n][0], entries[n][1], n))
    with tempfile.TemporaryDirectory() as folder:
        assert ids(make_foreign(Path(folder), *tasks)) == [f"t{number:02}" for number in expected]


def test_the_limit_cuts_after_filter_and_sort(tmp_path: Path) -> None:
    """0 rows are none, more than there are is all (requirement R2-20)."""
    folder = make_foreign(tmp_path, task("a"), task("b", priority=9), task("c", priority=10, status="failed"))
    assert ids(folder, statuses=["pending"], limit=1) == ["b"]
    assert ids(folder, limit=0) == []
    assert ids(folder, limit=99) == ["c", "b", "a"]


def test_a_negative_limit_is_refused(tmp_path: Path) -> None:
    """It would not mean all (ruling A-26)."""
    with pytest.raises(UsageError, match="-1"):
        read_tasks(str(tmp_path), limit=-1)


def test_a_missing_priority_is_nought(tmp_path: Path) -> None:
    """As is one that is null (ruling A-50)."""
    folder = make_foreign(tmp_path, {"id": "a", "status": "pending"}, task("b", priority=None), task("c", priority=1))
    rows, _ = read_tasks(folder)
    assert [(row["id"], row["priority"]) for row in rows] == [("c", 1), ("b", 0), ("a", 0)]


@pytest.mark.fault("F14")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_file_does_not_hide_the_others(tmp_path: Path, fault: str) -> None:
    """It is left out, and a problem says which one and why (ruling A-23, requirement F14)."""
    folder = make_foreign(tmp_path, task("a"))
    content, message = FAULTS[fault]
    (tmp_path / "tasks" / "bad.json").write_bytes(content)
    rows, problems = read_tasks(folder)
    assert [row["id"] for row in rows] == ["a"]
    assert [problem["file"] for problem in problems] == [f"{folder}/tasks/bad.json"]
    assert message in problems[0]["message"]
    assert problems[0]["message"].startswith(f"Failed to parse task JSON {folder}/tasks/bad.json: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "`id` is not a string"),
        ({"id": 5}, "`id` is not a string"),
        ({"status": True}, "`status` is not a string"),
        ({"priority": "high"}, "`priority` is not an integer"),
        ({"priority": True}, "`priority` is not an integer"),
        ({"priority": 1.5}, "`priority` is not an integer"),
        ({"format": "3.0"}, "format 3.0"),
    ],
)
def test_a_file_that_is_no_task_is_a_problem(tmp_path: Path, change: dict[str, object], message: str) -> None:
    """JSON alone does not make a task."""
    folder = make_foreign(tmp_path, task("a"))
    write(tmp_path / "tasks" / "bad.json", {**task("bad"), **change})
    rows, problems = read_tasks(folder)
    assert [row["id"] for row in rows] == ["a"]
    assert message in problems[0]["message"]


def test_broken_files_are_rows_when_asked_for_or_alone(tmp_path: Path) -> None:
    """At the end, as corrupt; an empty table would look like no tasks at all (ruling A-23)."""
    folder = make_foreign(tmp_path)
    (tmp_path / "tasks" / "bad.json").write_text("{", encoding="utf-8")
    rows, _ = read_tasks(folder)
    assert [(row["id"], row["status"]) for row in rows] == [("bad", "corrupt")]
    write(tmp_path / "tasks" / "a.json", task("a", priority=-5))
    assert [row["id"] for row in read_tasks(folder)[0]] == ["a"]
    assert [row["id"] for row in read_tasks(folder, all_rows=True)[0]] == ["a", "bad"]
    assert [row["id"] for row in read_tasks(folder, all_rows=True, statuses=["corrupt"])[0]] == ["bad"]


def test_strict_reading_stops_at_the_first_problem(tmp_path: Path) -> None:
    """A half-listed queue may be worse than none (ruling A-23)."""
    folder = make_foreign(tmp_path, task("a"))
    write(tmp_path / "tasks" / "newer.json", {**task("n"), "format": "2.0"})
    with pytest.raises(FormatTooNew):
        read_tasks(folder, strict=True)
    write(tmp_path / "tasks" / "bad.json", "{")
    with pytest.raises(TaskInvalid, match="Failed to parse task JSON"):
        read_tasks(folder, strict=True)


def test_a_task_file_that_may_not_be_read_is_a_problem_with_a_remedy() -> None:
    """Told apart from one that is broken, by text and code (requirement R2-16)."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        make_foreign(Path(folder), task("a"), task("b"))
        os.chmod(f"{folder}/tasks/b.json", 0)
        with unprivileged():
            rows, problems = read_tasks(folder)
            with pytest.raises(TasksUnreadable, match="Failed to read task file"):
                read_tasks(folder, strict=True)
        assert [row["id"] for row in rows] == ["a"]
        assert problems[0]["code"] == "orch::tasks::unreadable"
        assert "mode 0000" in problems[0]["message"]
        assert "chmod" in problems[0]["help"]


def test_a_folder_of_tasks_that_may_not_be_read_is_an_error() -> None:
    """It is not a folder without tasks."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        make_foreign(Path(folder), task("a"))
        os.chmod(f"{folder}/tasks", 0)
        with unprivileged(), pytest.raises(TasksUnreadable, match="Failed to read the tasks folder"):
            read_tasks(folder)
        os.chmod(f"{folder}/tasks", 0o700)


def test_rows_follow_the_engine(tmp_path: Path) -> None:
    """What the journal records is what the table shows."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a", ("x", "y"))), "w")
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    own.happen(AttemptExited("w.a.local.y", 1, 3))
    rows, _ = read_tasks(own.path)
    assert [(row["item"], row["status"], row["exit_code"]) for row in rows] == [
        ("x", "succeeded", 0),
        ("y", "failed", 3),
    ]
    on_disk = json.loads((tmp_path / "d" / "tasks" / "w.a.local.y.json").read_bytes())
    assert {**on_disk, "stale": False} == rows[1]
