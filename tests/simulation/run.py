"""One simulated history, from a seed: a daemon, its clients, and everything that goes wrong.

A run is a few lives of the daemon on one machine. Each life but the last ends in a crash: at a chosen call to the file
system (before it, after it, or amid a write), or at a chosen time; the process alone dies or the power goes.
Between these, disks are full, read-only, slow, or fail; clocks are set; processes cannot be started. The last life is
left in peace until everything is over. `Oracle` judges throughout.
"""

from __future__ import annotations

import errno
import random
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import msgspec

from orchestrator.config import Settings
from orchestrator.daemon import Daemon
from orchestrator.model.errors import OrchestratorError
from orchestrator.runtime.ids import new_workflow_id
from orchestrator.store import archive
from orchestrator.store.directory import make_ours
from orchestrator.store.realdisk import RealDisk
from tests.simulation.machine import Machine, Reactor, Workers
from tests.simulation.oracle import Broken, Oracle
from tests.simulation.processes import CommandFate, Effect
from tests.simulation.scenario import DATA_DIR, Client, Definitions, random_plan
from tests.support.filesystem import Crash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.effects.effect import Launch
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.host import Waiting
    from orchestrator.store.disk import Disk, System

_SECOND = 1_000_000

#: Faults that last a while, by the calls they concern.
_LASTING = {
    "ENOSPC": (errno.ENOSPC, ("create", "write", "mkdir", "rename")),
    "EROFS": (errno.EROFS, ("create", "write", "mkdir", "rename", "unlink", "truncate")),
    "EACCES": (errno.EACCES, ("create", "mkdir", "rename", "unlink")),
    "EMFILE": (errno.EMFILE, ("open",)),
}

#: Faults that come once.
_ONCE = {"EIO on write": (errno.EIO, "write"), "EIO on sync": (errno.EIO, "sync")}

#: Virtual time after which a life that should have settled has not.
_PATIENCE_US = 4 * 3600 * _SECOND


class Report(msgspec.Struct, frozen=True):
    """What a run was. `crashes`: where the lives ended; `faults`: {name: times}."""

    seed: int
    lives: int
    calls: int
    records: int
    tasks: int
    crashes: list[str]
    faults: dict[str, int]


class Trial:
    """Options of a run.

    Attributes:
        crash_at: crash the first life at this changing call; None to let the seed decide.
        crash_after: that call does its work (or a part) first.
        is_power: the crash takes the power along; None to let the seed decide.
        is_calm: nothing goes wrong but that crash. Without one, the run tells how many calls there are to crash at.
        sabotage: breaks something about each life's machine on purpose, to see that the oracle notices.
    """

    def __init__(
        self,
        crash_at: int | None = None,
        *,
        crash_after: bool = False,
        is_power: bool | None = None,
        is_calm: bool = False,
        sabotage: Callable[[SimulatedHost], None] | None = None,
    ) -> None:
        self.crash_at = crash_at
        self.crash_after = crash_after
        self.is_power = is_power
        self.is_calm = is_calm
        self.sabotage = sabotage


class SimulatedHost:
    """A life's machine. See `orchestrator.runtime.host.Host`."""

    def __init__(self, run: Run) -> None:
        machine = run.machine
        self.reactor = Reactor(machine, run.between_turns)
        self.waiting: Waiting = self.reactor
        self.disk: Disk = RealDisk(cast("System", machine.files))
        self.clock: Clock = machine
        self.name = "simulated"
        self.pid = 100 + machine.boots
        self.boot_id = machine.boot_id
        self.is_forgetful = False
        self.end: Callable[[], None] = lambda: None
        self._run = run

    def workers(self, name: str, count: int = 1) -> Workers:
        return Workers(self._run.machine, self.reactor, lambda: self._run.takes_us(name), count)

    def effect(self, data_dir: str, grace_s: float) -> Effect:  # noqa: ARG002 - the contract's
        effect = Effect(self._run.machine, self.reactor, self._run.fate_of, is_forgetful=self.is_forgetful)
        effect.starting_fails = self._run.starting_fails
        return effect

    def provider_directories(self, data_dir: str) -> Mapping[str, str]:  # noqa: ARG002 - the contract's
        return {}

    def evaluate(self, path: str, **_: object) -> dict[str, Any]:
        return self._run.definitions.report(path)

    def new_workflow_id(self, name: str) -> str:
        return new_workflow_id(name, self._run.machine.fate.randbytes)

    def watch_inbox(self, data_dir: str, changed: Callable[[], None]) -> None:  # noqa: ARG002 - the contract's
        self._run.inbox_changed = lambda: self.reactor.post(changed)
        self.reactor.post(changed)

    def on_end(self, end: Callable[[], None]) -> None:
        self.end = lambda: self.reactor.post(end)

    def say(self, text: str) -> None:
        self._run.said.append(text)


