"""Timed checkpoints: how often, of what, and that they can be relied upon (requirement R1-42)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeVar

import msgspec

from orchestrator.engine import image
from orchestrator.engine.events import AttemptExited
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.model.errors import DiskFailed
from orchestrator.runtime.checkpoints import Checkpoints
from orchestrator.runtime.troubles import Troubles
from orchestrator.store import checkpoint
from tests.runtime.test_loop import ManualClock
from tests.support.disk import MemoryDisk
from tests.support.plans import operation, plan, started, submitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.events import Event

PATH = "/d/workflows/w/checkpoint.json"


T = TypeVar("T")


class AtOnce:
    """Workers that do their jobs at once. See `orchestrator.runtime.workers.Workers`."""

    def run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        try:
            result = job()
        except DiskFailed as error:
            failed(error)
        else:
            done(result)

    def finish(self, patience_s: float) -> None:
        """Nothing is ever left."""


class Desk:
    """A world whose steps are told to the checkpoints."""

    def __init__(self, frequency_s: int = 10) -> None:
        self.clock = ManualClock()
        self.disk = MemoryDisk()
        for folder in ("/d", "/d/workflows", "/d/workflows/w"):
            self.disk.make_directory(folder)
        self.world = World()
        self.said: list[str] = []
        troubles = Troubles(self.clock, self.said.append)
        self.synced: int | None = None
        self.checkpoints = Checkpoints(
            self.world, self.disk, "/d", self.clock, AtOnce(), troubles, lambda: self.synced or self.world.seq
        )
        what = plan(*(operation(name) for name in "abc"))
        self.plan = msgspec.structs.replace(what, settings={"monitoring": {"checkpoint_frequency": frequency_s}})
        self.happen(started(max_running=1))
        self.happen(submitted(self.plan))

    def happen(self, event: Event) -> None:
        self.checkpoints.mark(step(self.world, event, self.clock.now()))

    def after(self, seconds: float) -> int:
        """Let time pass; the seq of the checkpoint there is then, 0 without one."""
        end_us = self.clock.us + int(seconds * 1_000_000)
        while (due_us := self.checkpoints.next_due_us()) is not None and due_us <= end_us:
            self.clock.us = max(self.clock.us, due_us)
            self.checkpoints.pump()
        self.clock.us = end_us
        content = self.disk.read(PATH)
        return checkpoint.decode(content).seq if content else 0


def test_a_changing_workflow_has_one_every_so_many_seconds() -> None:
    """And none before."""
    desk = Desk(frequency_s=10)
    assert desk.after(9.9) == 0
    assert desk.after(0.2) == 2
    desk.happen(AttemptExited("w.a.local.x", 1, 0))
    assert desk.after(9.8) == 2
    assert desk.after(0.3) == 3


def test_what_does_not_change_is_not_written_again() -> None:
    """R1-42: none when nothing changed."""
    desk = Desk(frequency_s=10)
    desk.after(11)
    desk.disk.remove(PATH)
    assert desk.after(1000) == 0
    assert desk.checkpoints.next_due_us() is None


def test_an_ended_workflow_gets_a_last_one_at_once() -> None:
    """With its end in it."""
    desk = Desk(frequency_s=1000)
    for name in "abc":
        desk.happen(AttemptExited(f"w.{name}.local.x", 1, 0))
    assert desk.after(0.1) == 5


def test_it_is_the_workflow_as_the_journal_makes_it() -> None:
    """A57: byte for byte the image of the replayed world."""
    desk = Desk(frequency_s=1)
    desk.happen(AttemptExited("w.a.local.x", 1, 0))
    desk.after(2)
    kept = checkpoint.decode(desk.disk.read(PATH) or b"")
    assert kept.workflow == image.of_workflow(desk.world.workflows["w"])


def test_a_full_disk_is_told_and_tried_again() -> None:
    """Nothing rests on a checkpoint."""
    desk = Desk(frequency_s=1)
    desk.disk.fail = {desk.disk.calls + 1: errno.ENOSPC}
    assert desk.after(2) == 0
    assert desk.said
    assert desk.after(10) == 2


def test_what_is_not_durable_yet_is_in_no_checkpoint() -> None:
    """A power cut could take it."""
    desk = Desk(frequency_s=1)
    desk.synced = 1
    assert desk.after(5) == 0
    desk.synced = 2
    assert desk.after(1) == 2


def test_a_start_writes_what_an_earlier_daemon_did_not_come_to() -> None:
    """Of workflows that are over, too; what is there already is left alone."""
    desk = Desk(frequency_s=1000)
    for name in "abc":
        desk.happen(AttemptExited(f"w.{name}.local.x", 1, 0))
    later = Checkpoints(
        desk.world, desk.disk, "/d", desk.clock, AtOnce(), Troubles(desk.clock, print), lambda: desk.world.seq
    )
    later.mark_all()
    assert later.next_due_us() is not None
    later.pump()
    assert desk.after(0) == 5
    later.mark_all()
    assert later.next_due_us() is None
