"""What the files say, as far as it is needed to tell why something does not go on. Nothing of them is trusted.

A field that is missing, or is not of its kind, is as one that says nothing: the answer gets shorter, it does not fail.
Files follow the journal by a moment, each for itself, so two of them may contradict each other; a task's own file says
more, and is believed before the workflow's. Everything is read at most once.
"""

import os

from orchestrator.files import document
from orchestrator.files.fields import mapping, records, text, texts, time_or_none, whole
from orchestrator.files.layout import (
    PLAN_FILE,
    STATE_FILE,
    archive_path,
    log_path,
    log_stem,
    status_path,
    task_path,
    workflow_dir,
)
from orchestrator.files.locate import check_directory, check_format
from orchestrator.files.lock import is_held
from orchestrator.files.permissions import explain
from orchestrator.model.errors import FormatTooNew, TaskInvalid, TasksUnreadable, WorkflowUnreadable
from orchestrator.model.ids import file_stem, is_name_id, task_id
from orchestrator.model.limits import FILE_BYTES_MAX, SMALL_FILE_BYTES_MAX
from orchestrator.model.states import TASK_FINAL, TASK_STATUS_ALIASES, WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Raw = dict[str, Any]


class Entry:
    """A task as the state of its workflow shows it. `index`: its place in its operation."""

    __slots__ = ("attempt", "index", "item", "operation", "provider", "status", "task")

    def __init__(self, workflow: str, operation: str, index: int, raw: "Raw") -> None:
        self.operation, self.index = operation, index
        self.item, self.provider = text(raw.get("item")), text(raw.get("provider"))
        self.status, self.attempt = text(raw.get("status")), whole(raw.get("attempt")) or 0
        self.task = task_id(workflow, operation, self.provider, self.item)

    @property
    def is_over(self) -> bool:
        """Whether it is final."""
        return self.status in TASK_FINAL


class Operation:
    """An operation as state and plan show it. `width`: how many of its tasks may be at work; None for all."""

    __slots__ = ("after", "entries", "id", "plan", "status", "width")

    def __init__(self, workflow: str, raw: "Raw", plan: "Raw") -> None:
        self.id, self.status, self.plan = text(raw.get("id")), text(raw.get("status")), plan
        self.after = texts(plan.get("after")) or texts(raw.get("depends_on"))
        self.entries = [Entry(workflow, self.id, index, it) for index, it in enumerate(records(raw.get("items")))]
        parallel = plan.get("parallel", True)
        self.width = 1 if parallel is False else max(1, whole(parallel) or 1) if whole(parallel) is not None else None

    @property
    def has_succeeded(self) -> bool:
        """Whether everything of it has."""
        return all(it.status == "succeeded" for it in self.entries) if self.entries else self.status == "succeeded"


class Edge:
    """A dependency between tasks, as the plan says it."""

    __slots__ = ("condition", "source", "target", "timeout_s", "type", "why")

    def __init__(self, raw: "Raw") -> None:
        self.source, self.target = mapping(raw.get("source")), mapping(raw.get("target"))
        self.type, self.why, self.condition = text(raw.get("type")), text(raw.get("why")), text(raw.get("condition"))
        self.timeout_s = whole(raw.get("timeout_s"))

    @property
    def is_hard(self) -> bool:
        """Whether the success of its sources is wanted, and not only their end."""
        return self.type not in ("soft", "optional")

    @property
    def label(self) -> str:
        """Its source, for people."""
        parts = [text(self.source.get(name)) for name in ("operation", "item", "provider")]
        return self.why or "/".join(filter(None, parts))


class Task:
    """A task as its own file shows it, or its workflow's if it has none.

    Attributes:
        workflow, operation: ids; "" where there is none, as in foreign directories.
        entry: what its workflow's state says of it, None if it says nothing.
    """

    def __init__(self, identifier: str, raw: "Raw", entry: "Entry | None") -> None:
        self.id, self.entry = identifier, entry
        self.status = text(raw.get("status")) or (entry.status if entry else "")
        self.status = TASK_STATUS_ALIASES.get(self.status, self.status)
        self.workflow = text(raw.get("workflow")) or (identifier.split(".", 1)[0] if entry else "")
        self.operation = text(raw.get("operation")) or (entry.operation if entry else "")
        self.item = text(raw.get("item")) or (entry.item if entry else "")
        self.provider = text(raw.get("provider")) or (entry.provider if entry else "")
        attempt = whole(raw.get("attempt"))
        self.attempt = (entry.attempt if entry else 0) if attempt is None else attempt
        self.reason, self.error = text(raw.get("reason")), text(raw.get("error"))
        self.due_at, self.started_at = time_or_none(raw.get("due_at")), time_or_none(raw.get("started_at"))
        self.finished_at = time_or_none(raw.get("finished_at"))

    @property
    def is_live(self) -> bool:
        """Whether it says that an attempt of it runs, undoing included."""
        undoing = self.status == "rolling_back" and self.started_at is not None and self.finished_at is None
        return self.status == "running" or undoing

    @property
    def is_over(self) -> bool:
        """Whether it is final."""
        return self.status in TASK_FINAL