class Run:
    """A history in the making."""

    def __init__(self, seed: int, trial: Trial) -> None:
        self.seed = seed
        self.trial = trial
        self.machine = Machine(seed)
        self.fate = random.Random(seed + 1)
        self.definitions = Definitions()
        self.oracle = Oracle(self.machine)
        self.clients: list[Client] = []
        self.inbox_changed: Callable[[], None] = lambda: None
        self.crashes: list[str] = []
        self.said: list[str] = []
        self._daemon: Daemon | None = None
        self._host: SimulatedHost | None = None
        self._in_peace = False
        self._life_began_us = 0
        self._slow_until_us = 0
        self._healthy_from_us = 0
        self._lasting: dict[str, int] = {}
        self._once: dict[str, int] = {}
        self._short_writes = not trial.is_calm and self.fate.random() < 0.3
        self._settings = Settings(
            max_running=self.fate.choice((1, 2, 4, 16)),
            stop_grace_s=1.0,
            retention_workflows=self.fate.choice((0, 1, 2, 1000, 1000)),
            segment_bytes=self.fate.choice((1024, 4096, 65_536)),
            journal_keep_bytes=self.fate.choice((0, 8192, 1 << 20)),
        )

    def play(self) -> Report:
        """Live through it. Raises Broken, or whatever else went wrong."""
        machine = self.machine
        machine.files.make_folders("/srv")
        machine.files.fault = self._fault
        self._invite_clients()
        lives = 2 if self.trial.crash_at is not None else 1 if self.trial.is_calm else self.fate.randint(1, 4)
        for _ in range(lives - 1):
            self._prepare_life()
            self._live()
        self._peace()
        while not self._live():
            assert len(self.crashes) < 20, self.crashes
        daemon = self._daemon
        assert daemon is not None
        self.oracle.at_the_end(daemon.world)
        tasks = len(daemon.world.tasks)
        return Report(
            self.seed, machine.boots, machine.files.calls, daemon.world.seq, tasks, self.crashes, machine.faults
        )

    # --- what is wanted --------------------------------------------------------------------------------------

    def _invite_clients(self) -> None:
        for number in range(self.fate.randint(1, 3)):
            plan = random_plan(self.fate)
            path = self.definitions.add(plan) if self.fate.random() < 0.95 else "/nowhere.k"
            self._invite(f"submit-{number}", "submit", {"path": path}, self.fate.randint(0, 3 * _SECOND))

    def _invite(self, key: str, command: str, arguments: dict[str, object], delay_us: int) -> None:
        client = Client(self.machine, key, command, arguments, self._promised)
        self.clients.append(client)

        def ask() -> None:
            client.ask()
            self.inbox_changed()

        self.machine.after(delay_us, ask)

    def _promised(self, client: Client) -> None:
        is_new = client.key not in self.oracle.promised.values()
        self.oracle.hear(client)
        if client.command == "submit" and is_new and client.answer and client.answer["ok"]:
            workflow = client.answer["result"]["workflow"]
            for number in range(self.fate.choice((0, 1, 2, 4))):
                self._steer(workflow, f"{client.key}-{number}", self.fate.randint(0, 8 * _SECOND))

    def _steer(self, workflow: str, key: str, delay_us: int) -> None:
        """Somebody will want something of a workflow, at a good moment or a bad one."""
        fate = self.fate
        own: dict[str, object] = {"workflow": workflow}
        wishes: list[tuple[str, dict[str, object]]] = [
            ("cancel", {**own}),
            ("pause", {**own, "now": False}),
            ("pause", {**own, "now": True}),
            ("resume", {**own}),
            ("rollback", {**own}),
            ("rollback", {**own, "to": fate.choice(("start", "operations-1", "operations-2"))}),
            ("retry", {**own}),
            ("retry", {**own, "everything": True}),
            ("retry", {**own, "operation": "op0"}),
            ("retry", {**own, "failed_only": True}),
        ]
        command, arguments = fate.choice(wishes)
        if command in ("retry", "rollback"):
            self.oracle.steered[workflow] = self.oracle.steered.get(workflow, 0) + 1
        self._invite(f"{command}-{key}", command, arguments, delay_us)
        if command == "pause":
            self._invite(f"resume-{key}", "resume", own, delay_us + fate.randint(0, 6 * _SECOND))

    def _let_go(self, daemon: Daemon) -> None:
        """In peace, nobody keeps anything waiting."""
        for workflow in daemon.world.workflows.values():
            number = len(self.clients)
            if workflow.is_paused:
                self._invite(f"resume-{workflow.id}-{number}", "resume", {"workflow": workflow.id}, 0)
                return
            for task in workflow.tasks:
                if task.status == "unknown":
                    outcome = self.fate.choice(("succeeded", "failed"))
                    self.oracle.vouched |= {task.id} if outcome == "succeeded" else set()
                    self._invite(f"resolve-{number}", "resolve", {"task": task.id, "outcome": outcome}, 0)
                    return

    # --- what goes wrong -------------------------------------------------------------------------------------

    def _prepare_life(self) -> None:
        files, fate = self.machine.files, self.fate
        if self.trial.crash_at is not None:
            files.crash_at, files.crash_after = self.trial.crash_at, self.trial.crash_after
        elif fate.random() < 0.75:
            files.crash_at = files.calls + fate.choice((fate.randint(1, 40), fate.randint(1, 300)))
            files.crash_after = fate.random() < 0.5
        else:
            files.crash_at = None
        latest_us = 60 * _SECOND if files.crash_at is not None else fate.randint(0, 8 * _SECOND)
        self.machine.after(latest_us, self._crash, in_daemon=True)
        if not self.trial.is_calm:
            self._plan_faults()

    def _plan_faults(self) -> None:
        fate = self.fate
        for name in _LASTING:
            if fate.random() < 0.08:
                self.machine.after(fate.randint(0, 4 * _SECOND), partial(self._begin_fault, name))
        for name in _ONCE:
            if fate.random() < 0.08:
                self._once[name] = fate.randint(1, 60)
        if fate.random() < 0.1:
            self.machine.after(fate.randint(0, 2 * _SECOND), self._slow_down)
        if fate.random() < 0.2:
            days = fate.choice((3600, -3600, 86_400, -86_400)) * _SECOND
            self.machine.after(fate.randint(0, 4 * _SECOND), lambda: self._set_clock(days))

    def _begin_fault(self, name: str) -> None:
        if not self._in_peace:
            self.machine.count(name)
            self._lasting[name] = self.machine.mono_us + self.fate.randint(1, 8 * _SECOND)

    def _slow_down(self) -> None:
        self.machine.count("slow disk")
        self._slow_until_us = self.machine.mono_us + 5 * _SECOND

    def _set_clock(self, by_us: int) -> None:
        self.machine.count("clock set")
        self.machine.step_wall(by_us)

    def _crash(self) -> None:
        raise Crash

    def _fault(self, call: str, path: str) -> int | None:
        for name, until_us in self._lasting.items():
            number, calls = _LASTING[name]
            if call in calls and self.machine.mono_us < until_us:
                self._healthy_from_us = self.machine.mono_us + 3 * _SECOND
                return number
        for name, left in list(self._once.items()):
            number, only = _ONCE[name]
            if call == only and path.startswith(DATA_DIR):
                self._once[name] = left - 1
                if left == 1:
                    del self._once[name]
                    self.machine.count(name)
                    return number
        if self._short_writes and call == "write" and self.fate.random() < 0.1:
            self.machine.count("short write")
            return -1
        return None

    def takes_us(self, worker: str) -> int:
        """How long a job takes."""
        if worker == "sync" and self.machine.mono_us < self._slow_until_us:
            return self.fate.randint(50_000, 500_000)
        return self.fate.choice((100, 300, self.fate.randint(0, 20_000)))

    def fate_of(self, launch: Launch) -> CommandFate:
        """What becomes of a command."""
        is_undo = launch.command == "undo"
        fails = self.machine.fate.random() < (0.1 if is_undo else 0.15)
        return CommandFate(self.machine.fate, self.machine.fate.choice((1, 3)) if fails else 0)

    def starting_fails(self, launch: Launch) -> str | None:  # noqa: ARG002 - which one does not matter
        if not self.trial.is_calm and not self._in_peace and self.fate.random() < 0.02:
            self.machine.count("no process")
            return "no process can be made: EAGAIN"
        return None

    def _peace(self) -> None:
        self._in_peace = True
        self._lasting.clear()
        self._once.clear()
        self._slow_until_us = 0
        self.machine.files.crash_at = None

    # --- lives -----------------------------------------------------------------------------------------------

    def _live(self) -> bool:
        """One life of a daemon. True if it ended as it was told to, everything being over."""
        began_at_call = self.machine.files.calls
        self._life_began_us = self.machine.mono_us
        self._daemon = None
        try:
            host = self._host = SimulatedHost(self)
            if self.trial.sabotage is not None:
                self.trial.sabotage(host)
            make_ours(host.disk, DATA_DIR)
            self._daemon = Daemon(host, DATA_DIR, self._settings, until_idle=False)
            self.oracle.new_life(self._daemon.world)
            if self._daemon.run() == 0:
                return True
            self.crashes.append(f"ended: {self.said[-1]}")
        except Crash:
            self.crashes.append(f"call {self.machine.files.calls} (+{self.machine.files.calls - began_at_call})")
        except OrchestratorError as error:
            self.crashes.append(f"{type(error).__name__}: {error}")
            if type(error).__name__ != "DiskFailed":
                raise Broken(f"no start: {error}") from error
        self._fall()
        return False

    def _fall(self) -> None:
        """The daemon is gone."""
        self.inbox_changed = lambda: None
        self.machine.daemon_died()
        is_power = self.trial.is_power
        if is_power is None:
            is_power = not self.trial.is_calm and self.fate.random() < 0.5
        self.machine.files.crash_at = None
        if is_power and not self._in_peace:
            self.crashes[-1] += ", power"
            self.machine.reboot()
            self._lasting.clear()
        else:
            if self.machine.boots == 1:
                self.oracle.files_parse()
            self.machine.pass_until(self.machine.mono_us + self.fate.choice((1, 50_000, 5 * _SECOND)))

    def between_turns(self) -> None:
        """Judge, and end a life in peace when everything is over."""
        daemon, machine = self._daemon, self.machine
        if daemon is None:
            return
        is_slow = machine.mono_us < self._slow_until_us + _SECOND or machine.mono_us < self._healthy_from_us
        self.oracle.between_turns(daemon, is_healthy=not is_slow)
        if not self._in_peace:
            return
        if machine.mono_us - self._life_began_us > _PATIENCE_US:
            raise Broken(f"does not come to an end: {[vars(client) for client in self.clients if not client.is_done]}")
        if all(client.is_done for client in self.clients) and daemon.is_settled:
            self._let_go(daemon)
            if self._is_over(daemon):
                assert self._host is not None
                self._host.end()

    def _is_over(self, daemon: Daemon) -> bool:
        is_open = any(one.finished is None for one in daemon.world.workflows.values())
        alive = any(process.state in ("running", "starting") for process in self.machine.processes.values())
        assert self._host is not None
        return not is_open and not alive and not archive.leftovers(self._host.disk, DATA_DIR)


def play(seed: int, trial: Trial | None = None) -> Report:
    """The history of `seed`. Raises what broke it."""
    return Run(seed, trial or Trial()).play()


def crash_points(seed: int) -> Iterator[Trial]:
    """Every way a single crash can fall into the calm history of `seed`: before and after each call, twice over."""
    calls = play(seed, Trial(is_calm=True)).calls
    for number in range(1, calls + 1):
        for crash_after in (False, True):
            for is_power in (False, True):
                yield Trial(number, crash_after=crash_after, is_power=is_power, is_calm=True)
