"""What happened: the inputs of the engine, and the journal's records.

An event carries everything the engine may know of the outside: ids, limits, plans. Times come beside it, as
a `Moment`. Each class's name is the ``event`` of its journal record, its fields are the record's ``data``
(but for `WorkflowSubmitted.plan`, of which the digest is recorded and the bytes are pinned).
"""

from __future__ import annotations

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
    """

    workflow: str
    plan_digest: str
    definition: str
    key: str
    submitted_by: str
    plan: Plan
    priority: int | None = None
    flags: tuple[str, ...] = ()


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
    """An attempt is gone without a trace of how it ended (its process was lost with the machine)."""

    task: str
    attempt: int
    why: str


class TimeoutExpired(msgspec.Struct, frozen=True):
    """An attempt ran for as long as it may."""

    task: str
    attempt: int


class RetryDue(msgspec.Struct, frozen=True):
    """The delay before a task's next attempt is over."""

    task: str


Event = (
    DaemonStarted
    | JournalContinued
    | WorkflowSubmitted
    | WorkflowArchived
    | CancelRequested
    | DrainRequested
    | AttemptExited
    | StartFailed
    | AttemptLost
    | TimeoutExpired
    | RetryDue
)
