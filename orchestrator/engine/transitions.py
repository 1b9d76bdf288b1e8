"""Which event is understood in which status: the complete table, refusals included.

An event about an attempt must name the attempt that is live; that is checked beside this table, because it
is a fact about a task and not about its status.
"""

from __future__ import annotations

from typing import Literal

from orchestrator.model.states import TASK_STATUSES, WORKFLOW_FINAL, WORKFLOW_STATUSES

#: "accepted", or why it is refused.
Verdict = str

ACCEPTED: Literal["accepted"] = "accepted"

#: Events that speak of one task.
TASK_EVENTS = (
    "AttemptExited",
    "StartFailed",
    "AttemptLost",
    "TimeoutExpired",
    "RetryDue",
    "ConditionDue",
    "ResolveRequested",
)

#: Events that speak of one workflow that exists.
WORKFLOW_EVENTS = (
    "CancelRequested",
    "PauseRequested",
    "ResumeRequested",
    "RetryRequested",
    "RollbackRequested",
    "WorkflowArchived",
)

_OVER = "no attempt of this task is running"
_NO_DELAY = "this task does not wait for its next attempt"
_NO_CONDITION = "this task waits for no condition"
_KNOWN = "how it stands is known"
_UNDOING = "it is being rolled back, which is not interrupted"
_NOT_APPROVED = "it was not approved"
_ENDED = "it has already ended"
_NOT_OVER = "it is not over"


def _task_row(status: str) -> dict[str, Verdict]:
    runs = status in ("running", "rolling_back")
    waits = status in ("waiting_retry", "rolling_back")
    row = dict.fromkeys(TASK_EVENTS[:4], ACCEPTED if runs else _OVER)
    row["RetryDue"] = ACCEPTED if waits else _NO_DELAY
    row["ConditionDue"] = ACCEPTED if status == "pending" else _NO_CONDITION
    row["ResolveRequested"] = ACCEPTED if status == "unknown" else _KNOWN
    return row


#: {task status: {event name: verdict}}.
TASK_TABLE: dict[str, dict[str, Verdict]] = {status: _task_row(status) for status in TASK_STATUSES}


def _workflow_row(status: str) -> dict[str, Verdict]:
    if status in ("pending_approval", "rejected"):
        row = dict.fromkeys(WORKFLOW_EVENTS, _NOT_APPROVED)
        row["CancelRequested"] = ACCEPTED if status == "pending_approval" else _ENDED
        row["WorkflowArchived"] = ACCEPTED if status == "rejected" else _NOT_OVER
        return row
    is_over = status in WORKFLOW_FINAL
    return {
        "CancelRequested": _ENDED if is_over else _UNDOING if status == "rolling_back" else ACCEPTED,
        "PauseRequested": _ENDED if is_over else ACCEPTED,
        "ResumeRequested": _ENDED if is_over else ACCEPTED if status == "paused" else "it is not paused",
        "RetryRequested": _UNDOING if status == "rolling_back" else ACCEPTED,
        "RollbackRequested": _UNDOING if status == "rolling_back" else ACCEPTED,
        "WorkflowArchived": ACCEPTED if is_over else _NOT_OVER,
    }


#: {workflow status: {event name: verdict}}.
WORKFLOW_TABLE: dict[str, dict[str, Verdict]] = {status: _workflow_row(status) for status in WORKFLOW_STATUSES}
