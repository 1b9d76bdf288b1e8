"""From any state of the files to a world, or to a clear refusal."""

from __future__ import annotations

import random

import pytest

from orchestrator.engine import invariants
from orchestrator.engine.commands import StartAttempt
from orchestrator.engine.events import AttemptExited, Event, Moment
from orchestrator.engine.machine import Step, step
from orchestrator.model.errors import DiskFailed, JournalDamaged
from orchestrator.plan.ir import Plan, RetryPolicy, canonical
from orchestrator.store import codec
from orchestrator.store.journal import Journal
from orchestrator.store.pin import pin
from orchestrator.store.recover import recover, seal_newest
from tests.support.disk import MemoryDisk
from tests.support.plans import at, operation, plan, started, submitted

SAMPLE = plan(
    operation("a", ("x", "y"), retry=RetryPolicy(2, "linear", 0, 0)),
    operation("b", ("z",), ("a",), undo="undo", on_failure="rollback"),
)
SEGMENT = "/d/journal/000001.jsonl"


class Life:
    """A daemon's journal without the daemon: events go in, records come out."""

    def __init__(self, disk: MemoryDisk | None = None) -> None:
        self.disk = disk or MemoryDisk()
        if disk is None:
            for folder in ("/d", "/d/journal", "/d/workflows", "/d/tasks"):
                self.disk.make_directory(folder)
        found = recover(self.disk, "/d")
        seal_newest(self.disk, "/d", found)
        self.world = found.world
        self.journal = Journal(self.disk, "/d", found.next_segment, found.world.seq, found.last_sum)
        self.seconds = found.world.seq

    def happen(self, event: Event) -> Step:
        self.seconds += 1
        result = step(self.world, event, at(self.seconds))
        self.journal.append(result.seq, event, at(self.seconds), result.transitions)
        self.journal.flush()
        self.journal.sync()
        return result

    def submit(self, what: Plan, workflow: str) -> Step:
        pin(self.disk, "/d", workflow, canonical(what), {"w.k": b"source"})
        return self.happen(submitted(what, workflow))


def a_short_life() -> Life:
    """Two workflows, one of which failed once and was tried again."""
    life = Life()
    life.happen(started())
    commands = life.submit(SAMPLE, "w1").commands + life.submit(SAMPLE, "w2").commands
    fate = random.Random(1)
    while commands:
        command = commands.pop(0)
        if isinstance(command, StartAttempt):
            commands += life.happen(AttemptExited(command.task, command.attempt, fate.choice([0, 0, 1]))).commands
    return life


def journal_bytes(life: Life) -> bytes:
    """The records, without what is preallocated."""
    content = life.disk.read(SEGMENT)
    assert content is not None
    return content.rstrip(b"\n") + b"\n"


def test_a_replay_gives_the_same_world() -> None:
    """Every task and count is what it was."""
    life = a_short_life()
    found = recover(life.disk, "/d")
    assert found.torn_bytes == 0
    assert found.world.counts == life.world.counts
    assert [(t.id, t.status, t.attempt, t.seq) for t in found.world.tasks.values()] == [
        (t.id, t.status, t.attempt, t.seq) for t in life.world.tasks.values()
    ]


@pytest.mark.fault("F04")
def test_recovers_from_a_journal_cut_after_any_byte() -> None:
    """However much of the end is missing, whole records are kept, the rest is cut, and the invariants hold."""
    life = a_short_life()
    content = journal_bytes(life)
    lines = [0]
    while lines[-1] < len(content):
        lines.append(content.index(b"\n", lines[-1]) + 1)
    for size in range(len(content) + 1):
        life.disk.put(SEGMENT, content[:size] + b"\n" * 7)
        found = recover(life.disk, "/d")
        # A record that only misses its newline is whole: the checksum says so.
        whole = sum(end <= size + 1 for end in lines) - 1
        assert found.world.seq == whole
        assert invariants.broken(found.world) == []
        assert found.torn_bytes == max(0, size - lines[whole])


def test_goes_on_behind_a_cut_journal() -> None:
    """After a cut the next daemon seals the segment and its records follow without a gap."""
    life = a_short_life()
    life.disk.put(SEGMENT, journal_bytes(life)[:-9])
    again = Life(life.disk)
    seq = again.happen(started(epoch=2)).seq
    found = recover(life.disk, "/d")
    assert (found.world.seq, found.world.epoch, found.torn_bytes) == (seq, 2, 0)


@pytest.mark.fault("F05")
@pytest.mark.parametrize("change", [b"\0", b"\n", b" ", b"}", b"7"])
def test_a_changed_byte_that_was_acknowledged_stops_the_start(change: bytes) -> None:
    """A byte changed before the last synced record is found, wherever it is, and nothing starts."""
    life = a_short_life()
    content = journal_bytes(life)
    last_two = content.rstrip(b"\n").rsplit(b"\n", 2)
    for place in range(0, len(last_two[0]), 7):
        if content[place : place + 1] == change:
            continue
        life.disk.put(SEGMENT, content[:place] + change + content[place + 1 :])
        with pytest.raises(JournalDamaged, match=r"000001\.jsonl, line \d+"):
            recover(life.disk, "/d")


@pytest.mark.fault("F04")
def test_whole_lines_behind_a_torn_one_are_cut_if_nobody_was_told() -> None:
    """A disk may lose the first half of an unsynced batch and keep the second."""
    life = a_short_life()
    content = journal_bytes(life)
    before = recover(life.disk, "/d").world.seq
    previous = life.journal.last_sum
    batch = b""
    for seq in (before + 1, before + 2):
        line, previous = codec.encode(seq, before, started(), Moment(1, 1), [], previous)
        batch += line
    life.disk.put(SEGMENT, content + b"\n" * 40 + batch[40:])
    found = recover(life.disk, "/d")
    assert (found.world.seq, found.torn_bytes) == (before, len(batch) - 1)


def test_a_missing_segment_stops_the_start() -> None:
    """A gap in the sequence is damage."""
    life = a_short_life()
    Life(life.disk).happen(started(epoch=2))
    life.disk.remove(SEGMENT)
    with pytest.raises(JournalDamaged, match="line 1"):
        recover(life.disk, "/d")


def test_a_changed_plan_stops_the_start() -> None:
    """The pinned plan must have the digest that the journal names."""
    life = a_short_life()
    life.disk.replace("/d/workflows/w1/plan.json", canonical(plan(operation("other"))), durable=True)
    with pytest.raises(JournalDamaged, match="has been changed"):
        recover(life.disk, "/d")


@pytest.mark.fault("F03")
def test_a_power_cut_loses_nothing_that_was_synced() -> None:
    """Everything up to the last sync is there after the power went."""
    life = a_short_life()
    seq = life.world.seq
    life.journal.append(seq + 1, started(epoch=2), at(99), [])
    life.journal.flush()
    life.disk.lose_unsynced()
    assert recover(life.disk, "/d").world.seq == seq


@pytest.mark.fault("F07")
def test_a_failed_sync_is_cut_back_to_the_last_good_one() -> None:
    """What was written behind the last good sync is not there for the next daemon, though the disk had it."""
    life = a_short_life()
    seq = life.world.seq
    life.disk.files.fault = lambda call, _path: 5 if call == "sync" else None
    with pytest.raises(DiskFailed):
        life.happen(started(epoch=2))
    life.disk.files.fault = lambda _call, _path: None
    life.journal.cut_back()
    assert recover(life.disk, "/d").world.seq == seq
