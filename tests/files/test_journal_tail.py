"""Following a journal that another process writes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited, JournalContinued
from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.journal.transitions import rows
from orchestrator.model.errors import CursorLost, JournalDamaged, JournalUnreadable, UsageError
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan, started
from tests.support.users import unprivileged

if TYPE_CHECKING:
    from orchestrator.plan.ir import Plan

TWO_STEPS = plan(operation("a", ("x",)), operation("b", ("y",), ("a",)))


def seqs(tail: JournalTail) -> list[int]:
    """The seqs of everything that is there now."""
    found: list[int] = []
    while records := tail.poll():
        found += [record["seq"] for record in records]
    return found


def one_workflow(own: OwnDirectory, name: str, of: Plan = TWO_STEPS) -> None:
    """Three records: submitted, and two attempts that succeed."""
    own.submit(of, name)
    for task in (f"{name}.a.local.x", f"{name}.b.local.y"):
        own.happen(AttemptExited(task, 1, 0))


def segment(own: OwnDirectory, number: int = 1) -> Path:
    """The file of a segment."""
    return Path(own.path) / "journal" / f"{number:06}.jsonl"


def records_of(own: OwnDirectory, number: int = 1) -> bytes:
    """A segment without what is preallocated."""
    return segment(own, number).read_bytes().rstrip(b"\n") + b"\n"


def test_begins_behind_everything_there_is(tmp_path: Path) -> None:
    """Without a cursor only what is new comes, in order."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    tail = JournalTail(own.path)
    assert (seqs(tail), tail.cursor) == ([], "1:4")
    one_workflow(own, "w2")
    assert (seqs(tail), tail.cursor) == ([5, 6, 7], "1:7")


def test_begins_before_everything_there_is(tmp_path: Path) -> None:
    """From the start all records come, and then the new ones."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    tail = JournalTail(own.path, from_start=True)
    assert seqs(tail) == [1, 2, 3, 4]
    one_workflow(own, "w2")
    assert seqs(tail) == [5, 6, 7]


def test_records_are_the_journals_own(tmp_path: Path) -> None:
    """A reader gets the event and its transitions as they were written."""
    own = OwnDirectory(tmp_path)
    tail = JournalTail(own.path)
    own.submit(TWO_STEPS, "w")
    (record,) = tail.poll()
    assert (record["event"], record["workflow"]) == ("WorkflowSubmitted", "w")
    assert record["transitions"][0] == [None, None, "queued", 0, ""]


def test_a_record_is_met_whole_or_not_at_all(tmp_path: Path) -> None:
    """Wherever a write has got to, only lines with their checksum come, each once."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    content, path = records_of(own), segment(own)
    for padding in (b"", b"\n" * 50):
        path.write_bytes(padding)
        tail = JournalTail(own.path, from_start=True)
        met: list[int] = []
        for size in range(len(content) + 1):
            path.write_bytes(content[:size] + padding)
            met += seqs(tail)
            is_at_end = re.search(rb'"sum":"[0-9a-f]{16}"}\Z', content[:size]) is not None
            whole = content[:size].count(b'"}\n') + (bool(padding) and is_at_end)
            assert met == [1, 2, 3, 4][:whole]
        tail.close()


def test_follows_segments(tmp_path: Path) -> None:
    """Each daemon begins a segment; nothing is lost and nothing comes twice at the seams."""
    own = OwnDirectory(tmp_path)
    tail, late = JournalTail(own.path, from_start=True), JournalTail(own.path, from_start=True)
    assert seqs(tail) == [1]
    for number in range(3):
        one_workflow(own, f"w{number}")
        own.next_life()
    assert seqs(tail) == list(range(2, 14))
    assert tail.cursor == "4:13"
    assert seqs(late) == list(range(1, 14))


