"""Changes up to the end of one workflow; an error when no daemon runs any more that could bring it there."""

import time
from shlex import quote

from orchestrator.files.lock import is_held
from orchestrator.files.read import read_workflow
from orchestrator.model.errors import NoDaemon, OrchestratorError
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.changes import JournalChanges
    from orchestrator.files.rows import Row

#: Between two looks at the daemon's lock, while nothing comes.
_LOOK_S = 1.0


class UntilDone:
    """The rows of `changes`, until `workflow` has ended and the journal says nothing more.

    Attributes:
        pause_s: that of the changes.
        moved: that of the changes.
    """

    def __init__(self, changes: "JournalChanges", data_dir: str, workflow: str) -> None:
        """A daemon on `data_dir` writes the changes."""
        self._changes = changes
        self._data_dir = data_dir
        self._workflow = workflow
        self._is_over = self._was_over()
        #: Whether a change of the workflow's own has come: then the changes tell, and no file.
        self._is_told = False
        self._due = time.monotonic() + _LOOK_S
        self.pause_s = changes.pause_s
        self.moved = False

    def poll(self) -> "list[Row]":
        """The rows that came since. Raises StopIteration behind the last, NoDaemon, and what the changes raise."""
        rows = self._poll()
        if self.moved:
            return rows
        if self._is_over:
            raise StopIteration
        now = time.monotonic()
        if now < self._due:
            return rows
        self._due = now + _LOOK_S
        if not self._is_told and self._was_over():  # its last record was before the first change, and its file late
            raise StopIteration
        if is_held(self._data_dir):
            return rows
        rows = self._poll()  # the last that a daemon wrote before it ended
        if self.moved:
            return rows
        raise NoDaemon(
            f"No daemon runs on {self._data_dir}, and {self._workflow} is not over.",
            f"It goes on with the next one: orchestrator serve --data-dir {quote(self._data_dir)}",
        )

    def close(self) -> None:
        """Nobody will poll again."""
        self._changes.close()

    def _poll(self) -> "list[Row]":
        rows = self._changes.poll()
        self.pause_s, self.moved = self._changes.pause_s, self._changes.moved
        for row in rows:
            if row["task"] is None and row["workflow"] == self._workflow:
                self._is_told = True
                self._is_over = row["status"] in WORKFLOW_FINAL  # one that was over can be retried
        return rows

    def _was_over(self) -> bool:
        """Whether it had ended before the changes begin: then its end does not come any more."""
        try:
            state = read_workflow(self._data_dir, self._workflow)
        except OrchestratorError:
            return False
        seq = state.get("seq")
        return state.get("status") in WORKFLOW_FINAL and isinstance(seq, int) and seq <= self._changes.seq
