"""A data directory at work: the parts put together, and the few decisions that belong to none of them.

What a request does is `interfaces.spool.desk`'s; here is when an idle daemon ends, what goes into status.json, and
what a disk means that takes nothing. Everything outside comes through a `Host`: the same daemon runs in a simulation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import __version__
from orchestrator.engine import timers
from orchestrator.engine.commands import Command, Refuse, StartAttempt, StopAttempt
from orchestrator.engine.events import DaemonStarted
from orchestrator.files.layout import FORMAT, STATUS_FILE
from orchestrator.interfaces.spool.desk import Desk
from orchestrator.model.errors import DiskFailed
from orchestrator.model.limits import HEARTBEAT_S
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.model.times import rfc3339
from orchestrator.runtime.archivist import Archivist
from orchestrator.runtime.checkpoints import Checkpoints
from orchestrator.runtime.compaction import RECORDS_WITHOUT_SNAPSHOT, SEGMENTS_WITHOUT_SNAPSHOT, Compaction
from orchestrator.runtime.loop import Loop
from orchestrator.runtime.projector import Batch, Projector
from orchestrator.runtime.supervise import Supervisor
from orchestrator.runtime.troubles import Troubles
from orchestrator.store import project
from orchestrator.store.journal import Journal
from orchestrator.store.public import PublicFiles
from orchestrator.store.recover import recover, seal_newest

if TYPE_CHECKING:
    from orchestrator.config import Settings
    from orchestrator.engine.machine import Step
    from orchestrator.engine.world import Task, Workflow, World
    from orchestrator.runtime.host import Host
    from orchestrator.store.recover import Recovered

#: An idle daemon that was started for one run ends after this long.
_IDLE_US = 3_000_000

#: Answers are kept this long for clients that were interrupted.
_REPLIES_KEPT_US = 3600 * 1_000_000

#: What the writer may take to finish at the end; its files are not needed by the next daemon.
_GOODBYE_S = 5.0

#: Time between two looks for old answers.
_PRUNE_US = 60_000_000

_HEARTBEAT_US = int(HEARTBEAT_S * 1_000_000)


class Daemon:
    """A data directory at work, from recovery to the end of the process."""

    def __init__(self, host: Host, data_dir: str, settings: Settings, *, until_idle: bool) -> None:
        """Recover `data_dir` and get ready; the caller holds its lock.

        Raises:
            OrchestratorError: the directory cannot be used; nothing was started.
        """
        self.exit_code = 0
        self._host = host
        self._data_dir = data_dir
        self._settings = settings
        self._until_idle = until_idle
        self._disk, self._clock, self._say = host.disk, host.clock, host.say
        self._started = self._clock.now()
        self._syncing = host.workers("sync")
        self._writing = host.workers("write")
        recovered = recover(self._disk, data_dir)
        seal_newest(self._disk, data_dir, recovered)
        self._world = recovered.world
        self._troubles = Troubles(self._clock, self._say)
        self._journal = Journal(
            self._disk, data_dir, recovered.next_segment, self._world.seq, recovered.last_sum, settings.segment_bytes
        )
        self._compaction = Compaction(
            self._disk, data_dir, host.workers("compact"), self._troubles, settings.journal_keep_bytes
        )
        self._files = PublicFiles(self._disk, data_dir)
        self._projector = Projector(self._world, self._clock, self._write_batch, self._status_file)
        self._checkpoints = Checkpoints(
            self._world, self._disk, data_dir, self._clock, self._writing, self._troubles, lambda: self._loop.synced_seq
        )
        self._loop = Loop(
            self._world,
            self._journal,
            self._clock,
            self._mark,
            self._perform,
            self._request_sync,
            lambda last_sum, number: self._compaction.take(self._world, last_sum, number),
        )
        self._archivist = Archivist(
            self._world,
            self._disk,
            data_dir,
            self._clock,
            self._writing,
            self._loop.offer,
            self._forget,
            self._files.forget,
            settings,
            self._troubles,
        )
        self._supervisor = Supervisor(
            self._world,
            host.effect(data_dir, settings.stop_grace_s),
            self._clock,
            host.waiting,
            self._loop.offer,
            data_dir,
            host.provider_directories(data_dir),
            settings.stop_grace_s,
        )
        self._desk = Desk(host, self._loop, data_dir, end=self._end, drain=self._drain)
        self._inbox = self._desk.inbox
        self._busy_us = self._started.mono_us
        self._next_beat_us = self._next_prune_us = 0
        self._draining = self._has_adopted = False
        self._begin(recovered)

    def run(self) -> int:
        """Work until told to end. Returns the exit code of the process."""
        self._host.watch_inbox(self._data_dir, self._look_into_inbox)
        self._host.on_end(self._end)
        try:
            self._host.waiting.run(self._turn)
            self._say_goodbye()
        except DiskFailed as error:
            self._give_up(error)
        return self.exit_code

    def _begin(self, recovered: Recovered) -> None:
        if recovered.replayed > RECORDS_WITHOUT_SNAPSHOT or recovered.replayed_segments > SEGMENTS_WITHOUT_SNAPSHOT:
            self._compaction.take(self._world, recovered.last_sum, recovered.next_segment)
        self._archivist.clear_leftovers()
        self._writing.run(self._files.remove_old_spares, lambda _: None, self._not_tidied)
        orphans = list(self._world.live.values())
        same_boot = self._world.boot_id in ("", self._host.boot_id)
        if not same_boot:
            with self._troubles.noted("replies of before the restart"):
                self._inbox.remove_torn_replies()
        self._loop.offer(
            DaemonStarted(
                epoch=self._world.epoch + 1,
                boot_id=self._host.boot_id,
                pid=self._host.pid,
                version=__version__,
                max_running=self._settings.max_running,
                host=self._host.name,
                provider_limits=self._settings.provider_limits,
                torn_bytes=recovered.torn_bytes,
            ),
            lambda _: self._adopt(orphans, same_boot=same_boot),
        )
        self._projector.mark_all()
        self._checkpoints.mark_all()
        self._say(
            f"started on {self._data_dir}: {recovered.world.seq - 1} records, {len(self._world.tasks)} tasks, "
            f"{len(orphans)} of them running"
        )
        if recovered.torn_bytes:
            self._say(f"cut {recovered.torn_bytes} bytes off the journal's end: a write that was never acknowledged")

    def _adopt(self, orphans: list[Task], *, same_boot: bool) -> None:
        """This daemon's first record is on the disk: find out what became of what the last one had running."""
        self._supervisor.adopt(orphans, same_boot=same_boot)
        self._has_adopted = True

    @property
    def world(self) -> World:
        """What the daemon knows. To be looked at between two rounds."""
        return self._world

    @property
    def is_settled(self) -> bool:
        """Whether nothing is on its way: every request answered, every record kept, every file written."""
        parts = (self._inbox, self._projector, self._archivist, self._compaction, self._checkpoints)
        return self._loop.is_settled and all(part.is_idle for part in parts)

    # --- one round -------------------------------------------------------------------------------------------

    def _turn(self) -> int:
        now_us = self._clock.now().mono_us
        if now_us >= self._next_beat_us:
            self._beat(now_us)
        self._supervisor.tick()
        if self._has_adopted:  # what ended in time while nobody looked is met before its timeout
            self._loop.fire_timers()
        self._loop.turn()
        self._troubles.note("the journal", self._loop.trouble)
        self._projector.pump()
        self._checkpoints.pump()
        self._archivist.pump()
        self._end_if_done(now_us)
        return min(self._due(now_us))

    def _beat(self, now_us: int) -> None:
        self._next_beat_us = now_us + _HEARTBEAT_US
        self._look_into_inbox()
        if self._projector.is_idle:
            self._writing.run(lambda: self._files.tidy(now_us), lambda _: None, self._not_tidied)
        if now_us >= self._next_prune_us:
            self._next_prune_us = now_us + _PRUNE_US
            with self._troubles.noted("old replies"):
                self._inbox.prune_replies(self._clock.now().wall_us - _REPLIES_KEPT_US)

    def _look_into_inbox(self) -> None:
        """Take up requests; but while the journal cannot be written they are better off in their files."""
        if self._loop.trouble is None:
            with self._troubles.noted("the inbox"):
                self._inbox.scan()

    def _due(self, now_us: int) -> list[int]:
        parts = (
            timers.next_due_us(self._world) if self._has_adopted else None,
            self._supervisor.next_due_us(),
            self._projector.next_due_us(),
            self._archivist.next_due_us(),
            self._checkpoints.next_due_us(),
            self._loop.next_due_us(),
        )
        due = [self._next_beat_us, *(at for at in parts if at is not None)]
        if self._until_idle:
            due.append(max(self._busy_us + _IDLE_US, now_us + 1000))
        return due

    def _end_if_done(self, now_us: int) -> None:
        quiet = self.is_settled
        if not quiet or self._world.live or self._supervisor.next_due_us() is not None:
            self._busy_us = now_us
        drained = self._draining and quiet and not self._world.live and self._supervisor.next_due_us() is None
        idle = self._until_idle and now_us - self._busy_us >= _IDLE_US and not self._has_open_workflows()
        if drained or idle:
            self._end()

    def _has_open_workflows(self) -> bool:
        return any(workflow.status not in WORKFLOW_FINAL for workflow in self._world.workflows.values())

    def _end(self) -> None:
        """Take no more work; children go on and are adopted by the next daemon."""
        self._host.waiting.stop()

    def _say_goodbye(self) -> None:
        """Show the end in status.json: behind what the writer still has to write, and by its thread."""
        path, content = self._status_file(running=False)
        self._writing.run(
            lambda: self._disk.replace(f"{self._data_dir}/{path}", content, durable=False),
            lambda _: None,
            lambda _: None,
        )
        self._writing.finish(_GOODBYE_S)
        self._say(f"ended{_left_to_run(len(self._world.live))}")

    def _drain(self) -> None:
        """Nothing new is started any more; end when nothing runs."""
        self._draining = True

    def _give_up(self, error: DiskFailed) -> None:
        """The disk did not keep a record: forget what is not known to be on it, and end (DESIGN rule 2)."""
        self.exit_code = error.exit_code
        self._say(f"{error.message}; ending without acknowledging what was not kept. {error.help}")
        try:
            self._journal.cut_back()
        except DiskFailed as again:
            self._say(f"and {again.message}")

    # --- what the loop asks for ------------------------------------------------------------------------------

    def _perform(self, command: Command) -> None:
        match command:
            case StartAttempt() | StopAttempt():
                self._supervisor.perform(command)
            case Refuse():
                raise AssertionError("a refusal is an answer, not a command to perform")

    def _mark(self, result: Step) -> None:
        self._projector.mark(result)
        self._checkpoints.mark(result)

    def _forget(self, workflow: Workflow) -> None:
        self._projector.forget(workflow)
        self._checkpoints.forget(workflow)

    def _request_sync(self) -> None:
        self._syncing.run(self._journal.sync, lambda _: self._loop.synced(self._journal.synced_seq), self._failed)

    def _write_batch(self, batch: Batch, is_complete: bool) -> None:
        now_us = self._clock.now().mono_us
        complete = (self._world.epoch, self._loop.synced_seq) if is_complete else None
        self._writing.run(lambda: self._files.write(batch, now_us, complete), self._written, self._failed)

    def _not_tidied(self, error: Exception) -> None:
        """Hidden files that nobody needs stay for now."""
        if not isinstance(error, DiskFailed):
            raise error

    def _written(self, failed: dict[str, DiskFailed]) -> None:
        """A batch of public files is out, but for those that `failed`: they can be late, nothing rests on them."""
        self._troubles.note("public files", next(iter(failed.values()), None))
        self._projector.written(frozenset(failed))

    def _failed(self, error: Exception) -> None:
        raise error

    def _status_file(self, *, running: bool = True) -> tuple[str, bytes]:
        now = self._clock.now()
        counts = project.status_counts(self._world)
        workflows = counts.pop("workflows")
        content = {
            "running": running,
            "tasks_pending": counts.pop("tasks_pending"),
            "tasks_running": counts.pop("tasks_running"),
            "last_check": rfc3339(now.wall_us),
            **counts,
            "data_dir": self._data_dir,
            "version": __version__,
            "format": FORMAT,
            "pid": self._host.pid,
            "boot_id": self._host.boot_id,
            "started_at": rfc3339(self._started.wall_us),
            "epoch": self._world.epoch,
            "seq": self._loop.synced_seq,
            "workflows": workflows,
            "degraded": self._troubles.worst,
        }
        return STATUS_FILE, project.encode_lines(content)


def _left_to_run(count: int) -> str:
    """What becomes of tasks that run when their daemon ends: nothing."""
    if not count:
        return ""
    goes_on = (
        "1 task goes on; the next daemon takes it over"
        if count == 1
        else f"{count} tasks go on; the next daemon takes them over"
    )
    return f": {goes_on}"
