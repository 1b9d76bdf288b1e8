"""A machine in one process: virtual time, threads that are no threads, processes that are no processes.

Everything that happens is an entry of one agenda, ordered by virtual time and then by the order of entry, so the same
seed gives the same run. A machine outlives its daemons: processes go on when a daemon dies, and die with the power.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from orchestrator.engine.events import Moment
from tests.support.filesystem import FileSystem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.processes import Process

T = TypeVar("T")
Attempt = tuple[str, int]

#: Virtual time that began at no special moment.
_WALL_US = 1_750_000_000_000_000

_SECOND = 1_000_000


class Stuck(AssertionError):
    """Nothing will ever happen, or far too much happened without an end."""


class Machine:
    """Time, disk and processes of one simulated machine.

    Attributes:
        fate: where everything random comes from.
        files: its file system.
        mono_us: monotonic clock; begins anew with each boot.
        wall_us: wall clock; may be stepped.
        processes: {attempt: its process}, of this boot.
        history: every process that ever began its command, in order, over all boots.
        faults: what was injected, for the report.
    """

    def __init__(self, seed: int) -> None:
        self.fate = random.Random(seed)
        self.files = FileSystem(random.Random(seed ^ 0x5EED))
        self.mono_us = 5 * _SECOND
        self.wall_us = _WALL_US
        self.boots = 1
        self.processes: dict[Attempt, Process] = {}
        self.history: list[Process] = []
        self.faults: dict[str, int] = {}
        self._agenda: list[tuple[int, int, bool, Callable[[], None]]] = []
        self._entries = 0
        self._fds = 100

    @property
    def boot_id(self) -> str:
        """Of the running kernel."""
        return f"boot-{self.boots}"

    def now(self) -> Moment:
        """See `orchestrator.runtime.clock.Clock`."""
        return Moment(self.wall_us, self.mono_us)

    def after(self, delay_us: int, do: Callable[[], None], *, in_daemon: bool = False) -> None:
        """Have something happen later; what happens `in_daemon` does not if that dies before."""
        self._entries += 1
        heapq.heappush(self._agenda, (self.mono_us + max(0, delay_us), self._entries, in_daemon, do))

    def next_us(self) -> int | None:
        """When the next entry of the agenda is due."""
        return self._agenda[0][0] if self._agenda else None

    def pass_until(self, at_us: int) -> None:
        """Let time pass until `at_us`, or the first entry of the agenda before it, which then happens."""
        if self._agenda and self._agenda[0][0] <= at_us:
            due_us, _, _, do = heapq.heappop(self._agenda)
            self._move(due_us)
            do()
        else:
            self._move(at_us)

    def step_wall(self, by_us: int) -> None:
        """Somebody sets the clock."""
        self.wall_us += by_us

    def daemon_died(self) -> None:
        """What its threads meant to do does not happen; everything else goes on."""
        self.files.process_died()
        self._agenda = [entry for entry in self._agenda if not entry[2]]
        heapq.heapify(self._agenda)

    def reboot(self) -> None:
        """The power went, and came back: nothing runs, what was not synced is gone, the clocks begin anew."""
        self.files.power_cut()
        for process in self.processes.values():
            process.state = "over"
        self.processes.clear()
        self.boots += 1
        self.wall_us += self.fate.randint(1, 600) * _SECOND
        before_us, self.mono_us = self.mono_us, self.fate.randint(1, 20) * _SECOND
        shift_us = self.mono_us - before_us
        self._agenda = [(at + shift_us, number, mine, do) for at, number, mine, do in self._agenda if not mine]
        heapq.heapify(self._agenda)
        self.files.now_us = self.wall_us

    def new_fd(self) -> int:
        """A number for a descriptor."""
        self._fds += 1
        return self._fds

    def count(self, fault: str) -> None:
        """One more of this fault was injected."""
        self.faults[fault] = self.faults.get(fault, 0) + 1

    def _move(self, to_us: int) -> None:
        if to_us > self.mono_us:
            self.wall_us += to_us - self.mono_us
            self.mono_us = to_us
            self.files.now_us = self.wall_us


class Reactor:
    """Waits in virtual time. See `orchestrator.runtime.host.Waiting`."""

    #: More rounds than any run here takes.
    ROUNDS_MAX = 60_000

    def __init__(self, machine: Machine, between: Callable[[], None]) -> None:
        """`between` is called after every turn: the place for checks."""
        self._machine = machine
        self._between = between
        self._posted: deque[Callable[[], None]] = deque()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._stopping = False

    def post(self, function: Callable[[], None]) -> None:
        self._posted.append(function)

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        assert fd not in self._callbacks
        self._callbacks[fd] = callback

    def unwatch(self, fd: int) -> None:
        del self._callbacks[fd]

    def ready(self, fd: int) -> None:
        """Something is to be read from `fd`, if anybody still cares."""

        def call() -> None:  # who watches is looked up when it is called, as epoll would
            self._callbacks.get(fd, _nothing)()

        self._posted.append(call)

    def stop(self) -> None:
        self._stopping = True

    def run(self, turn: Callable[[], int]) -> None:
        for _ in range(self.ROUNDS_MAX):
            due_us = turn()
            self._between()
            if self._stopping:
                return
            if not self._posted:
                self._machine.pass_until(max(due_us, self._machine.mono_us + 1))
            for _ in range(len(self._posted)):
                self._posted.popleft()()
        raise Stuck(f"{self.ROUNDS_MAX} rounds, and no end")


class Workers:
    """Jobs that take virtual time. See `orchestrator.runtime.workers.Workers`."""

    def __init__(self, machine: Machine, reactor: Reactor, takes_us: Callable[[], int], count: int) -> None:
        self._machine = machine
        self._reactor = reactor
        self._takes_us = takes_us
        self._free_us = [0] * count
        self._left = 0

    def run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        def work() -> None:
            self._left -= 1
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - as the real ones do
                fault = error
                self._reactor.post(lambda: failed(fault))
            else:
                self._reactor.post(lambda: done(result))

        thread = min(range(len(self._free_us)), key=self._free_us.__getitem__)
        begin_us = max(self._machine.mono_us, self._free_us[thread])
        self._free_us[thread] = begin_us + self._takes_us()
        self._left += 1
        self._machine.after(self._free_us[thread] - self._machine.mono_us, work, in_daemon=True)

    def finish(self, patience_s: float) -> None:
        end_us = self._machine.mono_us + int(patience_s * _SECOND)
        while self._left and self._machine.mono_us < end_us:
            self._machine.pass_until(end_us)


def _nothing() -> None:
    pass
