"""A daemon that is gone while somebody follows what it does: the next one is waited for, but not for ever.

A restart takes about a second, and nothing is lost by it: who follows a workflow is to see it go on. A daemon that was
gone already, and not just now, is not waited for: then nobody is restarting anything.
"""

import time

from orchestrator.files.lock import is_held
from orchestrator.model.errors import NoDaemon, OrchestratorError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: How long the next daemon is waited for.
WAIT_S = 10.0

#: Between two looks at the daemon's lock, while nothing comes.
LOOK_S = 1.0


class NextDaemon:
    """Whether what somebody waits for can still come."""

    def __init__(self, data_dir: str, workflow: str, again: str, tell: "Callable[[str], None] | None" = None) -> None:
        """`again`: the command that shows the workflow another time. `tell` is called when a daemon is waited for."""
        self._data_dir, self._workflow, self._again, self._tell = data_dir, workflow, again, tell
        self._due = time.monotonic() + LOOK_S
        #: When a daemon was seen last, on the monotonic clock; None: nobody knows, or it is long ago.
        self._seen_s: float | None = None
        self._is_told = False

    def is_given_up(self) -> bool:
        """Whether no daemon runs, and none has run for a while. Asked whenever nothing has come."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + LOOK_S
        if is_held(self._data_dir):
            self._seen_s, self._is_told = now, False
            return False
        self._seen_s = _later(self._seen_s, _last_beat_s(self._data_dir))  # one may have come and gone between looks
        if self._seen_s is None or now - self._seen_s >= WAIT_S:
            return True
        if not self._is_told and self._tell is not None:
            self._is_told = True
            self._tell(f"the daemon is gone; {self._workflow} goes on with the next one, which is waited for.")
        return False

    def failure(self) -> NoDaemon:
        """What to raise when it is given up."""
        from shlex import quote

        return NoDaemon(
            f"No daemon runs on {self._data_dir}, and {self._workflow} is not over.",
            f"To see it again: {self._again}. It goes on with the next daemon: "
            f"orchestrator serve --data-dir {quote(self._data_dir)}",
        )


def _later(one: "float | None", other: "float | None") -> "float | None":
    return other if one is None else one if other is None else max(one, other)


def _last_beat_s(data_dir: str) -> "float | None":
    """When the last daemon said that it was there, on the monotonic clock; None if nobody knows, or long ago."""
    from orchestrator.files.state.status import read_status

    try:
        age_ms = read_status(data_dir)["heartbeat_age_ms"]
    except OrchestratorError:
        return None
    if not isinstance(age_ms, int) or age_ms >= WAIT_S * 1000:
        return None
    return time.monotonic() - age_ms / 1000
