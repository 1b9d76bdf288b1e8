"""What every effect promises, held against the real one, the one in memory and the one of the simulation."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Protocol

import pytest

from orchestrator.effects.effect import Child, Effect, Exited, Launch, Lost
from orchestrator.effects.local import LocalEffect
from orchestrator.effects.processes import has_ended
from tests.simulation.machine import Machine, Reactor
from tests.simulation.processes import CommandFate
from tests.simulation.processes import Effect as SimulatedEffect
from tests.support.attempts import BOOT_ID, Gate, ended, launch
from tests.support.effects import FakeEffect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class World(Protocol):
    """Something to start attempts in, whose commands end when the test says so."""

    def daemon(self) -> Effect:
        """The effect of a daemon; of the next one, when called again."""

    def launch(self, item: str = "x", attempt: int = 1) -> Launch:
        """An attempt whose command waits for `finish`."""

    def finish(self, of: Launch, exit_code: int) -> None:
        """Let the attempt's command end."""

    def wait_until_it_runs(self, of: Launch) -> None:
        """Block until the command has begun."""


class RealWorld:
    """Processes whose commands read their exit code from a FIFO."""

    def __init__(self, data_dir: Path, directory: Path) -> None:
        self._data_dir = data_dir
        self._directory = directory
        self._gates: dict[str, Gate] = {}

    def daemon(self) -> Effect:
        return LocalEffect(str(self._data_dir), BOOT_ID)

    def launch(self, item: str = "x", attempt: int = 1) -> Launch:
        path = self._directory / f"gate-{item}-{attempt}"
        of = launch(self._data_dir, 'read -r code <"$GATE"; exit "$code"', item, attempt, GATE=str(path))
        if of.log_stem not in self._gates:
            self._gates[of.log_stem] = Gate(path)
        return of

    def finish(self, of: Launch, exit_code: int) -> None:
        self._gates[of.log_stem].open(str(exit_code))

    def wait_until_it_runs(self, of: Launch) -> None:
        """Block until the command is about to read."""
        self._gates[of.log_stem].wait()


class FakeWorld:
    """Attempts in memory."""

    def __init__(self) -> None:
        self._effect: FakeEffect | None = None

    def daemon(self) -> Effect:
        self._effect = FakeEffect(self._effect)
        return self._effect

    def launch(self, item: str = "x", attempt: int = 1) -> Launch:
        return launch("/data", "wait", item, attempt)

    def finish(self, of: Launch, exit_code: int) -> None:
        assert self._effect is not None
        self._effect.end(of.task, exit_code, of.attempt)

    def wait_until_it_runs(self, of: Launch) -> None:
        """It runs as soon as it is started."""


class _Now(Machine):
    """A simulated machine on which everything happens at once, but for the end of a command, which a test tells."""

    def after(self, delay_us: int, do: Callable[[], None], *, in_daemon: bool = False) -> None:
        if delay_us == 0 and not in_daemon:
            do()

    def new_fd(self) -> int:
        return os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)


class _Descriptors(Reactor):
    """Makes what is ready readable, as an eventfd."""

    def ready(self, fd: int) -> None:
        os.eventfd_write(fd, 1)


class SimulatedWorld:
    """The processes of the simulation (tests/simulation)."""

    def __init__(self) -> None:
        self._machine = _Now(0)
        self._machine.files.make_folders("/data/workflows/w/logs")

    def daemon(self) -> Effect:
        reactor = _Descriptors(self._machine, lambda: None)
        return SimulatedEffect(self._machine, reactor, lambda _: self._fate())

    def launch(self, item: str = "x", attempt: int = 1) -> Launch:
        return launch("/data", "wait", item, attempt)

    def finish(self, of: Launch, exit_code: int) -> None:
        self._machine.processes[of.task, of.attempt].exited(exit_code)

    def wait_until_it_runs(self, of: Launch) -> None:
        """It runs as soon as it is started."""

    def _fate(self) -> CommandFate:
        fate = CommandFate(self._machine.fate, 0)
        fate.start_us, fate.runs_us, fate.dies_us, fate.is_stubborn = 0, 1, 0, False
        return fate


