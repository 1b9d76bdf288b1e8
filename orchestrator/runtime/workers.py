"""Threads that wait so that the loop need not: for the disk, for the evaluator.

A worker runs one job after another and reports each end to the loop's own thread. It is the only place where
the daemon has threads of its own; nothing a job touches is touched by the loop meanwhile.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Workers:
    """`count` threads that take jobs from one queue."""

    def __init__(self, name: str, post: Callable[[Callable[[], None]], None], count: int = 1) -> None:
        """`post` runs a function in the loop's thread, soon."""
        self._post = post
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def run(self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]) -> None:
        """Run `job` in a thread; then `done` with its result, or `failed` with its exception, in the loop's thread."""

        def work() -> None:
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop decides what it means
                fault = error
                self._post(lambda: failed(fault))
            else:
                self._post(lambda: done(result))

        self._jobs.put(work)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
