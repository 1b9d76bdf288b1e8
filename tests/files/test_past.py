"""Earlier states: what `orch at` tells is what the files said then."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.events import AttemptExited
from orchestrator.files.journal import segments
from orchestrator.files.moments import Position
from orchestrator.files.past.diff import changes_between
from orchestrator.files.past.moment import NoSuchMoment, WrongOrder
from orchestrator.files.past.state import state_at
from orchestrator.files.state.tasks import read_tasks
from orchestrator.model.errors import JournalDamaged, JournalUnreadable, NotFound, UsageError
from orchestrator.model.times import parse_rfc3339
from orchestrator.runtime.compaction import prune
from orchestrator.store import snapshot
from orchestrator.store.recover import recover
from tests.engine.fates import Fate, fates
from tests.files.past_life import TASK_COLUMNS, PastLife
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import at, operation, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.plan.ir import Plan

GOLDEN = Path(__file__).parents[1] / "golden" / "data"

#: Moments of each history that are looked at.
LOOKS = 12


def told(life: PastLife, position: Position) -> dict[str, Any]:
    """What `orch at` says, without the time of the record."""
    return {name: value for name, value in state_at(life.path, position).items() if name != "time"}


@settings(max_examples=40, deadline=None)
@given(fates, st.sampled_from([0.1, 0.4]), st.sampled_from([0.05, 0.3]), st.integers(0, 2**32))
def test_at_a_record_is_what_the_files_said_then(
    given_fate: tuple[int, list[Plan], int], trouble: float, steers: float, seed: int
) -> None:
    """Whatever happened, and whether there is a snapshot or not: every column, by seq and by time."""
    fate = Fate(*given_fate, trouble, steers)
    for _ in fate.run():
        pass
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        life = PastLife(Path(folder) / "d", fate, seed)
        newest = len(life.times)
        for seq in {0, newest, *(chance.randrange(newest + 1) for _ in range(LOOKS))}:
            if seq < life.oldest:
                with pytest.raises(NoSuchMoment, match=f"that of record {life.oldest}"):
                    state_at(life.path, Position(seq=seq))
                continue
            assert told(life, Position(seq=seq)) == life.said[seq]
            if seq:
                _look_by_time(life, seq)
        for _ in range(3):
            first, last = sorted(chance.randrange(life.oldest, newest + 1) for _ in range(2))
            assert _comparable(changes_between(life.path, Position(seq=first), Position(seq=last))) == _changes(
                life, first, last
            )


def _look_by_time(life: PastLife, seq: int) -> None:
    """At the time of a record: the last record whose time is not after it, as long as it is kept."""
    time = life.times[seq - 1]
    expected = max(number for number, other in enumerate(life.times, 1) if other <= time)
    if expected >= max(life.oldest, 1):
        assert told(life, Position(time_us=parse_rfc3339(time))) == life.said[expected]


def _comparable(rows: list[dict[str, Any]]) -> dict[str, tuple[object, ...]]:
    names = ("kind", "change", "previous_status", "status", "attempt", "reason")
    return {row["id"]: tuple(row[name] for name in names) for row in rows}


def _changes(life: PastLife, first: int, last: int) -> dict[str, tuple[object, ...]]:
    """What the files say has changed, by brute force over all that they said."""
    found: dict[str, tuple[object, ...]] = {}
    for kind in ("workflow", "task"):
        ids = {row["id"] for said in life.said[first : last + 1] for row in said[f"{kind}s"]}
        for name in ids:
            was = [_shape(said[f"{kind}s"], name) for said in life.said[first : last + 1]]
            if was[0] != was[-1] or was[-1] is None:
                last_known = next(shape for shape in reversed(was) if shape)
                change = _what_changed(was[0], was[-1])
                found[name] = (kind, change, was[0] and was[0][0], *last_known)
    return found


def _what_changed(
    then: tuple[str, int | None, str | None] | None, now: tuple[str, int | None, str | None] | None
) -> str:
    if then is None or now is None:
        return "archived" if now is None else "appeared"
    return next(word for word, was, is_ in zip(("changed", "attempt", "reason"), then, now, strict=True) if was != is_)


def _shape(rows: list[dict[str, Any]], name: str) -> tuple[str, int | None, str | None] | None:
    return next(((row["status"], row.get("attempt"), row["reason"]) for row in rows if row["id"] == name), None)


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Two workflows; `w` has failed behind record 4, `v` runs behind record 5."""
    directory = OwnDirectory(tmp_path / "d")
    directory.submit(plan(operation("a", ("x", "y"))), "w")
    directory.happen(AttemptExited("w.a.local.x", 1, 0))
    directory.happen(AttemptExited("w.a.local.y", 1, 7))
    directory.submit(plan(operation("b", ("z",))), "v")
    return directory


