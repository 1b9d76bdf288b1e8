"""Processes that are no processes: a wrapper and its command as entries of the agenda, and who starts and finds them.

The contract is that of `orchestrator.effects.effect`; attempts.log gets what the real wrapper writes into it.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from orchestrator.effects.effect import Child, Ended, Exited, Launch, Lost, StartError
from orchestrator.effects.records import Records, search
from orchestrator.effects.wrapper import UNCLAIMED
from orchestrator.files.layout import ATTEMPTS_FILE, log_path, workflow_dir
from orchestrator.model.errors import DiskFailed

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.simulation.machine import Attempt, Machine, Reactor

_SECOND = 1_000_000


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
            return Lost("it could not begin", has_begun=False)
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
        process: what is started.
    """

    process = Process

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
        process = self.process(self._machine, launch, self.fate_of(launch))
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
            return Lost("it had not begun when the daemon ended", has_begun=False)
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


def read_records(machine: Machine, launch: Launch) -> Records:
    """What attempts.log says of an attempt."""
    return search(machine.files.content(records_path(launch)), launch.log_stem)


def out_path(launch: Launch) -> str:
    """The file whose exclusive creation is the claim."""
    return log_path(launch.data_dir, launch.workflow, launch.log_stem, "out")


def records_path(launch: Launch) -> str:
    """attempts.log of the launch's workflow."""
    return f"{workflow_dir(launch.data_dir, launch.workflow)}/{ATTEMPTS_FILE}"