class Workflow:
    """A workflow as its state and its plan show it.

    Attributes:
        operations: {id: operation}, in the order of the state.
        entries: {task id: entry}.
        rows: {task id: its row}, of one that is archived.
        is_archived: it is over, and its logs are gone.
        undone_before: {operation: what is to be undone before it}, as far as it was asked (`why.undoing`).
    """

    def __init__(self, identifier: str, state: "Raw", plan: "Raw", rows: "dict[str, Raw] | None" = None) -> None:
        self.id = identifier
        self.status, self.reason = text(state.get("status")), text(state.get("reason"))
        self.finished_at = time_or_none(state.get("finished_at"))
        self.is_archived, self.rows = rows is not None, rows or {}
        self.type = text(plan.get("type"))
        self.providers = mapping(plan.get("providers"))
        planned = {text(it.get("id")): it for it in records(plan.get("operations"))}
        shown = records(state.get("operations"))
        found = [Operation(identifier, it, planned.get(text(it.get("id")), {})) for it in shown]
        self.operations = {it.id: it for it in found}
        self.entries = {entry.task: entry for it in found for entry in it.entries}
        self._edges: dict[str, list[Edge]] = {}
        self._edges_from: dict[str, list[Edge]] = {}
        self.undone_before: dict[str, list[Entry]] = {}
        for raw in records(plan.get("edges")):
            edge = Edge(raw)
            self._edges.setdefault(text(edge.target.get("operation")), []).append(edge)

    @property
    def is_over(self) -> bool:
        """Whether it is final."""
        return self.status in WORKFLOW_FINAL

    def edges_to(self, task: "Task | Entry") -> "list[Edge]":
        """Edges that `task` waits behind."""
        return [it for it in self._edges.get(task.operation, ()) if _fits(it.target, task)]

    def edges_from(self, task: "Task | Entry") -> "list[Edge]":
        """Edges that wait for `task`."""
        if not self._edges_from:
            for edge in (it for edges in self._edges.values() for it in edges):
                self._edges_from.setdefault(text(edge.source.get("operation")), []).append(edge)
        return [it for it in self._edges_from.get(task.operation, ()) if _fits(it.source, task)]

    def sources(self, edge: Edge) -> "list[Entry]":
        """What `edge` waits for."""
        return self._at(edge.source)

    def targets(self, edge: Edge) -> "list[Entry]":
        """What waits behind `edge`."""
        return self._at(edge.target)

    def _at(self, place: "Raw") -> "list[Entry]":
        operation = self.operations.get(text(place.get("operation")))
        return [it for it in operation.entries if _fits(place, it)] if operation else []


class Facts:
    """A data directory as it is now. `verb`: what the commands of the reader begin with.

    Attributes:
        is_held: whether a daemon is at work; None in a foreign directory, which has no lock.
        status: status.json; empty if it cannot be read.
    """

    def __init__(self, data_dir: str, now_us: int, verb: str) -> None:
        """Raises FormatTooNew: a later major version wrote the directory."""
        self.data_dir, self.now_us, self.verb = data_dir, now_us, verb
        self.is_held = is_held(data_dir) if check_directory(data_dir) else None
        self.status = _quietly(status_path(data_dir), SMALL_FILE_BYTES_MAX)
        self._workflows: dict[str, Workflow | None] = {}
        self._tasks: dict[str, Task | None] = {}

    def workflow(self, identifier: str) -> "Workflow | None":
        """The workflow of that id, None if nothing can be read of it."""
        if identifier not in self._workflows:
            try:
                self._workflows[identifier] = load_workflow(self.data_dir, identifier)
            except (WorkflowUnreadable, FormatTooNew):
                self._workflows[identifier] = None
        return self._workflows[identifier]

    def task(self, identifier: str) -> "Task | None":
        """The task of that id, None if nothing can be read of it."""
        if identifier not in self._tasks:
            try:
                self._tasks[identifier] = self.load_task(identifier)
            except (TasksUnreadable, TaskInvalid, FormatTooNew):
                self._tasks[identifier] = None
        return self._tasks[identifier]

    def load_task(self, identifier: str) -> "Task | None":
        """As `task`, None only if there is none.

        Raises:
            TasksUnreadable: there is a file, which may not be read, and the workflow says nothing of the task.
            TaskInvalid: likewise, and it is not the JSON it should be.
            FormatTooNew: likewise, and a later major version wrote it.
        """
        workflow = self.workflow(identifier.split(".", 1)[0])
        entry = workflow.entries.get(identifier) if workflow else None
        try:
            raw = workflow.rows.get(identifier) if workflow and workflow.is_archived else None
            raw = load_row(self.data_dir, identifier) if raw is None else raw
        except (TasksUnreadable, TaskInvalid, FormatTooNew):
            if entry is None:
                raise
            raw = None
        return None if raw is None and entry is None else Task(identifier, raw or {}, entry)

    def log_of(self, task: Task) -> "str | None":
        """The log of the task's latest attempt that says most; None if there is none."""
        if not (task.attempt and is_name_id(task.workflow)):
            return None
        stem = log_stem(task.operation, task.provider, task.item, task.attempt)
        paths = [log_path(self.data_dir, task.workflow, stem, stream) for stream in ("err", "out")]
        sizes = [_size(path) for path in paths]
        for path, size in zip(paths, sizes, strict=True):
            if size:
                return path
        return paths[0] if sizes[0] is not None else None


