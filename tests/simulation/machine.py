"""A machine in one process: virtual time, threads that are no threads, processes that are no processes.

Everything that happens is an entry of one agenda, ordered by virtual time and then by the order of entry, so the same
seed gives the same run. A machine outlives its daemons: processes go on when a daemon dies, and die with the power.
"""

from __future__ import annotations

import heapq
import os
import random
import signal
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.effects.effect import Child, Ended, Exited, Launch, Lost, StartError
from orchestrator.effects.records import search
from orchestrator.effects.wrapper import UNCLAIMED
from orchestrator.engine.events import Moment
from orchestrator.files.layout import ATTEMPTS_FILE, log_path, workflow_dir
from orchestrator.model.errors import DiskFailed
from tests.support.filesystem import FileSystem

if TYPE_CHECKING:
    from collections.abc import Callable

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


class Process:
    """A wrapper and its command: waits a moment, claims, runs, records its exit, ends."""

    def __init__(self, machine: Machine, launch: Launch, fate: CommandFate) -> None:
        self.machine = machine
        self.launch = launch
        self.fate = fate
        self.pid = 1000 + len(machine.history) + len(machine.processes)
        self.boot = machine.boots
        self.state = "starting"
        self.exit_code: int | None = None
        self.began_us: int | None = None
        self.ended_us: int | None = None
        self.was_told_to_end = False
        self.is_known = False
        self._listener: Callable[[], None] | None = None
        machine.after(fate.start_us, self.claim)

    @property
    def attempt(self) -> Attempt:
        return self.launch.task, self.launch.attempt

    @property
    def is_over(self) -> bool:
        return self.state == "over"

    def listen(self, listener: Callable[[], None]) -> None:
        """Tell when it ends; at once if it has."""
        self._listener = listener
        if self.is_over:
            listener()

    def claim(self) -> None:
        """The wrapper's part before the command begins."""
        if self.state != "starting":
            return
        try:
            self._check("create", out_path(self.launch))
            self.machine.files.create_alone(out_path(self.launch))
            self._append(f"claim {self.launch.log_stem} {self.pid} 1 {self.machine.boot_id}\n")
        except OSError:
            self._end(UNCLAIMED)
            return
        self.state = "running"
        self.began_us = self.machine.mono_us
        self.machine.history.append(self)
        self.machine.after(self.fate.runs_us, self.finish)

    def finish(self) -> None:
        """The command ends by itself."""
        if self.state == "running":
            self.exited(self.fate.exit_code)

    def exited(self, exit_code: int) -> None:
        """The wrapper's part after the command."""
        try:
            self._append(f"exit {self.launch.log_stem} {exit_code}\n")
            self.is_known = True
        except OSError:
            self.machine.count("exit line not written")
        self._end(exit_code)

    def signalled(self, number: int) -> None:
        if self.state == "over":
            return
        self.was_told_to_end = True
        if number == signal.SIGKILL or self.state == "starting":
            self._end(128 + number)
        elif not self.fate.is_stubborn:
            self.machine.after(self.fate.dies_us, self.terminated)

    def terminated(self) -> None:
        if self.state == "running":
            self.exited(128 + signal.SIGTERM)

    def _end(self, exit_code: int) -> None:
        self.state, self.exit_code, self.ended_us = "over", exit_code, self.machine.mono_us
        if self._listener is not None:
            self._listener()

    def _append(self, line: str) -> None:
        path = records_path(self.launch)
        self._check("write", path)
        self.machine.files.append(path, line.encode())

    def _check(self, call: str, path: str) -> None:
        fault = self.machine.files.fault(call, path)
        if fault and fault > 0:
            raise OSError(fault, "injected", path)


class CommandFate:
    """What will become of a command: drawn when it is started. Times in microseconds."""

    def __init__(self, fate: random.Random, exit_code: int) -> None:
        self.exit_code = exit_code
        self.start_us = fate.choice((0, 200, 2_000, fate.randint(0, 100_000)))
        self.runs_us = fate.choice((0, 1_000, 50_000, fate.randint(0, 5 * _SECOND)))
        self.dies_us = fate.choice((0, 1_000, 300_000))
        self.is_stubborn = fate.random() < 0.1


