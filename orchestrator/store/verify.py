"""Holding the public files against the journal, and making them anew.

Each file shows the seq of the last record that changed it. The replay passes that seq; at that moment the file
must be, byte for byte, what the world says. A file that shows an earlier seq than the newest is late, which is no
error while a daemon runs; one that disagrees with its own seq is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import invariants
from orchestrator.files.layout import CHECKPOINT_FILE, INDEX, JOURNAL, STATE_FILE, TASKS, WORKFLOWS
from orchestrator.model.errors import NotFound
from orchestrator.store import archive, checkpoint, project
from orchestrator.store.index import INDEX_PATH, TasksIndex
from orchestrator.store.recover import Replayed, recover

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.engine.world import Workflow, World
    from orchestrator.store.disk import Disk


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it should be.

    `kind`: ``differs``, ``missing``, ``unexpected``, ``late``, ``torn`` or ``broken``; only ``late`` and ``torn`` are
    no faults.
    """

    kind: str
    path: str
    message: str

    @property
    def is_fault(self) -> bool:
        """Whether it must not be."""
        return self.kind not in ("late", "torn")


class Verification(msgspec.Struct, frozen=True):
    """What `verify` found. `files` were compared, up to record `seq`."""

    seq: int
    files: int
    findings: list[Finding]

    @property
    def remedy(self) -> str:
        """What makes the faulty files anew; "" if there are none that can be."""
        for finding in self.findings:
            if finding.is_fault and finding.kind != "broken" and not finding.path.endswith(CHECKPOINT_FILE):
                return "While no daemon runs, `orchestrator rebuild` makes these files anew from the journal."
        return ""


def verify(disk: Disk, data_dir: str) -> Verification:
    """Compare every task and workflow file with the replay at the seq it shows. Reads only.

    Raises:
        JournalDamaged: the journal itself does not hold.
        NotFound: there is no journal.
    """
    if not disk.names(f"{data_dir}/{JOURNAL}"):
        raise NotFound(f"There is no journal in {data_dir}.", "Is this the data directory? Give it with --data-dir.")
    comparison, checkpoints = _Comparison(_public_files(disk, data_dir)), _Checkpoints(disk, data_dir)

    def record(replayed: Replayed) -> None:
        comparison.record(replayed)
        checkpoints.compare(replayed.step.workflows)

    def start(world: World) -> None:
        comparison.start(world)
        checkpoints.start(world)

    recovered = recover(disk, data_dir, record, begin=start, from_oldest=True)
    comparison.end(recovered.world, frozenset(archive.ids(disk, data_dir)))
    checkpoints.end(recovered.world)
    findings = comparison.findings + checkpoints.findings + _index_findings(disk, data_dir, recovered.world)
    findings += [Finding("broken", JOURNAL, fault) for fault in invariants.broken(recovered.world)]
    if recovered.torn_bytes:
        findings.append(Finding("torn", JOURNAL, f"{recovered.torn_bytes} bytes at its end are no whole record"))
    return Verification(recovered.world.seq, len(comparison.shown), _without_doubles(findings))


class _Comparison:
    """The public files against a replay that passes. `shown`: {path: (the seq it shows, content)}."""

    def __init__(self, shown: dict[str, tuple[int, bytes]]) -> None:
        self.shown = shown
        self.findings: list[Finding] = []
        self._pending = {path: seq for path, (seq, _) in shown.items()}

    def start(self, world: World) -> None:
        """The world before the first record that is replayed."""
        for path, content in _all_files(world):
            self._compare(path, content, _seq_of(content))

    def record(self, replayed: Replayed) -> None:
        """A record was replayed."""
        for path, content in _files_of(replayed):
            self._compare(path, content, replayed.step.seq)

    def end(self, world: World, archived: frozenset[str]) -> None:
        """The last record was replayed."""
        known = dict(_all_files(world))
        for path, content in known.items():
            if path not in self.shown:
                self._find("missing", path, f"the journal knows this {_kind(path)}")
            elif path not in self._pending and self.shown[path][1] != content:
                self._find("late", path, f"it shows record {self.shown[path][0]}, there are newer ones")
        for path, (seq, _) in self.shown.items():
            if path not in known and archive.is_own_file(path, archived):
                self._find("late", path, "its workflow is archived; the next daemon removes it")
            elif path not in known:
                self._find("unexpected", path, f"the journal knows no such {_kind(path)}")
            elif seq < 0:
                self._find("differs", path, "it is torn or was changed: it is no JSON object with a `seq`")
            elif path in self._pending:
                text = f"it shows record {seq}, which has not changed this {_kind(path)}"
                self._find("unexpected", path, text)

    def _compare(self, path: str, content: bytes, seq: int) -> None:
        if self._pending.get(path) == seq:
            del self._pending[path]
            if self.shown[path][1] != content:
                self._find("differs", path, f"it is not what record {seq} made it")

    def _find(self, kind: str, path: str, message: str) -> None:
        self.findings.append(Finding(kind, path, message))


