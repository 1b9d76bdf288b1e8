"""The model of displays, and its text: right whatever is known first, and never larger than there is room."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited, PauseRequested
from orchestrator.files.displays.board import Board, WorkflowView
from orchestrator.files.displays.board_text import BoardText
from orchestrator.files.journal.changes import JournalChanges, follow
from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.terminal_text import clean, cut, elapsed, padded, width
from orchestrator.model.errors import NotFound, WorkflowUnreadable
from orchestrator.model.times import parse_rfc3339
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.files.displays.board_text import Line
    from orchestrator.files.rows import Row

STEPS = plan(operation("a", ("x", "y", "z")), operation("b", ("w",), ("a",)))
#: The moment of the record `seq` in a directory made for tests is 20 s + `seq` after this.
NOW_US = parse_rfc3339("2023-11-14T22:13:40.000000Z")


def exited(task: str, code: int = 0) -> AttemptExited:
    """The first attempt of a task ends."""
    return AttemptExited(task, 1, code)


def seen(view: WorkflowView) -> tuple[object, ...]:
    """What a display can show of a workflow, but for what only the journal or only the files tell."""
    operations = {
        node.id: (
            {status: count for status, count in node.counts.items() if count},
            node.total,
            node.started,
            node.finished,
        )
        for node in view.operations.values()
    }
    return (view.status, view.reason, view.started, view.finished, view.tasks, sorted(view.running), operations)


def caught_up(own: OwnDirectory, workflow: str | None = None) -> Board:
    """A board that begins now and takes all there is."""
    board = Board(own.path, workflow)
    cursor = board.load()
    changes = JournalChanges(JournalTail(own.path, cursor, from_start=cursor is None))
    while rows := changes.poll() or changes.moved:
        for row in rows if isinstance(rows, list) else ():
            board.take(row)
    changes.close()
    return board


def plain(lines: list[Line]) -> list[str]:
    """The text of lines."""
    return ["".join(text for text, _ in line) for line in lines]


def test_files_and_journal_tell_the_same(tmp_path: Path) -> None:
    """Whether a display begins before, amid or after what happens, at the end it shows the same."""
    own = OwnDirectory(tmp_path)
    early = Board(own.path)
    early.load()
    changes = follow(own.path)
    own.submit(STEPS, "w")
    boards = [caught_up(own)]
    for event in (exited("w.a.local.x"), exited("w.a.local.y"), exited("w.a.local.z"), exited("w.b.local.w", 3)):
        own.happen(event)
        boards.append(caught_up(own, "w"))
        for row in changes.poll():
            early.take(row)
        assert seen(early.views["w"]) == seen(boards[-1].views["w"])
    assert early.views["w"].is_over
    assert early.unfinished == []
    assert early.views["w"].operations["b"].fault == "w: exit code 3"


def test_files_that_are_late_are_caught_up(tmp_path: Path) -> None:
    """Each state says what it knows of; what came later is taken from the journal, and nothing twice."""
    own = OwnDirectory(tmp_path)
    own.submit(STEPS, "w")
    own.happen(exited("w.a.local.x"))
    path = tmp_path / "workflows" / "w" / "state.json"
    late = path.read_text(encoding="utf-8")
    own.submit(STEPS, "v")
    own.happen(exited("w.a.local.y"))
    path.write_text(late, encoding="utf-8")
    view = caught_up(own).views["w"]
    assert (view.done, view.total, sorted(view.running)) == (2, 4, ["w.a.local.z"])
    assert caught_up(own).views["v"].total == 4


def test_what_runs_already_is_known_since_when(tmp_path: Path) -> None:
    """From the files of the tasks."""
    own = OwnDirectory(tmp_path)
    own.submit(STEPS, "w")
    board = caught_up(own)
    assert board.views["w"].running["w.a.local.x"] == ("2023-11-14T22:13:22.000000Z", 1)


def test_a_workflow_that_is_over_is_no_news(tmp_path: Path) -> None:
    """It is not shown among the others, but by its name; one that is not there is told."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "old")
    own.happen(exited("old.a.local.x"))
    own.submit(STEPS, "w")
    assert list(caught_up(own).views) == ["w"]
    assert caught_up(own, "old").views["old"].is_over
    with pytest.raises(NotFound):
        Board(own.path, "nobody").load()


