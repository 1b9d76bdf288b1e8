"""Changes of a data directory as a stream of records."""

from nu_plugin_orch.readers.cells import Cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.value import Values
    from nu_plugin_orch.readers.until_done import UntilDone
    from orchestrator.files.changes import FolderChanges, JournalChanges
    from orchestrator.files.rows import Row


class ChangeStream:
    """What `orchestrator.files.changes.follow` gives, chosen and converted.

    Attributes:
        pause_s: how long the next `poll` may wait; 0 if there may be more already.
    """

    def __init__(
        self,
        changes: "JournalChanges | FolderChanges | UntilDone",
        values: "Values",
        *,
        workflow: "str | None",
        reasons: bool,
    ) -> None:
        """Keep only changes of `workflow`, if given, and those of a mere reason only with `reasons`."""
        self._changes = changes
        self._cells = Cells(values)
        self._workflow = workflow
        self._reasons = reasons
        self.pause_s = changes.pause_s

    def poll(self) -> "list[Wire]":
        """The records that came since. Raises what the changes raise."""
        rows = self._changes.poll()
        self.pause_s = 0.0 if rows else self._changes.pause_s
        return [self._cells.record(row) for row in rows if self._is_wanted(row)]

    def close(self) -> None:
        """Nobody will poll again."""
        self._changes.close()

    def _is_wanted(self, row: "Row") -> bool:
        if self._workflow is not None and row["workflow"] != self._workflow:
            return False
        return self._reasons or bool(row["status"] != row["previous_status"])