def _kind(path: str) -> str:
    return "task" if path.startswith(f"{TASKS}/") else "workflow"


class _Checkpoints:
    """The checkpoints of workflows against a replay that passes. They may be old, but not wrong."""

    def __init__(self, disk: Disk, data_dir: str) -> None:
        self.findings: list[Finding] = []
        self._first = 0
        self._shown: dict[str, tuple[int, bytes]] = {}
        for workflow in disk.names(f"{data_dir}/{WORKFLOWS}"):
            content = disk.read(f"{data_dir}/{checkpoint.path(workflow)}")
            if content is not None:
                self._shown[workflow] = (_seq_of(content), content)

    def start(self, world: World) -> None:
        """The world before the first record that is replayed."""
        self._first = world.seq
        self.compare(world.workflows.values())

    def compare(self, workflows: Iterable[Workflow]) -> None:
        """Workflows are what they are behind their latest record."""
        for workflow in workflows:
            seq, content = self._shown.get(workflow.id, (-1, b""))
            if seq == workflow.seq:
                del self._shown[workflow.id]
                if not checkpoint.is_of(content, workflow):
                    self._find("differs", workflow.id, f"it is not what record {seq} made it")

    def end(self, world: World) -> None:
        """The last record was replayed."""
        for workflow, (seq, _) in self._shown.items():
            if workflow in world.workflows and seq > self._first:
                self._find("unexpected", workflow, f"no record {seq} has changed its workflow")

    def _find(self, kind: str, workflow: str, message: str) -> None:
        self.findings.append(Finding(kind, checkpoint.path(workflow), message))


def _index_findings(disk: Disk, data_dir: str, world: World) -> list[Finding]:
    """Rows of the index that are not what the journal says at the record they show. Without an index, none."""
    lines = (disk.read(f"{data_dir}/{INDEX_PATH}") or b"").split(b"\n")[1:-3]
    findings = []
    for line in lines:
        row = _seq_and_id(line)
        task = world.tasks.get(row[1]) if row is not None else None
        if row is None:
            findings.append(Finding("differs", INDEX_PATH, "a line of it is no row"))
        elif task is not None and task.seq == row[0] and msgspec.json.decode(line) != project.task_row(task):
            findings.append(Finding("differs", INDEX_PATH, f"{task.id} is not what record {task.seq} made it"))
    return findings


def rebuild(disk: Disk, data_dir: str) -> int:
    """Write every task and workflow file and the index anew from the journal; remove what the journal does not know.

    The caller holds the directory's lock. Returns how many files were written.

    Raises:
        JournalDamaged: the journal itself does not hold; nothing was written.
    """
    world = recover(disk, data_dir).world
    wanted = dict(_all_files(world))
    for path in _public_files(disk, data_dir):
        if path not in wanted:
            disk.remove(f"{data_dir}/{path}")
    index = TasksIndex(disk, data_dir)
    for path, content in wanted.items():
        disk.replace(f"{data_dir}/{path}", content, durable=False)
        index.note(path, content)
    disk.make_directory(f"{data_dir}/{INDEX}")
    index.write(world.epoch, world.seq, 0)
    return len(wanted)


def _files_of(replayed: Replayed) -> list[tuple[str, bytes]]:
    return [project.task_file(task) for task in replayed.step.tasks] + [
        project.state_file(workflow) for workflow in replayed.step.workflows
    ]


def _all_files(world: World) -> list[tuple[str, bytes]]:
    return [project.task_file(task) for task in world.tasks.values()] + [
        project.state_file(workflow) for workflow in world.workflows.values()
    ]


def _public_files(disk: Disk, data_dir: str) -> dict[str, tuple[int, bytes]]:
    """{path below the data directory: (the seq it shows, content)}; seq -1 where it shows none."""
    paths = [f"{TASKS}/{name}" for name in disk.names(f"{data_dir}/{TASKS}") if name.endswith(".json")]
    paths = [path for path in paths if not path.startswith(f"{TASKS}/.")]
    paths += [f"{WORKFLOWS}/{name}/{STATE_FILE}" for name in disk.names(f"{data_dir}/{WORKFLOWS}")]
    found = {}
    for path in paths:
        content = disk.read(f"{data_dir}/{path}")
        if content is not None:
            found[path] = (_seq_of(content), content)
    return found


def _seq_and_id(line: bytes) -> tuple[int, str] | None:
    try:
        row = msgspec.json.decode(line)
        return row["seq"], row["id"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return None


def _seq_of(content: bytes) -> int:
    try:
        seq = json.loads(content)["seq"]
    except (ValueError, KeyError, TypeError):
        return -1
    return seq if isinstance(seq, int) else -1


def _without_doubles(findings: list[Finding]) -> list[Finding]:
    """A file that differs is not also late."""
    wrong = {finding.path for finding in findings if finding.kind == "differs"}
    return [finding for finding in findings if finding.kind != "late" or finding.path not in wrong]
