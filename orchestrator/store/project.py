"""Public files as functions of the world: the same world gives the same bytes (requirement RX-03).

`orchestrator verify` compares files with these functions at the seq each file shows, so nothing but the world
may flow into them. The heartbeat fields of status.json are the exception, and are not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import flags, rollup
from orchestrator.engine.world import lasted_ms
from orchestrator.files.layout import LOGS, ROW_FORMAT, STATE_FILE, task_path, workflow_dir
from orchestrator.model.ids import file_stem
from orchestrator.model.states import TASK_STATUSES, WORKFLOW_STATUSES
from orchestrator.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.events import Moment
    from orchestrator.engine.world import OperationState, RestorePoint, Task, Workflow, World


def task_file(task: Task) -> tuple[str, bytes]:
    """(path below the data directory, content) of ``tasks/<id>.json``."""
    return task_path("", file_stem(task.id))[1:], encode_lines(task_row(task))


def task_row(task: Task) -> dict[str, object]:
    """The task as its file shows it; the keys are described in ARCHITECTURE.md."""
    workflow, operation = task.workflow, task.operation.plan
    return {
        "id": task.id,
        "status": task.status,
        "created_at": rfc3339(workflow.created.wall_us),
        "priority": workflow.priority + operation.priority,
        "name": f"{operation.type} {operation.target} {task.item}",
        "kind": "operation",
        "workflow": workflow.id,
        "definition": workflow.definition,
        "operation": operation.id,
        "type": operation.type,
        "target": operation.target,
        "item": task.item,
        "provider": task.provider,
        "host": task.host,
        "attempt": task.attempt,
        "max_attempts": operation.retry.max_attempts,
        "started_at": _time(task.started),
        "finished_at": _time(task.finished),
        "duration_ms": task.took_ms,
        "exit_code": task.exit_code,
        "error": task.error,
        "reason": task.reason or None,
        **({"due_at": _wall_time(task.due_at_us)} if flags.FULLER_FILES in workflow.flags else {}),
        **(_undoing(task) if flags.TELLS_UNDOING in workflow.flags else {}),
        "seq": task.seq,
        "format": ROW_FORMAT,
    }


def _undoing(task: Task) -> dict[str, object]:
    """What the attempt and the duration do not tell of a task that was undone."""
    return {"undo_attempts": len(task.undoings), "done_ms": task.done_ms if task.is_undoing else task.took_ms}


def state_file(workflow: Workflow) -> tuple[str, bytes]:
    """(path below the data directory, content) of ``workflows/<id>/state.json``."""
    return f"{workflow_dir('', workflow.id)}/{STATE_FILE}"[1:], encode_lines(workflow_state(workflow))


def workflow_state(workflow: Workflow) -> dict[str, object]:
    """The workflow as its file shows it (requirements R1-65, R1-66)."""
    return {
        "id": workflow.id,
        "name": workflow.plan.name,
        "status": workflow.status,
        "created_at": rfc3339(workflow.created.wall_us),
        "started_at": _time(workflow.started),
        "finished_at": _time(workflow.finished),
        "duration_ms": lasted_ms(workflow.started, workflow.finished),
        "definition": workflow.definition,
        "plan": workflow.plan_digest,
        "submitted_by": workflow.submitted_by,
        "priority": workflow.priority,
        "reason": workflow.reason or None,
        "tasks": _sum_counts(workflow),
        "operations": [_operation(operation) for operation in workflow.operations],
        "checkpoints": [_checkpoint(point) for point in workflow.points.values()],
        "metrics": {
            "tasks": sum(len(operation.tasks) for operation in workflow.operations),
            "attempts": workflow.attempts,
            "retries": workflow.retries,
        },
        "logs": LOGS,
        **(_fuller(workflow) if flags.FULLER_FILES in workflow.flags else {}),
        "seq": workflow.seq,
        "format": ROW_FORMAT,
    }


def _fuller(workflow: Workflow) -> dict[str, object]:
    return {
        "environment": workflow.plan.environment or None,
        "continues": workflow.continues or None,
        "continued_by": workflow.continued_by or None,
    }


def _checkpoint(point: RestorePoint) -> dict[str, object]:
    return {
        "name": point.name,
        "seq": point.seq,
        "at": rfc3339(point.at.wall_us),
        "operations": point.operations,
        "tasks": point.tasks,
    }


def status_counts(world: World) -> dict[str, object]:
    """The counts of status.json, and what bounds them."""
    counts = world.counts
    statuses = [workflow.status for workflow in world.workflows.values()]
    return {
        "tasks_pending": counts.get("pending", 0),
        "tasks_running": counts.get("running", 0),
        "tasks_completed": counts.get("succeeded", 0),
        "tasks_failed": counts.get("failed", 0) + counts.get("timed_out", 0),
        "limits": {"max_running": world.max_running, "providers": world.provider_limits},
        "live": {
            "total": len(world.live),
            "providers": {provider: len(tasks) for provider, tasks in world.live_by_provider.items() if tasks},
        },
        "draining": world.draining,
        "workflows": {status: statuses.count(status) for status in WORKFLOW_STATUSES if status in statuses},
    }


def _operation(operation: OperationState) -> dict[str, object]:
    was_undone = any(task.undoings for task in operation.tasks)
    return {
        "id": operation.plan.id,
        "type": operation.plan.type,
        "target": operation.plan.target,
        "status": rollup.operation_status(operation),
        "depends_on": operation.plan.after,
        "tasks": _present(operation.counts),
        "attempts": sum(task.attempt for task in operation.tasks),
        "started_at": _time(operation.started),
        "finished_at": _time(operation.finished),
        "last_error": next((task.error for task in reversed(operation.tasks) if task.error), None),
        "items": [
            {
                "item": task.item,
                "provider": task.provider,
                "status": task.status,
                "attempt": task.attempt,
                **({"undoings": task.undoings} if was_undone else {}),
            }
            for task in operation.tasks
        ],
    }


def _sum_counts(workflow: Workflow) -> dict[str, int]:
    total: dict[str, int] = {}
    for operation in workflow.operations:
        for status, count in operation.counts.items():
            total[status] = total.get(status, 0) + count
    return _present(total)


def _present(counts: dict[str, int]) -> dict[str, int]:
    return {status: counts[status] for status in TASK_STATUSES if counts.get(status)}


def _wall_time(micros: int | None) -> str | None:
    return None if micros is None else rfc3339(micros)


def _time(moment: Moment | None) -> str | None:
    return None if moment is None else rfc3339(moment.wall_us)


def encode_lines(content: Mapping[str, object]) -> bytes:
    """`content` as all public files are written: JSON with a fact a line, as a person would diff it."""
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"
