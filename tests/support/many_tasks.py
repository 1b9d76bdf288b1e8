"""A data directory with any number of tasks, as a daemon leaves it, made in seconds.

The real engine is driven on a virtual clock by made-up ends of attempts; its records go through the real journal and
its world through the real projections. So everything fits: `orchestrator verify` finds nothing, the index is complete
up to the journal's last record, a daemon can be started on it. Two things are left out, because no reader of tables
looks at them: the attempts' logs and ``attempts.log``.

Three workflows, submitted on three days: one that succeeded, one in which some tasks failed, and one that still runs.
Of all tasks about 1 % failed (with two attempts each), 1 % run, 3 % wait (some for a slot, some for an operation), the
rest succeeded, some of them at the second try.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from orchestrator import __version__
from orchestrator.engine import timers
from orchestrator.engine.commands import StartAttempt
from orchestrator.engine.events import AttemptExited, DaemonStarted, JournalContinued, Moment
from orchestrator.engine.machine import Step, step
from orchestrator.engine.world import World
from orchestrator.files.layout import FORMAT, STATUS_FILE
from orchestrator.model.times import rfc3339
from orchestrator.plan.ir import Plan, RetryPolicy, canonical
from orchestrator.store import checkpoint, project, snapshot
from orchestrator.store.codec import FIRST_SUM
from orchestrator.store.directory import prepare
from orchestrator.store.index import TasksIndex
from orchestrator.store.journal import SEGMENT_BYTES, Journal
from orchestrator.store.pin import pin
from orchestrator.store.realdisk import RealDisk
from tests.support.plans import operation, plan, submitted

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.events import Event

#: 2026-01-12 08:00 UTC: when the first workflow is submitted, unless told otherwise. The others follow a day apart.
BEGIN_US = 1_768_204_800_000_000
DAY_US = 86_400_000_000

#: Attempts that are run again after a failure.
_RETRY = RetryPolicy(max_attempts=2, initial_delay=5)

#: Records that share a sync.
_GROUP = 2000

_BOOT = "2f1c8d0e-5a57-4c37-9a45-0d5a3f0c4b1e"


class Made(NamedTuple):
    """What `make_directory` has made. `counts`: {task status: tasks}; `seq`: the last record of the journal."""

    path: str
    counts: dict[str, int]
    seq: int
    epoch: int


def make_directory(
    path: Path | str, count: int, *, begin_us: int = BEGIN_US, segment_bytes: int = SEGMENT_BYTES
) -> Made:
    """Make a data directory of `count` tasks at `path`, which must not exist or be empty. No daemon holds it.

    Args:
        path: of the directory.
        count: of its tasks.
        begin_us: when the first workflow is submitted, in microseconds since 1970; the last tasks start two days later.
        segment_bytes: size at which a segment of the journal is followed by another.
    """
    maker = _Maker(str(path), begin_us, segment_bytes)
    maker.happen(DaemonStarted(1, _BOOT, 1, __version__, max(1, count // 100), "bench"))
    to_come = count
    for day, (name, what) in enumerate(_workflows(count).items()):
        maker.now_us = max(maker.now_us, begin_us + day * DAY_US)
        pin(maker.disk, maker.path, name, canonical(what), {"fleet.k": _SOURCE})
        maker.happen(submitted(what, name))
        to_come -= sum(len(one.items) for one in what.operations)
        maker.play(open_tasks=0 if to_come else count // 25)
    maker.show()
    return Made(maker.path, dict(maker.world.counts), maker.world.seq, maker.world.epoch)


_SOURCE = b"# What a daemon would have pinned here: the definition.\n"


def _workflows(count: int) -> dict[str, Plan]:
    """{id: plan} with `count` tasks in all."""
    failing, waiting = count * 30 // 100, count * 2 // 100
    creating = count * 28 // 100
    rest = count - failing - waiting - creating
    return {
        "fleet-4k7q0d": plan(
            operation("create-servers", _items("node", rest - rest // 2), retry=_RETRY, providers=("upcloud",)),
            operation("install-base", _items("node", rest // 2), ("create-servers",), retry=_RETRY),
        ),
        "databases-9m2x1c": plan(
            operation("move-data", _items("db", failing), retry=_RETRY, on_failure="continue", priority=5)
        ),
        "rollout-b81tz3": plan(
            operation("update-servers", _items("node", creating), retry=_RETRY, providers=("upcloud",)),
            operation("check-cluster", _items("zone", waiting), ("update-servers",), retry=_RETRY),
            priority=10,
        ),
    }


def _items(kind: str, count: int) -> tuple[str, ...]:
    return tuple(f"{kind}-{number:05}" for number in range(count))


class _Maker:
    """A daemon without processes. `now_us` is the wall clock; the monotonic one goes with it."""

    def __init__(self, path: str, begin_us: int, segment_bytes: int) -> None:
        self.path = path
        self.disk = RealDisk()
        self.world = World()
        self.now_us = self._begin_us = begin_us
        prepare(self.disk, path)
        self._journal = Journal(self.disk, path, 1, 0, FIRST_SUM, segment_bytes)
        self._ends: list[tuple[int, str, int]] = []
        self._unsynced = 0

    def happen(self, event: Event) -> Step:
        """Fold `event` in now; what is started then will end."""
        moment = Moment(self.now_us, self._mono(self.now_us))
        result = step(self.world, event, moment)
        assert result.seq, f"{event} was refused: {result.commands}"
        self._journal.append(result.seq, event, moment, result.transitions)
        for command in result.commands:
            assert isinstance(command, StartAttempt)
            heapq.heappush(self._ends, (self.now_us + _takes_us(command.task), command.task, command.attempt))
        self._unsynced += 1
        if self._unsynced >= _GROUP:
            self._sync()
        return result

    def play(self, open_tasks: int) -> None:
        """Let time pass until so many tasks are not over."""
        counts = self.world.counts
        while self._ends or timers.next_due_us(self.world) is not None:
            over = sum(counts.get(status, 0) for status in ("succeeded", "failed"))
            if len(self.world.tasks) - over <= open_tasks:
                return
            timer_us = timers.next_due_us(self.world)
            end_us = self._ends[0][0] if self._ends else None
            if timer_us is not None and (end_us is None or timer_us <= self._mono(end_us)):
                self.now_us += max(0, timer_us - self._mono(self.now_us))
                event = timers.due_event(self.world, timer_us)
                assert event is not None
                self.happen(event)
            else:
                self.now_us, task, attempt = heapq.heappop(self._ends)
                self.happen(AttemptExited(task, attempt, _exit_code(task, attempt)))

    def show(self) -> None:
        """Make everything durable that has happened, and write the public files."""
        self._sync()
        index = TasksIndex(self.disk, self.path)
        for task in self.world.tasks.values():
            name, content = project.task_file(task)
            self.disk.write_new(f"{self.path}/{name}", content)
            index.note(name, content)
        for workflow in self.world.workflows.values():
            for name, content in (
                project.state_file(workflow),
                (checkpoint.path(workflow.id), checkpoint.encode(checkpoint.of(workflow))),
            ):
                self.disk.write_new(f"{self.path}/{name}", content)
        index.write(self.world.epoch, self.world.seq, 0)
        self._journal._log.close()
        self.disk.replace(f"{self.path}/{STATUS_FILE}", self._status(), durable=False)

    def _mono(self, wall_us: int) -> int:
        return 5_000_000 + wall_us - self._begin_us

    def _sync(self) -> None:
        self._journal.flush()
        self._journal.sync()
        self._unsynced = 0
        if self._journal.is_full:
            last_sum = self._journal.last_sum
            self._journal.rotate()
            content = snapshot.encode(self.world, last_sum)
            self.disk.replace(snapshot.path(self.path, self._journal.segment), content, durable=True)
            self.happen(JournalContinued(self.world.epoch))
            self._sync()

    def _status(self) -> bytes:
        counts = project.status_counts(self.world)
        workflows = counts.pop("workflows")
        content = {
            "running": False,
            "tasks_pending": counts.pop("tasks_pending"),
            "tasks_running": counts.pop("tasks_running"),
            "last_check": rfc3339(self.now_us),
            **counts,
            "data_dir": self.path,
            "version": __version__,
            "format": FORMAT,
            "pid": 1,
            "boot_id": _BOOT,
            "started_at": rfc3339(self._begin_us),
            "epoch": self.world.epoch,
            "seq": self.world.seq,
            "workflows": workflows,
            "degraded": None,
        }
        return project.encode_lines(content)


def _number(task: str) -> int:
    return int(task.rpartition("-")[2])


def _takes_us(task: str) -> int:
    """How long an attempt of `task` takes: 0.2 to 5 s, most of them little."""
    spread = _number(task) * 7919 % 1000 / 1000
    return int(200_000 + 4_800_000 * spread**3)


def _exit_code(task: str, attempt: int) -> int:
    """Of the databases, every thirtieth fails for good; of everything, every hundredth at its first attempt."""
    number = _number(task)
    if task.startswith("databases") and number % 30 == 7:
        return 2
    return int(attempt == 1 and number % 100 == 13)
