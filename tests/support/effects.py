"""An effect in memory: attempts end when the test says so.

Held to the same contract tests as the real one (tests/effects/test_contract.py). A child's descriptor is a real
one, so that a real loop can wait for it.
"""

from __future__ import annotations

import os
import signal

from orchestrator.effects.effect import Child, Ended, Exited, Launch, Lost, StartError

Attempt = tuple[str, int]


class FakeChild:
    """An attempt that runs until it is told to end.

    Attributes:
        signals: what was sent to it, in order.
        is_stubborn: TERM does not end it.
    """

    def __init__(self, effect: FakeEffect, launch: Launch, pid: int) -> None:
        self.launch = launch
        self.pid = pid
        self.signals: list[int] = []
        self.is_stubborn = False
        self._effect = effect
        self._ended: Ended | None = None
        self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        return self._fd

    def collect(self, now_us: int) -> Ended | None:  # noqa: ARG002 - the contract's
        if self._ended is not None:
            os.close(self._fd)
            self._fd = -1
        return self._ended

    def signal_group(self, number: int) -> None:
        if self._ended is not None:
            return
        self.signals.append(number)
        if number == signal.SIGKILL or (number == signal.SIGTERM and not self.is_stubborn):
            self.end(Exited(128 + number))

    def end(self, how: Ended) -> None:
        """It is over; there is something to collect."""
        assert self._ended is None, f"{self.launch.task} ended before"
        self._ended = how
        if isinstance(how, Exited):
            self._effect.exits[self.launch.task, self.launch.attempt] = how
        os.eventfd_write(self._fd, 1)


class FakeEffect:
    """Starts attempts that only exist here.

    `after` gives the effect of a next daemon: what runs goes on, and is adopted when it is looked after.

    Attributes:
        started: every launch that began, in order, over all daemons.
        live: {attempt: the child that runs it}.
        exits: {attempt: how it ended}, as attempts.log would tell.
        refusals: {task: message}: starting it fails.
        sweeps: the times that were passed in.
    """

    def __init__(self, after: FakeEffect | None = None) -> None:
        self.started: list[Launch] = after.started if after else []
        self.exits: dict[Attempt, Exited] = after.exits if after else {}
        self.refusals: dict[str, str] = {}
        self.sweeps: list[int] = []
        self.live: dict[Attempt, FakeChild] = {}
        self._claims: set[Attempt] = after._claims if after else set()
        self._earlier: dict[Attempt, FakeChild] = {**after._earlier, **after.live} if after else {}

    def start(self, launch: Launch) -> Child:
        if launch.task in self.refusals:
            raise StartError(self.refusals[launch.task])
        attempt = launch.task, launch.attempt
        if attempt in self._claims:
            late = self._child(launch)
            late.end(Lost("it was already started or taken"))
            return late
        self._claims.add(attempt)
        self.started.append(launch)
        self.live[attempt] = self._child(launch)
        return self.live[attempt]

    def look_after(self, launch: Launch) -> Child | Ended:
        attempt = launch.task, launch.attempt
        if attempt in self.exits:
            return self.exits[attempt]
        if attempt not in self._claims:
            self._claims.add(attempt)
            return Lost("it had not begun when the daemon ended", has_begun=False)
        earlier = self._earlier.get(attempt)
        if earlier is None or earlier._ended is not None:
            return Lost("its process ended without recording an exit code")
        self.live[attempt] = self._child(launch, earlier.pid)
        return self.live[attempt]

    def end_strays(self) -> None:
        pass

    def next_sweep_us(self) -> int | None:
        return None

    def sweep(self, now_us: int) -> None:
        self.sweeps.append(now_us)

    def end(self, task: str, exit_code: int = 0, attempt: int = 1) -> None:
        """The command of an attempt that runs ends."""
        self.live.pop((task, attempt)).end(Exited(exit_code))

    def lose(self, task: str, why: str = "its process was lost", attempt: int = 1) -> None:
        """An attempt that runs is gone without a trace."""
        self.live.pop((task, attempt)).end(Lost(why))

    def _child(self, launch: Launch, pid: int = 0) -> FakeChild:
        return FakeChild(self, launch, pid or 100_000 + len(self.started))
