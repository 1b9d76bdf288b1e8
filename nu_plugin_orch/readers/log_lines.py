"""Lines of logs as a stream of records."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.value import Values
    from orchestrator.files.logs.follow import Followed
    from orchestrator.files.logs.selection import Written
    from orchestrator.files.rows import Row

#: Converted at a time: the first ones are on their way before the others are looked at.
_ROWS = 200


class LogStream:
    """What `Written` or `Followed` gives, converted; `warn` is told once about each log that cannot be read.

    Attributes:
        pause_s: how long the next `poll` may wait; 0 if there may be more already.
    """

    def __init__(self, lines: "Written | Followed", values: "Values", warn: "Callable[[str], None]") -> None:
        self._lines = lines
        self._values = values
        self._make: dict[type, Callable[[Any], Wire]] = {
            str: values.string,
            int: values.integer,
            bool: values.boolean,
        }
        self._warn = warn
        self.pause_s = lines.pause_s
        self._waiting: list[Row] = []

    def poll(self) -> "list[Wire]":
        """The next records. Raises what the lines raise."""
        if not self._waiting:
            self._waiting = self._next()
        rows, self._waiting = self._waiting[:_ROWS], self._waiting[_ROWS:]
        self.pause_s = 0.0 if self._waiting else self._lines.pause_s
        return [self._record(row) for row in rows]

    def _record(self, row: "Row") -> "Wire":
        make = self._make
        return self._values.record({name: make[type(it)](it) for name, it in row.items()})

    def _next(self) -> "list[Row]":
        try:
            return self._lines.poll()
        finally:
            self.pause_s = self._lines.pause_s
            for problem in self._lines.problems:
                self._warn(problem)
            self._lines.problems.clear()

    def close(self) -> None:
        """Nobody will poll again."""
        self._lines.close()
