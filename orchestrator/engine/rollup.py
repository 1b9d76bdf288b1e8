"""What many tasks are, in one word: the roll-up table of ARCHITECTURE.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.model.states import TASK_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.engine.world import OperationState, Workflow

#: From the best to the worst: tasks that are over and differ show the last of these that any of them has.
_WORST_LAST = (
    "succeeded",
    "rolled_back",
    "skipped",
    "upstream_failed",
    "rejected",
    "cancelled",
    "timed_out",
    "failed",
    "rollback_failed",
)

_UNDER_WAY = ("pending", "running", "waiting_retry", "unknown", "paused", "pending_approval")


def operation_status(operation: OperationState) -> str:
    """The status of an operation."""
    if not operation.tasks:
        return "succeeded" if operation.open else "skipped" if operation.workflow.finished else "pending"
    return of_counts(operation.counts)


def of_counts(counts: Mapping[str, int]) -> str:
    """The status of tasks, by how many there are of each status; of none, ``succeeded``."""
    present = [status for status, count in counts.items() if count]
    if len(present) == 1:
        return present[0]
    if "rolling_back" in present:
        return "rolling_back"
    if any(status in present for status in _UNDER_WAY):
        return "running"
    return max(present, key=_WORST_LAST.index, default="succeeded")


def told(workflow: Workflow) -> str:
    """What the tasks of `workflow` are that have not succeeded, for people: ``2 cancelled, 1 skipped``."""
    counts: dict[str, int] = {}
    for operation in workflow.operations:
        for status, count in operation.counts.items():
            counts[status] = counts.get(status, 0) + count
    return ", ".join(
        f"{counts[status]} {status}" for status in TASK_STATUSES if counts.get(status) and status != "succeeded"
    )
