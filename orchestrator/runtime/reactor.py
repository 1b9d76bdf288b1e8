"""Waiting: for descriptors, for functions posted by other threads, for the time to pass.

Not asyncio, because all this daemon waits for are pidfds and a handful of threads: an epoll and a deque cost
40 ms less to import and a third of the time per child (docs/decisions/0001-reactor.md).
"""

from __future__ import annotations

import os
import select
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.runtime.clock import Clock


class Reactor:
    """Calls what is due, one thing at a time, in one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoll = select.epoll()
        self._posted: deque[Callable[[], None]] = deque()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._wake_fd, select.EPOLLIN)
        self._stopping = False

    def post(self, function: Callable[[], None]) -> None:
        """Run `function` in the reactor's thread, soon. May be called from any thread and from signal handlers."""
        self._posted.append(function)
        os.eventfd_write(self._wake_fd, 1)

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` when `fd` is readable."""
        self._callbacks[fd] = callback
        self._epoll.register(fd, select.EPOLLIN)

    def unwatch(self, fd: int) -> None:
        """Forget `fd`; to be called before it is closed, or stale events fire."""
        self._epoll.unregister(fd)
        del self._callbacks[fd]

    def stop(self) -> None:
        """Make `run` return after what is at hand."""
        self._stopping = True
        os.eventfd_write(self._wake_fd, 1)

    def run(self, turn: Callable[[], int]) -> None:
        """Until `stop`: call `turn`, wait, handle what is ready.

        `turn` says when it wants to be called again at the latest, in microseconds on the monotonic clock.
        """
        while True:
            due_us = turn()
            if self._stopping:
                return
            self._wait(due_us)

    def _wait(self, due_us: int) -> None:
        left_us = 0 if self._posted else max(0, due_us - self._clock.now().mono_us)
        for fd, _ in self._epoll.poll(left_us / 1_000_000):
            if fd == self._wake_fd:
                os.eventfd_read(self._wake_fd)
            elif (callback := self._callbacks.get(fd)) is not None:
                callback()
        for _ in range(len(self._posted)):
            self._posted.popleft()()
