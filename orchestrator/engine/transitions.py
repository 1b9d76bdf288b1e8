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
TASK_EVENTS = ("AttemptExited", "StartFailed", "AttemptLost", "TimeoutExpired", "RetryDue")

#: Events that speak of one workflow that exists.
WORKFLOW_EVENTS = ("CancelRequested", "WorkflowArchived")

_OVER = "no attempt of this task is running"
_NO_DELAY = "this task does not wait for its next attempt"


def _task_row(status: str) -> dict[str, Verdict]:
    runs = status in ("running", "rolling_back")
    waits = status in ("waiting_retry", "rolling_back")
    row = dict.fromkeys(TASK_EVENTS[:-1], ACCEPTED if runs else _OVER)
    row["RetryDue"] = ACCEPTED if waits else _NO_DELAY
    return row


#: {task status: {event name: verdict}}.
TASK_TABLE: dict[str, dict[str, Verdict]] = {status: _task_row(status) for status in TASK_STATUSES}

#: {workflow status: {event name: verdict}}.
WORKFLOW_TABLE: dict[str, dict[str, Verdict]] = {
    status: {
        "CancelRequested": "it has already ended",
        "WorkflowArchived": ACCEPTED if status in WORKFLOW_FINAL else "it is not over",
    }
    for status in WORKFLOW_STATUSES
}
for _status in ("queued", "running", "paused", "pending_approval"):
    WORKFLOW_TABLE[_status]["CancelRequested"] = ACCEPTED
WORKFLOW_TABLE["rolling_back"]["CancelRequested"] = "it is being rolled back, which is not interrupted"
