"""Recorded durations: what counts, for whom, and how much is read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from orchestrator.engine.events import AttemptExited
from orchestrator.files.asking import history
from orchestrator.files.asking.history import read_history
from orchestrator.files.kinds import kind_of
from orchestrator.files.tables import index
from orchestrator.plan.ir import canonical
from orchestrator.store import project
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan, started

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ONE = plan(operation("a", ("x",)), operation("b", ("y",), ("a",)))


#: What the tasks here are, all with the same command.
CREATED = kind_of("create", "server", "local", "true")


def row(workflow: str, took: int | None, created: int = 0, **fields: object) -> dict[str, object]:
    """A task file's content; `created` is a minute of one day."""
    own: dict[str, object] = {
        "id": f"{workflow}.a.local.x",
        "status": "succeeded",
        "created_at": f"2026-01-01T{created // 60:02}:{created % 60:02}:00Z",
        "priority": 0,
        "workflow": workflow,
        "definition": "/d/other.k",
        "operation": "a",
        "type": "create",
        "target": "server",
        "item": "x",
        "provider": "local",
        "duration_ms": took,
    }
    own.update(fields)
    return own


def directory(path: Path, *rows: dict[str, Any]) -> str:
    """A directory that holds task files of these contents."""
    (path / "tasks").mkdir(parents=True)
    for one in rows:
        (path / "tasks" / f"{one['id']}.json").write_text(json.dumps(one), encoding="utf-8")
        folder = path / "workflows" / str(one["workflow"])
        folder.mkdir(parents=True, exist_ok=True)
        content = {"operations": [{"id": "a", "actions": {"local": {"command": "true"}}}]}
        (folder / "plan.json").write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def command_of(where: str, workflow: str, command: str, item: str | None = None) -> None:
    """The operation of `workflow` has a command of its own; of one `item`, if that is given."""
    own = {"command": command}
    told = {"actions": {"local": own}} if item is None else {"actions": {}, "item_actions": {item: own}}
    path = f"{where}/workflows/{workflow}/plan.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"operations": [{"id": "a", **told}]}, file)


def test_reads_what_a_daemon_wrote(tmp_path: Path) -> None:
    """Each event is a second after the one before: a ran for one, b is still running."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(ONE, "test-abcdef")
    own.happen(AttemptExited("test-abcdef.a.local.x", 1, 0))
    found = read_history(own.path, name="Test")
    assert found.durations_ms == {"a/local/x": 1000}
    assert found.kinds_ms == {CREATED: 1000}
    assert (found.workflows, found.tasks, found.complete) == (1, 1, True)
    assert read_history(own.path, definition="/d/w.k").durations_ms == {"a/local/x": 1000}
    assert read_history(own.path, name="other", definition="/d/x.k").durations_ms == {}


def test_the_median_of_successes_counts(tmp_path: Path) -> None:
    """Failures say nothing about how long success takes; of two the lower one is taken."""
    rows = [row(f"w-{number:06}", took) for number, took in enumerate([100, 900, 200, 300])]
    rows.append(row("w-failed", 5, status="failed"))
    rows.append(row("w-undone", 5, status="rolled_back"))
    rows.append(row("w-broken", None))
    rows.append(row("v-000000", 10_000))
    found = read_history(directory(tmp_path, *rows), name="w")
    assert found.durations_ms == {"a/local/x": 200}
    assert found.kinds_ms == {CREATED: 300}
    assert (found.workflows, found.tasks) == (4, 5)


def test_successes_that_were_undone_count(tmp_path: Path) -> None:
    """As long as it took to do them; what did not succeed, or does not tell, counts no more than before."""
    rows = [
        row("w-000001", 5, status="rolled_back", undo_attempts=1, done_ms=400),
        row("w-000002", 5, status="rollback_failed", undo_attempts=2, done_ms=500),
        row("w-000003", None, status="rolling_back", undo_attempts=1, done_ms=600),
        row("w-000004", 300, done_ms=300, undo_attempts=0),
        row("w-000005", 7, status="failed", undo_attempts=1, done_ms=7),
        row("w-000006", 7, status="rolled_back", undo_attempts=1, done_ms=None),
        row("w-000007", 7, status="rolled_back"),
    ]
    found = read_history(directory(tmp_path, *rows), name="w")
    assert (found.durations_ms, found.workflows, found.tasks) == ({"a/local/x": 400}, 4, 4)


def test_runs_that_were_all_rolled_back_are_known(tmp_path: Path) -> None:
    """From task files, from the index, from the archive: each event is a second after the one before."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a", undo="u"), operation("b", after=("a",), on_failure="rollback")), "test-abcdef")
    own.happen(AttemptExited("test-abcdef.a.local.x", 1, 0))
    own.happen(AttemptExited("test-abcdef.b.local.x", 1, 1))
    own.happen(started(epoch=2))
    own.happen(AttemptExited("test-abcdef.a.local.x", 2, 0))
    assert read_history(own.path, name="Test").durations_ms == {"a/local/x": 1000}
    own.archive("test-abcdef")
    assert read_history(own.path, name="Test").durations_ms == {"a/local/x": 1000}


