"""``orch tasks``."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.tables.table import TaskTable
from tests.support.engine import ARGUMENT, HEAD, Engine, PluginError, frame, python, spans
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.many_tasks import make_directory
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from collections.abc import Callable


def test_gives_a_table_with_typed_columns(engine: Engine, tmp_path: Path) -> None:
    """The four fields of the oldest form (requirement R2-04)."""
    (row,) = engine.run("orch tasks", data_dir=make_foreign(tmp_path, TASK))
    assert row == {
        "id": "task-001",
        "status": "pending",
        "created_at": ("Date", "2025-01-11T10:00:00.000000Z"),
        "priority": 5,
    }


def test_gives_all_of_ours_but_the_format(engine: Engine, tmp_path: Path) -> None:
    """Null cells are empty, durations are durations; the version of the file is nobody's interest."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "w1")
    (row,) = engine.run("orch tasks", data_dir=own.path)
    assert (row["workflow"], row["attempt"], row["duration"], row["stale"]) == ("w1", 1, None, True)
    assert "format" not in row
    assert "duration_ms" not in row


def test_a_large_table_is_read_while_others_are_served(engine: Engine, tmp_path: Path) -> None:
    """Four thousand tasks, asked for before and answered after the status."""
    folder = make_foreign(tmp_path)
    for number in range(4000):
        name = f"{number:030}"
        (tmp_path / "tasks" / f"{name}.json").write_text(f'{{"id": "{name}", "status": "pending"}}', encoding="utf-8")
    call = engine.start("orch tasks", data_dir=folder)
    assert engine.run("orch status", data_dir=folder)["running"] is True
    rows = python(engine.response(call)["PipelineData"]["Value"][0])
    assert [int(row["id"]) for row in rows] == list(range(4000))


def test_no_tasks_are_an_empty_table(engine: Engine, tmp_path: Path) -> None:
    """And no error (requirement R2-17)."""
    assert engine.run("orch tasks", data_dir=str(tmp_path)) == []


def test_filters_and_cuts(engine: Engine, tmp_path: Path) -> None:
    """Both flags together: first the status, then the limit."""
    tasks = [{**TASK, "id": f"t{n}", "status": "failed" if n % 2 else "pending"} for n in range(6)]
    folder = make_foreign(tmp_path, *tasks)
    rows = engine.run("orch tasks", data_dir=folder, status="failed", limit=2)
    assert [row["id"] for row in rows] == ["t1", "t3"]
    assert engine.run("orch tasks", data_dir=folder, limit=0) == []


def test_a_negative_limit_is_labelled(engine: Engine, tmp_path: Path) -> None:
    """At the number (ruling A-26)."""
    with pytest.raises(PluginError, match="Failed to read tasks: A limit of -2") as told:
        engine.run("orch tasks", data_dir=str(tmp_path), limit=-2)
    assert told.value.told["labels"][0]["span"] == ARGUMENT


@pytest.mark.parametrize(
    ("status", "warning"),
    [
        ("completed", "the word here is `succeeded`"),
        ("canceled", "the word here is `cancelled`"),
        ("Failed", "the word here is `failed`"),
        ("wibble", "Statuses are pending, waiting_retry"),
    ],
)
def test_warns_of_a_status_that_no_task_can_have(
    engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str], status: str, warning: str
) -> None:
    """An empty table alone would look like good news (ruling A-24)."""
    assert engine.run("orch tasks", data_dir=make_foreign(tmp_path, TASK), status=status) == []
    assert warning in capfd.readouterr().err


