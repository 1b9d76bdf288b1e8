"""Attempts as processes of this machine.

Theory of operation
-------------------
An attempt is a wrapper (``wrapper.sh``) in a session of its own, and the command in it or below it. To start one:

1. ``<log stem>.out`` is created exclusively, by the child that is about to become the wrapper (a file action of
   ``posix_spawn``). This is the *claim*, and everything rests on it: the file is created once, by whoever comes
   first, and is never removed;
2. the wrapper appends ``claim <log stem> <pid> <boot id>`` to the workflow's ``attempts.log``: who has it;
3. it runs the command, whose output goes straight to the log files;
4. it appends ``exit <log stem> <exit code>`` and ends with that code.

What fails in 1 becomes no wrapper, one that fails in 2 ends without running anything. So the command runs at most once,
and only in a process that is told in the log.

*Who may die.* The wrapper does not depend on the daemon: it holds nothing of it, reads nothing from it and has
its own session. After the daemon's death the next one asks `look_after` of every attempt that the journal
believes to run. It holds the directory's lock, which a child that has not executed the shell yet would still hold
too: so every wrapper there will ever be is one by now. Which is not to say that it has claimed. What is found:

- An ``exit`` line: it ended, with that code.
- A ``claim`` line whose process lives (it leads its session, and its arguments and environment name the attempt; in
  older lines the start time agrees): it runs, and is *adopted*.
- A ``claim`` line whose process is gone:
  - and then an ``exit`` line: it ended just now;
  - something it started lives: the wrapper was killed and the command was not. It is ended like a child, and the
    attempt is lost when nothing of it lives any more;
  - nothing lives: lost, by KILL or with the machine.
- No ``.out``: nobody has claimed it. The daemon creates ``.out`` itself and appends ``taken <log stem>``, so that a
  wrapper that comes late leaves. Lost, and it never began.
- ``.out`` and no ``claim`` line:
  - a wrapper of this attempt lives: it is between 1 and 2, and is adopted;
  - none lives, and then a ``claim`` line: it was between 1 and 2; go on as above;
  - none lives: it died between 1 and 2, or a daemon took it. Lost, and its command never began.

"And then": the log is read again after a process was found to be gone, for it may have written before it went. The
process table is read after the log, so that whoever is in neither has died without writing. Nothing in this waits.

*The other way round*: the wrapper can be killed while the daemon lives. The daemon collects it; if it did not leave an
exit code, and something of the session lives, the attempt is not over: what lives is ended first, and only then
is the attempt told as ended (otherwise the next attempt could run beside it).

*Signals.* TERM, INT and HUP go to the whole group. From just before the command starts the wrapper catches them, so
that it lives to record the exit code; before that they kill it, and the command has not begun. KILL takes the wrapper
along, and the daemon sees the signal as the end: 128 + 9.

*The command's shell.* The command is a text for ``/bin/sh -c``. Where it cannot tell the difference
(`wrapper.place_to_run`) it is run in the wrapper's own shell, or in a fork of it: starting a second one would be half
of the time a short task takes. In its own shell the exit line is written by a trap on the shell's end, whichever that
is.

*Not guarded against*: somebody who removes log files or ``attempts.log`` while their attempts run; a command that
leaves its session and hides its environment (it survives its task); a power cut (all processes are gone then, and
what was not on the disk yet of ``attempts.log`` is missing: the attempt counts as lost although it may have ended).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.effects import output, wrapper
from orchestrator.effects.child import LocalChild, NeverBegun
from orchestrator.effects.effect import Child, Ended, Exited, Launch, Lost, StartError
from orchestrator.effects.leftovers import Leftovers, Remains
from orchestrator.effects.processes import Attempt, Process, find_attempts, read_process
from orchestrator.effects.records import Claim, Records, append_taken, read_records, size_of
from orchestrator.effects.spawn import Spawner
from orchestrator.files.layout import ATTEMPTS_FILE, DIRECTORY_MODE, FILE_MODE, LOGS, log_path, workflow_dir
from orchestrator.model.errors import DiskFailed
from orchestrator.model.limits import STOP_GRACE_S

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHELL = "/bin/sh"

_OPEN_CLAIM = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalEffect:
    """Carries out attempts as processes of this machine. See `orchestrator.effects.effect.Effect`."""

    def __init__(
        self,
        data_dir: str,
        boot_id: str,
        *,
        grace_s: float = STOP_GRACE_S,
        umask: int | None = None,
        environ: Mapping[str, str] | None = None,
        output_bytes_max: int = output.OUTPUT_BYTES_MAX,
        shell: str = _SHELL,
    ) -> None:
        """Be ready to start attempts, and to look after those of earlier daemons.

        Every descriptor this process has inherited is kept from its children from now on.

        Args:
            data_dir: absolute.
            boot_id: of the running kernel.
            grace_s: seconds between TERM and KILL for what an attempt leaves behind.
            umask: of the commands; None for this process's own.
            environ: what commands inherit, less what is ours; None for this process's own environment.
            output_bytes_max: bound of each log file.
            shell: POSIX shell that runs the wrapper.
        """
        self._data_dir = data_dir
        self._boot_id = boot_id
        self._output_bytes_max = output_bytes_max
        self._spawner = Spawner(data_dir, boot_id, umask=umask, environ=environ, shell=shell)
        self._leftovers = Leftovers(data_dir, int(grace_s * 1_000_000))
        self._live: dict[Attempt, LocalChild] = {}
        self._prepared: set[str] = set()
        self._output_due_us = 0

    def start(self, launch: Launch) -> Child:
        """See `Effect`. One attempt is started once: a second start finds its logs."""
        records_path = self._records_path(launch)
        try:
            self._prepare(launch.workflow)
            offset = size_of(records_path)
        except OSError as error:
            raise StartError(f"the logs of {launch.task} have no place: {error.filename}: {error.strerror}") from error
        log_base = self._log_base(launch)
        try:
            pid, pidfd = self._spawner.spawn(launch, log_base, records_path)
        except FileExistsError:
            return NeverBegun(
                f"it could not begin: it was started before, or something lies in the place of {log_base}.*"
            )
        except StartError:
            self._leftovers.add(self._remains(launch))
            raise
        return self._watch(launch, pid, pidfd, offset)

    def look_after(self, launch: Launch) -> Child | Ended:
        """See `Effect`, and the list above.

        Raises:
            DiskFailed: what is known of the attempt cannot be read, or it cannot be taken. It may still run.
        """
        try:
            return self._look_after(launch)
        except OSError as error:
            raise DiskFailed(
                f"what became of attempt {launch.attempt} of {launch.task} cannot be found out: {error.filename}: "
                f"{error.strerror}",
                f"Make {self._data_dir} readable and writable again and start the daemon again.",
            ) from error

    def _look_after(self, launch: Launch) -> Child | Ended:
        path, stem = self._records_path(launch), launch.log_stem
        records = read_records(path, stem)
        if records.exit_code is None and records.claim is None:
            if records.taken or self._take(launch):
                return Lost("it had not begun when the daemon ended", has_begun=False)
            attempt = (launch.task, launch.attempt)
            process = wrapper.find_wrapper(attempt, stem, self._data_dir)
            if process is not None and (child := self._adopt(launch, process)):
                return child
            records = read_records(path, stem)
        if records.exit_code is None and records.claim is not None:
            if child := self._adopt_claimed(launch, records.claim):
                return child
            records = read_records(path, stem)
        return self._settle(launch, records)

    def end_strays(self) -> None:
        """See `Effect`. Raises DiskFailed: the table of processes cannot be read."""
        try:
            strays = find_attempts(self._data_dir, _AllBut(self._live))
        except OSError as error:
            raise DiskFailed(f"what earlier attempts have left cannot be found out: {error}") from error
        for attempt in strays:
            self._leftovers.add(Remains(self._data_dir, attempt, session=0))

    def next_sweep_us(self) -> int | None:
        """See `Effect`."""
        due = self._leftovers.next_us()
        if not self._live:
            return due
        return self._output_due_us if due is None else min(due, self._output_due_us)

    def sweep(self, now_us: int) -> None:
        """See `Effect`."""
        self._leftovers.sweep(now_us)
        if self._live and now_us >= self._output_due_us:
            self._output_due_us = now_us + output.LOOK_US
            for child in self._live.values():
                output.cut(child.log_base, self._output_bytes_max)

    # --- finding again -----------------------------------------------------------------------------------------

    def _take(self, launch: Launch) -> bool:
        """Claim an attempt that must not begin any more; False if it was claimed before.

        Raises:
            OSError: the claim cannot be made, and nobody has made it.
        """
        self._prepare(launch.workflow)
        try:
            fd = os.open(f"{self._log_base(launch)}.out", _OPEN_CLAIM, FILE_MODE)
        except FileExistsError:
            return False
        os.close(fd)
        append_taken(self._records_path(launch), launch.log_stem)
        return True

    def _adopt_claimed(self, launch: Launch, claim: Claim) -> Child | None:
        """The claim's process as a child; or, if that is gone, what it has left; None if nothing lives."""
        if claim.boot_id != self._boot_id:
            return None
        process = read_process(claim.pid)
        if process is not None and self._is_meant(process, launch, claim):
            child = self._adopt(launch, process)
            if child is not None:
                return child
        return self._adopt_remains(launch, claim)

    def _is_meant(self, process: Process, launch: Launch, claim: Claim) -> bool:
        """Whether the process that has the claim's number now is the one that made it."""
        if claim.start is not None:
            return process.start == claim.start
        return wrapper.is_wrapper(process, (launch.task, launch.attempt), launch.log_stem, self._data_dir)

    def _adopt(self, launch: Launch, process: Process) -> Child | None:
        """A wrapper that another daemon has started, as a child; None if it has ended."""
        try:
            pidfd = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return None
        now = read_process(process.pid)
        if now is not None and now.start == process.start and not now.is_dead:
            return self._watch(launch, process.pid, pidfd)
        os.close(pidfd)
        return None

    def _adopt_remains(self, launch: Launch, claim: Claim) -> Child | None:
        """What a wrapper that was killed has left, as a child that is being ended; None if nothing lives."""
        remains = self._remains(launch, claim.pid)
        if not remains.find():
            return None
        remains.ask_to_end()
        self._leftovers.add(remains)
        exit_code = read_records(self._records_path(launch), launch.log_stem).exit_code
        if exit_code is not None:
            return None
        lost = Lost("its wrapper was killed, and what it ran had to be ended")
        return self._child(launch, remains, remains.descriptor_of_one(), 0, lost)

    def _settle(self, launch: Launch, records: Records) -> Ended:
        """How an attempt ended of which nothing runs, by what is written."""
        if records.exit_code is not None:
            pid = 0 if records.claim is None else records.claim.pid
            self._leftovers.add(self._remains(launch, pid))
            return Exited(records.exit_code)
        if records.claim is None:
            return Lost("its process ended before its command began")
        if records.claim.boot_id != self._boot_id:
            return Lost("the machine was restarted while it ran")
        return Lost("its process ended without recording an exit code")

    def _prepare(self, workflow: str) -> None:
        """Make sure that the workflow has a place for logs."""
        if workflow not in self._prepared:
            os.makedirs(f"{workflow_dir(self._data_dir, workflow)}/{LOGS}", mode=DIRECTORY_MODE, exist_ok=True)
            self._prepared.add(workflow)

    # --- children ----------------------------------------------------------------------------------------------

    def _watch(self, launch: Launch, pid: int, pidfd: int, records_offset: int = 0) -> LocalChild:
        remains = self._remains(launch, pid)
        return self._child(launch, remains, pidfd, records_offset)

    def _child(
        self, launch: Launch, remains: Remains, pidfd: int, records_offset: int, verdict: Ended | None = None
    ) -> LocalChild:
        child = LocalChild(
            launch,
            self._log_base(launch),
            self._records_path(launch),
            remains,
            self._leftovers,
            self._over,
            pidfd,
            records_offset,
            verdict,
        )
        self._live[remains.attempt] = child
        return child

    def _over(self, child: LocalChild) -> None:
        self._live.pop((child.launch.task, child.launch.attempt), None)
        output.cut(child.log_base, self._output_bytes_max)

    def _remains(self, launch: Launch, session: int = 0) -> Remains:
        return Remains(self._data_dir, (launch.task, launch.attempt), session)

    def _log_base(self, launch: Launch) -> str:
        return log_path(self._data_dir, launch.workflow, launch.log_stem, "out").removesuffix(".out")

    def _records_path(self, launch: Launch) -> str:
        return f"{workflow_dir(self._data_dir, launch.workflow)}/{ATTEMPTS_FILE}"


class _AllBut:
    """Contains everything that a mapping does not."""

    def __init__(self, mapping: Mapping[Attempt, object]) -> None:
        self._mapping = mapping

    def __contains__(self, attempt: object) -> bool:
        return attempt not in self._mapping