@pytest.fixture(params=["real", "fake", "simulated"])
def world(request: pytest.FixtureRequest, data_dir: Path, tmp_path: Path) -> World:
    """A world of each kind."""
    if request.param == "real":
        return RealWorld(data_dir, tmp_path)
    return FakeWorld() if request.param == "fake" else SimulatedWorld()


def test_tells_the_exit_code_of_a_command_that_ended(world: World) -> None:
    """A child becomes readable when its command has ended, and is collected with its exit code."""
    effect = world.daemon()
    of = world.launch()
    child = effect.start(of)
    assert isinstance(child, Child)
    assert not has_ended(child.fileno())
    world.finish(of, 7)
    assert ended(child) == Exited(7)


def test_collects_nothing_of_a_child_that_runs(world: World) -> None:
    """Asking too early is answered with None and does no harm."""
    effect = world.daemon()
    of = world.launch()
    child = effect.start(of)
    assert child.collect(0) is None
    world.finish(of, 0)
    assert ended(child) == Exited(0)


def test_does_not_start_an_attempt_twice(world: World) -> None:
    """A second start of the same attempt is lost; the first goes on."""
    effect = world.daemon()
    of = world.launch()
    first = effect.start(of)
    world.wait_until_it_runs(of)
    assert isinstance(ended(effect.start(of)), Lost)
    world.finish(of, 3)
    assert ended(first) == Exited(3)


def test_starts_the_next_attempt_of_the_same_task(world: World) -> None:
    """Attempts of one task are told apart by their number."""
    effect = world.daemon()
    for attempt, code in ((1, 1), (2, 0)):
        of = world.launch(attempt=attempt)
        child = effect.start(of)
        world.finish(of, code)
        assert ended(child) == Exited(code)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_group_ends_the_command(world: World, number: signal.Signals) -> None:
    """A command that does not catch the signal ends with 128 + its number."""
    effect = world.daemon()
    of = world.launch()
    child = effect.start(of)
    world.wait_until_it_runs(of)
    child.signal_group(number)
    assert ended(child) == Exited(128 + number)


def test_a_signal_after_the_end_does_nothing(world: World) -> None:
    """Whoever is late with a signal hits nobody."""
    effect = world.daemon()
    of = world.launch()
    child = effect.start(of)
    world.finish(of, 0)
    assert ended(child) == Exited(0)
    child.signal_group(signal.SIGKILL)


def test_the_next_daemon_adopts_what_runs(world: World) -> None:
    """An attempt that runs is a child of the next daemon too, and its exit code is found."""
    of = world.launch()
    first = world.daemon().start(of)
    world.wait_until_it_runs(of)
    second = world.daemon()
    adopted = second.look_after(of)
    assert isinstance(adopted, Child)
    assert adopted.pid == first.pid
    world.finish(of, 5)
    assert ended(adopted) == Exited(5)


def test_the_next_daemon_finds_what_ended_meanwhile(world: World) -> None:
    """An attempt that ended while no daemon ran has left its exit code."""
    of = world.launch()
    child = world.daemon().start(of)
    world.finish(of, 9)
    assert ended(child) == Exited(9)
    assert world.daemon().look_after(of) == Exited(9)


def test_an_attempt_that_was_never_started_is_lost_and_can_never_begin(world: World) -> None:
    """Looking after an attempt that nobody claimed takes it: a wrapper that comes late leaves."""
    effect = world.daemon()
    of = world.launch()
    assert effect.look_after(of) == Lost("it had not begun when the daemon ended", has_begun=False)
    assert isinstance(ended(effect.start(of)), Lost)
    assert isinstance(world.daemon().look_after(of), Lost)


def test_an_adopted_child_can_be_signalled(world: World) -> None:
    """A signal reaches the group of an attempt that another daemon has started."""
    of = world.launch()
    world.daemon().start(of)
    world.wait_until_it_runs(of)
    adopted = world.daemon().look_after(of)
    assert isinstance(adopted, Child)
    adopted.signal_group(signal.SIGTERM)
    assert ended(adopted) == Exited(128 + signal.SIGTERM)
