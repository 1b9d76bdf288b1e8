"""The daemon: composition root, the only place that knows everything.

`main` is ``orchestrator serve``. `Daemon` puts the parts together and holds the few decisions that belong to
none of them: what a request does, when an idle daemon ends, what goes into status.json.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from orchestrator import __version__, config
from orchestrator.definitions.providers import load_providers
from orchestrator.effects.local import LocalEffect
from orchestrator.engine import timers
from orchestrator.engine.commands import Command, Refuse, StartAttempt, StopAttempt
from orchestrator.engine.events import DaemonStarted
from orchestrator.files.layout import FORMAT, INBOX, STATUS_FILE
from orchestrator.files.locate import find_data_dir
from orchestrator.interfaces.spool.desk import Desk
from orchestrator.model.errors import DiskFailed, OrchestratorError
from orchestrator.model.limits import HEARTBEAT_S
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.model.times import rfc3339
from orchestrator.runtime.clock import RealClock, boot_id
from orchestrator.runtime.loop import Loop
from orchestrator.runtime.projector import Batch, Projector
from orchestrator.runtime.reactor import Reactor
from orchestrator.runtime.supervise import Supervisor
from orchestrator.runtime.workers import Workers
from orchestrator.store import project
from orchestrator.store.directory import prepare
from orchestrator.store.disk import RealDisk
from orchestrator.store.journal import Journal
from orchestrator.store.lock import DirectoryLock
from orchestrator.store.recover import recover, seal_newest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.interfaces.spool.inbox import Inbox
    from orchestrator.store.recover import Recovered

#: An idle daemon that was started for one run ends after this long.
_IDLE_US = 3_000_000

#: Answers are kept this long for clients that were interrupted.
_REPLIES_KEPT_S = 3600.0

#: What the writer may take to finish at the end; its files are not needed by the next daemon.
_GOODBYE_S = 5.0

#: Time between two looks for old answers.
_PRUNE_US = 60_000_000

_HEARTBEAT_US = int(HEARTBEAT_S * 1_000_000)


class Daemon:
    """A data directory at work, from recovery to the end of the process."""

    def __init__(self, data_dir: str, settings: config.Settings, *, until_idle: bool, umask: int) -> None:
        """Recover `data_dir` and get ready; the caller holds its lock. `umask` is for the commands of tasks.

        Raises:
            OrchestratorError: the directory cannot be used; nothing was started.
        """
        self.exit_code = 0
        self._data_dir = data_dir
        self._settings = settings
        self._until_idle = until_idle
        self._disk = RealDisk()
        self._clock = RealClock()
        self._boot_id = boot_id()
        self._started = self._clock.now()
        self._reactor = Reactor(self._clock)
        self._syncing = Workers("sync", self._reactor.post)
        self._writing = Workers("write", self._reactor.post)
        self._evaluating = Workers("evaluate", self._reactor.post, count=2)
        recovered = recover(self._disk, data_dir)
        seal_newest(self._disk, data_dir, recovered)
        self._world = recovered.world
        self._journal = Journal(self._disk, data_dir, recovered.next_segment, self._world.seq, recovered.last_sum)
        self._projector = Projector(self._world, self._clock, self._write_batch, self._status_file)
        self._loop = Loop(self._world, self._journal, self._clock, self._projector, self._perform, self._request_sync)
        self._supervisor = Supervisor(
            self._world,
            LocalEffect(data_dir, self._boot_id, grace_s=settings.stop_grace_s, umask=umask),
            self._clock,
            self._reactor,
            self._loop.offer,
            data_dir,
            {name: provider.directory for name, provider in load_providers(data_dir).items()},
            settings.stop_grace_s,
        )
        self._desk = Desk(
            self._loop, self._disk, data_dir, self._clock, self._evaluating, end=self._end, drain=self._drain, say=say
        )
        self._inbox = self._desk.inbox
        self._busy_us = self._started.mono_us
        self._next_beat_us = self._next_prune_us = 0
        self._draining = False
        self._begin(recovered)

    def run(self) -> int:
        """Work until told to end. Returns the exit code of the process."""
        observer = _watch_inbox(self._data_dir, self._reactor, self._inbox)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._reactor.post(self._end))
        try:
            self._reactor.run(self._turn)
            self._say_goodbye()
        except DiskFailed as error:
            self._give_up(error)
        finally:
            observer.stop()
        return self.exit_code

    def _begin(self, recovered: Recovered) -> None:
        orphans = list(self._world.live.values())
        self._loop.offer(
            DaemonStarted(
                epoch=self._world.epoch + 1,
                boot_id=self._boot_id,
                pid=os.getpid(),
                version=__version__,
                max_running=self._settings.max_running,
                host=socket.gethostname(),
                provider_limits=self._settings.provider_limits,
                torn_bytes=recovered.torn_bytes,
            ),
            lambda _: self._supervisor.adopt(orphans),
        )
        self._projector.mark_all()
        say(
            f"started on {self._data_dir}: {recovered.world.seq - 1} records, {len(self._world.tasks)} tasks, "
            f"{len(orphans)} of them running"
        )
        if recovered.torn_bytes:
            say(f"cut {recovered.torn_bytes} bytes off the journal's end: a write that was never acknowledged")

    # --- one round -------------------------------------------------------------------------------------------

    def _turn(self) -> int:
        now_us = self._clock.now().mono_us
        if now_us >= self._next_beat_us:
            self._beat(now_us)
        self._supervisor.tick()
        self._loop.fire_timers()
        self._loop.turn()
        self._projector.pump()
        self._end_if_done(now_us)
        return min(self._due(now_us))

    def _beat(self, now_us: int) -> None:
        self._next_beat_us = now_us + _HEARTBEAT_US
        self._inbox.scan()
        if now_us >= self._next_prune_us:
            self._next_prune_us = now_us + _PRUNE_US
            self._inbox.prune_replies(_REPLIES_KEPT_S, time.time())

    def _due(self, now_us: int) -> list[int]:
        parts = (timers.next_due_us(self._world), self._supervisor.next_due_us(), self._projector.next_due_us())
        due = [self._next_beat_us, *(at for at in parts if at is not None)]
        if self._until_idle:
            due.append(max(self._busy_us + _IDLE_US, now_us + 1000))
        return due

    def _end_if_done(self, now_us: int) -> None:
        quiet = self._loop.is_settled and self._inbox.is_idle and self._projector.is_idle
        if not quiet or self._world.live or self._supervisor.next_due_us() is not None:
            self._busy_us = now_us
        drained = self._draining and quiet and not self._world.live
        idle = self._until_idle and now_us - self._busy_us >= _IDLE_US and not self._has_open_workflows()
        if drained or idle:
            self._end()

    def _has_open_workflows(self) -> bool:
        return any(workflow.status not in WORKFLOW_FINAL for workflow in self._world.workflows.values())

    def _end(self) -> None:
        """Take no more work; children go on and are adopted by the next daemon."""
        self._reactor.stop()

    def _say_goodbye(self) -> None:
        """Show the end in status.json: behind what the writer still has to write, and by its thread."""
        path, content = self._status_file(running=False)
        written = threading.Event()

        def write() -> None:
            self._disk.replace(f"{self._data_dir}/{path}", content, durable=False)
            written.set()

        self._writing.run(write, lambda _: None, self._disk_failed)
        written.wait(_GOODBYE_S)
        say("ended")

    def _drain(self) -> None:
        """Nothing new is started any more; end when nothing runs."""
        self._draining = True

    def _give_up(self, error: DiskFailed) -> None:
        """The disk did not keep a record: forget what is not known to be on it, and end (DESIGN rule 2)."""
        self.exit_code = error.exit_code
        say(f"{error.message}; ending without acknowledging what was not kept. {error.help}")
        try:
            self._journal.cut_back()
        except DiskFailed as again:
            say(f"and {again.message}")

    # --- what the loop asks for ------------------------------------------------------------------------------

    def _perform(self, command: Command) -> None:
        match command:
            case StartAttempt() | StopAttempt():
                self._supervisor.perform(command)
            case Refuse():
                raise AssertionError("a refusal is an answer, not a command to perform")

    def _request_sync(self) -> None:
        self._syncing.run(self._journal.sync, lambda _: self._loop.synced(self._journal.synced_seq), self._disk_failed)

    def _write_batch(self, batch: Batch) -> None:
        def write() -> None:
            for path, content in batch:
                self._disk.replace(f"{self._data_dir}/{path}", content, durable=False)

        self._writing.run(write, lambda _: self._projector.written(), self._disk_failed)

    def _disk_failed(self, error: Exception) -> None:
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
            "pid": os.getpid(),
            "boot_id": self._boot_id,
            "started_at": rfc3339(self._started.wall_us),
            "epoch": self._world.epoch,
            "seq": self._loop.synced_seq,
            "workflows": workflows,
        }
        return STATUS_FILE, project.encode_lines(content)


def main(arguments: Sequence[str]) -> int:
    """``orchestrator serve``: run a daemon on a data directory until it is stopped. Returns the exit code."""
    options = _parser().parse_args(arguments)
    data_dir = find_data_dir(options.data_dir, env=os.environ, cwd=os.getcwd())
    umask = os.umask(0o077)
    try:
        prepare(RealDisk(), data_dir)
        lock = DirectoryLock(data_dir, f"pid {os.getpid()}, started {rfc3339(time.time_ns() // 1000)}")
        settings = _settings(data_dir, options)
        code = Daemon(data_dir, settings, until_idle=options.until_idle, umask=umask).run()
        lock.release()
    except OrchestratorError as error:
        say(error.message)
        if error.help:
            say(f"help: {error.help}")
        return error.exit_code
    return code


def say(text: str) -> None:
    """A line for the daemon's log: standard error, which ``orchestrator run`` sends to ``daemon.log``."""
    sys.stderr.write(f"{rfc3339(time.time_ns() // 1000)} orchestrator[{os.getpid()}]: {text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="orchestrator serve",
        description="Run the daemon of a data directory in the foreground.",
        epilog="SIGTERM ends it; running tasks go on and are adopted by the next daemon. In a container nothing "
        "survives process 1: stop with `orchestrator stop --drain` there.",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="the data directory (default: see `orchestrator --help`)")
    parser.add_argument("--max-running", type=int, metavar="N", help="tasks at a time, all together (default: 16)")
    parser.add_argument(
        "--provider-limit",
        action="append",
        default=[],
        metavar="NAME=N",
        help="tasks at a time on one provider; may be repeated",
    )
    parser.add_argument("--stop-grace", type=float, metavar="SECONDS", help="between TERM and KILL (default: 10)")
    parser.add_argument("--until-idle", action="store_true", help="end when nothing is left to do")
    return parser


def _settings(data_dir: str, options: argparse.Namespace) -> config.Settings:
    changes: dict[str, object] = {}
    if options.max_running is not None:
        changes["max_running"] = options.max_running
    if options.stop_grace is not None:
        changes["stop_grace_s"] = options.stop_grace
    limits = dict(config.parse_limit(text) for text in options.provider_limit)
    return config.override(config.load(data_dir), changes, limits)


class _InboxWatch(FileSystemEventHandler):
    """Wakes the loop when a file is renamed into the inbox. What it says is not believed: the folder is read."""

    def __init__(self, reactor: Reactor, inbox: Inbox) -> None:
        self._reactor = reactor
        self._inbox = inbox

    def on_moved(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - the library's signature
        """A request arrived."""
        self._reactor.post(self._inbox.scan)


def _watch_inbox(data_dir: str, reactor: Reactor, inbox: Inbox):  # type: ignore[no-untyped-def] # no public type
    observer = Observer()
    observer.schedule(_InboxWatch(reactor, inbox), f"{data_dir}/{INBOX}", event_filter=[FileMovedEvent])
    observer.daemon = True
    observer.start()
    reactor.post(inbox.scan)
    return observer
