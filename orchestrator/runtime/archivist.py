"""Sealing finished workflows into the archive, so that the folders stay small (ruling A-77, requirement R1-37).

A workflow goes when it is older than its retention says, or when more have finished after it than are kept. Its archive
file is durable before the record is written, and its own files are removed after that; a crash anywhere between leaves
something that the next start finishes. One workflow at a time: nobody waits for this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine.events import WorkflowArchived
from orchestrator.files.layout import PLAN_FILE, archive_path, workflow_dir
from orchestrator.model.errors import DiskFailed
from orchestrator.store import archive

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.config import Settings
    from orchestrator.engine.events import Event
    from orchestrator.engine.world import Workflow, World
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.troubles import Troubles
    from orchestrator.runtime.workers import Workers
    from orchestrator.store.disk import Disk

#: Time between two looks for workflows that have grown old.
LOOK_US = 60_000_000

#: Time between two tries of what failed.
RETRY_US = 5_000_000

#: Days that a finished workflow keeps its own files, unless it or the operator says otherwise (R1-37).
RETENTION_DAYS = 30

_DAY_US = 86_400 * 1_000_000

_TROUBLE = "the archive"


class Archivist:
    """Moves finished workflows out of the way."""

    def __init__(
        self,
        world: World,
        disk: Disk,
        data_dir: str,
        clock: Clock,
        writing: Workers,
        offer: Callable[[Event, Callable[[object], None]], None],
        forget: Callable[[Workflow], None],
        removed: Callable[[list[str]], None],
        settings: Settings,
        troubles: Troubles,
    ) -> None:
        """Begin with nothing on its way.

        `writing` also writes the public files, so that what it removes stays away: none of a workflow's is handed to it
        any more once `forget` was told of the workflow. `removed` is told there which task files went.
        """
        self._world = world
        self._disk = disk
        self._data_dir = data_dir
        self._clock = clock
        self._writing = writing
        self._offer = offer
        self._forget = forget
        self._removed = removed
        self._settings = settings
        self._troubles = troubles
        self._busy = False
        self._look_us = self._clear_us = 0
        self._uncleared: dict[str, None] = {}
        self._unneeded: dict[str, None] = {}

    def clear_leftovers(self) -> None:
        """After a start: remove what is left of workflows that were archived before."""
        for workflow in archive.leftovers(self._disk, self._data_dir):
            # One that is in the world was sealed, and nothing came of it: it may have been retried since.
            to_go = self._unneeded if workflow in self._world.workflows else self._uncleared
            to_go[workflow] = None

    def pump(self) -> None:
        """Begin with the next workflow if one is to go and none is on its way."""
        now_us = self._clock.now().mono_us
        if not self._busy and now_us >= self._clear_us:
            if self._unneeded:
                self._unseal(next(iter(self._unneeded)))
            elif self._uncleared:
                self._clear(next(iter(self._uncleared)))
        if self._busy or not self._world.finished:
            return
        is_full = len(self._world.finished) > self._settings.retention_workflows
        if not is_full and now_us < self._look_us:
            return
        workflow = self._next()
        if workflow is None:
            self._look_us = now_us + LOOK_US
        elif now_us >= self._look_us or not self._is_failing:
            self._seal(workflow)

    def next_due_us(self) -> int | None:
        """When `pump` has something to look for, on the monotonic clock."""
        if self._busy:
            return None
        due = [self._clear_us] if self._uncleared or self._unneeded else []
        return min([*due, self._look_us] if self._world.finished else due, default=None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way. What failed is no reason to stay: the next start finds it."""
        return not self._busy

    @property
    def _is_failing(self) -> bool:
        return self._troubles.has(_TROUBLE)

    def _next(self) -> Workflow | None:
        finished = self._world.finished
        oldest = next(iter(finished.values()))
        if len(finished) > self._settings.retention_workflows:
            return oldest
        now_us = self._clock.now().wall_us
        for workflow in finished.values():
            ended = workflow.finished
            if ended is not None and ended.wall_us + self._retention_days(workflow) * _DAY_US < now_us:
                return workflow
        return None

    def _retention_days(self, workflow: Workflow) -> int:
        if self._settings.retention_days is not None:
            return self._settings.retention_days
        logging = workflow.plan.settings.get("logging")
        days = logging.get("retention_days") if isinstance(logging, dict) else None
        return days if isinstance(days, int) else RETENTION_DAYS

    def _seal(self, workflow: Workflow) -> None:
        self._busy = True
        seq = workflow.seq
        plan_path = f"{workflow_dir(self._data_dir, workflow.id)}/{PLAN_FILE}"
        content = archive.seal(workflow)  # here and now: it could be retried while the writer is at work

        def write() -> None:
            plan = self._disk.read(plan_path)
            if plan is None:
                raise DiskFailed(f"reading {plan_path}: it is gone", "Restore it from a backup.")
            sealed = archive.with_plan(content, plan)
            self._disk.replace(archive_path(self._data_dir, workflow.id), sealed, durable=True)

        self._writing.run(write, lambda _: self._sealed(workflow, seq), self._failed)

    def _sealed(self, workflow: Workflow, seq: int) -> None:
        """The archive holds `workflow` as it was at record `seq`: let it go, unless it has come back to life."""
        self._troubles.note(_TROUBLE, None)
        if workflow.seq != seq:
            self._busy = False
            self._unneeded[workflow.id] = None
            return

        def gone(_: object) -> None:
            self._forget(workflow)
            self._uncleared[workflow.id] = None
            self._clear(workflow.id)

        self._offer(WorkflowArchived(workflow.id), gone)

    def _unseal(self, workflow: str) -> None:
        """The archive of a workflow that is still there goes again."""
        self._busy = True
        path = archive_path(self._data_dir, workflow)

        def gone(_: object) -> None:
            self._troubles.note(_TROUBLE, None)
            self._unneeded.pop(workflow, None)
            self._busy = False

        self._writing.run(lambda: self._disk.remove(path), gone, self._failed)

    def _clear(self, workflow: str) -> None:
        self._busy = True

        def clear() -> None:
            self._removed(archive.clear(self._disk, self._data_dir, workflow))

        self._writing.run(clear, lambda _: self._cleared(workflow), self._failed)

    def _cleared(self, workflow: str) -> None:
        self._troubles.note(_TROUBLE, None)
        del self._uncleared[workflow]
        self._busy = False

    def _failed(self, error: Exception) -> None:
        """Tried again later: nobody waits for it."""
        if not isinstance(error, DiskFailed):
            raise error
        self._troubles.note(_TROUBLE, error)
        self._busy = False
        self._look_us = self._clear_us = self._clock.now().mono_us + RETRY_US