class Running:
    """A process under a daemon's eyes. See `orchestrator.effects.effect.Child`."""

    def __init__(self, process: Process, reactor: Reactor, *, is_own: bool) -> None:
        self._process = process
        self._is_own = is_own
        self._was_killed = False
        self._fd = process.machine.new_fd()
        process.listen(lambda: reactor.ready(self._fd))

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        return self._fd

    def collect(self, now_us: int) -> Ended | None:  # noqa: ARG002 - the contract's
        process = self._process
        if not process.is_over:
            return None
        self._fd = -1
        if process.exit_code == UNCLAIMED and process.began_us is None:
            return Lost("it could not begin")
        if self._is_own or self._was_killed:
            return Exited(process.exit_code or 0)
        known = read_records(process.machine, process.launch).exit_code
        return Lost("its process ended without recording an exit code") if known is None else Exited(known)

    def signal_group(self, number: int) -> None:
        self._was_killed = self._was_killed or (number == signal.SIGKILL and not self._process.is_over)
        self._process.signalled(number)


class Effect:
    """Starts simulated processes, and finds those of earlier daemons. See `orchestrator.effects.effect.Effect`.

    Attributes:
        starting_fails: asked before each start; a text is why it fails.
        fate_of: what becomes of a launch.
    """

    def __init__(
        self,
        machine: Machine,
        reactor: Reactor,
        fate_of: Callable[[Launch], CommandFate],
        *,
        is_forgetful: bool = False,
    ) -> None:
        """`is_forgetful`: it believes that everything died with the last daemon (to see that this is noticed)."""
        self.starting_fails: Callable[[Launch], str | None] = lambda _: None
        self.fate_of = fate_of
        self._machine = machine
        self._reactor = reactor
        self._is_forgetful = is_forgetful

    def start(self, launch: Launch) -> Child:
        why = self.starting_fails(launch)
        if why is not None:
            raise StartError(why)
        process = Process(self._machine, launch, self.fate_of(launch))
        self._machine.processes.setdefault((launch.task, launch.attempt), process)
        return Running(process, self._reactor, is_own=True)

    def look_after(self, launch: Launch) -> Child | Ended:
        records = read_records(self._machine, launch)
        if self._is_forgetful:
            return Lost("forgotten")
        if records.exit_code is not None:
            return Exited(records.exit_code)
        process = self._machine.processes.get((launch.task, launch.attempt))
        if records.claim is None and not records.taken and self._take(launch):
            return Lost("it had not begun when the daemon ended")
        if process is not None and not process.is_over:
            return Running(process, self._reactor, is_own=False)
        return Lost("its process ended without recording an exit code")

    def end_strays(self) -> None:
        pass

    def next_sweep_us(self) -> int | None:
        return None

    def sweep(self, now_us: int) -> None:
        pass

    def _take(self, launch: Launch) -> bool:
        """As the real one does it, call by call: a daemon can die between any two."""
        files = self._machine.files
        try:
            files.close(files.open(out_path(launch), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            fd = files.open(records_path(launch), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            files.write(fd, memoryview(f"taken {launch.log_stem}\n".encode()))
        except FileExistsError:
            return False
        except OSError as error:
            raise DiskFailed(f"the attempt cannot be taken: {error}", may_pass=True) from error
        return True


def read_records(machine: Machine, launch: Launch) -> Any:
    """What attempts.log says of an attempt."""
    return search(machine.files.content(records_path(launch)), launch.log_stem)


def out_path(launch: Launch) -> str:
    """The file whose exclusive creation is the claim."""
    return log_path(launch.data_dir, launch.workflow, launch.log_stem, "out")


def records_path(launch: Launch) -> str:
    """attempts.log of the launch's workflow."""
    return f"{workflow_dir(launch.data_dir, launch.workflow)}/{ATTEMPTS_FILE}"


def _nothing() -> None:
    pass
