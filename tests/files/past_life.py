"""Random histories of a data directory, and what its files said behind each record."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from orchestrator.engine.events import DaemonStarted, JournalContinued, WorkflowArchived, WorkflowSubmitted
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.model.times import rfc3339
from orchestrator.plan.ir import canonical
from orchestrator.runtime.compaction import prune
from orchestrator.store import archive, codec, project, snapshot
from orchestrator.store.directory import prepare
from orchestrator.store.journal import Journal
from orchestrator.store.pin import pin
from orchestrator.store.realdisk import RealDisk

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.engine.events import Event, Moment
    from tests.engine.fates import Fate

#: What `orch at` tells of a task and of a workflow, of all that their files hold.
TASK_COLUMNS = (
    *("id", "status", "created_at", "priority", "workflow", "operation", "item", "provider", "attempt", "started_at"),
    *("finished_at", "exit_code", "reason"),
)
WORKFLOW_COLUMNS = (
    *("id", "name", "status", "created_at", "started_at", "finished_at", "definition", "plan", "priority", "reason"),
    "tasks",
)


def shown(world: World) -> dict[str, Any]:
    """What the files say of `world`, as far as `orch at` tells it."""
    counts = project.status_counts(world)
    tasks = [project.task_row(task) for task in world.tasks.values()]
    workflows = [project.workflow_state(workflow) for workflow in world.workflows.values()]
    del counts["workflows"]
    tasks.sort(key=lambda row: (-row["priority"], row["created_at"], row["id"]))  # type: ignore[operator]
    workflows.sort(key=lambda row: row["id"])  # type: ignore[arg-type, return-value]
    workflows.sort(key=lambda row: row["created_at"], reverse=True)  # type: ignore[arg-type, return-value]
    return {
        "seq": world.seq,
        "cursor": f"{world.epoch}:{world.seq}",
        **counts,
        "workflows": [{name: row[name] for name in WORKFLOW_COLUMNS} for row in workflows],
        "tasks": [{name: row[name] for name in TASK_COLUMNS} for row in tasks],
    }


class PastLife:
    """The history of a `Fate` as a directory: in segments with and without snapshots, the oldest removed or not.

    Attributes:
        said: what the files said behind each record.
        times: of the records.
        transitions: of the records.
        oldest: the first record whose state can be told.
    """

    def __init__(self, path: Path, fate: Fate, seed: int) -> None:
        self.path = str(path)
        self.said = [shown(World())]
        self.times: list[str] = []
        self.transitions: list[list[tuple[str | None, str | None, str]]] = []
        self._random = random.Random(seed)
        self._disk = RealDisk()
        prepare(self._disk, self.path)
        self._world = World()
        self._journal = Journal(self._disk, self.path, 1, 0, codec.FIRST_SUM)
        self._snapshots: dict[int, int] = {}
        for event, at, _ in fate.history:
            if self._world.seq and (isinstance(event, DaemonStarted) or self._random.random() < 0.03):
                self._rotate()
                if not isinstance(event, DaemonStarted):
                    self._happen(JournalContinued(self._world.epoch), at)
            self._happen(event, at)
        self._sync()
        if self._random.random() < 0.5:
            prune(self._disk, self.path, self._random.randrange(20_000))
        numbers = snapshot.numbers(self._disk, self.path)
        whole = self._disk.read(f"{self.path}/journal/000001.jsonl") is not None
        self.oldest = 0 if whole else self._snapshots[numbers[0]]

    def _happen(self, event: Event, at: Moment) -> None:
        if isinstance(event, WorkflowSubmitted):
            pin(self._disk, self.path, event.workflow, canonical(event.plan), {"w.k": b"source"})
        if isinstance(event, WorkflowArchived):
            workflow = self._world.workflows[event.workflow]
            content = archive.encode(workflow, canonical(workflow.plan))
            self._disk.replace(f"{self.path}/archive/{event.workflow}.jsonl", content, durable=False)
            self._disk.remove_tree(f"{self.path}/workflows/{event.workflow}")
        result = step(self._world, event, at)
        assert result.seq == self._world.seq
        self._journal.append(result.seq, event, at, result.transitions)
        self.said.append(shown(self._world))
        self.times.append(rfc3339(at.wall_us))
        self.transitions.append([(change.task, change.previous_status, change.status) for change in result.transitions])

    def _rotate(self) -> None:
        self._sync()
        self._journal.rotate()
        if self._random.random() < 0.6:
            content = snapshot.encode(self._world, self._journal.last_sum)
            self._disk.replace(snapshot.path(self.path, self._journal.segment), content, durable=False)
            self._snapshots[self._journal.segment] = self._world.seq

    def _sync(self) -> None:
        self._journal.flush()
        self._journal.sync()
