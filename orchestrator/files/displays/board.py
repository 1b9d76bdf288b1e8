"""What there is to see of workflows while they run: the model of every display that is redrawn.

It begins with what the files say and goes on with the changes of the journal. Files are written a moment after the
records, so each state tells the record it knows of (``seq``), and changes of before are passed over: `Board.load` says
where to begin so that none is missed. Times stay text until somebody draws them.
"""

from orchestrator.files import document
from orchestrator.files.journal.since import cursor_behind
from orchestrator.files.layout import task_path
from orchestrator.files.state.tasks import LIVE
from orchestrator.files.state.workflows import list_workflows, read_workflow
from orchestrator.model.errors import OrchestratorError, WorkflowUnreadable
from orchestrator.model.ids import file_stem, task_id
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.rows import Row

#: Statuses whose reason is worth a line.
FAULTS = frozenset({"waiting_retry", "failed", "timed_out", "rollback_failed", "unknown"})

#: Changes that are kept to be shown.
_LATEST_MAX = 20

#: Workflows that are over and kept, in case they are retried before their files are written.
_OVER_MAX = 50

#: Tasks that run already, of which the beginning is looked up.
_LOOK_UP_MAX = 50


class OperationView:
    """An operation. `counts`: {status: tasks}; `fault`: what went wrong last, "" if nothing has."""

    __slots__ = ("counts", "fault", "finished", "id", "started", "total")

    def __init__(self, identifier: str) -> None:
        self.id = identifier
        self.counts: dict[str, int] = {}
        self.total = 0
        self.started: str | None = None
        self.finished: str | None = None
        self.fault = ""

    @property
    def done(self) -> int:
        """Tasks that are over."""
        return _done(self.counts)

    def take(self, row: "Row", item: str) -> None:
        """A task changed; the counts are not touched."""
        if row["status"] in LIVE and self.started is None:
            self.started = row["time"]
        self.finished = row["time"] if self.done == self.total else None
        if row["status"] in FAULTS and row["reason"]:
            self.fault = f"{item}: {row['reason']}"


class WorkflowView:
    """A workflow. `seq`: changes up to this record are in it; `running`: {task: (since when, attempt)}."""

    __slots__ = ("counts", "finished", "id", "operations", "reason", "running", "seq", "started", "status", "tasks")

    def __init__(self, identifier: str, seq: int) -> None:
        self.id = identifier
        self.seq = seq
        self.status = "queued"
        self.reason: str | None = None
        self.started: str | None = None
        self.finished: str | None = None
        self.operations: dict[str, OperationView] = {}
        self.counts: dict[str, int] = {}
        self.tasks: dict[str, str] = {}
        self.running: dict[str, tuple[str | None, int]] = {}

    @property
    def is_over(self) -> bool:
        """Whether only a retry or a rollback changes it any more."""
        return self.status in WORKFLOW_FINAL

    @property
    def done(self) -> int:
        """Tasks that are over."""
        return _done(self.counts)

    @property
    def total(self) -> int:
        """All tasks."""
        return len(self.tasks)

    def set(self, task: str, operation: str, status: str) -> OperationView:
        """The task is `status` now."""
        view = self.operations.get(operation)
        if view is None:
            view = self.operations[operation] = OperationView(operation)
        before = self.tasks.get(task)
        if before is None:
            view.total += 1
        else:
            for counts in (self.counts, view.counts):
                counts[before] -= 1
        self.tasks[task] = status
        for counts in (self.counts, view.counts):
            counts[status] = counts.get(status, 0) + 1
        return view

    def take(self, row: "Row") -> None:
        """A change of it, or of one of its tasks."""
        task, status = row["task"], row["status"]
        if task is None:
            self.status, self.reason = status, row["reason"]
            if status == "running" and self.started is None:
                self.started = row["time"]
            self.finished = row["time"] if self.is_over else None
            return
        _, operation, _, item = (*task.split(".", 3), "", "", "")[:4]
        self.set(task, operation, status).take(row, item)
        if status not in LIVE:
            self.running.pop(task, None)
        elif task not in self.running or status != row["previous_status"]:
            self.running[task] = (row["time"], row["attempt"] or 0)