def test_does_not_warn_of_words_that_a_foreign_directory_uses(
    engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor of an empty table of a known one."""
    folder = make_foreign(tmp_path, {**TASK, "status": "completed"})
    assert len(engine.run("orch tasks", data_dir=folder, status="completed")) == 1
    assert engine.run("orch tasks", data_dir=folder, status="failed") == []
    assert capfd.readouterr().err == ""


def test_warns_of_files_that_cannot_be_read(engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Once, however many there are (ruling A-23)."""
    folder = make_foreign(tmp_path, TASK)
    for number in range(3):
        write(tmp_path / "tasks" / f"bad{number}.json", "{")
    assert len(engine.run("orch tasks", data_dir=folder)) == 1
    (warning,) = capfd.readouterr().err.splitlines()
    assert warning.startswith("Warning: 3 task files cannot be read")
    assert "bad0.json" in warning
    assert [row["status"] for row in engine.run("orch tasks", data_dir=folder, all=...)] == ["pending"] + [
        "corrupt"
    ] * 3
    with pytest.raises(PluginError, match="Failed to read tasks: Failed to parse task JSON"):
        engine.run("orch tasks", data_dir=folder, strict=...)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory of ours with 200 tasks, three workflows and an index."""
    return make_directory(tmp_path_factory.mktemp("fleet") / "data", 200).path


def ids(rows: list[dict[str, Any]]) -> list[str]:
    """Of rows."""
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("flags", "matches"),
    [
        ({"status": ["failed", "running"]}, lambda row: row["status"] in ("failed", "running")),
        ({"status": "failed", "operation": "move-data"}, lambda row: row["status"] == "failed"),
        ({"workflow": "databases-9m2x1c"}, lambda row: row["workflow"] == "databases-9m2x1c"),
        ({"operation": "check-cluster"}, lambda row: row["operation"] == "check-cluster"),
        ({"item": "node-00003"}, lambda row: row["item"] == "node-00003"),
        ({"min_priority": 5, "max_priority": 5}, lambda row: row["priority"] == 5),
        ({"from": "2026-01-13"}, lambda row: row["created_at"] >= ("Date", "2026-01-13")),
        ({"from": "2026-01-12", "to": "2026-01-13"}, lambda row: row["created_at"] < ("Date", "2026-01-13")),
        ({"workflow": "w.k"}, lambda _: True),
        ({"workflow": "/d/w.k"}, lambda _: True),
    ],
)
def test_filters_as_where_does(
    engine: Engine,
    fleet: str,
    monkeypatch: pytest.MonkeyPatch,
    flags: dict[str, Any],
    matches: Callable[[dict[str, Any]], bool],
) -> None:
    """Each of them, by the index and by the files, with a limit and without (R2-09 to R2-12)."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    rows = engine.run("orch tasks", data_dir=fleet)
    expected = [row for row in rows if matches(row)]
    assert expected
    assert engine.run("orch tasks", data_dir=fleet, **flags) == expected
    assert engine.run("orch tasks", data_dir=fleet, **flags, limit=2) == expected[:2]
    assert engine.run("orch tasks", data_dir=fleet, **flags, no_cache=...) == expected


def test_shows_all_columns_if_asked(engine: Engine, fleet: str) -> None:
    """Every field of the file, and whether anybody looks after it; the columns of the short form among them."""
    (short,) = engine.run("orch tasks", data_dir=fleet, status="failed", limit=1)
    (long,) = engine.run("orch tasks", data_dir=fleet, status="failed", limit=1, long=...)
    fields = json.loads((Path(fleet) / "tasks" / f"{short['id']}.json").read_text(encoding="utf-8"))
    assert set(long) == {name.removesuffix("_ms") for name in fields} - {"format"} | {"stale"}
    assert short.items() <= long.items()


def test_tells_that_nobody_looks_after_what_runs(engine: Engine, fleet: str) -> None:
    """In a column of its own."""
    rows = engine.run("orch tasks", data_dir=fleet)
    assert {row["stale"] for row in rows if row["status"] == "running"} == {True}
    assert {row["stale"] for row in rows if row["status"] != "running"} == {False}


@pytest.mark.parametrize("column", ["duration", "started_at", "attempt", "id"])
def test_orders_by_a_column(engine: Engine, fleet: str, column: str) -> None:
    """What has no value there comes last, whichever way."""
    for reverse in ({}, {"reverse": ...}):
        rows = engine.run("orch tasks", data_dir=fleet, sort=column, long=..., **reverse)
        values = [row[column] for row in rows]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=bool(reverse))
        assert values == known + [None] * (len(values) - len(known))
    top = engine.run("orch tasks", data_dir=fleet, sort=column, reverse=..., limit=3)
    assert ids(top) == ids(rows)[:3]


