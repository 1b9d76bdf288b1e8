"""Tasks of the archive beside those that are live, also while a workflow is on its way from one to the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.engine.events import AttemptExited, WorkflowArchived
from orchestrator.files.layout import task_path
from orchestrator.files.tables.table import TaskTable
from orchestrator.files.tables.task_query import list_tasks
from orchestrator.files.tables.wanted import Wanted
from orchestrator.model.ids import file_stem
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

ITEMS = tuple(f"i{number}" for number in range(10))
IDS = [f"w1.a.local.{item}" for item in ITEMS]


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A workflow of ten tasks that is over."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a", ITEMS)), "w1")
    for task in IDS:
        own.happen(AttemptExited(task, 1, 0))
    return own


def everything(table: TaskTable) -> list[str]:
    """The ids that `--all` shows."""
    rows, problems = list_tasks(table, Wanted(), all_rows=True)
    assert problems == []
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("gone", [0, 3, 9, 10])
def test_files_that_go_one_by_one_take_no_row_with_them(own: OwnDirectory, gone: int) -> None:
    """The archive is whole before the first file goes."""
    own.seal("w1")
    own.happen(WorkflowArchived("w1"))
    for task in IDS[:gone]:
        Path(task_path(own.path, file_stem(task))).unlink()
    assert everything(TaskTable(own.path, use_index=False)) == IDS


def test_files_that_go_between_two_looks_are_no_second_rows(own: OwnDirectory) -> None:
    """Live tasks are read before archives."""

    class Slow(TaskTable):
        def rows(self, wanted: Wanted, limit: int | None = None) -> list[dict[str, object]]:
            found = super().rows(wanted, limit)
            own.archive("w1")
            return found

    assert everything(Slow(own.path, use_index=False)) == IDS
