"""The whole daemon on a machine that fails in every way it can: nothing acknowledged is lost, nothing runs twice.

More of the same: ``make soak``. One seed again: ``python -m tests.simulation 138``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.store.realdisk import RealLog
from tests.simulation.oracle import Broken
from tests.simulation.run import SimulatedHost, Trial, crash_points, play

Record = Callable[[str, object], None]

#: Histories in a normal run, in tens.
TENS = 40


@pytest.mark.fault("F01", "F02", "F03", "F06", "F07", "F08", "F09", "F10", "F11", "F22", "F23", "F26", "F30")
@pytest.mark.parametrize("ten", range(TENS))
def test_survives_whatever_its_machine_does(ten: int, record_property: Record) -> None:
    """Crashes, power cuts, full and failing disks, clocks that jump: the invariants hold throughout."""
    record_property("runs", 10)
    for seed in range(ten * 10, ten * 10 + 10):
        try:
            play(seed)
        except Exception as fault:
            raise AssertionError(f"seed {seed} (python -m tests.simulation {seed}): {fault}") from fault


@pytest.mark.fault("F01", "F03")
@pytest.mark.parametrize("part", range(8))
def test_survives_a_crash_at_every_call(part: int, record_property: Record) -> None:
    """Before and after each single change to a file, the process alone or with the power."""
    trials = list(crash_points(5))
    record_property("runs", len(trials) // 8)
    for number, trial in enumerate(trials):
        if number % 8 == part:
            where = f"seed 5, call {trial.crash_at}, after: {trial.crash_after}, power: {trial.is_power}"
            try:
                play(5, trial)
            except Exception as fault:
                raise AssertionError(f"{where}: {fault}") from fault


def test_the_same_seed_is_the_same_history() -> None:
    """A failing seed can be looked at again."""
    assert play(3) == play(3)


def test_notices_a_disk_that_does_not_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """With syncs that do nothing something acknowledged is lost, and the oracle sees it."""
    monkeypatch.setattr(RealLog, "sync", lambda _self: None)
    assert _is_noticed(Trial())


def test_notices_attempts_that_are_not_claimed() -> None:
    """With a daemon that forgets to look after what runs, attempts run beside each other, and the oracle sees it."""

    def forget(host: SimulatedHost) -> None:
        host.is_forgetful = True

    assert _is_noticed(Trial(sabotage=forget))


def _is_noticed(trial: Trial) -> bool:
    for seed in range(100):
        try:
            play(seed, trial)
        except (Broken, AssertionError):
            return True
    return False
