"""A table of tasks that stays current: by the index and the journal it says what the files say, whatever happens."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited, PauseRequested, ResumeRequested
from orchestrator.files.patience import TakesLonger
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.tables.index import BadIndex, index_path
from orchestrator.files.tables.table import TaskTable
from orchestrator.files.tables.wanted import Wanted
from orchestrator.model.errors import FormatTooNew, TasksUnreadable
from orchestrator.model.states import TASK_STATUSES, WORKFLOW_FINAL
from orchestrator.plan.ir import RetryPolicy
from orchestrator.store import project
from orchestrator.store.index import TasksIndex
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import at, operation, plan
from tests.support.users import unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable

#: Items with texts that JSON escapes, and that look like parts of a row.
ITEMS = ("alpha", 'be"ta', "ga\\mma", "dé", '"operation": "b"', "tab\there")


class Life:
    """A directory in which things happen by chance; the index is written now and then, as the daemon does."""

    def __init__(self, path: Path, seed: int) -> None:
        self.own = OwnDirectory(path)
        self.chance = random.Random(seed)
        self.submitted = 0

    def go_on(self) -> None:
        """Something happens."""
        choices: list[Callable[[], None]] = [self.submit, self.end, self.end, self.end, self.write_index]
        self.chance.choice([*choices, self.archive, self.restart, self.rotate, self.pause, self.resume])()

    def submit(self) -> None:
        self.submitted += 1
        items = tuple(self.chance.sample(ITEMS, self.chance.randint(1, 4)))
        priority = self.chance.choice([0, 0, 5, -3])
        retry = RetryPolicy(max_attempts=2, initial_delay=500)
        first = operation("a", items, on_failure="continue", priority=self.chance.choice([0, 2]), retry=retry)
        what = plan(first, operation("b", items[:1], ("a",)), priority=priority)
        self.own.submit(what, f"{self.chance.choice(['w', 'ab', 'zz'])}-{self.submitted:06}")

    def end(self) -> None:
        running = [task for task in self.own.world.tasks.values() if task.status == "running"]
        if running:
            task = self.chance.choice(running)
            self.own.happen(AttemptExited(task.id, task.attempt, self.chance.choice([0, 0, 1])))

    def archive(self) -> None:
        over = [it for it in self.own.world.workflows.values() if it.status in WORKFLOW_FINAL]
        if over:
            self.own.archive(over[0].id)

    def pause(self) -> None:
        for workflow in self.own.world.workflows.values():
            if workflow.status == "running":
                self.own.happen(PauseRequested(workflow.id, f"pause-{self.own.world.seq}", "tester"))
                return

    def resume(self) -> None:
        for workflow in self.own.world.workflows.values():
            if workflow.status == "paused":
                self.own.happen(ResumeRequested(workflow.id, f"resume-{self.own.world.seq}", "tester"))
                return

    def restart(self) -> None:
        self.own.next_life()

    def rotate(self) -> None:
        if self.chance.random() < 0.3:
            self.own.rotate()

    def write_index(self) -> None:
        index = TasksIndex(self.own.disk, self.own.path)
        for task in self.own.world.tasks.values():
            index.note(*project.task_file(task))
        index.write(self.own.world.epoch, self.own.world.seq, 0)

    def wanted(self) -> Wanted:
        """Something that somebody may ask for."""
        chance = self.chance
        filters: dict[str, Any] = {
            "statuses": chance.sample([*TASK_STATUSES, "odd"], chance.randint(1, 3)),
            "workflows": chance.sample(sorted([*self.own.world.workflows, "no-000000"]), 1),
            "operation": chance.choice("ab"),
            "item": chance.choice([*ITEMS, "no"]),
            "since_us": at(chance.randint(0, 40)).wall_us,
            "until_us": at(chance.randint(0, 60)).wall_us,
            "priority_min": chance.randint(-4, 4),
            "priority_max": chance.randint(-2, 8),
        }
        return Wanted(**dict(chance.sample(sorted(filters.items()), chance.randint(0, 3))))


@pytest.mark.parametrize("seed", range(8))
def test_says_what_the_files_say(tmp_path: Path, seed: int) -> None:
    """Whatever happens between two questions: submissions, ends, restarts, archiving, new segments, a new index."""
    life = Life(tmp_path / "data", seed)
    table = TaskTable(life.own.path)
    for _ in range(40):
        for _ in range(life.chance.randint(1, 4)):
            life.go_on()
        by_files = TaskTable(life.own.path, use_index=False)
        rows = table.rows(Wanted())
        assert rows == by_files.rows(Wanted())
        assert rows == read_tasks(life.own.path)[0]
        assert table.statuses() == by_files.statuses()
        for _ in range(4):
            wanted, limit = life.wanted(), life.chance.choice([None, None, 0, 1, 3])
            assert table.rows(wanted, limit) == by_files.rows(wanted, limit), wanted.names
        assert table.definitions() == by_files.definitions()


@pytest.fixture
def life(tmp_path: Path) -> Life:
    """A directory with two workflows and an index that is complete."""
    found = Life(tmp_path / "data", 7)
    found.submit()
    found.submit()
    found.write_index()
    return found


def test_reads_the_files_of_what_has_changed_and_no_others(life: Life) -> None:
    """A file that was changed by hand is not looked at; with `use_index` off it is."""
    table = TaskTable(life.own.path)
    table.rows(Wanted())
    task = next(task for task in life.own.world.tasks.values() if task.status == "running")
    other = next(one for one in life.own.world.tasks.values() if one is not task)
    path = Path(life.own.path) / project.task_file(other)[0]
    path.write_text(path.read_text(encoding="utf-8").replace(f'"{other.status}"', '"by_hand"'), encoding="utf-8")
    life.own.happen(AttemptExited(task.id, task.attempt, 1))
    rows = {row["id"]: row["status"] for row in table.rows(Wanted())}
    assert (rows[task.id], rows[other.id]) == ("waiting_retry", other.status)
    by_files = {row["id"]: row["status"] for row in TaskTable(life.own.path, use_index=False).rows(Wanted())}
    assert by_files[other.id] == "by_hand"


def test_waits_for_a_file_that_is_written_after_its_record(life: Life) -> None:
    """Until then the row is as it was; then it is as the file says, without another record."""
    table = TaskTable(life.own.path)
    task = next(task for task in life.own.world.tasks.values() if task.status == "running")
    path = Path(life.own.path) / project.task_file(task)[0]
    before = path.read_bytes()
    life.own.happen(AttemptExited(task.id, task.attempt, 0))
    after = path.read_bytes()
    path.write_bytes(before)
    assert {row["id"]: row["status"] for row in table.rows(Wanted())}[task.id] == "running"
    path.write_bytes(after)
    assert {row["id"]: row["status"] for row in table.rows(Wanted())}[task.id] == "succeeded"


def damage_nothing(path: Path) -> None:
    """Remove it."""
    path.unlink()


def damage_half(path: Path) -> None:
    """Cut it in the middle."""
    os.truncate(path, path.stat().st_size // 2)


def damage_letters(path: Path) -> None:
    """Another status in the letters than in the rows."""
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b'{"statuses":"e', b'{"statuses":"f').replace(b'{"statuses":"a', b'{"statuses":"f')
    )


def damage_rows(path: Path) -> None:
    """Rows that are no JSON, of the same length."""
    head, _, rest = path.read_bytes().partition(b"\n")
    end = json.loads(head)["rows_bytes"]
    path.write_bytes(head + b"\n" + rest[:end].replace(b'"id"', b'"i""').replace(b"status", b"stats\x00") + rest[end:])


def damage_places(path: Path) -> None:
    """Places that are none."""
    before, key, rest = path.read_bytes().rpartition(b'{"places":"')
    path.write_bytes(before + key + rest.replace(b"0", b"9"))


def damage_seq(path: Path) -> None:
    """A record that the journal does not have."""
    head, _, rest = path.read_bytes().partition(b"\n")
    fields = json.loads(head)
    path.write_bytes(json.dumps({**fields, "seq": fields["seq"] + 1000}).encode() + b"\n" + rest)


def damage_kind(path: Path) -> None:
    """Something that is no regular file."""
    path.unlink()
    os.mkfifo(path)


def damage_fields(path: Path) -> None:
    """Rows of the same length that are JSON, and lack what every row has."""
    head, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(head + b"\n" + rest.replace(b'"priority"', b'"priorita"').replace(b"/d/w.k", b"/d/w.\xff"))


DAMAGES = [
    damage_nothing,
    damage_half,
    damage_letters,
    damage_rows,
    damage_fields,
    damage_places,
    damage_seq,
    damage_kind,
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(operation="a"),
        Wanted(since_us=0),
        Wanted(priority_min=-100),
        Wanted(statuses=["running"]),
        Wanted(workflows=["w-000001", "ab-000001", "zz-000001"]),
    ],
)
def test_a_damaged_index_is_never_believed(life: Life, damage: Callable[[Path], None], wanted: Wanted) -> None:
    """The files are read instead; and again by the index, once there is a good one."""
    path = Path(index_path(life.own.path))
    warm = TaskTable(life.own.path)
    warm.rows(wanted)
    damage(path)
    cold = TaskTable(life.own.path)
    expected = TaskTable(life.own.path, use_index=False).rows(wanted)
    assert cold.rows(wanted) == expected
    assert warm.rows(wanted) == expected
    path.unlink(missing_ok=True)
    life.write_index()
    assert cold.rows(wanted) == expected


def test_a_selection_outlives_the_index_it_came_from(life: Life) -> None:
    """A stream goes on with the rows it was made of while the table goes over to another index."""
    table = TaskTable(life.own.path)
    selection = table.select(Wanted())
    ids = [row["id"] for row in selection.rows()]
    for _ in range(3):
        life.submit()
        life.write_index()
        table.rows(Wanted())
    assert [row["id"] for row in selection.rows()] == ids
    assert len(table.rows(Wanted())) > len(ids)


def test_what_a_reader_keeps_goes_with_the_row(life: Life) -> None:
    """And stays over a new index for the rows that are the same."""
    table = TaskTable(life.own.path)
    selection = table.select(Wanted())
    task = next(task for task in life.own.world.tasks.values() if task.status == "running")
    for key, row in selection.pairs(selection.keys):
        selection.kept("short")[key] = row["id"].encode()
    life.own.happen(AttemptExited(task.id, task.attempt, 0))
    same = table.select(Wanted())
    assert task.id.encode() not in same.kept("short").values()
    left = set(same.kept("short").values())
    assert left
    life.write_index()
    later = table.select(Wanted())
    kept = later.kept("short")
    assert set(kept.values()) == left
    assert all(kept[key] == row["id"].encode() for key, row in later.pairs(list(kept)))
    assert later.kept("long") == {}


def test_marks_what_claims_a_process_that_nobody_looks_after(life: Life) -> None:
    """By the lock (ruling A-48), at each question anew."""
    table = TaskTable(life.own.path)
    lock = life.own.hold()
    assert not any(row["stale"] for row in table.rows(Wanted()))
    lock.release()
    stale = [row["stale"] for row in table.rows(Wanted(statuses=["running"]))]
    assert stale
    assert all(stale)


def test_a_foreign_directory_is_looked_through_each_time(tmp_path: Path) -> None:
    """What comes, goes, changes and is damaged shows at the next question, also within the same instant (R2-28)."""
    folder = make_foreign(tmp_path, TASK)
    table = TaskTable(folder)
    assert [row["status"] for row in table.rows(Wanted())] == ["pending"]
    for status in ("running", "succeede", "cancelld", "running"):  # as long as each other, mostly
        write(tmp_path / "tasks" / "task-001.json", json.dumps({**TASK, "status": status}))
        assert [row["status"] for row in table.rows(Wanted())] == [status]
    write(tmp_path / "tasks" / "task-002.json", "{")
    assert [row["id"] for row in table.rows(Wanted())] == ["task-001"]
    assert [(row["id"], row["status"]) for row in table.corrupt()] == [("task-002", "corrupt")]
    assert len(table.problems) == 1
    (tmp_path / "tasks" / "task-002.json").unlink()
    (tmp_path / "tasks" / "task-001.json").unlink()
    assert (table.rows(Wanted()), table.problems) == ([], [])
    (tmp_path / "tasks").rmdir()
    assert table.rows(Wanted()) == []


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """With the remedy (R2-30)."""
    folder = make_foreign(tmp_path, TASK)
    (tmp_path / "tasks").chmod(0)
    with unprivileged(), pytest.raises(TasksUnreadable, match="tasks folder") as told:
        TaskTable(folder).rows(Wanted())
    assert "chmod" in told.value.help


def test_a_newer_format_is_refused(life: Life) -> None:
    """Politely, whatever was known before."""
    table = TaskTable(life.own.path)
    table.rows(Wanted())
    write(Path(life.own.path) / "format.json", '{"format": "2.0", "kind": "orchestrator"}')
    with pytest.raises(FormatTooNew):
        table.rows(Wanted())


def test_a_damaged_row_of_an_index_is_told_to_who_reads_it(life: Life) -> None:
    """The table itself goes over to the files with the next question."""
    table = TaskTable(life.own.path)
    selection = table.select(Wanted())
    damage_rows(Path(index_path(life.own.path)))
    with pytest.raises(BadIndex):
        selection.rows()
    table.drop_index()
    assert len(table.rows(Wanted())) == len(selection)


def test_a_directory_that_goes_takes_its_tasks_along(life: Life, tmp_path: Path) -> None:
    """And so does one that is replaced, by another of ours or of anybody."""
    root = Path(life.own.path)
    table = TaskTable(life.own.path)
    assert table.rows(Wanted())
    root.rename(tmp_path / "elsewhere")
    assert table.rows(Wanted()) == []
    make_foreign(root, TASK)
    assert [row["id"] for row in table.rows(Wanted())] == ["task-001"]
    shutil.rmtree(root)
    other = Life(root, 3)
    other.submit()
    assert table.rows(Wanted()) == TaskTable(life.own.path, use_index=False).rows(Wanted()) != []


def test_what_may_be_read_again_shows() -> None:
    """The advice of the error has been followed; or the other way round."""
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        folder = Path(make_foreign(Path(home) / "data", TASK, {**TASK, "id": "task-002"}))
        file = folder / "tasks" / "task-001.json"
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        time.sleep(0.06)  # otherwise the files are too new to be believed, and read again anyway
        table = TaskTable(str(folder))
        assert len(table.rows(Wanted())) == 2
        file.chmod(0)
        with unprivileged():
            assert ([row["id"] for row in table.rows(Wanted())], len(table.problems)) == (["task-002"], 1)
        file.chmod(0o644)
        with unprivileged():
            assert (len(table.rows(Wanted())), table.problems) == (2, [])


def test_who_has_others_to_serve_is_told_that_it_takes_longer(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large folder, a journal that went on for long, a search through a large index; nothing is lost by asking."""
    monkeypatch.setattr("orchestrator.files.tables.folder_source.QUICK_FILES", 0)
    monkeypatch.setattr("orchestrator.files.tables.index_source.QUICK_FILES", 0)
    foreign = TaskTable(make_foreign(tmp_path / "foreign", TASK))
    table = TaskTable(life.own.path)
    assert len(table.select(Wanted(), patient=False)) == len(table.select(Wanted()))
    task = next(task for task in life.own.world.tasks.values() if task.status == "running")
    life.own.happen(AttemptExited(task.id, task.attempt, 0))
    for slow in (table, foreign):
        with pytest.raises(TakesLonger):
            slow.select(Wanted(), patient=False)
    assert {row["id"]: row["status"] for row in table.rows(Wanted())}[task.id] == "succeeded"
    assert len(foreign.rows(Wanted())) == 1
    monkeypatch.setattr("orchestrator.files.tables.index_source.QUICK_BYTES", 0)
    with pytest.raises(TakesLonger):
        table.select(Wanted(operation="a"), patient=False)
    assert table.select(Wanted(statuses=["running"]), patient=False)


def test_an_index_that_does_not_fit_costs_no_descriptors(life: Life) -> None:
    """However often it is looked at."""
    path = Path(index_path(life.own.path))
    damage_seq(path)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        os.utime(path, ns=(number, number))
        TaskTable(life.own.path).rows(Wanted())
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_an_index_is_tried_again_when_it_could_not_be_opened(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without free descriptors has some again later."""
    table = TaskTable(life.own.path)
    with monkeypatch.context() as broken:
        broken.setattr("orchestrator.files.tables.index_source.Index", failing)
        assert table.rows(Wanted())
    assert table.select(Wanted(), patient=False)
    assert table.problems == []
    task = next(iter(life.own.world.tasks.values()))
    path = Path(life.own.path) / project.task_file(task)[0]
    path.write_text("{", encoding="utf-8")  # nobody looks at the files any more
    assert len(table.rows(Wanted())) == len(life.own.world.tasks)


def failing(_: str) -> None:
    """As opening does without descriptors."""
    raise OSError(errno.EMFILE, "too many open files")
