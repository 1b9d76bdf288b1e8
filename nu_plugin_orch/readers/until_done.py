"""Changes up to the end of one workflow; an error when no daemon has come for a while that could bring it there."""

import time

from orchestrator.files.state.next_daemon import LOOK_S, NextDaemon
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.files.journal.changes import JournalChanges
    from orchestrator.files.rows import Row


class UntilDone:
    """The rows of `changes`, until `workflow` has ended and the journal says nothing more.

    Attributes:
        pause_s: that of the changes.
        moved: that of the changes.
    """

    def __init__(
        self, changes: "JournalChanges", data_dir: str, workflow: str, tell: "Callable[[str], None] | None" = None
    ) -> None:
        """A daemon on `data_dir` writes the changes. `tell` is called when the next one is waited for."""
        self._changes = changes
        self._data_dir = data_dir
        self._workflow = workflow
        self._is_over = self._was_over()
        #: Whether a change of the workflow's own has come: then the changes tell, and no file.
        self._is_told = False
        self._due = time.monotonic() + LOOK_S
        self._next = NextDaemon(data_dir, workflow, f"batch monitor {workflow}", tell)
        self.pause_s = changes.pause_s
        self.moved = False

    def poll(self) -> "list[Row]":
        """The rows that came since. Raises StopIteration behind the last, NoDaemon, and what the changes raise."""
        rows = self._poll()
        if self.moved:
            return rows
        if self._is_over:
            raise StopIteration
        # Its last record may have been before the first change, and its file late.
        if not self._is_told and self._is_due() and self._was_over():
            raise StopIteration
        if not self._next.is_given_up():
            return rows
        rows = self._poll()  # the last that a daemon wrote before it ended
        if self.moved:
            return rows
        raise self._next.failure()

    def close(self) -> None:
        """Nobody will poll again."""
        self._changes.close()

    def _is_due(self) -> bool:
        """Whether it is time to look at the workflow's file again."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + LOOK_S
        return True

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
