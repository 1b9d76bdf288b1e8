"""The logs of a workflow as they are written, until it is over.

The journal tells when an attempt begins and when it ends; in between its files are asked for what they have got. What
was written before comes first, in the order of the plan; then each line comes when it is whole, and the rest of an
attempt's when the journal says that it is over. The end is that of the workflow (or of the only task that is wanted)
and of the journal: what was retried meanwhile goes on.
"""

from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.journal.transitions import rows
from orchestrator.files.logs.file import Lines
from orchestrator.files.state.next_daemon import NextDaemon
from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import LIVE
from orchestrator.model.errors import CursorLost, OrchestratorError
from orchestrator.model.ids import split_task_id
from orchestrator.model.states import TASK_FINAL, WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.logs.selection import Place, Selection
    from orchestrator.files.rows import Row

#: Between two looks, when nothing has come: at first, and in the end.
_PAUSE_S = 0.005
_PAUSE_MAX_S = 0.05
_PAUSE_GROWTH = 1.2

#: Rows that one `poll` gives, about.
_ROWS = 1000


class Followed:
    """The lines of the wanted logs as rows, as they come.

    Attributes:
        pause_s: when to ask again.
        problems: why logs could not be read, and that a daemon is waited for; whoever tells them empties the list.
    """

    def __init__(self, selection: "Selection", *, raw: bool = False, tail: "int | None" = None) -> None:
        """With `tail`, begin so many lines before the present end of each log that is there."""
        self.pause_s = 0.0
        self.problems: list[str] = []
        self._selection = selection
        self._raw = raw
        #: Logs that will not grow any more, in order.
        self._ended: list[Lines] = []
        #: {attempt: its logs}
        self._live: dict[tuple[Place, int], list[Lines]] = {}
        self._met: set[tuple[Place, int]] = set()
        self._is_over = self._lost = False
        workflow = selection.workflow
        self._next = NextDaemon(selection.data_dir, workflow, f"batch logs {workflow} --follow", self.problems.append)
        self._tail = self._journal_behind(selection.state.get("seq"))
        self._take_all(tail)

    def poll(self) -> "list[Row]":
        """The rows that came since. Raises StopIteration behind the last, NoDaemon, and what the journal raises."""
        has_news = self._hear()
        found = self._read()
        if found or has_news or self._ended:
            self.pause_s = 0.0
        else:
            self._nothing_came()
            self.pause_s = min(max(self.pause_s, _PAUSE_S) * _PAUSE_GROWTH, _PAUSE_MAX_S)
        return found

    def close(self) -> None:
        """Give the journal back."""
        self._tail.close()

    # --- the journal -----------------------------------------------------------------------------------------

    def _journal_behind(self, seq: object) -> JournalTail:
        """The journal behind what the state shows; from where it begins, if that is not kept any more."""
        directory = self._selection.data_dir
        try:
            epoch = read_status(directory).get("epoch")
        except OrchestratorError:
            epoch = 0
        try:
            return JournalTail(directory, f"{epoch}:{seq}")
        except CursorLost as error:
            self._lost = True
            return JournalTail(directory, error.resume)

    def _hear(self) -> bool:
        """Take what the journal tells; whether it told anything."""
        try:
            records = self._tail.poll()
        except CursorLost:  # the tail goes on with what there is
            self._lost = True
            return True
        for record in records:
            for row in rows(record):
                if row["workflow"] == self._selection.workflow:
                    self._heard(row)
        return bool(records)

    def _heard(self, row: "Row") -> None:
        task, status = row["task"], row["status"]
        if task is None:
            self._is_over = status in WORKFLOW_FINAL
            return
        if task == self._selection.task:
            self._is_over = status in TASK_FINAL
        _, *names = split_task_id(task)
        place: Place = (names[0], names[1], names[2])
        if status in LIVE:
            # A task that is about to be undone is `rolling_back` with the number of what did it, which was met.
            self._begin(place, row["attempt"], undo=status == "rolling_back")
        else:
            self._end(place, row["attempt"])

    # --- the files -------------------------------------------------------------------------------------------

    def _take_all(self, tail: "int | None" = None) -> None:
        """Take the attempts that the state knows, and what it says about the end."""
        chosen = self._selection
        self._is_over = chosen.state.get("status") in WORKFLOW_FINAL
        for place, attempt, status, undo in chosen.attempts():
            self._begin(place, attempt, tail, undo=undo)
            if status not in LIVE:
                self._end(place, attempt)
            if chosen.task is not None and status in TASK_FINAL:
                self._is_over = True

    def _begin(self, place: "Place", attempt: int, tail: "int | None" = None, *, undo: bool) -> None:
        if (place, attempt) not in self._met and self._selection.wants(place, attempt):
            self._met.add((place, attempt))
            logs = self._selection.logs_of(place, attempt, undo=undo)
            self._live[place, attempt] = [Lines(log, raw=self._raw, tail=tail) for log in logs]

    def _end(self, place: "Place", attempt: int) -> None:
        self._ended += self._live.pop((place, attempt), [])

    def _read(self) -> "list[Row]":
        found: list[Row] = []
        while self._ended and len(found) < _ROWS:
            if not self._more(self._ended[0], found, final=True):
                del self._ended[0]
        for lines in [] if self._ended else [it for attempt in self._live.values() for it in attempt]:
            self._more(lines, found, final=False)
        return found

    def _more(self, lines: Lines, found: "list[Row]", *, final: bool) -> bool:
        """Add what has come to `found`; whether there was anything."""
        if lines.problem:
            return False
        some = lines.next(final=final)
        found += [lines.log.row(line) for line in some]
        if lines.problem:
            self.problems.append(lines.problem)
        return bool(some)

    # --- the end ---------------------------------------------------------------------------------------------

    def _nothing_came(self) -> None:
        """Raise if nothing will come any more."""
        if self._lost:
            self._lost = False
            self._selection.look_again()
            self._take_all()
            return
        if self._is_over:
            for place, attempt in list(self._live):
                self._end(place, attempt)
            if not self._ended:
                raise StopIteration
            return
        if self._next.is_given_up():
            raise self._next.failure()
