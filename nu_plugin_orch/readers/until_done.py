"""Changes up to the end of one workflow; an error when no daemon runs any more that could bring it there."""

import time
from shlex import quote

from orchestrator.files.lock import is_held
from orchestrator.model.errors import NoDaemon
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
    """

    def __init__(self, changes: "JournalChanges", data_dir: str, workflow: str) -> None:
        """A daemon on `data_dir` writes the changes."""
        self._changes = changes
        self._data_dir = data_dir
        self._workflow = workflow
        self._is_over = False
        self._due = time.monotonic() + _LOOK_S
        self.pause_s = changes.pause_s

    def poll(self) -> "list[Row]":
        """The rows that came since. Raises StopIteration behind the last, NoDaemon, and what the changes raise."""
        rows = self._poll()
        if rows:
            return rows
        if self._is_over:
            raise StopIteration
        now = time.monotonic()
        if now < self._due:
            return rows
        self._due = now + _LOOK_S
        if is_held(self._data_dir):
            return rows
        rows = self._poll()  # the last that a daemon wrote before it ended
        if rows:
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
        self.pause_s = self._changes.pause_s
        for row in rows:
            if row["task"] is None and row["workflow"] == self._workflow:
                self._is_over = row["status"] in WORKFLOW_FINAL  # one that was over can be retried
        return rows
