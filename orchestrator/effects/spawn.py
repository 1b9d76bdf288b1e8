"""Making a process of a launch: cheaply, and with nothing of the daemon's in it.

``posix_spawn`` shares the daemon's memory until the shell is executed, so it costs the same however large the
daemon has grown. The child has its own session, standard input from nowhere, every signal at its default, none
blocked, no descriptor of the daemon's, and the daemon's own environment less what is only meant for the daemon.
"""

from __future__ import annotations

import errno
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.effects import environment, wrapper
from orchestrator.effects.effect import Launch, StartError
from orchestrator.files.layout import FILE_MODE

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The claim: a log that is there belongs to somebody else, whatever kind of file it is.
_OPEN_LOG = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

#: What to do about a start that failed.
_REMEDIES = {
    errno.E2BIG: "Put a long command into a script file, and large values into files.",
    errno.EAGAIN: "The limit of processes is reached (ulimit -u, or the container's); lower --max-running.",
    errno.EMFILE: "The daemon has too many files open (ulimit -n); lower --max-running.",
    errno.ENFILE: "The machine has too many files open.",
    errno.ENOMEM: "The machine is short of memory; lower --max-running.",
    errno.ENOSPC: "The disk of the data directory is full.",
}


class Spawned(NamedTuple):
    """A wrapper that was just started. `pidfd` belongs to the caller."""

    pid: int
    pidfd: int


class Spawner:
    """Starts wrappers."""

    def __init__(
        self, data_dir: str, boot_id: str, *, umask: int | None, environ: Mapping[str, str] | None, shell: str
    ) -> None:
        """See `orchestrator.effects.local.LocalEffect`.

        Every descriptor this process has inherited is kept from its children from now on.
        """
        self._data_dir = data_dir
        self._boot_id = boot_id
        self._umask = _current_umask() if umask is None else umask
        self._environment = environment.base_environment(os.environ if environ is None else environ)
        self._shell = shell
        self._wrapper = wrapper.read_text()
        self._spare_fd: int | None = None
        # Caught signals are back at their default in a child by themselves. (Python itself ignores PIPE and XFSZ.)
        self._ignored = [number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN]
        _keep_descriptors_private()

    def spawn(self, launch: Launch, log_base: str, records_path: str) -> Spawned:
        """Start the wrapper of an attempt.

        Raises:
            FileExistsError: the attempt has its logs already; nothing was started.
            StartError: nothing was started; or it could not be watched, and was killed and collected.
        """
        try:
            self._keep_spare()
            pid = self._spawn(launch, log_base, records_path)
        except FileExistsError:
            raise
        except (OSError, ValueError) as error:
            raise self._error(launch, error) from error
        try:
            return Spawned(pid, self._pidfd_of(pid))
        except OSError as error:
            os.killpg(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED)
            raise self._error(launch, error) from error

    def _spawn(self, launch: Launch, log_base: str, records_path: str) -> int:
        marks = {
            environment.TASK: launch.task,
            environment.ATTEMPT: str(launch.attempt),
            environment.DATA_DIR: self._data_dir,
        }
        arguments = wrapper.Arguments(
            launch.log_stem,
            records_path,
            launch.working_dir,
            launch.command,
            wrapper.place_to_run(launch.command),
            f"{self._umask:04o}",
            self._boot_id,
        )
        return os.posix_spawn(
            self._shell,
            [self._shell, "-c", self._wrapper, wrapper.MARK, *arguments],
            {**self._environment, **launch.env, **marks},
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, f"{log_base}.out", _OPEN_LOG, FILE_MODE),
                (os.POSIX_SPAWN_OPEN, 2, f"{log_base}.err", _OPEN_LOG, FILE_MODE),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=self._ignored,
        )

    def _pidfd_of(self, pid: int) -> int:
        try:
            return os.pidfd_open(pid)
        except OSError:
            if self._spare_fd is None:
                raise
        os.close(self._spare_fd)
        self._spare_fd = None
        return os.pidfd_open(pid)

    def _keep_spare(self) -> None:
        """Hold a descriptor to give away when a child is there and no descriptor is free to watch it with.

        Raises:
            OSError: there is none; nothing should be started then.
        """
        if self._spare_fd is None:
            self._spare_fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _error(self, launch: Launch, error: OSError | ValueError) -> StartError:
        """What was tried, why it failed and what helps."""
        tried = f"attempt {launch.attempt} of {launch.task} could not be started with {self._shell}"
        if not isinstance(error, OSError):
            return StartError(f"{tried}: no process can be given its command, environment or paths ({error})")
        remedy = _REMEDIES.get(error.errno or 0, "")
        return StartError(f"{tried}: {error.strerror}. {remedy}".strip())


def _current_umask() -> int:
    """This process's umask, read without setting it."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1], 8) for line in file if line.startswith("Umask:"))


def _keep_descriptors_private() -> None:
    """Python opens nothing that a child inherits; but what this process itself was given it would hand on."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with suppress(OSError):  # the descriptor of this listing itself
                os.set_inheritable(int(name), False)
