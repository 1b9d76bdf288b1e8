"""The one place where time is read."""

from __future__ import annotations

import time
from typing import Protocol

from orchestrator.engine.events import Moment


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> Moment:
        """This moment, on both clocks."""


class RealClock:
    """The clocks of this machine."""

    def now(self) -> Moment:
        """See `Clock`."""
        return Moment(time.time_ns() // 1000, time.monotonic_ns() // 1000)


def boot_id() -> str:
    """The id of the running kernel's boot; monotonic times compare only within one."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