def test_a_state_that_is_none_is_told_or_left_out(tmp_path: Path) -> None:
    """By name it is an error; among others it is passed over."""
    own = OwnDirectory(tmp_path)
    own.submit(STEPS, "w")
    own.submit(STEPS, "v")
    path = tmp_path / "workflows" / "w" / "state.json"
    for wrong in ({"operations": 3}, {"operations": [{"id": 3}]}, {"seq": None}, {"operations": None}):
        state = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**state, **wrong}), encoding="utf-8")
        with pytest.raises(WorkflowUnreadable, match=r"state|parse"):
            Board(own.path, "w").load()
        board = Board(own.path)
        board.load()
        assert list(board.views) == ["v"]
        path.write_text(json.dumps(state), encoding="utf-8")


def test_text_of_one_workflow(tmp_path: Path) -> None:
    """Itself, each operation with its last fault, what runs and for how long."""
    own = OwnDirectory(tmp_path)
    own.submit(STEPS, "w")
    own.happen(exited("w.a.local.x", 3))
    board = caught_up(own, "w")
    shown = plain(BoardText(board, NOW_US, 100, 20).workflow(board.views["w"]))
    assert shown == [
        "w  running    ━━━━━━━━━━━━╍╍╍╍╍╍╍╍╍╍╍╍ 2/4  18s  2 running  1 failed  1 upstream_failed",
        "  a  ━━━━━━━━╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍╍ 1/3     18s  2 running  1 failed",
        "    exit code 3",
        "  b  ━━━━━━━━━━━━━━━━━━━━━━━━ 1/1          1 upstream_failed",
        "running",
        "     18s  a y",
        "     18s  a z",
    ]


def test_text_of_all_workflows(tmp_path: Path) -> None:
    """How many, each one, what runs, what happened last."""
    own = OwnDirectory(tmp_path)
    own.submit(STEPS, "w")
    own.submit(plan(operation("c")), "v")
    board = caught_up(own)
    own.happen(PauseRequested("w", "key-p", "tester"))
    own.happen(exited("v.c.local.x", 1))
    for row in _all_rows(own):
        board.take(row)
    shown = plain(BoardText(board, NOW_US, 100, 20).everything())
    assert shown[0] == "1 workflow: 1 paused"
    assert [line.split()[:2] for line in shown[1:3]] == [["v", "failed"], ["w", "paused"]]
    assert shown[3] == "running"
    assert shown[-1].split()[1:3] == ["failed", "v"]
    assert plain(BoardText(Board(own.path), NOW_US, 100, 20).everything()) == ["No workflow is under way."]


def _all_rows(own: OwnDirectory) -> list[Row]:
    changes = follow(own.path, from_start=True)
    rows = changes.poll()
    changes.close()
    return rows


@pytest.mark.parametrize("columns", [20, 33, 80, 200])
@pytest.mark.parametrize("lines", [1, 2, 5, 24])
def test_text_is_never_larger_than_there_is_room(tmp_path: Path, columns: int, lines: int) -> None:
    """With hundreds of operations and thousands of tasks; what is left out is counted."""
    own = OwnDirectory(tmp_path)
    board = Board(own.path)
    for name in range(40):
        view = board.views[f"workflow-{name}"] = WorkflowView(f"workflow-{name}", 0)
        view.status = "running"
        for number in range(100 if name else 5000):
            task = f"workflow-{name}.operation-{number % 60}.local.\x1b[2J資料-{number}"
            status = ("succeeded", "running", "pending", "failed")[number % 4]
            row = {"time": "2023-11-14T22:13:22.000000Z", "task": task, "status": status, "previous_status": None}
            view.take({**row, "attempt": 1, "reason": "a\nreason\x07", "workflow": f"workflow-{name}", "seq": 1})
    text = BoardText(board, NOW_US, columns, lines)
    for drawn in (text.everything(), text.workflow(board.views["workflow-0"])):
        assert 1 <= len(drawn) <= lines
        for line in plain(drawn):
            assert width(line) <= columns
            assert line.isprintable()
        if lines >= 5 and columns >= 33:
            assert any("more" in line for line in plain(drawn))


def test_text_for_a_terminal() -> None:
    """Clean, cut by cells, and durations as people say them."""
    assert clean("a\x1b[31m\n\tb\ud800") == "a\\x1b[31m\\n b\\ud800"
    assert (width("資料"), width("e\u0301")) == (4, 1)
    assert [cut("資料ab", room) for room in (6, 5, 4, 1, 0)] == ["資料ab", "資料…", "資…", "…", ""]
    assert padded("資", 4) == "資  "
    assert [elapsed(it) for it in (-1, 7.9, 65, 7500, 273_600)] == ["0s", "7s", "1m05s", "2h05m", "3d04h"]