def test_a_record_written_just_before_the_segment_was_sealed_is_not_missed(tmp_path: Path) -> None:
    """A reader that has seen the end looks again when the next segment is there."""
    own = OwnDirectory(tmp_path)
    tail = JournalTail(own.path)
    assert tail.poll() == []
    own.submit(TWO_STEPS, "w1")
    own.next_life()
    assert [record["seq"] for record in tail.poll()] == [2]
    assert [record["seq"] for record in tail.poll()] == [3]


def test_begins_before_there_is_a_journal(tmp_path: Path) -> None:
    """A watcher may be earlier than the first daemon."""
    tail = JournalTail(str(tmp_path))
    assert (tail.poll(), tail.cursor) == ([], "0:0")
    OwnDirectory(tmp_path)
    assert seqs(tail) == [1]


@pytest.mark.parametrize("cursor", ["0:0", "1:0", "1:1", "1:3", "1:4", "2:4", "2:5", "2:6", "2:8", "3:9", "3:10"])
def test_goes_on_behind_a_cursor(tmp_path: Path, cursor: str) -> None:
    """Of any life, as long as its record still stands."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")  # 1 to 4 in epoch 1
    own.next_life()
    one_workflow(own, "w2")  # 5 to 8 in epoch 2
    own.next_life()
    own.submit(TWO_STEPS, "w3")  # 9 and 10 in epoch 3
    tail = JournalTail(own.path, cursor)
    assert seqs(tail) == list(range(int(cursor.partition(":")[2]) + 1, 11))
    assert tail.cursor == "3:10"


def test_a_cursor_says_where_its_reader_stands(tmp_path: Path) -> None:
    """A reader that starts anew with the cursor of another gets what that one would have got next."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    own.next_life()
    first = JournalTail(own.path, from_start=True)
    first.poll()
    assert seqs(JournalTail(own.path, first.cursor)) == seqs(first) == [5]


def lose_the_last_records(own: OwnDirectory, kept: int) -> None:
    """The machine died: behind record `kept` nothing had reached the disk. The next daemon starts."""
    lines = records_of(own).splitlines(keepends=True)
    segment(own).write_bytes(b"".join(lines[:kept]))
    own.next_life()


@pytest.mark.parametrize("cursor", ["1:3", "1:4", "1:99"])
def test_a_cursor_of_lost_records_is_told_so(tmp_path: Path, cursor: str) -> None:
    """Another record has their place now; the error says where nothing is missed (DESIGN 4)."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    lose_the_last_records(own, 2)
    with pytest.raises(CursorLost, match=f"Record {cursor} is not in the journal: .*epoch 2") as lost:
        JournalTail(own.path, cursor)
    assert lost.value.resume == "2:2"
    assert seqs(JournalTail(own.path, lost.value.resume)) == [3]
    assert seqs(JournalTail(own.path, "1:2")) == [3]


def test_a_reader_of_lost_records_is_told_so_and_goes_on(tmp_path: Path) -> None:
    """What a failed disk took back is named once; then the records in its place follow."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    tail = JournalTail(own.path, from_start=True)
    assert seqs(tail) == [1, 2, 3, 4]
    lose_the_last_records(own, 2)
    with pytest.raises(CursorLost, match="records 3 to 4 were taken back") as lost:
        tail.poll()
    assert lost.value.resume == "1:2"
    assert (seqs(tail), tail.cursor) == ([3], "2:3")


@pytest.mark.parametrize(("cursor", "why"), [("1:5", "the newest record is 4"), ("7:2", "the newest epoch here is 1")])
def test_a_cursor_of_the_future_is_refused(tmp_path: Path, cursor: str, why: str) -> None:
    """It belongs to another directory, or was mistyped."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    with pytest.raises(CursorLost, match=why):
        JournalTail(own.path, cursor)


def test_a_cursor_older_than_the_oldest_record_is_told_the_oldest(tmp_path: Path) -> None:
    """When early segments have been removed."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    own.next_life()
    own.submit(TWO_STEPS, "w2")
    segment(own).unlink()
    with pytest.raises(CursorLost, match="the oldest record that is kept is 5") as lost:
        JournalTail(own.path, "1:2")
    assert seqs(JournalTail(own.path, lost.value.resume)) == [5, 6]
    assert seqs(JournalTail(own.path, from_start=True)) == [5, 6]