def snap(own: OwnDirectory) -> str:
    """A snapshot of everything so far, and another life behind it; the path of the snapshot."""
    found = recover(own.disk, own.path)
    path = snapshot.path(own.path, found.next_segment)
    own.disk.replace(path, snapshot.encode(found.world, found.last_sum), durable=True)
    own.next_life()
    return path


def statuses(state: dict[str, Any]) -> dict[str, str]:
    """{id: status} of all tasks."""
    return {row["id"]: row["status"] for row in state["tasks"]}


def test_before_the_first_record_there_was_nothing(own: OwnDirectory) -> None:
    """No error: it is known."""
    for position in (Position(seq=0), Position(time_us=0), Position(time_us=-1)):
        state = state_at(own.path, position)
        assert (state["seq"], state["time"], state["cursor"]) == (0, None, "0:0")
        assert (state["workflows"], state["tasks"], state["tasks_pending"]) == ([], [], 0)


def test_a_moment_includes_the_record_of_that_time(own: OwnDirectory) -> None:
    """And not the one a microsecond later; what is to come is now."""
    third = parse_rfc3339(state_at(own.path, Position(seq=3))["time"])
    fourth = parse_rfc3339(state_at(own.path, Position(seq=4))["time"])
    assert state_at(own.path, Position(time_us=fourth))["seq"] == 4
    assert state_at(own.path, Position(time_us=fourth - 1))["seq"] == 3
    assert state_at(own.path, Position(time_us=third))["seq"] == 3
    assert state_at(own.path, Position(time_us=1 << 62))["seq"] == 5


def test_what_was_archived_since_is_there_as_it_was(own: OwnDirectory) -> None:
    """From a snapshot, with the plan out of the archive."""
    before = state_at(own.path, Position(seq=5))
    path = snap(own)
    own.archive("w")
    assert statuses(state_at(own.path, Position(seq=7))) == {"v.b.local.z": "running"}
    again = state_at(own.path, Position(seq=6))
    assert (again["workflows"], again["tasks"]) == (before["workflows"], before["tasks"])
    # With the snapshot alone, as when older segments are gone.
    prune(own.disk, own.path, 0)
    assert os.path.exists(path)
    assert state_at(own.path, Position(seq=6))["tasks"] == before["tasks"]


def test_a_plan_that_is_gone_is_told_unless_the_records_are_there(own: OwnDirectory) -> None:
    """The names of tasks in a snapshot are those of the plan; records name them themselves."""
    snap(own)
    os.unlink(own.archive("w"))
    state = state_at(own.path, Position(seq=6))
    assert statuses(state) == {"w.a.local.x": "succeeded", "w.a.local.y": "failed", "v.b.local.z": "running"}
    assert [row["name"] for row in state["workflows"]] == ["test", None]
    prune(own.disk, own.path, 0)
    with pytest.raises(NoSuchMoment, match="No snapshot in there can be used"):
        state_at(own.path, Position(seq=6))


@pytest.mark.parametrize("place", [0, 40, -30])
def test_a_damaged_snapshot_is_passed_over(own: OwnDirectory, place: int) -> None:
    """And everything is told from the records before it."""
    expected = state_at(own.path, Position(seq=5))["tasks"]
    path = snap(own)
    content = bytearray(own.disk.read(path) or b"")
    content[place] ^= 1
    Path(path).write_bytes(content)
    assert state_at(own.path, Position(seq=6))["tasks"] == expected


def test_what_is_older_than_all_that_is_kept_is_told(own: OwnDirectory) -> None:
    """With the oldest moment that can be had, which then can be had."""
    snap(own)
    oldest = state_at(own.path, Position(seq=5))
    prune(own.disk, own.path, 0)
    early = parse_rfc3339(oldest["time"]) - 1
    for position in (Position(seq=4), Position(seq=0), Position(time_us=early), Position(time_us=-5)):
        with pytest.raises(NoSuchMoment, match=f"that of record 5, of {oldest['time']}"):
            state_at(own.path, position)
    assert state_at(own.path, Position(seq=5)) == oldest
    assert state_at(own.path, Position(time_us=early + 1)) == oldest


def test_a_record_that_is_not_there_yet_is_told(own: OwnDirectory) -> None:
    """A seq is no guess; so is the other end of a comparison."""
    with pytest.raises(NoSuchMoment, match=r"no record 9 .* the newest is 5"):
        state_at(own.path, Position(seq=9))
    until = Position(seq=9)
    with pytest.raises(NoSuchMoment, match="the newest is 5") as told:
        changes_between(own.path, Position(seq=1), until)
    assert told.value.position is until


