"""The archive: a finished workflow as one file of JSON lines, once its own files are to go.

``archive/<workflow>.jsonl`` holds a line for the workflow (its state.json), a line with its pinned plan, and a line for
each task (its task file), each with an ``entry``. It is on the disk before the record that lets the workflow's files
go; a file without that record is no harm and is written again. The plan is kept because the journal's older segments
may still be replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.files.layout import ARCHIVE, ARCHIVE_SUFFIX, TASKS, WORKFLOWS, archive_path, task_path, workflow_dir
from orchestrator.model.ids import file_stem
from orchestrator.store import project

if TYPE_CHECKING:
    from orchestrator.engine.world import Workflow
    from orchestrator.store.disk import Disk

_encoder = msgspec.json.Encoder()


class _PlanLine(msgspec.Struct, frozen=True, tag_field="entry", tag="plan"):
    """`plan` are the canonical bytes, as they were pinned."""

    digest: str
    plan: msgspec.Raw


class _WorkflowLine(msgspec.Struct, frozen=True, tag_field="entry", tag="workflow"):
    name: str
    plan: str
    tasks: dict[str, int]


class _TaskLine(msgspec.Struct, frozen=True, tag_field="entry", tag="task"):
    id: str


class Sealed(msgspec.Struct, frozen=True):
    """A workflow as it was at a moment: the lines of its archive file but for the plan's, which is `plan_digest`."""

    workflow: bytes
    plan_digest: str
    tasks: list[bytes]


def seal(workflow: Workflow) -> Sealed:
    """`workflow` as it is now."""
    return Sealed(
        _encoder.encode({"entry": "workflow", **project.workflow_state(workflow)}),
        workflow.plan_digest,
        [_encoder.encode({"entry": "task", **project.task_row(task)}) for task in workflow.tasks],
    )


def with_plan(sealed: Sealed, plan: bytes) -> bytes:
    """The archive file of a workflow, whose pinned plan is `plan`."""
    pinned = _encoder.encode(_PlanLine(sealed.plan_digest, msgspec.Raw(plan)))
    return b"\n".join([sealed.workflow, pinned, *sealed.tasks]) + b"\n"


def encode(workflow: Workflow, plan: bytes) -> bytes:
    """The archive file of `workflow` as it is now, whose pinned plan is `plan`."""
    return with_plan(seal(workflow), plan)


def plan_of(disk: Disk, data_dir: str, workflow: str) -> bytes | None:
    """The plan of an archived workflow as it was pinned; None if it is not archived or its file is not ours."""
    for line in (disk.read(archive_path(data_dir, workflow)) or b"").split(b"\n")[1:2]:
        try:
            return bytes(msgspec.json.decode(line, type=_PlanLine).plan)
        except msgspec.DecodeError:
            return None
    return None


def summary(disk: Disk, data_dir: str, workflow: str) -> dict[str, object]:
    """``workflow, name, tasks, plan`` of an archived workflow; the id alone if its file is gone."""
    first = (disk.read(archive_path(data_dir, workflow)) or b"").split(b"\n", 1)[0]
    try:
        state = msgspec.json.decode(first, type=_WorkflowLine)
    except msgspec.DecodeError:
        return {"workflow": workflow, "name": "", "tasks": 0, "plan": ""}
    return {"workflow": workflow, "name": state.name, "tasks": sum(state.tasks.values()), "plan": state.plan}


def ids(disk: Disk, data_dir: str) -> list[str]:
    """The archived workflows."""
    names = disk.names(f"{data_dir}/{ARCHIVE}")
    return [name.removesuffix(ARCHIVE_SUFFIX) for name in names if name.endswith(ARCHIVE_SUFFIX) and name[0] != "."]


def leftovers(disk: Disk, data_dir: str) -> list[str]:
    """Archived workflows that still have a folder: they are no more in the world, or a crash came in between."""
    present = frozenset(disk.names(f"{data_dir}/{WORKFLOWS}"))
    return [workflow for workflow in ids(disk, data_dir) if workflow in present]


def clear(disk: Disk, data_dir: str, workflow: str) -> list[str]:
    """Remove the files of a workflow that is archived: tasks first, its folder last. Raises DiskFailed.

    Returns the paths of the task files below the data directory.

    Does the rest when it was interrupted before: the folder is the mark that something is left.
    """
    content = disk.read(archive_path(data_dir, workflow)) or b""
    tasks = [msgspec.json.decode(line, type=_TaskLine).id for line in content.split(b"\n")[2:-1]]
    paths = [task_path("", file_stem(task))[1:] for task in tasks]
    for path in paths:
        disk.remove(f"{data_dir}/{path}")
    disk.sync_directory(f"{data_dir}/{TASKS}")
    disk.remove_tree(workflow_dir(data_dir, workflow))
    return paths


def is_own_file(path: str, archived: frozenset[str]) -> bool:
    """Whether a public file (path below the data directory) belongs to a workflow that is archived."""
    folder, _, name = path.partition("/")
    workflow = name.split("." if folder == TASKS else "/", 1)[0]
    return workflow in archived
