"""Changes of a data directory as a stream of records."""

from nu_plugin_orch.readers.cells import Cells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.value import Values
    from orchestrator.files.displays.watching import Watching


class ChangeStream:
    """What `orchestrator.files.displays.watching` gives, converted.

    Attributes:
        pause_s: how long the next `poll` may wait; 0 if there may be more already.
    """

    def __init__(self, watching: "Watching", values: "Values") -> None:
        self._watching = watching
        self._cells = Cells(values)
        self.pause_s = watching.pause_s

    def poll(self) -> "list[Wire]":
        """The records that came since. Raises what the changes raise."""
        rows = self._watching.poll()
        self.pause_s = self._watching.pause_s
        return [self._cells.record(row) for row in rows]

    def close(self) -> None:
        """Nobody will poll again."""
        self._watching.close()