@pytest.mark.parametrize("text", ["", "5", "1:", ":5", "1:x", "-1:5", "1:5:6", "1.0:5"])
def test_what_is_no_cursor_is_refused(tmp_path: Path, text: str) -> None:
    """With a word on what one looks like."""
    with pytest.raises(UsageError, match="is no cursor") as refused:
        JournalTail(str(tmp_path), text)
    assert "<epoch>:<seq>" in refused.value.help


def test_a_damaged_segment_is_not_passed_over(tmp_path: Path) -> None:
    """A broken line waits for its writer only while no other segment follows."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    own.next_life()
    lines = records_of(own).splitlines(keepends=True)
    segment(own).write_bytes(b"".join([*lines[:2], lines[2].replace(b',"sum"', b',"som"'), lines[3]]))
    tail = JournalTail(own.path, from_start=True)
    assert [record["seq"] for record in tail.poll()] == [1, 2]
    with pytest.raises(JournalDamaged, match="a line that is no record"):
        tail.poll()


def test_a_journal_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """With the folder at fault."""
    own = OwnDirectory(tmp_path / "d")
    os.chmod(tmp_path, 0)
    with unprivileged(), pytest.raises(JournalUnreadable, match="Failed to read the journal"):
        JournalTail(own.path)
    os.chmod(tmp_path, 0o700)


def test_a_record_larger_than_what_is_read_at_a_time_comes_whole(tmp_path: Path) -> None:
    """A workflow of many tasks is one long line."""
    own = OwnDirectory(tmp_path)
    tail = JournalTail(own.path)
    own.submit(plan(operation("a", tuple(f"item-{n}" for n in range(5000)))), "w")
    (record,) = tail.poll()
    assert len(record["transitions"]) > 5000


def table(records: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """The rows of `records`, cut to what changed."""
    names = ("workflow", "task", "previous_status", "status", "attempt")
    return [tuple(row[name] for name in names) for record in records for row in rows(record)]


def test_rows_tell_each_transition(tmp_path: Path) -> None:
    """The workflow's own have no task and no attempt."""
    own = OwnDirectory(tmp_path)
    tail = JournalTail(own.path)
    own.submit(plan(operation("a")), "w")
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    records = tail.poll()
    assert table(records) == [
        ("w", None, None, "queued", None),
        ("w", "w.a.local.x", None, "pending", 0),
        ("w", None, "queued", "running", None),
        ("w", "w.a.local.x", "pending", "running", 1),
        ("w", "w.a.local.x", "running", "succeeded", 1),
        ("w", None, "running", "succeeded", None),
    ]
    first = rows(records[0])[0]
    assert list(first) == ["time", "seq", "workflow", "task", "previous_status", "status", "attempt", "reason"]
    assert (first["seq"], first["reason"]) == (2, None)


def test_a_workflow_begun_by_the_end_of_another_is_told_as_itself(tmp_path: Path) -> None:
    """The slot that one workflow frees starts the first task of another, in the same record."""
    own = OwnDirectory(tmp_path)
    own.happen(started(max_running=1, epoch=1))
    own.submit(plan(operation("a")), "w1")
    own.submit(plan(operation("a")), "w2")
    tail = JournalTail(own.path)
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    changed = [row for row in table(tail.poll()) if row[1] is None]
    assert changed == [("w1", None, "running", "succeeded", None), ("w2", None, "queued", "running", None)]


