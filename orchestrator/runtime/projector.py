"""Public files, behind the journal and coalesced.

A file that changed again before it was written is written once, with its newest content: creating and renaming
small files is what costs most on a disk, and most states of short tasks are over before anybody could look. A change
after a quiet time goes out at once; while things happen a batch goes out every `BATCH_US`, with a workflow's state and
status.json, which grow with the workflow, in it at most every `REWRITE_US`. Nothing here is durable: after a crash
the start rewrites what is late.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from orchestrator.model.limits import HEARTBEAT_S
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.store import project

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.machine import Step
    from orchestrator.engine.world import Task, Workflow, World
    from orchestrator.runtime.clock import Clock

#: Files handed to the writer at a time; the rest follows in the next batch.
BATCH_FILES = 256

#: Least time between two batches.
BATCH_US = 50_000

#: Time between two tries of a batch that could not be written.
RETRY_US = 1_000_000

#: Least time between two versions of a running workflow's state, and of status.json between heartbeats.
REWRITE_US = 100_000

#: A large workflow's state is rewritten less often, so that it takes a small share of the loop (1 to 2 us a task).
REWRITE_US_PER_TASK = 40

_HEARTBEAT_US = int(HEARTBEAT_S * 1_000_000)

#: [(path below the data directory, content)]
Batch = list[tuple[str, bytes]]


class Projector:
    """Keeps task files, workflow states and status.json up with the world."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        write: Callable[[Batch, bool], None],
        status_file: Callable[[], tuple[str, bytes]],
    ) -> None:
        """Begin with nothing late.

        `write` takes a batch, and whether no task file is late after it; it must lead to `written`, later.
        `status_file` renders status.json.
        """
        self._world = world
        self._clock = clock
        self._write = write
        self._status_file = status_file
        self._tasks: dict[str, Task] = {}
        self._workflows: dict[str, Workflow] = {}
        self._workflow_due: dict[str, int] = {}
        self._status_dirty = True
        self._status_written_us = -_HEARTBEAT_US
        self._writing = self._catching_up = False
        self._out_tasks: dict[str, Task] = {}
        self._out_workflows: dict[str, Workflow] = {}
        self._next_us = 0

    def mark(self, result: Step) -> None:
        """The record of `result` is on the disk: the files of what it changed are late."""
        for task in result.tasks:
            self._tasks[task.id] = task
        for workflow in result.workflows:
            self._workflows[workflow.id] = workflow
        self._status_dirty = True

    def mark_all(self) -> None:
        """Every file may be late: write them all."""
        self._tasks.update(self._world.tasks)
        self._workflows.update(self._world.workflows)
        self._status_dirty = True

    def forget(self, workflow: Workflow) -> None:
        """The files of `workflow` are to go: none of them is late any more."""
        self._workflow_due.pop(workflow.id, None)
        for workflows in (self._workflows, self._out_workflows):
            workflows.pop(workflow.id, None)
        for operation in workflow.operations:
            for task in operation.tasks:
                self._tasks.pop(task.id, None)
                self._out_tasks.pop(task.id, None)
        self._status_dirty = True

    def written(self, failed: frozenset[str] = frozenset()) -> None:
        """The last batch is out, but for the paths that `failed`: those are late again, and tried later."""
        self._writing = False
        if not failed:
            return
        late = {task.id: task for task in self._out_tasks.values() if project.task_file(task)[0] in failed}
        self._tasks = late | self._tasks
        for workflow in self._out_workflows.values():
            if project.state_file(workflow)[0] in failed:
                self._workflows.setdefault(workflow.id, workflow)
        self._status_dirty = True
        self._next_us = self._clock.now().mono_us + RETRY_US

    def pump(self) -> None:
        """Hand the next batch to the writer if it is free and something is due."""
        now_us = self._clock.now().mono_us
        if self._writing or now_us < self._next_us:
            return
        status = self._due_status(now_us)
        self._out_workflows = self._due_workflows(now_us)
        self._out_tasks = self._due_tasks(BATCH_FILES - len(status) - len(self._out_workflows))
        batch = status
        batch += [project.state_file(workflow) for workflow in self._out_workflows.values()]
        batch += [project.task_file(task) for task in self._out_tasks.values()]
        if batch:
            self._writing, self._next_us = True, now_us + BATCH_US
            self._catching_up = bool(self._out_workflows or self._out_tasks)
            self._write(batch, not self._tasks)

    def next_due_us(self) -> int | None:
        """When `pump` has something to do at the latest, on the monotonic clock; None while the writer is busy."""
        if self._writing:
            return None
        due = self._status_written_us + (REWRITE_US if self._status_dirty else _HEARTBEAT_US)
        if self._tasks:
            due = 0
        elif self._workflows:
            due = min(due, *(self._workflow_due.get(workflow, 0) for workflow in self._workflows))
        return max(due, self._next_us)

    @property
    def is_idle(self) -> bool:
        """Whether every file of a task or workflow is up to date; the heartbeat goes on for ever."""
        return not (self._tasks or self._workflows or (self._writing and self._catching_up))

    def _due_status(self, now_us: int) -> Batch:
        wait_us = REWRITE_US if self._status_dirty else _HEARTBEAT_US
        if now_us - self._status_written_us < wait_us:
            return []
        self._status_dirty, self._status_written_us = False, now_us
        return [self._status_file()]

    def _due_workflows(self, now_us: int) -> dict[str, Workflow]:
        due = [
            workflow
            for workflow in self._workflows.values()
            if workflow.status in WORKFLOW_FINAL or self._workflow_due.get(workflow.id, 0) <= now_us
        ][: BATCH_FILES - 1]
        for workflow in due:
            del self._workflows[workflow.id]
            if workflow.status in WORKFLOW_FINAL:
                self._workflow_due.pop(workflow.id, None)
            else:
                tasks = sum(len(operation.tasks) for operation in workflow.operations)
                self._workflow_due[workflow.id] = now_us + max(REWRITE_US, REWRITE_US_PER_TASK * tasks)
        return {workflow.id: workflow for workflow in due}

    def _due_tasks(self, room: int) -> dict[str, Task]:
        due = dict(islice(self._tasks.items(), room))
        for task_id in due:
            del self._tasks[task_id]
        return due