def test_a_cursor_of_another_life_is_told(own: OwnDirectory) -> None:
    """Its place belongs to another record; a life that is just about to begin is fine, as in status.json."""
    snap(own)
    assert state_at(own.path, Position(seq=6, epoch=2))["cursor"] == "2:6"
    assert state_at(own.path, Position(seq=5, epoch=2))["cursor"] == "1:5"
    for epoch in (1, 4):
        with pytest.raises(NoSuchMoment, match="is one of epoch 2"):
            state_at(own.path, Position(seq=6, epoch=epoch))


def test_a_torn_record_is_not_there(own: OwnDirectory) -> None:
    """What a power cut left of the last line, or what is being written."""
    path = f"{own.path}/journal/000001.jsonl"
    content = Path(path).read_bytes().rstrip(b"\n")
    Path(path).write_bytes(content[:-5])
    assert state_at(own.path, Position(time_us=1 << 62))["seq"] == 4


def test_a_gap_in_the_journal_is_damage(own: OwnDirectory) -> None:
    """A state without some of the records would be a wrong one."""
    for _ in range(2):
        own.next_life()
    os.unlink(f"{own.path}/journal/000002.jsonl")
    assert state_at(own.path, Position(seq=5))["seq"] == 5
    with pytest.raises(JournalDamaged, match="records 6 to 6 are missing"):
        state_at(own.path, Position(seq=7))


@pytest.mark.parametrize(
    "line", [b'{"seq":6,"synced":5,"x":1,"sum":"0123456789abcdef"}', b'{"seq":6,not json,"sum":"0123456789abcdef"}']
)
def test_a_record_of_another_form_is_damage(own: OwnDirectory, line: bytes) -> None:
    """Told as such, not as a fault of ours."""
    path = Path(f"{own.path}/journal/000001.jsonl")
    path.write_bytes(path.read_bytes().rstrip(b"\n") + b"\n" + line + b"\n")
    with pytest.raises(JournalDamaged, match="record"):
        state_at(own.path, Position(seq=6))


def test_tables_are_narrowed_and_counts_are_not(own: OwnDirectory) -> None:
    """A workflow, some statuses, the first so many; near names for one that was not there."""
    state = state_at(own.path, Position(seq=5), workflow="w", statuses=["failed", "running"])
    assert (list(statuses(state)), [row["id"] for row in state["workflows"]]) == (["w.a.local.y"], ["w"])
    assert (state["tasks_running"], state["tasks_completed"], state["tasks_failed"]) == (1, 1, 1)
    assert len(state_at(own.path, Position(seq=5), limit=2)["tasks"]) == 2
    with pytest.raises(NotFound, match=r"There was no workflow v in .* at record 4"):
        state_at(own.path, Position(seq=4), workflow="v")


def test_a_foreign_directory_has_no_past(tmp_path: Path) -> None:
    """Nor has one that is not there, or is empty."""
    with pytest.raises(UsageError, match="has no journal"):
        state_at(make_foreign(tmp_path), Position(seq=1))
    with pytest.raises(NotFound, match="There is no data directory"):
        state_at(f"{tmp_path}/nowhere", Position(seq=1))


def test_a_journal_that_may_not_be_read_is_told(own: OwnDirectory) -> None:
    """With the remedy; a FIFO in place of a segment does not block."""
    os.unlink(f"{own.path}/journal/000001.jsonl")
    os.mkfifo(f"{own.path}/journal/000001.jsonl")
    with pytest.raises(JournalUnreadable, match="not a regular file"):
        state_at(own.path, Position(seq=1))


def test_differences_say_what_became_of_each(own: OwnDirectory) -> None:
    """In the order in which it began; how often, from when to when."""
    rows = changes_between(own.path, Position(seq=2), Position(seq=5))
    assert [(row["kind"], row["id"], row["change"]) for row in rows] == [
        ("task", "w.a.local.x", "changed"),
        ("workflow", "w", "changed"),
        ("task", "w.a.local.y", "changed"),
        ("workflow", "v", "appeared"),
        ("task", "v.b.local.z", "appeared"),
    ]
    assert rows[2] == {
        "kind": "task",
        "id": "w.a.local.y",
        "workflow": "w",
        "change": "changed",
        "previous_status": "running",
        "status": "failed",
        "attempt": 1,
        "reason": "exit code 7",
        "transitions": 1,
        "first_at": state_at(own.path, Position(seq=4))["time"],
        "last_at": state_at(own.path, Position(seq=4))["time"],
    }
    assert [row["transitions"] for row in rows] == [1, 1, 1, 2, 2]
    assert [row["id"] for row in changes_between(own.path, Position(seq=2), Position(seq=5), workflow="v")] == [
        "v",
        "v.b.local.z",
    ]


