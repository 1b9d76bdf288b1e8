"""``orchestrator serve``: a daemon on this machine. The composition root.

`ThisMachine` is the real `orchestrator.runtime.host.Host`; `main` reads the command line, takes the directory's lock
and lets a `Daemon` run.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from watchdog.events import FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from orchestrator import config
from orchestrator.daemon import Daemon
from orchestrator.definitions.providers.directories import Directories
from orchestrator.effects.local import LocalEffect
from orchestrator.files.asking import validator
from orchestrator.files.layout import INBOX
from orchestrator.files.locate import find_data_dir
from orchestrator.interfaces.cli.serve import add_arguments
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.times import rfc3339
from orchestrator.runtime.clock import RealClock, boot_id
from orchestrator.runtime.ids import new_workflow_id
from orchestrator.runtime.reactor import Reactor
from orchestrator.runtime.workers import Threads
from orchestrator.store.directory import prepare
from orchestrator.store.lock import DirectoryLock
from orchestrator.store.realdisk import RealDisk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from orchestrator.effects.effect import Effect
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.host import Waiting
    from orchestrator.runtime.workers import Workers
    from orchestrator.store.disk import Disk


class ThisMachine:
    """The machine this process runs on. See `orchestrator.runtime.host.Host`."""

    def __init__(self, umask: int) -> None:
        """`umask` is for the commands of tasks."""
        self.disk: Disk = RealDisk()
        self.clock: Clock = RealClock()
        self.waiting: Waiting = Reactor(self.clock)
        self.name = socket.gethostname()
        self.pid = os.getpid()
        self.boot_id = boot_id()
        self._umask = umask

    def workers(self, name: str, count: int = 1) -> Workers:
        """See `Host`."""
        return Threads(name, self.waiting.post, count)

    def effect(self, data_dir: str, grace_s: float) -> Effect:
        """See `Host`."""
        return LocalEffect(data_dir, self.boot_id, grace_s=grace_s, umask=self._umask)

    def provider_directories(self, data_dir: str) -> Mapping[str, str]:
        """See `Host`. Raises UsageError: a provider file is not what it should be."""
        return Directories(data_dir)

    def evaluate(
        self,
        path: str,
        *,
        options: Mapping[str, object] | None,
        name: str | None,
        data_dir: str | None,
        digest: str | None,
        want_plan: bool,
        environment: str | None = None,
        layer: str | None = None,
        check: bool = False,
    ) -> dict[str, Any]:
        """See `Host`."""
        return validator.evaluate(
            path,
            options=options,
            name=name,
            data_dir=data_dir,
            digest=digest,
            want_plan=want_plan,
            environment=environment,
            layer=layer,
            check=check,
        )

    def new_workflow_id(self, name: str) -> str:
        """See `Host`."""
        return new_workflow_id(name)

    def watch_inbox(self, data_dir: str, changed: Callable[[], None]) -> None:
        """See `Host`. Where notification cannot be had, the looks now and then have to do."""
        moves = _Moves(lambda: self.waiting.post(changed))
        try:
            observer = Observer()
            observer.schedule(moves, f"{data_dir}/{INBOX}", event_filter=[FileMovedEvent])
            observer.daemon = True
            observer.start()
        except OSError as error:
            self.say(f"requests are met every two seconds only: the inbox cannot be watched ({error.strerror})")
        self.waiting.post(changed)

    def on_end(self, end: Callable[[], None]) -> None:
        """See `Host`."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.waiting.post(end))

    def say(self, text: str) -> None:
        """See `Host`: standard error, which ``orchestrator run`` sends to ``daemon.log``."""
        say(text)


class _Moves(FileSystemEventHandler):
    """Tells that a file was renamed into a folder. What the event says is not believed: the folder is read."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_moved(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - the library's signature
        """Something arrived."""
        self._tell()


def main(arguments: Sequence[str]) -> int:
    """``orchestrator serve``: run a daemon on a data directory until it is stopped. Returns the exit code."""
    options = _parser().parse_args(arguments)
    data_dir = find_data_dir(options.data_dir, env=os.environ, cwd=os.getcwd())
    umask = os.umask(0o077)
    try:
        prepare(RealDisk(), data_dir)
        lock = DirectoryLock(data_dir, f"pid {os.getpid()}, started {rfc3339(time.time_ns() // 1000)}")
        settings = _settings(data_dir, options)
        code = Daemon(ThisMachine(umask), data_dir, settings, until_idle=options.until_idle).run()
        lock.release()
    except OrchestratorError as error:
        say(error.message)
        if error.help:
            say(f"help: {error.help}")
        return error.exit_code
    return code


def say(text: str) -> None:
    """A line for the daemon's log: standard error, which ``orchestrator run`` sends to ``daemon.log``."""
    with suppress(OSError):  # the log may stand on the very disk that fails
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
    add_arguments(parser)
    return parser


def _settings(data_dir: str, options: argparse.Namespace) -> config.Settings:
    changes: dict[str, object] = {}
    if options.max_running is not None:
        changes["max_running"] = options.max_running
    if options.stop_grace is not None:
        changes["stop_grace_s"] = options.stop_grace
    limits = dict(config.parse_limit(text) for text in options.provider_limit)
    return config.override(config.load(data_dir), changes, limits)