def test_a_daemon_that_starts_a_waiting_workflow_is_told_as_that_workflow(tmp_path: Path) -> None:
    """The record of a daemon's start belongs to no workflow."""
    own = OwnDirectory(tmp_path)
    own.happen(started(max_running=0, epoch=1))
    own.submit(plan(operation("a")), "w1")
    tail = JournalTail(own.path)
    own.happen(started(epoch=1))
    assert table(tail.poll())[0] == ("w1", None, "queued", "running", None)


def rotate(own: OwnDirectory) -> None:
    """The segment was full."""
    own.journal.rotate()
    own.happen(JournalContinued(own.world.epoch))


def test_goes_on_across_a_full_segment(tmp_path: Path) -> None:
    """Nothing is lost or repeated where one segment of a life follows another, with or without a cursor."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    tail = JournalTail(own.path, cursor="1:2")
    rotate(own)
    one_workflow(own, "w2")
    assert (seqs(tail), tail.cursor) == ([3, 4, 5, 6, 7, 8], "1:8")
    assert seqs(JournalTail(own.path, cursor="1:4")) == [5, 6, 7, 8]
    assert JournalTail(own.path).cursor == "1:8"


def test_knows_the_epoch_when_the_beginning_of_a_life_is_gone(tmp_path: Path) -> None:
    """Each further segment tells it."""
    own = OwnDirectory(tmp_path)
    own.next_life()
    one_workflow(own, "w1")
    rotate(own)
    for number in (1, 2):
        segment(own, number).unlink()
    tail = JournalTail(own.path)
    one_workflow(own, "w2")
    assert tail.cursor.startswith("2:")
    assert len(seqs(tail)) == 3


def test_is_told_when_what_it_had_not_read_is_gone(tmp_path: Path) -> None:
    """A cursor behind the horizon, and a slow reader of a removed segment, learn where to go on."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    slow = JournalTail(own.path)
    for name in ("w2", "w3"):
        rotate(own)
        one_workflow(own, name)
    for number in (1, 2):
        segment(own, number).unlink()
    with pytest.raises(CursorLost, match="oldest record that is kept is 9") as lost:
        JournalTail(own.path, cursor="1:3")
    assert lost.value.resume == "1:8"
    with pytest.raises(CursorLost, match="records 5 to 8 are missing"):
        seqs(slow)
    assert seqs(slow) == [9, 10, 11, 12]


def test_a_segment_that_is_a_hole_is_not_read_into_memory(tmp_path: Path) -> None:
    """Its place is looked for within the bounds of a record; what is there is then told as damage."""
    own = OwnDirectory(tmp_path)
    one_workflow(own, "w1")
    with segment(own).open("r+b") as file:
        file.seek(len(records_of(own)))
        file.write(b"\0" * 4096)
        file.truncate(1 << 30)
    script = (
        "import resource, sys\nfrom orchestrator.files.journal.tail import JournalTail\n"
        "from orchestrator.model.errors import OrchestratorError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))\n"
        "try:\n    JournalTail(sys.argv[1], '1:3').poll()\nexcept OrchestratorError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, own.path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("is_made_anew", [True, False])
def test_a_journal_that_was_removed_is_told(tmp_path: Path, is_made_anew: bool) -> None:
    """Whoever follows the old one would wait for ever; then it goes on with the new one, from its beginning."""
    own = OwnDirectory(tmp_path / "data")
    one_workflow(own, "w1")
    tail = JournalTail(own.path)
    assert seqs(tail) == []
    del own
    shutil.rmtree(tmp_path / "data")
    if is_made_anew:
        one_workflow(OwnDirectory(tmp_path / "data"), "w2")
    with pytest.raises(CursorLost, match="the journal was removed") as told:
        tail.poll()
    assert (told.value.resume, tail.cursor) == ("0:0", "0:0")
    assert seqs(tail) == ([1, 2, 3, 4] if is_made_anew else [])
    if not is_made_anew:
        one_workflow(OwnDirectory(tmp_path / "data"), "w2")
        assert seqs(tail) == [1, 2, 3, 4]
