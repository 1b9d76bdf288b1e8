"""A stream of items to the engine, and how many may be on their way.

The engine acknowledges each item as it is consumed. Its own writers stop at a hundred unacknowledged ones, and so do
we: what ``first 3`` throws away stays small. The engine holds any number, so the window is ours to keep.
"""

from nu_plugin_orch.protocol.errors import LocalProtocolError

#: Items that may be unacknowledged.
WINDOW = 100


class OutgoingStream:
    """Counts the items of one stream. `dropped`: the engine reads no more, and nothing may be sent but the end."""

    __slots__ = ("dropped", "unacknowledged")

    def __init__(self) -> None:
        self.dropped = False
        self.unacknowledged = 0

    @property
    def room(self) -> int:
        """How many items may be sent now."""
        return 0 if self.dropped else WINDOW - self.unacknowledged

    def sent(self) -> None:
        """One more is on its way. Raises LocalProtocolError if there was no room."""
        if self.room <= 0:
            raise LocalProtocolError("the reader of the stream is gone" if self.dropped else "the window is full")
        self.unacknowledged += 1

    def acknowledged(self) -> None:
        """One was consumed."""
        self.unacknowledged = max(0, self.unacknowledged - 1)
