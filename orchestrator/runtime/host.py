"""What a daemon stands on: the machine, as one port.

`orchestrator.serve` has the real one. A simulation gives another, and runs the same daemon on a virtual clock, a
disk that knows what is synced and processes of its own (tests/simulation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from orchestrator.effects.effect import Effect
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.workers import Workers
    from orchestrator.store.disk import Disk


class Waiting(Protocol):
    """Waits for what happens, and calls what is due, one thing at a time. See `orchestrator.runtime.reactor`."""

    def post(self, function: Callable[[], None]) -> None:
        """Run `function` soon, in the thread of `run`. May be called from any thread."""

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` when `fd` is readable."""

    def unwatch(self, fd: int) -> None:
        """Forget `fd`; to be called before it is closed."""

    def stop(self) -> None:
        """Make `run` return after what is at hand."""

    def run(self, turn: Callable[[], int]) -> None:
        """Until `stop`: call `turn`, and again when something happened or at the monotonic time it returned (in us)."""


class Host(Protocol):
    """A machine and its operator.

    Attributes:
        disk, clock, waiting: see their protocols.
        name: of the machine, shown with each task that runs on it.
        pid: of the daemon's process.
        boot_id: of the running kernel.
    """

    disk: Disk
    clock: Clock
    waiting: Waiting
    name: str
    pid: int
    boot_id: str

    def workers(self, name: str, count: int = 1) -> Workers:
        """Threads that report to `waiting`."""

    def effect(self, data_dir: str, grace_s: float) -> Effect:
        """What carries out attempts. `grace_s`: between TERM and KILL for what they leave behind."""

    def provider_directories(self, data_dir: str) -> Mapping[str, str]:
        """{provider id: directory of its own files}."""

    def evaluate(
        self,
        path: str,
        *,
        options: Mapping[str, object] | None,
        name: str | None,
        data_dir: str | None,
        digest: str | None,
        want_plan: bool,
        environment: str | None = None,
        layer: str | None = None,
        check: bool = False,
    ) -> dict[str, Any]:
        """The report about a definition (ARCHITECTURE.md, "Reports"). Blocks; called by a worker."""

    def new_workflow_id(self, name: str) -> str:
        """An id that no workflow has."""

    def watch_inbox(self, data_dir: str, changed: Callable[[], None]) -> None:
        """Call `changed` when something was put into the inbox, and once now; it is also looked at now and then."""

    def on_end(self, end: Callable[[], None]) -> None:
        """Call `end` when the operator wants the daemon to end (SIGTERM, SIGINT)."""

    def say(self, text: str) -> None:
        """A line for the daemon's log."""
