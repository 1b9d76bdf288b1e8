"""Which finished workflows go into the archive, and what becomes of one that is retried meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from orchestrator.config import Settings
from orchestrator.engine import flags
from orchestrator.engine.events import AttemptExited, RetryRequested
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.files.layout import archive_path
from orchestrator.plan.ir import canonical
from orchestrator.runtime.archivist import Archivist
from orchestrator.runtime.troubles import Troubles
from tests.runtime.test_loop import ManualClock
from tests.support.disk import MemoryDisk
from tests.support.plans import operation, plan, started, submitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.events import Event

DAY_US = 86_400 * 1_000_000

ARCHIVED = archive_path("/d", "w")


T = TypeVar("T")


class Later:
    """Workers that do a job when they are told to. See `orchestrator.runtime.workers.Workers`."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        del failed
        self.jobs.append(lambda: done(job()))

    def finish(self, patience_s: float) -> None:
        """Nothing is ever waited for."""

    def work(self) -> None:
        """Do what there is, and what that brings."""
        while self.jobs:
            self.jobs.pop(0)()


class Office:
    """A world with a finished workflow, and an archivist."""

    def __init__(self, retention_days: int) -> None:
        self.clock, self.disk, self.writing = ManualClock(), MemoryDisk(), Later()
        for folder in ("/d", "/d/workflows", "/d/workflows/w", "/d/archive", "/d/tasks"):
            self.disk.make_directory(folder)
        what = plan(operation("a"))
        what = msgspec.structs.replace(what, settings={"logging": {"retention_days": retention_days}})
        self.disk.put("/d/workflows/w/plan.json", canonical(what))
        self.world = World()
        self.happen(started())
        self.happen(submitted(what))
        self.happen(AttemptExited("w.a.local.x", 1, 0))
        self.archivist = Archivist(
            self.world,
            self.disk,
            "/d",
            self.clock,
            self.writing,
            self._offer,
            lambda _: None,
            lambda _: None,
            Settings(),
            Troubles(self.clock, print),
        )

    def happen(self, event: Event) -> None:
        step(self.world, event, self.clock.now())

    def _offer(self, event: Event, answer: Callable[[object], None]) -> None:
        answer(step(self.world, event, self.clock.now()))

    def after_days(self, days: float) -> None:
        """Time passes, and the archivist looks."""
        self.clock.us += int(days * DAY_US)
        self.archivist.pump()


def test_a_workflow_is_kept_as_long_as_it_says() -> None:
    """R1-37: ``logging.retention_days``, from its end on."""
    office = Office(retention_days=7)
    office.after_days(6.9)
    office.writing.work()
    assert "w" in office.world.workflows
    office.after_days(0.2)
    office.writing.work()
    assert "w" not in office.world.workflows
    assert office.disk.read(ARCHIVED)


def test_one_that_is_retried_while_it_is_sealed_stays() -> None:
    """What was sealed is not what it is any more; the archive forgets it."""
    office = Office(retention_days=7)
    office.after_days(8)
    office.happen(RetryRequested("w", "k", "ann", everything=True, flags=flags.CURRENT))
    office.writing.work()
    assert office.disk.read(ARCHIVED)
    office.archivist.pump()
    office.writing.work()
    assert office.disk.read(ARCHIVED) is None
    assert office.world.workflows["w"].status == "running"


def test_what_an_earlier_daemon_sealed_in_vain_is_cleared_away() -> None:
    """A crash between the seal and its record, and a retry since."""
    office = Office(retention_days=7)
    office.disk.put(ARCHIVED, b"{}\n")
    office.archivist.clear_leftovers()
    office.after_days(0)
    office.writing.work()
    assert office.disk.read(ARCHIVED) is None
    assert "w" in office.world.workflows
