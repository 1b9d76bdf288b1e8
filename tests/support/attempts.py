"""Real attempts for tests: launches, what can be waited for, commands that wait to be told how to end."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, TypeVar

from orchestrator.effects.effect import Launch
from orchestrator.effects.environment import attempt_environment
from orchestrator.effects.processes import find_attempts
from orchestrator.files.layout import log_stem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.effects.effect import Child, Effect, Ended

    T = TypeVar("T")

#: How long a fact is waited for before a test gives up; far more than any of them takes.
PATIENCE_S = 30.0

BOOT_ID = "boot-of-the-tests"


def launch(data_dir: Path | str, command: str, item: str = "x", attempt: int = 1, **env: str) -> Launch:
    """Attempt `attempt` of doing `item`, in a workflow ``w``."""
    own = attempt_environment(
        workflow="w",
        task=f"w.op.local.{item}",
        operation="op",
        type="create",
        target="server",
        item=item,
        provider="local",
        attempt=attempt,
        undo=False,
        origin="w",
        data_dir=str(data_dir),
        provider_dir="/provider",
        definition_dir="/definition",
    )
    return Launch(
        task=f"w.op.local.{item}",
        attempt=attempt,
        workflow="w",
        log_stem=log_stem("op", "local", item, attempt),
        command=command,
        env={**env, **own},
        working_dir=str(data_dir),
        data_dir=str(data_dir),
    )


def wait_until_readable(fd: int) -> None:
    """Block until `fd` is readable."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(PATIENCE_S * 1000), "waited in vain for a descriptor"


def ended(child: Child, now_us: int = 0) -> Ended:
    """How a child ended, as a caller of it finds out."""
    while True:
        wait_until_readable(child.fileno())
        result = child.collect(now_us)
        if result is not None:
            return result


def wait_for(fact: Callable[[], T | None], what: str) -> T:
    """The first true value of a fact about another process that nothing tells of when it becomes true."""
    end = time.monotonic() + PATIENCE_S
    while not (value := fact()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.001)
    return value


def wait_until_gone(pid: int) -> None:
    """Block until the process has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        wait_until_readable(pidfd)
    finally:
        os.close(pidfd)


def processes_of_attempts(data_dir: Path | str) -> list[int]:
    """Ids of all living processes of attempts in a data directory."""

    class _All:
        def __contains__(self, _: object) -> bool:
            return True

    return [pid for pids in find_attempts(str(data_dir), _All()).values() for pid in pids]


def kill_attempts(data_dir: Path | str) -> None:
    """End whatever a test has left."""
    while found := processes_of_attempts(data_dir):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            wait_until_gone(pid)


class Gate:
    """A place in a script where it stops until it is let through: it reads a line from a FIFO.

    To be passed once: who reads again at once may find the end of the first line's writer instead of a line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._fd = -1

    def wait(self) -> None:
        """Block until a script stands at the gate."""
        self._fd = wait_for(self._try_to_open, f"a reader of {self.path}")

    def open(self, text: str = "") -> None:
        """Let it through, with a line to read."""
        if self._fd < 0:
            self.wait()
        os.write(self._fd, f"{text}\n".encode())
        os.close(self._fd)
        self._fd = -1

    def close(self) -> None:
        """Nobody is to be let through any more."""
        if self._fd >= 0:
            os.close(self._fd)

    def _try_to_open(self) -> int | None:
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody has it open for reading
            return None
        os.set_blocking(fd, True)
        return fd


class ForkedDaemon:
    """A process that starts attempts and then waits for nothing but its death."""

    def __init__(self, effect: Callable[[], Effect], *launches: Launch) -> None:
        """`effect` is called in the new process. Returns at once; `wait` waits until all are started."""
        self._said, says = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                of = effect()
                for attempt in launches:
                    of.start(attempt)
                    os.write(says, b".")
                os.close(says)
                signal.pause()
            finally:
                os._exit(1)
        os.close(says)

    def wait(self, starts: int | None = None) -> None:
        """Block until the daemon has started that many attempts, or all."""
        left = starts
        while (left is None or left > 0) and (said := os.read(self._said, left or 4096)):
            left = None if left is None else left - len(said)

    def kill(self) -> None:
        """``kill -9``; it is gone afterwards, and so are its descriptors.

        A child that has not executed its program yet holds them too: as the lock of a data directory does, they
        tell when there is none.
        """
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        while os.read(self._said, 4096):
            pass
        os.close(self._said)
