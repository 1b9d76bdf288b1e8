"""A data directory as a daemon makes it, without the daemon: events go in, files come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.events import JournalContinued, WorkflowArchived
from orchestrator.engine.machine import Step, step
from orchestrator.files.layout import FORMAT, STATUS_FILE, archive_path
from orchestrator.model.times import rfc3339
from orchestrator.plan.ir import canonical
from orchestrator.store import archive, project
from orchestrator.store.directory import prepare
from orchestrator.store.journal import Journal
from orchestrator.store.lock import DirectoryLock
from orchestrator.store.pin import pin
from orchestrator.store.realdisk import RealDisk
from orchestrator.store.recover import recover, seal_newest
from tests.support.plans import at, started, submitted

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.events import Event, Moment
    from orchestrator.plan.ir import Plan


class OwnDirectory:
    """A data directory of ours at `path`. Every event is journalled, synced and shown in the public files."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.disk = RealDisk()
        prepare(self.disk, self.path)
        self._begin()

    def __del__(self) -> None:
        """Very many of these come and go in one test run, and descriptors are few."""
        self._close()

    def _close(self) -> None:
        if "journal" in self.__dict__:
            self.journal._log.close()
            del self.journal

    def _begin(self) -> None:
        found = recover(self.disk, self.path)
        self._close()
        seal_newest(self.disk, self.path, found)
        self.world = found.world
        self.segment = found.next_segment
        self.journal = Journal(self.disk, self.path, found.next_segment, found.world.seq, found.last_sum)
        self.happen(started(epoch=found.world.epoch + 1))

    def next_life(self) -> None:
        """The daemon was killed, and another one starts: recovery, a new segment, a new epoch."""
        self._begin()

    def rotate(self) -> None:
        """The segment is full: the journal goes on in another."""
        self.journal.rotate()
        self.happen(JournalContinued(self.world.epoch))

    def happen(self, event: Event) -> Step:
        """Fold `event` in; it happens a second after the one before."""
        moment = at(self.world.seq + 1)
        result = step(self.world, event, moment)
        self.journal.append(result.seq, event, moment, result.transitions)
        self.journal.flush()
        self.journal.sync()
        for task in result.tasks:
            self._write(*project.task_file(task))
        for workflow in result.workflows:
            self._write(*project.state_file(workflow))
        self._write(STATUS_FILE, self.status(moment))
        return result

    def submit(self, what: Plan, workflow: str) -> Step:
        """A workflow of the plan `what`, with the id `workflow`."""
        pin(self.disk, self.path, workflow, canonical(what), {"w.k": b"source"})
        return self.happen(submitted(what, workflow))

    def seal(self, workflow: str) -> str:
        """Write the archive file of a workflow that is over; its path. Nothing is removed yet."""
        path = archive_path(self.path, workflow)
        of = self.world.workflows[workflow]
        self.disk.replace(path, archive.encode(of, canonical(of.plan)), durable=True)
        return path

    def archive(self, workflow: str) -> str:
        """Move a workflow that is over into the archive; the path of its file there."""
        path = self.seal(workflow)
        self.happen(WorkflowArchived(workflow))
        archive.clear(self.disk, self.path, workflow)
        return path

    def hold(self) -> DirectoryLock:
        """Take the lock, as a daemon that runs does."""
        return DirectoryLock(self.path, "pid 1, started in a test")

    def status(self, now: Moment, *, running: bool = True) -> bytes:
        """status.json, which claims that a daemon runs."""
        counts = project.status_counts(self.world)
        content = {
            "running": running,
            "tasks_pending": counts.pop("tasks_pending"),
            "tasks_running": counts.pop("tasks_running"),
            "last_check": rfc3339(now.wall_us),
            **counts,
            "data_dir": "/where/it/was/written",
            "version": "1.2.3",
            "format": FORMAT,
            "pid": 1,
            "boot_id": "boot",
            "started_at": rfc3339(now.wall_us),
            "epoch": self.world.epoch,
            "seq": self.world.seq,
        }
        return project.encode_lines(content)

    def _write(self, path: str, content: bytes) -> None:
        self.disk.replace(f"{self.path}/{path}", content, durable=False)
