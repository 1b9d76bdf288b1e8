"""Ending what attempts leave behind.

Theory of operation
-------------------
When an attempt is over, processes of it may live on: background jobs, daemons that made a session of their own,
children that ignored TERM. They are to end within the grace (nothing of ours survives its task by more).

A process is *proven* to be an attempt's in one of three ways: its environment names the attempt; we hold a pidfd
of it from a time when it was proven; or it shares the session (or the process group of the same number) of a
process that is proven and lives, which also means that the number has not been given to anybody else. Nothing else
is ever signalled: a process that hides its environment and has left its session survives.

Descendants of an attempt exist before it ends, or descend from one that does, so one look at the process table at
any time after the end finds whether anything is left; one look serves all attempts that ended since the last.
What is found gets TERM (and CONT, for it may be stopped), and what is there after the grace KILL, again and again
until a look finds nothing. Looks are rare because they read every process's environment: one a second at most,
and fewer on a machine with many thousands of processes; none when no attempt has ended.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.effects.processes import (
    Attempt,
    attempt_of,
    find_attempts,
    has_ended,
    read_process,
    session_members,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Time between two looks at the process table, at least this and in all at least so much a process.
LOOK_US = 1_000_000
LOOK_US_PER_PROCESS = 1_000


class Remains:
    """What is left of one attempt.

    Attributes:
        attempt: which.
        session: the number of its session and first process group, 0 if it is not known.
        ended_us: when the attempt ended, None until a sweep has told the time.
    """

    def __init__(self, data_dir: str, attempt: Attempt, session: int, ended_us: int | None = None) -> None:
        self.attempt = attempt
        self.session = session
        self.ended_us = ended_us
        self._data_dir = data_dir
        self._held: dict[int, int] = {}
        self._asked: set[int] = set()

    def look(self, named: Iterable[int], *, session_is_its_own: bool = False) -> bool:
        """Bring the list of what lives up to date; returns whether anything does.

        Args:
            named: ids of processes whose environment named the attempt a moment ago.
            session_is_its_own: the caller knows that nobody else can have the session's number.
        """
        for pid in [pid for pid, pidfd in self._held.items() if has_ended(pidfd)]:
            os.close(self._held.pop(pid))
            self._asked.discard(pid)
        for pid in named:
            self._hold(pid, self._is_named)
        if self.session and (self._held or session_is_its_own):
            for pid in session_members(self.session):
                self._hold(pid, self._is_in_session)
        return bool(self._held)

    def find(self, *, session_is_its_own: bool = False) -> bool:
        """`look` at the process table for this attempt alone."""
        found = find_attempts(self._data_dir, (self.attempt,))
        return self.look(found.get(self.attempt, ()), session_is_its_own=session_is_its_own)

    def signal(self, number: int) -> None:
        """Send a signal to everything that was found to live."""
        for pidfd in self._held.values():
            _send(pidfd, number)

    def ask_to_end(self) -> None:
        """TERM to everything that was found to live, once each: it may be busy ending."""
        for pid, pidfd in self._held.items():
            if pid not in self._asked:
                self._asked.add(pid)
                _send(pidfd, signal.SIGTERM)
                _send(pidfd, signal.SIGCONT)

    def descriptor_of_one(self) -> int:
        """A new descriptor that is readable when some process of it that was found to live has ended."""
        return os.dup(next(iter(self._held.values())))

    def close(self) -> None:
        """Let go of everything."""
        while self._held:
            os.close(self._held.popitem()[1])

    def _hold(self, pid: int, is_proven: Callable[[int], bool]) -> None:
        if pid in self._held or pid == os.getpid():
            return
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:  # gone, or no descriptor is free: then the next look meets it again
            return
        if is_proven(pid) and not has_ended(pidfd):
            self._held[pid] = pidfd
        else:
            os.close(pidfd)

    def _is_named(self, pid: int) -> bool:
        return attempt_of(pid, self._data_dir) == self.attempt

    def _is_in_session(self, pid: int) -> bool:
        process = read_process(pid)
        return process is not None and self.session in (process.session, process.group)


def _send(pidfd: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone, or it has become another user's
        signal.pidfd_send_signal(pidfd, number)


class Leftovers:
    """The remains of every attempt that ended and is not yet known to be gone altogether."""

    def __init__(self, data_dir: str, grace_us: int) -> None:
        """`grace_us`: time between TERM and KILL, counted from the attempt's end."""
        self._data_dir = data_dir
        self._grace_us = grace_us
        self._all: dict[Attempt, Remains] = {}
        self._next_us: int | None = None

    def add(self, remains: Remains) -> None:
        """See to it that nothing stays of an attempt that ended. What is seen to already stays as it is."""
        self._all.setdefault(remains.attempt, remains)
        due_us = 0 if remains.ended_us is None else remains.ended_us + LOOK_US
        self._next_us = due_us if self._next_us is None else min(self._next_us, due_us)

    def next_us(self) -> int | None:
        """When to look again; None if every attempt that ended is known to be gone."""
        return self._next_us

    def sweep(self, now_us: int) -> None:
        """Look at the process table if it is time to, and end what is found."""
        if self._next_us is None or now_us < self._next_us:
            return
        try:
            found = find_attempts(self._data_dir, self._all)
        except OSError:  # no descriptor is free: they have to wait
            self._next_us = now_us + LOOK_US
            return
        for remains in list(self._all.values()):
            if remains.ended_us is None:
                remains.ended_us = now_us
            if not remains.look(found.get(remains.attempt, ())):
                remains.close()
                del self._all[remains.attempt]
            elif now_us >= remains.ended_us + self._grace_us:
                remains.signal(signal.SIGKILL)
            else:
                remains.ask_to_end()
        self._next_us = self._time_of_next_look(now_us)

    def _time_of_next_look(self, now_us: int) -> int | None:
        if not self._all:
            return None
        pause_us = max(LOOK_US, LOOK_US_PER_PROCESS * len(os.listdir("/proc")))
        ended_us = min(now_us if remains.ended_us is None else remains.ended_us for remains in self._all.values())
        return max(now_us + pause_us, ended_us + self._grace_us)
