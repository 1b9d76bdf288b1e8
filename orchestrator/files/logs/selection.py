"""What the tasks of a workflow wrote: which logs there are (requirement A-67 for the names); their lines: `logs.file`.

The workflow's state says which attempts there were; the name of each one's logs follows from that, hashed or not, so no
name is ever taken apart.
"""

import os

from orchestrator.files.directory import require_directory
from orchestrator.files.fields import records
from orchestrator.files.layout import LOGS, log_path, log_stem, workflow_dir
from orchestrator.files.locate import check_directory
from orchestrator.files.logs.file import Lines, Log
from orchestrator.files.state.not_there import no_part, no_task
from orchestrator.files.state.workflows import read_workflow
from orchestrator.files.undone import undoings
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.ids import split_task_id, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from orchestrator.files.rows import Row

    #: (operation, provider, item)
    Place = tuple[str, str, str]

#: Standard output and standard error, in the order in which they are shown.
STREAMS = ("out", "err")

#: More than any task has; a damaged state may claim more.
_ATTEMPTS_MAX = 1 << 16


class NoSuchPart(NotFound):
    """The workflow is there; what was asked for inside it is not. `part`: operation, item, provider or attempt."""

    def __init__(self, part: str, message: str, help: str = "") -> None:
        super().__init__(message, help)
        self.part = part


def check_tail(tail: "int | None") -> None:
    """Raise UsageError for a number of last lines that means nothing."""
    if tail is not None and tail < 0:
        raise UsageError(f"The last {tail} lines mean nothing.", "Give 0 or more; leave it out to get all.")


