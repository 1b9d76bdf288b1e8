"""How large this machine is: what the servers of the built-in provider share."""

from __future__ import annotations

import os

from orchestrator.plan.declarations import Resources


def measure(folder: str) -> Resources:
    """Processors this process may use, memory (MiB), and disk that is free in `folder` (GiB); None where not known."""
    return Resources(len(os.sched_getaffinity(0)), _memory_mib(), _free_gib(folder))


def _memory_mib() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, ValueError):
        return None


def _free_gib(folder: str) -> int | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize >> 30
