"""What must be true of the world between two events, whatever happened. For tests and `orchestrator verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import links, queues
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.world import Task, Workflow, World


def broken(world: World) -> list[str]:
    """Each invariant that does not hold, as a sentence; empty when all do."""
    return [
        *_slots(world),
        *_counts(world),
        *(fault for workflow in world.workflows.values() for fault in _workflow(workflow)),
        *(fault for task in world.tasks.values() for fault in _task(task)),
    ]


def _slots(world: World) -> list[str]:
    live = [task.id for task in world.tasks.values() if task.live]
    by_provider = sorted(task_id for tasks in world.live_by_provider.values() for task_id in tasks)
    faults = []
    if sorted(world.live) != sorted(live) or by_provider != sorted(live):
        faults.append(f"slots say {sorted(world.live)} and {by_provider}, tasks say {sorted(live)}")
    if not world.draining and len(live) < world.max_running:
        ready = [task for task in world.tasks.values() if task.queued and not queues.holds(world, task)]
        faults += [f"{task.id} is ready and a slot is free" for task in ready]
    return faults


def _counts(world: World) -> list[str]:
    counted: dict[str, int] = {}
    for task in world.tasks.values():
        counted[task.status] = counted.get(task.status, 0) + 1
    kept = {status: count for status, count in world.counts.items() if count}
    return [] if kept == counted else [f"counts say {kept}, tasks say {counted}"]


def _workflow(workflow: Workflow) -> list[str]:
    tasks = workflow.tasks
    faults = [
        f"{operation.plan.id} counts {operation.at_work} tasks at work"
        for operation in workflow.operations
        if operation.at_work != sum(task.is_offered and task.status not in TASK_FINAL for task in operation.tasks)
        and workflow.ending != "rollback"
    ]
    if (workflow.resumes_as or workflow.status) not in ("rolling_back", "rolled_back", "rollback_failed"):
        open_tasks = sum(task.status not in TASK_FINAL for task in tasks)
        if workflow.remaining != open_tasks:
            faults.append(f"{workflow.id}: {workflow.remaining} tasks left, but {open_tasks} are open")
    if workflow.status in WORKFLOW_FINAL:
        faults += [
            f"{task.id} is {task.status} in an ended workflow" for task in tasks if task.status not in TASK_FINAL
        ]
        if workflow.live:
            faults.append(f"{workflow.id} has ended and runs {list(workflow.live)}")
    elif not workflow.is_paused and not any(_goes_on(task) for task in tasks):
        faults.append(f"{workflow.id} is {workflow.status} and nothing will ever happen to it")
    return faults


def _task(task: Task) -> list[str]:
    faults = []
    if task.status == "running" and not task.live:
        faults.append(f"{task.id} is running without an attempt")
    if task.live and task.status not in ("running", "rolling_back"):
        faults.append(f"{task.id} is {task.status} with a running attempt")
    if task.failures > task.operation.plan.retry.max_attempts:
        faults.append(f"{task.id} failed {task.failures} times, its policy allows fewer")
    if task.workflow.is_paused != bool(task.workflow.resumes_as):
        faults.append(f"{task.workflow.id} is {task.workflow.status} and resumes as {task.workflow.resumes_as!r}")
    if task.live and not task.undo:
        faults += [
            f"{task.id} is {task.status} before {other.plan.id} succeeded"
            for other in task.workflow.operations
            if other.plan.id in task.operation.plan.after and not _has_succeeded(other.counts)
        ]
        faults += [f"{task.id} is {task.status} behind an edge" for link in task.needs if link.unfinished]
        if links.broken(task):
            faults.append(f"{task.id} is {task.status} though something it needs has failed")
    return faults


def _goes_on(task: Task) -> bool:
    """Whether something will happen to it, or somebody is asked."""
    return task.live or bool(task.queued) or bool(task.timer) or task.status == "unknown"


def _has_succeeded(counts: dict[str, int]) -> bool:
    return all(status == "succeeded" for status, count in counts.items() if count)
