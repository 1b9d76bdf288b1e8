"""A child at work for one client: what it was asked, what it has said so far, and how it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from orchestrator.definitions.evaluator import child
from orchestrator.model.limits import FILE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definitions.evaluator.clients import Client

#: An evaluation may take so long.
WALL_S = 5.0

#: Bytes of an answer of a child; it holds a plan and the sources, which are bounded likewise.
REPORT_BYTES_MAX = FILE_BYTES_MAX


class Job:
    """One question, from its child to the end of its answer."""

    def __init__(self, client: Client, request: dict[str, Any], digest: str, work: Callable[[int], object]) -> None:
        """Begin to count the time. `work`: what the child does, given the file descriptor to answer on."""
        self.client = client
        self.request = request
        self.digest = digest
        self.work = work
        self.pid = 0
        self.timed_out = False
        self.too_large = False
        self._began = time.monotonic()
        self._output: list[bytes] = []
        self._size = 0

    @property
    def due_s(self) -> float:
        """The moment at which it has taken too long."""
        return self._began + WALL_S

    @property
    def elapsed_ms(self) -> float:
        """How long it has taken."""
        return round((time.monotonic() - self._began) * 1000, 3)

    @property
    def output(self) -> bytes:
        """What the child has said; nothing of what was too much."""
        return b"".join(self._output)

    @property
    def is_whole(self) -> bool:
        """Whether the child has said all: its own end makes no difference then."""
        return bool(self._output) and self._output[-1].endswith(child.END)

    def hear(self, data: bytes) -> None:
        """The child says something. One that says too much is ended."""
        self._size += len(data)
        self.too_large = self.too_large or self._size > REPORT_BYTES_MAX
        if self.too_large:
            self._output.clear()
            self._end()
        else:
            self._output.append(data)

    def check_time(self) -> None:
        """End the child if it has taken too long."""
        if not self.timed_out and time.monotonic() >= self.due_s:
            self.timed_out = True
            self._end()

    def start_over(self) -> None:
        """Forget what the child has said: another one is asked. The time goes on."""
        self._output.clear()
        self._size = 0

    def _end(self) -> None:
        """End the child and whatever it has started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has not come so far as to have a group of its own
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