def test_what_came_and_went_in_between_is_told(own: OwnDirectory) -> None:
    """It was not there before, and is in the archive now."""
    own.archive("w")
    rows = changes_between(own.path, Position(seq=1), Position(time_us=1 << 62), workflow="w")
    told = [(row["id"], row["change"], row["previous_status"], row["status"]) for row in rows]
    assert told == [
        ("w", "archived", None, "failed"),
        ("w.a.local.x", "archived", None, "succeeded"),
        ("w.a.local.y", "archived", None, "failed"),
    ]
    assert {row["last_at"] for row in rows} == {state_at(own.path, Position(seq=6))["time"]}


def test_the_later_moment_first_is_a_mistake(own: OwnDirectory) -> None:
    """Told as one; the same moment twice is none."""
    with pytest.raises(WrongOrder, match=r"\(record 2\) is before the first one \(record 4\)"):
        changes_between(own.path, Position(seq=4), Position(seq=2))
    assert changes_between(own.path, Position(seq=4), Position(seq=4)) == []
    with pytest.raises(NotFound, match="There is no workflow x"):
        changes_between(own.path, Position(seq=0), Position(seq=4), workflow="x")


@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
def test_every_format_is_read(version: str) -> None:
    """The newest state is what the files of a directory of that format say."""
    directory = str(GOLDEN / version)
    state = state_at(directory, Position(time_us=1 << 62))
    rows = {row["id"]: row for row in read_tasks(directory)[0]}
    assert {row["id"]: row for row in state["tasks"]} == {
        name: {column: row[column] for column in TASK_COLUMNS} for name, row in rows.items()
    }


def test_a_segment_that_is_removed_under_the_reader_is_met_by_beginning_again(
    own: OwnDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon removes old segments at any time; what is not there any more is told as such."""
    snap(own)
    lines = segments.lines

    def removing(data_dir: str, number: int) -> Iterator[bytes]:
        prune(own.disk, own.path, 0)
        return lines(data_dir, number)

    monkeypatch.setattr(segments, "lines", removing)
    assert state_at(own.path, Position(seq=6))["seq"] == 6
    with pytest.raises(NoSuchMoment, match="that of record 5"):
        state_at(own.path, Position(seq=3))


#: What is asked of a history with snapshots behind records 9 and 18, of which the daemon removes all it may.
QUESTIONS: dict[str, Callable[[str, int], object]] = {
    "at the newest": lambda path, newest: state_at(path, Position(seq=newest))["seq"],
    "at 12": lambda path, _: state_at(path, Position(seq=12))["seq"],
    "at 3": lambda path, _: state_at(path, Position(seq=3))["seq"],
    "at a time": lambda path, _: state_at(path, Position(time_us=at(12).wall_us))["seq"],
    "from 2": lambda path, newest: changes_between(path, Position(seq=2), Position(seq=newest)),
    "from 12": lambda path, newest: changes_between(path, Position(seq=12), Position(seq=newest)),
    "the newest": lambda path, newest: changes_between(path, Position(seq=newest - 3), Position(seq=newest)),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_whenever_segments_are_removed_the_answer_is_right_or_says_that_it_is_too_late(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each file that is opened and each folder that is listed, in turn."""
    own = _long_history(tmp_path / "d")
    ask, newest = QUESTIONS[question], own.world.seq
    expected = ask(own.path, newest)
    answers: list[bool | None] = []
    for moment in range(1, 100):
        path = str(shutil.copytree(own.path, tmp_path / str(moment)))
        left = moment

        def meanwhile(system: Callable[..., Any], path: str = path) -> Callable[..., Any]:
            def called(where: Any, *rest: Any, **named: Any) -> Any:
                nonlocal left
                left -= "journal" in str(where)
                if left == 0:
                    left = -1
                    prune(own.disk, path, 0)
                return system(where, *rest, **named)

            return called

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", meanwhile(os.open))
            patch.setattr(os, "listdir", meanwhile(os.listdir))
            try:
                answers.append(ask(path, newest) == expected)
            except NoSuchMoment:
                answers.append(None)
        shutil.rmtree(path)
        if left > 0:
            break
    assert len(answers) > 5
    assert False not in answers
    if "newest" in question:
        assert None not in answers


def _long_history(path: Path) -> OwnDirectory:
    own = OwnDirectory(path)
    for number in range(8):
        own.submit(plan(operation("a", ("x",))), f"w{number}")
        own.happen(AttemptExited(f"w{number}.a.local.x", 1, 0))
        if number in (2, 5):
            snapshot_path = snapshot.path(own.path, own.journal.segment + 1)
            own.disk.replace(snapshot_path, snapshot.encode(own.world, own.journal.last_sum), durable=False)
        own.rotate()
    return own
