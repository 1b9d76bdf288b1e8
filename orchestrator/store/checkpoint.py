"""A workflow's checkpoint: all the engine knows of it, in one file (requirement R1-42, ruling A-57).

``workflows/<id>/checkpoint.json`` holds the workflow's image as a snapshot of the journal does, and the record it was
taken behind. The journal is the truth: a daemon starts from that, and `verify` holds checkpoints against it. With a
checkpoint alone somebody can still tell, to the attempt, how far a workflow had come.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import image
from orchestrator.files.layout import CHECKPOINT_FILE, ROW_FORMAT, workflow_dir
from orchestrator.store.project import encode_lines

if TYPE_CHECKING:
    from orchestrator.engine.world import Workflow
    from orchestrator.store.disk import Disk

#: Seconds between two checkpoints of a workflow that does not say otherwise.
FREQUENCY_S = 10


class Checkpoint(msgspec.Struct, frozen=True):
    """A checkpoint as it is read. `seq`: the last record that it knows of its workflow."""

    seq: int
    workflow: image.WorkflowImage


_decoder = msgspec.json.Decoder(Checkpoint)

#: Fields of an image that mean nothing after another boot.
_MONOTONIC = frozenset(("mono_us", "due_us", "waiting_us", "paused_us"))

#: The seq comes first.
_SEQ = re.compile(rb'\{\s*"seq":\s*(\d+)')
_HEAD_BYTES = 64


def path(workflow: str) -> str:
    """Of a workflow's checkpoint, below the data directory."""
    return f"{workflow_dir('', workflow)}/{CHECKPOINT_FILE}"[1:]


def of(workflow: Workflow) -> Checkpoint:
    """The checkpoint of `workflow` as it is now, behind the last record that changed it."""
    return Checkpoint(workflow.seq, image.of_workflow(workflow))


def encode(content: Checkpoint) -> bytes:
    """A checkpoint as its file has it."""
    return encode_lines({"seq": content.seq, "workflow": msgspec.to_builtins(content.workflow), "format": ROW_FORMAT})


def decode(content: bytes) -> Checkpoint:
    """What `encode` wrote. Raises msgspec.DecodeError for anything else."""
    return _decoder.decode(content)


def is_of(content: bytes, workflow: Workflow) -> bool:
    """Whether a checkpoint's content is `workflow` as it is now; times of the monotonic clock do not outlive a boot."""
    try:
        kept = decode(content)
    except msgspec.DecodeError:
        return False
    return _timeless(kept.workflow) == _timeless(image.of_workflow(workflow))


def _timeless(value: object) -> object:
    """An image as plain values, without times of the monotonic clock."""
    if isinstance(value, image.TaskImage):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    elif isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in _MONOTONIC}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def seq_of(disk: Disk, data_dir: str, workflow: str) -> int:
    """The record that the checkpoint of `workflow` shows; -1 if there is none that can be read. Raises DiskFailed."""
    begin = (disk.read(f"{data_dir}/{path(workflow)}") or b"")[:_HEAD_BYTES]
    match = _SEQ.match(begin)
    return int(match[1]) if match else -1


def frequency_s(workflow: Workflow) -> int:
    """Seconds between two checkpoints: the workflow's ``monitoring.checkpoint_frequency``."""
    monitoring = workflow.plan.settings.get("monitoring")
    seconds = monitoring.get("checkpoint_frequency") if isinstance(monitoring, dict) else None
    return seconds if isinstance(seconds, int) and seconds > 0 else FREQUENCY_S