class Board:
    """Workflows that are not over, and those that ended lately; or the one that is asked for.

    Attributes:
        views: {id: workflow}, in the order in which they came.
        latest: the last changes of status, oldest first.
        version: another number whenever there is something else to see.
    """

    def __init__(self, data_dir: str, workflow: "str | None" = None) -> None:
        """Begin with nothing; `workflow`: only this one."""
        self.views: dict[str, WorkflowView] = {}
        self.latest: list[Row] = []
        self.version = 0
        self._data_dir = data_dir
        self._only = workflow
        #: {workflow that is over and not shown: the record up to which that is so}
        self._over: dict[str, int] = {}

    def load(self) -> "str | None":
        """Read the files; the cursor behind which changes have to be taken, None for all there ever were.

        Raises:
            BadId, NotFound, WorkflowUnreadable, FormatTooNew: the one that is asked for cannot be read, or all cannot.
            JournalUnreadable: the journal cannot be read.
        """
        newest = 0
        if self._only is not None:
            self.views[self._only] = self._view(read_workflow(self._data_dir, self._only))
        else:
            for row in reversed(list_workflows(self._data_dir)):
                seq = row.get("seq")
                if row.get("status") in WORKFLOW_FINAL and type(seq) is int:
                    self._over[row["id"]] = seq
                    newest = max(newest, seq)
                else:
                    self._read(row["id"])
        self._look_up()
        self.version += 1
        return cursor_behind(self._data_dir, min((view.seq for view in self.views.values()), default=newest))

    def take(self, row: "Row") -> None:
        """A row of `orchestrator.files.journal.changes`."""
        name = row["workflow"]
        if name is None or (self._only is not None and name != self._only):
            return
        view = self.views.get(name)
        if view is None:
            if row["seq"] <= self._over.get(name, -1):
                return
            if row["task"] is None and row["previous_status"] is None:
                view = self.views[name] = WorkflowView(name, row["seq"] - 1)
            else:
                view = self._read(name, is_back=row["task"] is None and row["status"] not in WORKFLOW_FINAL)
        if view is None:
            self._over[name] = row["seq"]
            return
        if row["seq"] <= view.seq:
            return
        view.take(row)
        self.version += 1
        if row["status"] != row["previous_status"]:
            self.latest.append(row)
            del self.latest[:-_LATEST_MAX]
        if row["task"] is None and view.is_over:
            self._forget_oldest(row["seq"])

    @property
    def unfinished(self) -> "list[WorkflowView]":
        """Workflows that are not over."""
        return [view for view in self.views.values() if not view.is_over]

    def _read(self, name: str, *, is_back: bool = False) -> "WorkflowView | None":
        """The workflow as its files show it; None if they cannot be read, or if it is over and not about to go on."""
        try:
            view = self._view(read_workflow(self._data_dir, name))
        except OrchestratorError:
            return None
        if view.is_over and not is_back:
            return None
        self.views[name] = view
        return view

    def _view(self, state: "Row") -> WorkflowView:
        try:
            return _from_state(state)
        except (AttributeError, KeyError, TypeError) as error:
            told = f"The state of workflow {state.get('id')} in {self._data_dir} is not what a daemon writes: {error!r}"
            raise WorkflowUnreadable(told, "Write it anew: orchestrator rebuild") from error

    def _look_up(self) -> None:
        """Since when those run that run already: states do not tell, the files of tasks do."""
        tasks = [(view, task) for view in self.views.values() for task in view.running]
        for view, task in tasks[:_LOOK_UP_MAX]:
            try:
                row = document.load(task_path(self._data_dir, file_stem(task)), SMALL_FILE_BYTES_MAX)
            except (OSError, document.Malformed):
                continue
            started = row.get("started_at")
            if isinstance(started, str) and row.get("status") in LIVE:
                view.running[task] = (started, view.running[task][1])

    def _forget_oldest(self, seq: int) -> None:
        over = [view for view in self.views.values() if view.is_over and view.id != self._only]
        for view in over[:-_OVER_MAX]:
            self._over[view.id] = seq
            del self.views[view.id]


def _from_state(state: "Row") -> WorkflowView:
    """The view of a state.json. Raises TypeError, KeyError or AttributeError if it is something else."""
    view = WorkflowView(state["id"], int(state["seq"]))
    view.status, view.reason = _text(state["status"]) or "", _text(state["reason"])
    view.started, view.finished = _text(state["started_at"]), _text(state["finished_at"])
    for operation in state["operations"]:
        name = _needed(operation["id"])
        shown = view.operations.setdefault(name, OperationView(name))
        for entry in operation["items"]:
            task = task_id(view.id, name, _needed(entry["provider"]), _needed(entry["item"]))
            view.set(task, name, _needed(entry["status"]))
            if entry["status"] in LIVE:
                view.running[task] = (None, int(entry["attempt"]))
        shown.started, shown.finished = _text(operation["started_at"]), _text(operation["finished_at"])
        shown.fault = _text(operation["last_error"]) or ""
    return view


def _done(counts: "dict[str, int]") -> int:
    return sum(count for status, count in counts.items() if status in TASK_FINAL)


def _text(raw: "Any") -> "str | None":
    return raw if isinstance(raw, str) else None


def _needed(raw: "Any") -> str:
    if not isinstance(raw, str):
        raise TypeError(f"{type(raw).__name__} where a string is expected")
    return raw
