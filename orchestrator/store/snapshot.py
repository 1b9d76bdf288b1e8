"""Snapshots: the world before a segment, so that the segments before it are not needed to start.

``journal/NNNNNN.snapshot.jsonl`` is what all records before segment NNNNNN made of the world: a line for the world, a
line for each workflow in the order of their submission, and a last line with the checksum of all before it. It goes to
disk durably and only behind the records it stands for, and is never changed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import image
from orchestrator.engine.world import World  # noqa: TC001 - part of a result
from orchestrator.files.layout import FORMAT, FORMAT_MAJOR, JOURNAL, snapshot_name, snapshot_number
from orchestrator.store import codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.plan.ir import Plan
    from orchestrator.store.disk import Disk


class BadSnapshot(ValueError):
    """A snapshot is torn, changed, or of a form this version does not know."""


class Snapshot(msgspec.Struct, frozen=True):
    """A world and the checksum that the next record's continues."""

    world: World
    last_sum: bytes


class _Head(msgspec.Struct, frozen=True):
    format: str
    sum: str
    world: image.WorldImage


_encoder = msgspec.json.Encoder()
_head_decoder = msgspec.json.Decoder(_Head)
_workflow_decoder = msgspec.json.Decoder(image.WorkflowImage)


def encode(world: World, last_sum: bytes) -> bytes:
    """The snapshot of `world`, whose last record has the checksum `last_sum`."""
    lines = [_encoder.encode(_Head(FORMAT, last_sum.decode(), image.of_world(world)))]
    lines += [_encoder.encode(image.of_workflow(workflow)) for workflow in world.workflows.values()]
    body = b"\n".join(lines) + b"\n"
    return body + _seal(body)


def decode(content: bytes, load_plan: Callable[[str, str], Plan]) -> Snapshot:
    """The snapshot in `content`; `load_plan(workflow id, digest)` gives a pinned plan.

    Raises:
        BadSnapshot: it is not what `encode` gave, or of a newer form.
        codec.BadLine: a pinned plan is missing or changed.
    """
    body, _, _ = content[:-1].rpartition(b"\n")
    body += b"\n"
    if content != body + _seal(body):
        raise BadSnapshot("its checksum is not that of its content")
    lines = body.split(b"\n")[:-1]
    try:
        head = _head_decoder.decode(lines[0])
        if head.format.split(".", 1)[0] != str(FORMAT_MAJOR):
            raise BadSnapshot(f"it has format {head.format}")
        workflows = map(_workflow_decoder.decode, lines[1:])
        return Snapshot(image.restore(head.world, workflows, load_plan), head.sum.encode())
    except msgspec.DecodeError as error:
        raise BadSnapshot(f"it has an unknown form: {error}") from error


def numbers(disk: Disk, data_dir: str) -> list[int]:
    """The segments before which there is a snapshot, ascending."""
    names = disk.names(f"{data_dir}/{JOURNAL}")
    return sorted(number for number in map(snapshot_number, names) if number is not None)


def path(data_dir: str, number: int) -> str:
    """Of the snapshot before segment `number`."""
    return f"{data_dir}/{JOURNAL}/{snapshot_name(number)}"


def is_first_record(last_sum: bytes) -> bool:
    """Whether nothing comes before: there is no snapshot of an empty world."""
    return last_sum == codec.FIRST_SUM


def _seal(body: bytes) -> bytes:
    return _encoder.encode({"sum": hashlib.sha256(body).hexdigest()}) + b"\n"
