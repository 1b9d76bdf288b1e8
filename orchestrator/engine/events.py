"""What happened: the inputs of the engine, and the journal's records.

An event carries everything the engine may know of the outside: ids, limits, plans. Times come beside it, as
a `Moment`. Each class's name is the ``event`` of its journal record, its fields are the record's ``data``
(but for `WorkflowSubmitted.plan`, of which the digest is recorded and the bytes are pinned).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrator.plan.ir import Plan  # noqa: TC001 - msgspec needs the type at run time


class Moment(msgspec.Struct, frozen=True):
    """A point in time on both clocks.

    `wall_us`: microseconds since 1970 UTC, for people; may jump. `mono_us`: microseconds of the machine's
    monotonic clock, for durations and deadlines; means nothing after another boot.
    """

    wall_us: int
    mono_us: int


class DaemonStarted(msgspec.Struct, frozen=True):
    """A daemon took the data directory. The first record of each daemon's life.

    Attributes:
        epoch: raised by one when records that a reader may have seen could have been lost.
        boot_id: of the running kernel; another one makes monotonic times incomparable.
        max_running: tasks at a time, all together.
        host: name of the machine, shown with each task that runs on it.
        provider_limits: {provider id: tasks at a time}, set by the operator.
        torn_bytes: what recovery cut from the end of the journal because it was not a whole record.
    """

    epoch: int
    boot_id: str
    pid: int
    version: str
    max_running: int
    host: str = "localhost"
    provider_limits: dict[str, int] = {}
    torn_bytes: int = 0


class WorkflowSubmitted(msgspec.Struct, frozen=True):
    """A plan was accepted and pinned; from here on the workflow exists.

    Attributes:
        definition: absolute path of the file it came from.
        key: the request's idempotency key.
        submitted_by: name of the user who asked.
        flags: names of behaviours that were in force, for the replay of older journals.
        continues: a workflow that is over, whose successes are taken over where the plan still says the same of them;
            "" for none.
    """

    workflow: str
    plan_digest: str
    definition: str
    key: str
    submitted_by: str
    plan: Plan
    priority: int | None = None
    flags: tuple[str, ...] = ()
    continues: str = ""


class WorkflowArchived(msgspec.Struct, frozen=True):
    """A workflow that is over was sealed into the archive, which is on the disk; its files may go."""

    workflow: str


class JournalContinued(msgspec.Struct, frozen=True):
    """The first record of a segment that another record of the same daemon precedes. `epoch`: of its life."""

    epoch: int


class CancelRequested(msgspec.Struct, frozen=True):
    """Somebody asked for a workflow to end. Running tasks are stopped, waiting ones never start."""

    workflow: str
    key: str
    requested_by: str


class PauseRequested(msgspec.Struct, frozen=True):
    """Somebody wants nothing new of a workflow to start. With `now`, what runs is stopped, and begun again later."""

    workflow: str
    key: str
    requested_by: str
    now: bool = False


class ResumeRequested(msgspec.Struct, frozen=True):
    """Somebody wants a paused workflow to go on."""

    workflow: str
    key: str
    requested_by: str


class RetryRequested(msgspec.Struct, frozen=True):
    """Somebody wants tasks of a workflow to run again (ruling A-20).

    Of the four choices at most one is made; without one it is everything that has not succeeded.

    Attributes:
        operation: it and all that depends on it.
        tasks: ids.
        failed_only: what failed or timed out itself, and what did not run because of that.
        everything: what succeeded, too.
        flags: as in `WorkflowSubmitted`; it goes on by these.
    """

    workflow: str
    key: str
    requested_by: str
    operation: str = ""
    tasks: tuple[str, ...] = ()
    failed_only: bool = False
    everything: bool = False
    flags: tuple[str, ...] = ()


class RollbackRequested(msgspec.Struct, frozen=True):
    """Somebody wants what a workflow did to be undone. `to`: a restore point, only what came after it; "" for all.

    `flags`: as in `WorkflowSubmitted`; it goes on by these.
    """

    workflow: str
    key: str
    requested_by: str
    to: str = ""
    flags: tuple[str, ...] = ()


class ResolveRequested(msgspec.Struct, frozen=True):
    """Somebody says how an ``unknown`` task ended: ``succeeded`` or ``failed``."""

    task: str
    key: str
    requested_by: str
    outcome: Literal["succeeded", "failed"]


class DrainRequested(msgspec.Struct, frozen=True):
    """Nothing new is started until the next `DaemonStarted`. With `kill`, running attempts are stopped too."""

    key: str
    requested_by: str
    kill: bool = False


class AttemptExited(msgspec.Struct, frozen=True):
    """An attempt's command ended by itself or was ended. `exit_code`: 0 to 255, 128 + n after signal n."""

    task: str
    attempt: int
    exit_code: int


class StartFailed(msgspec.Struct, frozen=True):
    """An attempt's command could not be started; `error` says why, for people."""

    task: str
    attempt: int
    error: str


class AttemptLost(msgspec.Struct, frozen=True):
    """An attempt is gone without a trace of how it ended (its process was lost with the machine).

    `has_begun`: False if its command certainly never ran.
    """

    task: str
    attempt: int
    why: str
    has_begun: bool = True


class TimeoutExpired(msgspec.Struct, frozen=True):
    """An attempt ran for as long as it may."""

    task: str
    attempt: int


class RetryDue(msgspec.Struct, frozen=True):
    """The delay before a task's next attempt is over."""

    task: str


class ConditionDue(msgspec.Struct, frozen=True):
    """A condition a task waits for is to be looked at again: it speaks of time, or its own time is over."""

    task: str


class RateDue(msgspec.Struct, frozen=True):
    """A provider takes another start."""

    provider: str


#: Events about one task.
TaskEvent = AttemptExited | StartFailed | AttemptLost | TimeoutExpired | RetryDue | ConditionDue | ResolveRequested

#: Events about one workflow that exists.
WorkflowEvent = (
    CancelRequested | PauseRequested | ResumeRequested | RetryRequested | RollbackRequested | WorkflowArchived
)

#: Events about the whole.
WorldEvent = DaemonStarted | JournalContinued | WorkflowSubmitted | DrainRequested | RateDue

Event = TaskEvent | WorkflowEvent | WorldEvent


def workflow_of(event: Event) -> str | None:
    """Id of the workflow that `event` is about; None for the whole."""
    if isinstance(event, TaskEvent):
        return event.task.split(".", 1)[0]
    return event.workflow if isinstance(event, WorkflowSubmitted | WorkflowEvent) else None
