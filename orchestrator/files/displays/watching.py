"""What somebody watches: the changes that are wanted, and now and then a sign of life.

A heartbeat is a row like the others, in which everything but ``time``, ``seq`` and ``cursor`` is None, and ``daemon``
says whether one runs (in the other rows that is None). Its cursor is fresh, also where a filter has kept everything
away for long: the journal is removed from its beginning, and a cursor that is too old is lost.
"""

import time

from orchestrator.files.journal.changes import FolderChanges
from orchestrator.files.lock import is_held
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from orchestrator.files.journal.change_filter import ChangeFilter
    from orchestrator.files.journal.changes import JournalChanges
    from orchestrator.files.rows import Row

    class Changes(Protocol):
        """What `orchestrator.files.journal.changes.follow` gives, or something like it."""

        @property
        def pause_s(self) -> float:
            """How long the next `poll` may wait."""

        @property
        def moved(self) -> bool:
            """Whether the last `poll` met anything."""

        def poll(self) -> list[Row]:
            """The rows that came since."""

        def close(self) -> None:
            """Nobody will poll again."""


class Watching:
    """The rows of `changes` that `wanted` lets pass, and heartbeats.

    Attributes:
        pause_s: how long the next `poll` may wait; 0 if there may be more already.
    """

    def __init__(
        self,
        changes: "Changes",
        place: "JournalChanges | FolderChanges",
        wanted: "ChangeFilter",
        data_dir: str,
        heartbeat_s: "float | None" = None,
    ) -> None:
        """Take what `changes` gives; `place`, from which that comes, knows the cursor. `heartbeat_s`: without a row."""
        self._changes = changes
        self._place = place
        self._wanted = wanted
        self._data_dir = data_dir
        self._heartbeat_s = heartbeat_s
        self._due = time.monotonic() + (heartbeat_s or 0.0)
        self.pause_s = changes.pause_s

    def poll(self) -> "list[Row]":
        """The rows that came since. Raises what the changes raise."""
        found = [row for row in self._changes.poll() if self._wanted(row)]
        self.pause_s = 0.0 if self._changes.moved else self._changes.pause_s
        if self._heartbeat_s is None:
            return found
        now = time.monotonic()
        if found:
            self._due = now + self._heartbeat_s
            for row in found:
                row["daemon"] = None
        elif now >= self._due:
            self._due = now + self._heartbeat_s
            found = [self._beat()]
        return found

    def close(self) -> None:
        """Nobody will poll again."""
        self._changes.close()

    def _beat(self) -> "Row":
        return {
            "time": rfc3339(time.time_ns() // 1000),
            "seq": self._place.seq,
            "workflow": None,
            "task": None,
            "previous_status": None,
            "status": None,
            "attempt": None,
            "reason": None,
            "cursor": self._place.cursor,
            "daemon": self._runs(),
        }

    def _runs(self) -> "bool | None":
        """Whether a daemon runs; of a foreign directory what it says itself."""
        if not isinstance(self._place, FolderChanges):
            return is_held(self._data_dir)
        from orchestrator.files.state.status import read_status
        from orchestrator.model.errors import OrchestratorError

        try:
            running = read_status(self._data_dir)["running"]
        except OrchestratorError:
            return None
        return running if isinstance(running, bool) else None