class Selection:
    """Logs that are wanted: of a workflow, or of one of its tasks.

    Attributes:
        data_dir, workflow: where.
        state: the workflow's, as `read_workflow` gives it.
        task: the id of the only task that is wanted, None for all.
    """

    def __init__(
        self,
        data_dir: str,
        subject: str,
        *,
        operation: "str | None" = None,
        item: "str | None" = None,
        provider: "str | None" = None,
        attempt: "int | None" = None,
        streams: "Collection[str]" = STREAMS,
        statuses: "Collection[str] | None" = None,
        may_come: bool = False,
    ) -> None:
        """Look up `subject`, the id of a workflow or a task; with `statuses` only tasks that stand so.

        With `may_come` an attempt need not have been started yet.

        Raises:
            BadId, NotFound, WorkflowUnreadable, FormatTooNew: as `read_workflow`; or there is no such task.
            NotFound: the workflow is archived, or another program writes the directory: there are no logs.
            NoSuchPart: the workflow has no such operation, item, provider or attempt.
        """
        if not check_directory(data_dir):
            require_directory(data_dir)
            raise NotFound(f"{data_dir} has no workflows: another program writes it, and keeps no logs there.", "")
        self.data_dir = data_dir
        self.workflow, place = _subject(subject)
        self.task = None if place is None else subject
        self.state = read_workflow(data_dir, self.workflow)
        if "archived" in self.state:
            kept = f"What is kept: {self.state['archived']}"
            raise NotFound(f"{self.workflow} is archived, and its logs are gone.", kept)
        self._place = place
        self._operation, self._item, self._provider, self._attempt = operation, item, provider, attempt
        self._streams = [stream for stream in STREAMS if stream in streams]
        self._statuses = statuses
        self._check(may_come=may_come)

    def attempts(self) -> "Iterator[tuple[Place, int, str, bool]]":
        """(place, number, status, whether it undoes) of each attempt that is wanted, in the order of the plan.

        The status is the task's, and "" for an attempt that others followed.
        """
        for place, entry in self._entries():
            status = str(entry.get("status"))
            if self._statuses is None or status in self._statuses:
                undo = undoings(entry)
                for attempt in range(1, min(entry["attempt"], _ATTEMPTS_MAX) + 1):
                    if self.wants(place, attempt):
                        yield place, attempt, status if attempt == entry["attempt"] else "", attempt in undo

    def wants(self, place: "Place", attempt: int) -> bool:
        """Whether an attempt is wanted."""
        operation, provider, item = place
        return (
            self._place in (None, place)
            and self._operation in (None, operation)
            and self._provider in (None, provider)
            and self._item in (None, item)
            and self._attempt in (None, attempt)
        )

    def logs_of(self, place: "Place", attempt: int, *, undo: bool) -> "list[Log]":
        """The logs of an attempt, whether they are there or not."""
        stem = log_stem(*place, attempt)
        return [
            Log(place, attempt, stream, log_path(self.data_dir, self.workflow, stem, stream), undo=undo)
            for stream in self._streams
        ]

    def written(self) -> "Iterator[Log]":
        """The logs that are there, in the order of the plan, the attempts and the streams."""
        try:
            names = set(os.listdir(f"{workflow_dir(self.data_dir, self.workflow)}/{LOGS}"))
        except OSError:
            names = set()
        for place, attempt, _, undo in self.attempts():
            for log in self.logs_of(place, attempt, undo=undo):
                if os.path.basename(log.path) in names:
                    yield log

    def look_again(self) -> None:
        """Read the state anew. Raises as `read_workflow`."""
        self.state = read_workflow(self.data_dir, self.workflow)

    def _entries(self) -> "Iterator[tuple[Place, Row]]":
        for operation in records(self.state.get("operations")):
            for entry in records(operation.get("items")):
                place = (operation.get("id"), entry.get("provider"), entry.get("item"))
                if all(isinstance(name, str) for name in place) and type(entry.get("attempt")) is int:
                    yield place, entry  # type: ignore[misc]

    def _check(self, *, may_come: bool) -> None:
        """Raise if what is asked for inside the workflow is not there."""
        found = [place for place, _ in self._entries()]
        if self._place is not None and self._place not in found:
            ids = [task_id(self.workflow, *place) for place in found]
            raise no_task(self.data_dir, str(self.task), ids)
        if self._place is not None:
            found = [self._place]
        for position, part, given in (
            (0, "operation", self._operation),
            (1, "provider", self._provider),
            (2, "item", self._item),
        ):
            if given is None:
                continue
            there = [place for place in found if place[position] == given]
            if not there:
                raise self._no_such(part, given, list(dict.fromkeys(place[position] for place in found)))
            found = there
        if not may_come:
            self._check_attempt(set(found))

    def _check_attempt(self, places: "set[Place]") -> None:
        last = max((entry["attempt"] for place, entry in self._entries() if place in places), default=0)
        if self._attempt is not None and not 1 <= self._attempt <= last:
            told = f"Attempts are 1 to {last}." if last else "Nothing of it has been started."
            raise NoSuchPart("attempt", f"There is no attempt {self._attempt} of that in {self.workflow}.", told)

    def _no_such(self, part: str, given: str, known: "list[str]") -> NoSuchPart:
        where = self.workflow if self._operation in (None, given) else f"{self._operation} of {self.workflow}"
        return NoSuchPart(part, *no_part(part, given, where, known))


class Written:
    """The lines of the logs that are there, as rows.

    Attributes:
        pause_s: `poll` need not wait.
        problems: why logs could not be read; whoever tells them empties the list.
    """

    def __init__(self, selection: Selection, *, raw: bool = False, tail: "int | None" = None) -> None:
        self.pause_s = 0.0
        self.problems: list[str] = []
        self._lines = (Lines(log, raw=raw, tail=tail) for log in selection.written())
        self._current: Lines | None = None

    def poll(self) -> "list[Row]":
        """Some rows. Raises StopIteration behind the last."""
        while True:
            if self._current is None:
                self._current = next(self._lines)
            found = self._current.next()
            if found:
                return [self._current.log.row(line) for line in found]
            if self._current.problem:
                self.problems.append(self._current.problem)
            self._current = None

    def close(self) -> None:
        """Nothing is held."""


def _subject(subject: str) -> "tuple[str, Place | None]":
    try:
        workflow, operation, provider, item = split_task_id(subject)
    except ValueError:
        return subject, None
    return workflow, (operation, provider, item)
