"""Timed checkpoints: one file for each workflow, written anew at most every so many seconds while it changes.

A workflow's first change makes its time run; when that is over, the checkpoint shows what it is then. One that does not
change is not written again, and one that ends gets a last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flags
from orchestrator.model.errors import DiskFailed
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.store import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.machine import Step
    from orchestrator.engine.world import Workflow, World
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.troubles import Troubles
    from orchestrator.runtime.workers import Workers
    from orchestrator.store.disk import Disk

_TROUBLE = "checkpoints"

#: Time between two tries of what failed.
_RETRY_US = 5_000_000

#: Time in which a sync should be over.
_SYNC_US = 20_000


class Checkpoints:
    """Writes checkpoints when they are due."""

    def __init__(
        self,
        world: World,
        disk: Disk,
        data_dir: str,
        clock: Clock,
        writing: Workers,
        troubles: Troubles,
        synced_seq: Callable[[], int],
    ) -> None:
        """Begin with nothing changed.

        `writing` also removes archived workflows, in its own order. `synced_seq` tells the last record that is durable:
        none that is not gets into a checkpoint.
        """
        self._world = world
        self._disk = disk
        self._data_dir = data_dir
        self._clock = clock
        self._writing = writing
        self._troubles = troubles
        self._synced_seq = synced_seq
        self._due: dict[str, int] = {}
        self._busy = False

    def mark_all(self) -> None:
        """After a start: what an earlier daemon has not come to is done now."""
        wanted = {one.id: one.seq for one in self._world.workflows.values() if flags.FULLER_FILES in one.flags}

        def look() -> list[str]:
            return [name for name, seq in wanted.items() if checkpoint.seq_of(self._disk, self._data_dir, name) != seq]

        def found(late: list[str]) -> None:
            now_us = self._clock.now().mono_us
            for name in late:
                self._due.setdefault(name, now_us)

        self._writing.run(look, found, self._not_looked)

    def mark(self, result: Step) -> None:
        """The record of `result` is on the disk: the workflows it changed have something new to keep."""
        now_us = self._clock.now().mono_us
        for workflow in result.workflows:
            if flags.FULLER_FILES in workflow.flags:
                due_us = now_us + checkpoint.frequency_s(workflow) * 1_000_000
                self._due.setdefault(workflow.id, due_us)
                if workflow.status in WORKFLOW_FINAL:
                    self._due[workflow.id] = now_us

    def forget(self, workflow: Workflow) -> None:
        """`workflow` is archived."""
        self._due.pop(workflow.id, None)

    def pump(self) -> None:
        """Write the next checkpoint if one is due and none is on its way."""
        now_us = self._clock.now().mono_us
        for name, due_us in self._due.items():
            if due_us <= now_us and not self._busy:
                del self._due[name]
                workflow = self._world.workflows.get(name)
                if workflow is not None and workflow.seq > self._synced_seq():
                    self._due[name] = now_us + _SYNC_US
                elif workflow is not None:  # it may be on its way into the archive
                    self._write(workflow)
                return

    def next_due_us(self) -> int | None:
        """When `pump` has something to do, on the monotonic clock."""
        return None if self._busy else min(self._due.values(), default=None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._busy

    def _write(self, workflow: Workflow) -> None:
        self._busy = True
        content = checkpoint.of(workflow)
        path = f"{self._data_dir}/{checkpoint.path(workflow.id)}"

        def failed(error: Exception) -> None:
            if not isinstance(error, DiskFailed):
                raise error
            self._done(error)
            if workflow.id in self._world.workflows:
                self._due[workflow.id] = self._clock.now().mono_us + _RETRY_US

        self._writing.run(
            lambda: self._disk.replace(path, checkpoint.encode(content), durable=False),
            lambda _: self._done(None),
            failed,
        )

    def _not_looked(self, error: Exception) -> None:
        """What cannot be read is not known to be late; its workflow's next change writes it."""
        if not isinstance(error, DiskFailed):
            raise error

    def _done(self, error: DiskFailed | None) -> None:
        self._busy = False
        self._troubles.note(_TROUBLE, error)
