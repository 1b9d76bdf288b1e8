"""Threads that wait so that the loop need not: for the disk, for the evaluator.

A worker runs one job after another and reports each end to the loop's own thread. It is the only place where
the daemon has threads of its own; nothing a job touches is touched by the loop meanwhile.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Workers(Protocol):
    """Something that does jobs beside the loop, those of one name in the order they came."""

    def run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        """Run `job` elsewhere; then `done` with its result, or `failed` with its exception, in the loop's thread."""

    def finish(self, patience_s: float) -> None:
        """Return when every job so far has run, or after `patience_s`. What they report may not be heard any more."""


class Threads:
    """`count` threads that take jobs from one queue. See `Workers`."""

    def __init__(self, name: str, post: Callable[[Callable[[], None]], None], count: int = 1) -> None:
        """`post` runs a function in the loop's thread, soon."""
        self._post = post
        self._count = count
        self._jobs: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        """See `Workers`."""

        def work() -> None:
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop decides what it means
                fault = error
                self._post(lambda: failed(fault))
            else:
                self._post(lambda: done(result))

        self._jobs.put(work)

    def finish(self, patience_s: float) -> None:
        """See `Workers`."""
        idle = threading.Barrier(self._count + 1)
        for _ in range(self._count):
            self._jobs.put(idle.wait)
        with suppress(threading.BrokenBarrierError):
            idle.wait(patience_s)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
