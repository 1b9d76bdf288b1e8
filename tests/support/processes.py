"""What a process holds, and what it has started, as /proc tells. Which it is: `orchestrator.effects.processes`."""

from __future__ import annotations

import os
from contextlib import suppress

from orchestrator.effects.processes import command_line


def memory_kib(pid: int, what: str = "VmRSS") -> int:
    """A figure of ``/proc/<pid>/status``; resident memory."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{what}:"))


def holds(pid: int) -> tuple[int, int, int]:
    """(descriptors, threads, KiB of memory)."""
    return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")), memory_kib(pid)


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process has had, its children without."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """What its threads have started and is still its child; none of a process or a thread that is gone."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with (
                suppress(FileNotFoundError, ProcessLookupError),
                open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file,
            ):
                found += map(int, file.read().split())
    return found


def runs(pid: int, part: str) -> bool:
    """Whether a process lives under that number whose command line has `part` in it."""
    return any(part.encode() in argument for argument in command_line(pid))