def load_workflow(data_dir: str, identifier: str) -> "Workflow | None":
    """The workflow of that id from its folder, or from the archive; None if there is none.

    Raises:
        WorkflowUnreadable: its state may not be read, or is not the JSON it should be.
        FormatTooNew: a later major version wrote it.
    """
    if not is_name_id(identifier):
        return None
    folder = workflow_dir(data_dir, identifier)
    path = f"{folder}/{STATE_FILE}"
    try:
        state = document.load(path, FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        return _load_archived(data_dir, identifier)
    except OSError as error:
        why, remedy = explain(error, path)
        raise WorkflowUnreadable(f"Failed to read workflow file {path}: {why}", remedy) from error
    except document.Malformed as fault:
        message = f"Failed to parse workflow JSON {path}: {fault}"
        raise WorkflowUnreadable(message, "Write it anew: orchestrator rebuild") from fault
    check_format(state.get("format"), path)
    return Workflow(identifier, state, _quietly(f"{folder}/{PLAN_FILE}", FILE_BYTES_MAX))


def load_row(data_dir: str, identifier: str) -> "Raw | None":
    """The fields of a task's own file, None if there is none. Raises as `Facts.load_task`."""
    path = task_path(data_dir, file_stem(identifier))
    try:
        raw = document.load(path, SMALL_FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except document.Malformed as fault:
        raise TaskInvalid(f"Failed to parse task JSON {path}: {fault}", "Correct the file or remove it.") from fault
    except OSError as error:
        why, remedy = explain(error, path)
        raise TasksUnreadable(f"Failed to read task file {path}: {why}", remedy) from error
    check_format(raw.get("format"), path)
    return raw


def _fits(place: "Raw", task: "Task | Entry") -> bool:
    """Whether `task` stands at a place of the plan. What an item or provider is null for, are all of them."""
    given = (place.get("operation"), place.get("item"), place.get("provider"))
    here = (task.operation, task.item, task.provider)
    return given[0] == here[0] and all(it is None or it == own for it, own in zip(given, here, strict=True))


def _load_archived(data_dir: str, identifier: str) -> "Workflow | None":
    path = archive_path(data_dir, identifier)
    try:
        content = document.read(path, FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why, remedy = explain(error, path)
        raise WorkflowUnreadable(f"Failed to read archived workflow {path}: {why}", remedy) from error
    except document.Malformed as fault:
        raise WorkflowUnreadable(f"Failed to read archived workflow {path}: {fault}", "Restore the file.") from fault
    lines = content.split(b"\n")
    try:
        state = document.parse(lines[0])
    except document.Malformed as fault:
        raise WorkflowUnreadable(f"Failed to parse archived workflow {path}: {fault}", "Restore the file.") from fault
    check_format(state.get("format"), path)
    plan: Raw = {}
    rows: dict[str, Raw] = {}
    for line in lines[1:]:
        try:
            raw = document.parse(line)
        except document.Malformed:
            continue
        if raw.get("entry") == "plan":
            plan = mapping(raw.get("plan"))
        else:
            rows[text(raw.get("id"))] = raw
    return Workflow(identifier, state, plan, rows)


def _quietly(path: str, bytes_max: int) -> "Raw":
    """The object in a file, an empty one if there is none that can be read, or a later version wrote it."""
    try:
        found = document.load(path, bytes_max)
        check_format(found.get("format"), path)
    except (OSError, document.Malformed, FormatTooNew):
        return {}
    return found


def _size(path: str) -> "int | None":
    try:
        return os.stat(path).st_size
    except OSError:
        return None
