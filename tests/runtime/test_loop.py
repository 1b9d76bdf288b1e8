"""The order of things: record, sync, then everything else."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.commands import Refuse, StartAttempt
from orchestrator.engine.events import AttemptExited, CancelRequested, Moment
from orchestrator.engine.world import World
from orchestrator.model.errors import DiskFailed
from orchestrator.runtime.loop import RETRY_US, Loop
from orchestrator.runtime.projector import Projector
from orchestrator.store.codec import FIRST_SUM
from orchestrator.store.journal import Journal
from tests.support.disk import MemoryDisk
from tests.support.plans import operation, plan, started, submitted

if TYPE_CHECKING:
    from orchestrator.engine.commands import Command
    from orchestrator.engine.machine import Step
    from orchestrator.runtime.projector import Batch


class ManualClock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.us = 1_000_000

    def now(self) -> Moment:
        return Moment(1_700_000_000_000_000 + self.us, self.us)


class Bench:
    """A loop on a disk in memory, whose syncs end when the test says so."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        for folder in ("/d", "/d/journal"):
            self.disk.make_directory(folder)
        self.clock = ManualClock()
        self.performed: list[Command] = []
        self.batches: list[Batch] = []
        self.answers: list[Step | Refuse] = []
        self.syncs = 0
        self.world = World()
        self.journal = Journal(self.disk, "/d", 1, 0, FIRST_SUM)
        self.projector = Projector(self.world, self.clock, self._write, lambda: ("status.json", b"{}"))
        self.loop = Loop(
            self.world, self.journal, self.clock, self.projector.mark, self.performed.append, self._sync_asked
        )

    def _write(self, batch: Batch, is_complete: bool) -> None:
        assert is_complete
        self.batches.append(batch)

    def _sync_asked(self) -> None:
        self.syncs += 1

    def sync(self) -> None:
        self.journal.sync()
        self.loop.synced(self.journal.synced_seq)
        self.loop.turn()

    def begin(self) -> None:
        """A daemon with a workflow of one task, which is about to start."""
        self.loop.offer(started())
        self.loop.offer(submitted(plan(operation("a"))), self.answers.append)
        self.loop.turn()


def test_nothing_is_performed_or_answered_before_the_sync() -> None:
    """Commands, answers and files all wait for the disk."""
    bench = Bench()
    bench.begin()
    bench.projector.pump()
    assert (bench.performed, bench.answers) == ([], [])
    assert [path for batch in bench.batches for path, _ in batch] == ["status.json"]
    bench.sync()
    assert bench.performed == [StartAttempt("w.a.local.x", 1, undo=False)]
    assert len(bench.answers) == 1


def test_what_arrives_during_a_sync_shares_the_next_one() -> None:
    """One sync is under way at a time; the next one covers all that gathered."""
    bench = Bench()
    bench.begin()
    for number in range(5):
        bench.loop.offer(submitted(plan(operation("a")), f"w{number}"))
        bench.loop.turn()
    assert bench.syncs == 1
    bench.sync()
    assert bench.syncs == 2
    bench.sync()
    assert len(bench.performed) == 6
    assert bench.loop.is_settled


def test_a_refusal_waits_for_what_it_rests_on() -> None:
    """Who is refused because of a record that is not durable yet is told when it is."""
    bench = Bench()
    bench.begin()
    bench.loop.offer(submitted(plan(operation("a")), "w", key="another"), bench.answers.append)
    bench.loop.turn()
    assert bench.answers == []
    bench.sync()
    assert [type(answer).__name__ for answer in bench.answers] == ["Step", "Refuse"]


def test_a_refusal_alone_needs_no_sync() -> None:
    """A refused event has no record, so nobody waits for the disk."""
    bench = Bench()
    bench.begin()
    bench.sync()
    asked = bench.syncs
    bench.loop.offer(CancelRequested("nothing", "k", "tester"), bench.answers.append)
    bench.loop.turn()
    assert isinstance(bench.answers[-1], Refuse)
    assert bench.syncs == asked


def test_timers_fire_when_their_time_has_come() -> None:
    """The timeout of a running attempt is an event of the loop's own."""
    bench = Bench()
    bench.begin()
    bench.sync()
    bench.clock.us += 299_999_999
    bench.loop.fire_timers()
    assert bench.loop.is_settled
    bench.clock.us += 1
    bench.loop.fire_timers()
    bench.loop.turn()
    bench.sync()
    assert type(bench.performed[-1]).__name__ == "StopAttempt"


def test_a_disk_that_fails_ends_the_turn() -> None:
    """The failure reaches whoever runs the loop; nothing was performed."""
    bench = Bench()
    bench.disk.files.fault = lambda _call, _path: errno.EIO
    with pytest.raises(DiskFailed):
        bench.begin()
    assert bench.performed == []


def test_a_full_disk_is_waited_for() -> None:
    """Nothing is performed or answered while the disk takes nothing; when it does, everything is, in order."""
    bench = Bench()
    bench.disk.files.fault = lambda _call, _path: errno.ENOSPC
    bench.begin()
    assert (bench.performed, bench.answers) == ([], [])
    assert bench.loop.trouble is not None
    bench.disk.files.fault = lambda _call, _path: None
    bench.loop.turn()
    assert bench.loop.trouble is not None, "it is not tried again at once"
    assert bench.loop.next_due_us() == bench.clock.us + RETRY_US
    bench.clock.us += RETRY_US
    bench.loop.turn()
    assert bench.loop.trouble is None
    bench.sync()
    assert bench.performed != []
    assert bench.loop.is_settled


def test_files_that_change_again_before_they_are_written_are_written_once() -> None:
    """Only the newest content of a file is handed to the writer."""
    bench = Bench()
    bench.begin()
    bench.sync()
    bench.projector.pump()
    assert len(bench.batches) == 1
    bench.loop.offer(AttemptExited("w.a.local.x", 1, 0))
    bench.loop.turn()
    bench.sync()
    bench.projector.written()
    bench.clock.us += 1_000_000
    bench.projector.pump()
    later = [path for path, _ in bench.batches[1]]
    assert sorted(later) == ["status.json", "tasks/w.a.local.x.json", "workflows/w/state.json"]
    assert b'"succeeded"' in dict(bench.batches[1])["tasks/w.a.local.x.json"]