def test_tasks_are_alike_only_if_they_run_the_same(tmp_path: Path) -> None:
    """Commands of their own are no measure for each other; where none is known, nothing is."""
    rows = [row(f"w-{number:06}", took) for number, took in enumerate([100, 5000, 7000, 9000])]
    where = directory(tmp_path, *rows)
    command_of(where, "w-000001", "backup")
    command_of(where, "w-000002", "restore", item="x")
    os.unlink(f"{where}/workflows/w-000003/plan.json")
    found = read_history(where, name="v")
    own = {kind_of("create", "server", "local", name): took for name, took in (("backup", 5000), ("restore", 7000))}
    assert found.kinds_ms == {CREATED: 100, **own}
    assert (found.tasks, found.of_name("w").kinds_ms) == (4, found.kinds_ms)


def test_the_newest_workflows_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are older than so many others are not looked at."""
    monkeypatch.setattr(history, "WORKFLOWS_MAX", 3)
    rows = [row(f"w-{number:06}", number, created=number) for number in range(10)]
    found = read_history(directory(tmp_path, *rows), definition="/d/other.k")
    assert (found.durations_ms, found.workflows, found.complete) == ({"a/local/x": 8}, 3, False)


def test_a_name_that_is_learnt_later_needs_no_second_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read says the same of that name as a reading by it, bounds included."""
    monkeypatch.setattr(history, "WORKFLOWS_MAX", 3)
    rows = [row(f"{name}-{number:06}", number, created=number) for number in range(10) for name in ("v", "w")]
    where = directory(tmp_path, *rows)
    found, expected = read_history(where, definition="/d/none.k").of_name("W"), read_history(where, name="w")
    assert (found.durations_ms, found.kinds_ms) == (expected.durations_ms, expected.kinds_ms)
    assert (found.durations_ms, found.workflows, found.complete) == ({"a/local/x": 8}, 3, False)
    assert read_history(where).of_name("u").workflows == 0


def test_a_large_directory_is_read_from_the_end_of_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the newest are; the task files themselves are not opened."""
    monkeypatch.setattr(history, "_TASK_FILES_MAX", 5)
    monkeypatch.setattr(history, "_ROWS", 4)
    monkeypatch.setattr(history, "WORKFLOWS_MAX", 3)
    rows = [row(f"w-{number:06}", number, created=number) for number in range(10)]
    where = directory(tmp_path, *rows)
    (tmp_path / "index").mkdir()
    encoded = index.encode([(str(one["status"]), json.dumps(one).encode()) for one in rows], 1, 1)
    (tmp_path / "index" / "tasks.jsonl").write_bytes(encoded)
    for one in rows:
        (tmp_path / "tasks" / f"{one['id']}.json").write_text("{", encoding="utf-8")
    found = read_history(where, name="w")
    assert (found.durations_ms, found.workflows, found.complete) == ({"a/local/x": 8}, 3, False)
    os.unlink(tmp_path / "index" / "tasks.jsonl")
    assert read_history(where, name="w").durations_ms == {}


def test_archived_workflows_count_behind_the_others(tmp_path: Path) -> None:
    """A line for the workflow, one for its plan, one for each task."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(ONE, "test-abcdef")
    own.happen(AttemptExited("test-abcdef.a.local.x", 1, 0))
    own.happen(AttemptExited("test-abcdef.b.local.y", 1, 0))
    workflow = own.world.workflows["test-abcdef"]
    entries = [
        {"entry": "workflow", **project.workflow_state(workflow)},
        {"entry": "plan", "plan": json.loads(canonical(ONE))},
    ]
    entries += [{"entry": "task", **project.task_row(task)} for one in workflow.operations for task in one.tasks]
    content = "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()
    other = tmp_path / "other"
    (other / "archive").mkdir(parents=True)
    (other / "archive" / "test-abcdef.jsonl").write_bytes(content)
    (other / "archive" / ".test-tmp.jsonl").write_bytes(content)
    (other / "archive" / "test-broken.jsonl").write_bytes(b"{\n{\n{\n")
    found = read_history(str(other), name="test")
    assert found.durations_ms == {"a/local/x": 1000, "b/local/y": 1000}
    assert found.workflows == 1
    assert found.kinds_ms == {CREATED: 1000}


def test_reading_stops_at_its_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, bytes of archives, and the length of what is told."""
    where = directory(tmp_path, row("w-000000", 5), row("w-000000", 6, id="w.2", item="long" * 100))
    monkeypatch.setattr(history, "NAMES_BYTES_MAX", 100)
    found = read_history(where, name="w")
    assert found.complete is False
    assert len(found.durations_ms) == 1
    monkeypatch.setattr(history, "TIME_MAX_S", 0.0)
    found = read_history(where, name="w")
    assert (found.durations_ms, found.complete) == ({}, False)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """Neither a missing directory nor rubbish is an error."""
    assert read_history(str(tmp_path / "none"), name="w").durations_ms == {}
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "a.json").write_text("rubbish", encoding="utf-8")
    (tmp_path / "archive").write_text("no folder", encoding="utf-8")
    found = read_history(str(tmp_path), name="w")
    assert (found.durations_ms, found.tasks, found.complete) == ({}, 0, True)
