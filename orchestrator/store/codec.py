"""Journal records as bytes: one event with its transitions, chained by checksums (ruling A-60).

The form is in ARCHITECTURE.md, "journal". A record's ``sum`` covers the sum before it, so that a record can
neither be changed nor left out without every later one disagreeing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import events
from orchestrator.engine.turn import Transition  # noqa: TC001 - msgspec needs the type at run time
from orchestrator.model.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.events import Event, Moment
    from orchestrator.plan.ir import Plan

#: The sum before the first record.
FIRST_SUM = b"0" * 16

_SUM_KEY = b',"sum":"'
_TAIL_BYTES = len(_SUM_KEY) + 16 + len(b'"}')


class Record(msgspec.Struct, frozen=True):
    """A record as it stands in the journal.

    `synced` is the last record known to be durable when this one was written: it tells a torn end, whose lines
    nobody was told of, from damage. `data` are the fields of the event, still encoded.
    """

    seq: int
    synced: int
    time: str
    mono_us: int
    event: str
    workflow: str | None
    data: msgspec.Raw
    transitions: list[Transition]


class _Submission(msgspec.Struct, frozen=True):
    """`WorkflowSubmitted` without its plan, which is pinned in a file of its own."""

    workflow: str
    plan_digest: str
    definition: str
    key: str
    submitted_by: str
    priority: int | None = None
    flags: tuple[str, ...] = ()
    continues: str = ""


class BadLine(ValueError):
    """A line is not a whole, unchanged record that follows the one before."""


_EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        events.DaemonStarted,
        events.JournalContinued,
        events.WorkflowArchived,
        events.CancelRequested,
        events.PauseRequested,
        events.ResumeRequested,
        events.RetryRequested,
        events.RollbackRequested,
        events.ResolveRequested,
        events.DrainRequested,
        events.AttemptExited,
        events.StartFailed,
        events.AttemptLost,
        events.TimeoutExpired,
        events.RetryDue,
        events.ConditionDue,
        events.RateDue,
    )
}
_SUBMITTED = events.WorkflowSubmitted.__name__

_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(Record)
_event_decoders = {name: msgspec.json.Decoder(kind) for name, kind in _EVENTS.items()}
_submission_decoder = msgspec.json.Decoder(_Submission)


def encode(
    seq: int, synced: int, event: Event, at: Moment, transitions: list[Transition], previous: bytes
) -> tuple[bytes, bytes]:
    """(line with its newline, its sum) of the record `seq`, which follows the record whose sum is `previous`."""
    body = _encoder.encode(
        Record(
            seq,
            synced,
            rfc3339(at.wall_us),
            at.mono_us,
            type(event).__name__,
            events.workflow_of(event),
            msgspec.Raw(_encoder.encode(_data_of(event))),
            transitions,
        )
    )[:-1]
    total = _sum(previous, body)
    return b"".join((body, _SUM_KEY, total, b'"}\n')), total


def decode(line: bytes, previous: bytes) -> tuple[Record, bytes]:
    """(record, its sum) of a line without its newline.

    Raises:
        BadLine: it is torn, changed, or does not follow the record whose sum is `previous`.
    """
    body, tail = line[:-_TAIL_BYTES], line[-_TAIL_BYTES:]
    if not (tail.startswith(_SUM_KEY) and tail.endswith(b'"}')):
        raise BadLine("it does not end in a checksum")
    total = _sum(previous, body)
    if tail[len(_SUM_KEY) : -2] != total:
        raise BadLine("its checksum does not follow from the record before it")
    try:
        return _record_decoder.decode(line), total
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLine(f"it is not a record: {error}") from error


def claims_synced(line: bytes) -> int:
    """The `synced` of a line whose place in the chain is lost; 0 when it is not even a record. Never raises."""
    try:
        return _record_decoder.decode(line).synced
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0


def event_of(record: Record, load_plan: Callable[[str, str], Plan]) -> Event:
    """The event of a record; `load_plan(workflow id, digest)` gives the pinned plan of a submission.

    Raises:
        BadLine: this version knows no such event, or its data have another form.
    """
    try:
        if record.event == _SUBMITTED:
            return _submitted(_submission_decoder.decode(record.data), load_plan)
        return _event_decoders[record.event].decode(record.data)
    except KeyError:
        raise BadLine(f"this version knows no event {record.event!r}") from None
    except msgspec.DecodeError as error:
        raise BadLine(f"the data of {record.event} have an unknown form: {error}") from error


def _submitted(data: _Submission, load_plan: Callable[[str, str], Plan]) -> events.WorkflowSubmitted:
    return events.WorkflowSubmitted(
        workflow=data.workflow,
        plan_digest=data.plan_digest,
        definition=data.definition,
        key=data.key,
        submitted_by=data.submitted_by,
        plan=load_plan(data.workflow, data.plan_digest),
        priority=data.priority,
        flags=data.flags,
        continues=data.continues,
    )


def _data_of(event: Event) -> msgspec.Struct:
    if not isinstance(event, events.WorkflowSubmitted):
        return event
    return _Submission(
        event.workflow,
        event.plan_digest,
        event.definition,
        event.key,
        event.submitted_by,
        event.priority,
        event.flags,
        event.continues,
    )


def _sum(previous: bytes, body: bytes) -> bytes:
    return hashlib.sha256(previous + body).hexdigest()[:16].encode()
