"""An attempt that runs as a process of this machine, from its start or adoption to its end."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.effects.effect import Ended, Exited, Launch, Lost
from orchestrator.effects.processes import has_ended
from orchestrator.effects.records import Records, read_records
from orchestrator.effects.wrapper import UNCLAIMED
from orchestrator.model.errors import DiskFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.effects.leftovers import Leftovers, Remains


#: What shells add to a signal's number to make an exit code of it.
_AFTER_SIGNAL = 128


class _Verdict(NamedTuple):
    """How an attempt ended. `is_held_back`: it is not to be told while anything of the attempt lives."""

    ended: Ended
    is_held_back: bool


class LocalChild:
    """See `orchestrator.effects.effect.Child`. The theory is in `orchestrator.effects.local`.

    Attributes:
        launch: what it was started with.
        log_base: path of its logs without ending.
    """

    def __init__(
        self,
        launch: Launch,
        log_base: str,
        records_path: str,
        remains: Remains,
        leftovers: Leftovers,
        on_over: Callable[[LocalChild], None],
        pidfd: int,
        records_offset: int = 0,
        verdict: Ended | None = None,
    ) -> None:
        """Watch a wrapper; or, when its end is known (`verdict`), what it has left.

        Args:
            launch: see the class.
            log_base: see the class.
            records_path: of the workflow's attempts.log.
            remains: of this attempt; its session's number is the wrapper's process id.
            leftovers: where remains go that outlive the attempt.
            on_over: called once, when the end has been collected.
            pidfd: of the wrapper, or of a process it has left; closed by `collect`.
            records_offset: where in attempts.log its lines can begin.
            verdict: told when nothing of the attempt lives any more.
        """
        self.launch = launch
        self.log_base = log_base
        self._records_path = records_path
        self._records_offset = records_offset
        self._remains = remains
        self._leftovers = leftovers
        self._on_over = on_over
        self._fd = pidfd
        self._verdict = None if verdict is None else _Verdict(verdict, is_held_back=True)
        self._was_killed = self._was_stopped = False

    @property
    def pid(self) -> int:
        """The wrapper's process id, which is also the number of its group and session."""
        return self._remains.session

    def fileno(self) -> int:
        """See `Child`; -1 once the end has been collected."""
        return self._fd

    def collect(self, now_us: int) -> Ended | None:
        """See `Child`."""
        if self._verdict is None:
            if not has_ended(self._fd):
                return None
            self._verdict = self._bury_wrapper(now_us)
        os.close(self._fd)
        self._fd = -1
        if self._verdict.is_held_back and self._lives_on():
            self._remains.ask_to_end()
            self._leftovers.add(self._remains)
            self._fd = self._remains.descriptor_of_one()
            return None
        self._on_over(self)
        return self._verdict.ended

    def signal_group(self, number: int) -> None:
        """See `Child`. TERM is followed by CONT, for what has been stopped."""
        self._was_stopped = True
        if self._verdict is not None:
            self._remains.signal(number)
        elif not has_ended(self._fd):
            self._was_killed = self._was_killed or number == signal.SIGKILL
            _signal_group(self.pid, number)
            if number == signal.SIGTERM:
                _signal_group(self.pid, signal.SIGCONT)

    def _lives_on(self) -> bool:
        """Whether anything of the attempt lives; it is not to be told as ended before that is known."""
        try:
            return self._remains.find()
        except OSError as error:
            raise DiskFailed(
                f"what attempt {self.launch.attempt} of {self.launch.task} has left cannot be found out: {error}",
                "Start the daemon again when there are descriptors to be had (ulimit -n).",
            ) from error

    def _bury_wrapper(self, now_us: int) -> _Verdict:
        """Collect the wrapper, begin to end what it has left, and say how the attempt ended."""
        remains = self._remains
        remains.ended_us = now_us
        result = self._wait()
        if result is None or _group_exists(self.pid):
            with suppress(OSError):  # no descriptor is free; `Leftovers` looks again
                remains.find(session_is_its_own=result is not None)
            remains.ask_to_end()
        self._leftovers.add(remains)
        verdict = self._judge(result)
        # Who is told to end may take its grace, longer than the shell above it: the next attempt is not to meet it.
        return verdict._replace(is_held_back=verdict.is_held_back or self._was_stopped)

    def _wait(self) -> os.waitid_result | None:
        """What the kernel tells of the wrapper's end; None if it was another process's child.

        As long as a child of ours has not been collected its number is not given again, so this is the moment to
        send TERM to the whole group: nobody else can be in it.
        """
        try:
            result = os.waitid(os.P_PIDFD, self._fd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return None
        _signal_group(self.pid, signal.SIGTERM)
        os.waitid(os.P_PIDFD, self._fd, os.WEXITED | os.WNOHANG)
        return result

    def _judge(self, result: os.waitid_result | None) -> _Verdict:
        is_exit = result is not None and result.si_code == os.CLD_EXITED
        if result is not None and is_exit and result.si_status != UNCLAIMED:
            return _Verdict(Exited(result.si_status), is_held_back=False)
        try:
            records = read_records(self._records_path, self.launch.log_stem, self._records_offset)
        except OSError as error:
            records = Records()
            why = f"its process ended, and {self._records_path} cannot be read: {error.strerror}"
        else:
            why = "its process ended without recording an exit code"
        claim = records.claim
        if claim is not None and claim.pid != self.pid:
            return _Verdict(Lost(f"it was already started, as process {claim.pid}"), is_held_back=False)
        if records.exit_code is not None:
            return _Verdict(Exited(records.exit_code), is_held_back=False)
        if result is not None and is_exit:
            why = f"it could not begin: {self._records_path} could not be written"
            unclaimed = Lost(why, has_begun=False)
            return _Verdict(Exited(UNCLAIMED) if claim is not None else unclaimed, is_held_back=False)
        if result is not None:
            return _Verdict(Exited(_AFTER_SIGNAL + result.si_status), is_held_back=True)
        return _Verdict(Exited(_AFTER_SIGNAL + signal.SIGKILL) if self._was_killed else Lost(why), is_held_back=True)


class NeverBegun:
    """A child of which nothing ever ran, because its attempt had its logs already. See `effect.Child`."""

    def __init__(self, why: str) -> None:
        self._why = why
        self._fd = os.eventfd(1, os.EFD_CLOEXEC)

    @property
    def pid(self) -> int:
        """No process's."""
        return 0

    def fileno(self) -> int:
        """See `Child`."""
        return self._fd

    def collect(self, now_us: int) -> Ended | None:  # noqa: ARG002 - the contract's
        """See `Child`."""
        os.close(self._fd)
        self._fd = -1
        return Lost(self._why)

    def signal_group(self, number: int) -> None:
        """See `Child`."""


def _signal_group(number: int, signal_number: int) -> None:
    """Signal a process group that is known to be the one that is meant."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal_number)


def _group_exists(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
