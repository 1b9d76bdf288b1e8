"""The words for where a task, an attempt or a workflow stands.

Theory of operation
-------------------
A *task* (operation x item x provider) starts ``pending`` and ends in one of `TASK_FINAL`. A *workflow*
starts ``queued`` and ends in one of `WORKFLOW_FINAL`; its status follows from its tasks by the roll-up in
ARCHITECTURE.md. `TASK_TRANSITIONS` and `WORKFLOW_TRANSITIONS` are the complete tables of what may follow
what: the engine checks each change against them, the diagrams in the documentation are drawn from them.

Statuses that no feature produces yet are listed, so that files and readers know the words; they have no
row that leads to them.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    TaskStatus = Literal[
        "pending",
        "waiting_retry",
        "pending_approval",
        "paused",
        "running",
        "succeeded",
        "failed",
        "timed_out",
        "cancelled",
        "skipped",
        "upstream_failed",
        "unknown",
        "rejected",
        "rolling_back",
        "rolled_back",
        "rollback_failed",
    ]
    WorkflowStatus = Literal[
        "queued",
        "running",
        "paused",
        "pending_approval",
        "rejected",
        "rolling_back",
        "succeeded",
        "failed",
        "cancelled",
        "rolled_back",
        "rollback_failed",
    ]
    AttemptOutcome = Literal["succeeded", "failed", "timed_out", "cancelled", "interrupted"]

#: Every task status, in the order a table of counts shows them.
TASK_STATUSES: "Final[tuple[TaskStatus, ...]]" = (
    "pending",
    "waiting_retry",
    "pending_approval",
    "paused",
    "running",
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "skipped",
    "upstream_failed",
    "unknown",
    "rejected",
    "rolling_back",
    "rolled_back",
    "rollback_failed",
)

#: Every workflow status, in the order a table of counts shows them.
WORKFLOW_STATUSES: "Final[tuple[WorkflowStatus, ...]]" = (
    "queued",
    "running",
    "paused",
    "pending_approval",
    "rejected",
    "rolling_back",
    "succeeded",
    "failed",
    "cancelled",
    "rolled_back",
    "rollback_failed",
)

ATTEMPT_OUTCOMES: "Final[tuple[AttemptOutcome, ...]]" = (
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "interrupted",
)

#: Task statuses that only a rollback or a retry can still change.
TASK_FINAL: "Final[frozenset[str]]" = frozenset(
    {
        "succeeded",
        "failed",
        "timed_out",
        "cancelled",
        "skipped",
        "upstream_failed",
        "rejected",
        "rolled_back",
        "rollback_failed",
    }
)

#: Task statuses that count as a failure of their operation.
TASK_FAILED: "Final[frozenset[str]]" = frozenset({"failed", "timed_out", "upstream_failed", "rejected"})

#: Workflow statuses that only a rollback or a retry can still change.
WORKFLOW_FINAL: "Final[frozenset[str]]" = frozenset(
    {"succeeded", "failed", "cancelled", "rejected", "rolled_back", "rollback_failed"}
)

#: {task status: the statuses that may follow it}. Where a status may follow itself, its reason changed.
TASK_TRANSITIONS: "Final[dict[str, tuple[str, ...]]]" = {
    "pending": (
        "pending",
        "running",
        "succeeded",
        "failed",
        "timed_out",
        "cancelled",
        "skipped",
        "upstream_failed",
    ),
    "waiting_retry": ("pending", "failed", "timed_out", "cancelled"),
    "pending_approval": (),
    "paused": (),
    "running": ("running", "pending", "waiting_retry", "succeeded", "failed", "timed_out", "cancelled", "unknown"),
    "succeeded": ("succeeded", "rolling_back", "pending"),
    "failed": ("pending",),
    "timed_out": ("pending",),
    "cancelled": ("pending",),
    "skipped": ("pending",),
    "upstream_failed": ("pending",),
    "unknown": ("pending", "waiting_retry", "succeeded", "failed", "cancelled"),
    "rejected": (),
    "rolling_back": ("rolling_back", "rolled_back", "rollback_failed"),
    "rolled_back": ("pending",),
    "rollback_failed": ("pending", "rolling_back"),
}

#: {workflow status: the statuses that may follow it}. Out of a final one leads only what somebody asks for.
WORKFLOW_TRANSITIONS: "Final[dict[str, tuple[str, ...]]]" = {
    "queued": ("running", "paused", "succeeded", "failed", "cancelled", "rolling_back", "rolled_back"),
    "running": ("running", "paused", "succeeded", "failed", "cancelled", "rolling_back", "rolled_back"),
    "paused": (
        "queued",
        "running",
        "rolling_back",
        "succeeded",
        "failed",
        "cancelled",
        "rolled_back",
        "rollback_failed",
    ),
    "pending_approval": (),
    "rejected": (),
    "rolling_back": ("paused", "rolled_back", "rollback_failed"),
    "succeeded": ("queued", "rolling_back"),
    "failed": ("queued", "rolling_back"),
    "cancelled": ("queued", "rolling_back"),
    "rolled_back": ("queued", "rolling_back"),
    "rollback_failed": ("queued", "rolling_back"),
}

#: What people and other systems write, and the word used here (ruling A-45).
TASK_STATUS_ALIASES: "Final[dict[str, str]]" = {
    "completed": "succeeded",
    "timeout": "timed_out",
    "canceled": "cancelled",
    "queued": "pending",
}