@pytest.mark.parametrize(
    ("flags", "message", "label"),
    [
        ({"from": "soon"}, "'soon' is no moment", "not a moment"),
        ({"from": 5}, "kind int is no moment", "not a moment"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "--to is before --from", "before --from"),
        ({"min_priority": 2, "max_priority": 1}, "more than --max-priority", "less than --min-priority"),
        ({"workflow": "fleet-4k7q0"}, "There is no workflow fleet-4k7q0", "not known here"),
        ({"status": 5}, "takes a status or a list", "not a status"),
        ({"sort": "durations"}, "No task has a column durations", "not a column"),
    ],
)
def test_says_what_is_wrong_with_a_flag(
    engine: Engine, fleet: str, flags: dict[str, Any], message: str, label: str
) -> None:
    """At its value."""
    with pytest.raises(PluginError, match=message) as told:
        engine.run("orch tasks", data_dir=fleet, **flags)
    (labels,) = told.value.told["labels"]
    assert labels == {"text": label, "span": ARGUMENT}


def test_names_what_may_have_been_meant(engine: Engine, fleet: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A workflow that is near, an operation that is near."""
    with pytest.raises(PluginError) as told:
        engine.run("orch tasks", data_dir=fleet, workflow="fleet-4k7q0")
    assert "Did you mean fleet-4k7q0d?" in told.value.told["help"]
    assert engine.run("orch tasks", data_dir=fleet, operation="move-dat") == []
    assert "No task has operation `move-dat`. Did you mean move-data?" in capfd.readouterr().err


def test_shows_the_archive_with_all(engine: Engine, tmp_path: Path) -> None:
    """Beside what is live, in one order; and names it where somebody looks for it without."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a", ("x", "y"))), "old-000001")
    for item in "xy":
        own.happen(AttemptExited(f"old-000001.a.local.{item}", 1, 0))
    own.archive("old-000001")
    own.submit(plan(operation("a")), "new-000002")
    assert ids(engine.run("orch tasks", data_dir=own.path)) == ["new-000002.a.local.x"]
    everything = engine.run("orch tasks", data_dir=own.path, all=...)
    assert ids(everything) == ["old-000001.a.local.x", "old-000001.a.local.y", "new-000002.a.local.x"]
    assert len(engine.run("orch tasks", data_dir=own.path, all=..., workflow="old-000001")) == 2
    with pytest.raises(PluginError) as told:
        engine.run("orch tasks", data_dir=own.path, workflow="old-000001")
    assert told.value.told["msg"].endswith("old-000001 is archived, and its tasks with it.")
    assert told.value.told["help"] == "`orch tasks --all --workflow old-000001` shows its tasks."


def test_very_many_come_as_a_stream(engine: Engine, fleet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows; who has enough of them says so, and the next call finds everything in order."""
    rows = engine.run("orch tasks", data_dir=fleet)
    monkeypatch.setattr("nu_plugin_orch.commands.tasks.STREAM_FROM", 150)
    stream = engine.stream(engine.start("orch tasks", data_dir=fleet))
    assert [engine.item(stream) for _ in range(len(rows))] == rows
    assert engine.ended(stream)
    stream = engine.stream(engine.start("orch tasks", data_dir=fleet))
    assert [engine.item(stream) for _ in range(3)] == rows[:3]
    engine.send(frame({"Drop": stream}))
    assert engine.ended(stream)
    assert engine.run("orch tasks", data_dir=fleet, limit=2) == rows[:2]


def test_the_values_point_at_the_call(engine: Engine, fleet: str) -> None:
    """Rows are kept between calls; their spans are those of the call at hand."""
    for _ in range(2):
        answer = engine.response(engine.start("orch tasks", data_dir=fleet, limit=3))
        assert spans(answer["PipelineData"]["Value"][0]) == {(HEAD["start"], HEAD["end"])}


def test_others_are_served_while_a_workflow_is_looked_up(
    engine: Engine, fleet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first call, too, which knows nothing of the table yet."""
    asked, may_go_on = threading.Event(), threading.Event()
    definitions = TaskTable.definitions

    def slow(table: TaskTable) -> dict[str, str]:
        asked.set()
        assert may_go_on.wait(20)
        return definitions(table)

    monkeypatch.setattr("nu_plugin_orch.readers.tables._tables", {})
    monkeypatch.setattr(TaskTable, "definitions", slow)
    call = engine.start("orch tasks", data_dir=fleet, workflow="databases-9m2x1c")
    assert "running" in engine.run("orch status", data_dir=fleet)  # the engine is asked for the folder meanwhile
    assert asked.wait(20)
    assert "running" in engine.run("orch status", data_dir=fleet)
    may_go_on.set()
    assert len(python(engine.response(call)["PipelineData"]["Value"][0])) == 60
