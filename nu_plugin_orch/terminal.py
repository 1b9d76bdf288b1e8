"""The user's terminal, for a display that is redrawn in place.

Standard input and output of a plugin are its conversation with the engine; the terminal is ``/dev/tty``. The engine
hands it over for the time of a call when it is asked ``EnterForeground``, and takes it back with the answer. In raw
mode a key is a byte, Ctrl-C too: no signal is sent, and other calls of the plugin go on undisturbed.

A frame is one write: up to its first line, each line over the old one with the rest of it erased, then everything below
erased. So nothing flickers. Lines are cut to the width by who makes them; when the window has become narrower, the
terminal has wrapped the old ones, and more lines are gone up.
"""

import os

from orchestrator.files.terminal_text import width
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from orchestrator.files.displays.board_text import Line

#: What the engine is asked before the call runs.
QUESTIONS: "dict[str, str | dict[str, Any]]" = {
    "foreground": "EnterForeground",
    "term": {"GetEnvVar": "TERM"},
    "no_color": {"GetEnvVar": "NO_COLOR"},
}

_PATH = "/dev/tty"

#: Of one terminal there is one display; the second one that is asked for is refused.
_taken: "list[None]" = []

#: {style: SGR}
_COLOURS = {
    "title": "1",
    "faint": "2",
    "running": "36",
    "queued": "2",
    "pending": "2",
    "skipped": "2",
    "paused": "33",
    "waiting_retry": "33",
    "cancelled": "33",
    "rolling_back": "35",
    "rolled_back": "35",
    "succeeded": "32",
    "failed": "31",
    "timed_out": "31",
    "upstream_failed": "31",
    "rollback_failed": "31",
    "unknown": "31",
}

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
#: Begin and end of what is shown at once (terminals that do not know it pass over it); lines are not wrapped meanwhile.
_BEGIN, _END = "\x1b[?2026h\x1b[?7l", "\x1b[?7h\x1b[?2026l"

#: Keys that end a display: q, Escape by itself, Ctrl-C, Ctrl-D.
_ENDS = frozenset(("q", "Q", "\x1b", "\x03", "\x04"))


class NoTerminal(UsageError):
    """There is no terminal on which something could be redrawn."""


class Terminal:
    """The terminal in raw mode, in a context; as it was afterwards, whatever happens."""

    def __init__(self, *, colour: bool, group: "int | None" = None) -> None:
        """`colour`: whether it is wanted. `group`: the process group to be in, if the engine has said one."""
        self._colour = colour
        self._group = group
        self._fd = -1
        self._before: Any = None
        self._widths: list[int] = []
        self._columns = 0

    def __enter__(self) -> "Terminal":
        """Raises NoTerminal."""
        import signal
        import termios
        import tty

        if _taken:
            raise NoTerminal("Another display of this Nushell has the terminal.", "End it first, or watch the stream.")
        try:
            self._fd = os.open(_PATH, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            raise _missing(f"There is no terminal ({error.strerror}).") from error
        _taken.append(None)
        try:
            # Whoever is not in the foreground would be stopped for what follows.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU, signal.SIGTTIN})
            if self._group:
                os.setpgid(0, self._group)
            if os.tcgetpgrp(self._fd) != os.getpgrp():
                raise _missing("Nushell did not hand the terminal over: a job in the background has none.")
            self._before = termios.tcgetattr(self._fd)
            tty.setraw(self._fd, termios.TCSADRAIN)
            self._write(_HIDE)
        except (OSError, termios.error) as error:
            self._release()
            raise _missing(f"The terminal cannot be used: {error}.") from error
        except NoTerminal:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self._release()

    @property
    def size(self) -> "tuple[int, int]":
        """(columns, lines) now."""
        try:
            found = os.get_terminal_size(self._fd)
        except OSError:
            return 80, 24
        return (found.columns or 80, found.lines or 24)

    def wait(self, seconds: float, wake_fd: int) -> bool:
        """Wait so long; sooner True when a key says that it is enough, or `wake_fd` can be read."""
        from select import POLLIN, poll

        asked = poll()
        for fd in (self._fd, wake_fd):
            asked.register(fd, POLLIN)
        ready = [fd for fd, _ in asked.poll(max(seconds, 0.0) * 1000)]
        if wake_fd in ready:
            return True
        if not ready:
            return False
        try:
            keys = os.read(self._fd, 1024).decode("utf-8", "replace")
        except OSError:  # the window was closed
            return True
        # What begins with Escape and goes on is an arrow, a function key or something pasted.
        return not keys or keys in _ENDS or "\x03" in keys or (not keys.startswith("\x1b") and bool(_ENDS & set(keys)))

    def draw(self, lines: "list[Line]") -> None:
        """Show `lines` in the place of what was shown last."""
        columns, _ = self.size
        parts = [_BEGIN, self._up(columns)]
        parts += ["\r\n".join(self._painted(line) + "\x1b[K" for line in lines), "\x1b[J", _END]
        self._write("".join(parts))
        self._widths = [sum(width(text) for text, _ in line) for line in lines]
        self._columns = columns

    def _up(self, columns: int) -> str:
        """To the first column of the first line of what was shown last."""
        narrower = columns < self._columns
        rows = sum(max(1, -(-wide // columns)) if narrower else 1 for wide in self._widths)
        return f"\r\x1b[{rows - 1}A" if rows > 1 else "\r"

    def _painted(self, line: "Line") -> str:
        if not self._colour:
            return "".join(text for text, _ in line)
        return "".join(f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if style in _COLOURS else text for text, style in line)

    def _write(self, text: str) -> None:
        view = memoryview(text.encode("utf-8", "replace"))
        while view:
            view = view[os.write(self._fd, view) :]

    def _release(self) -> None:
        """Everything as it was; what fails on the way does not keep the rest from being done."""
        from contextlib import suppress
        from termios import TCSADRAIN, error, tcsetattr

        if self._before is not None:
            with suppress(OSError):
                self._write(("\r\n" if self._widths else "") + _SHOW)
            with suppress(error):
                tcsetattr(self._fd, TCSADRAIN, self._before)
        if self._group:
            with suppress(OSError):
                os.setpgid(0, 0)
        os.close(self._fd)
        _taken.clear()


def _missing(why: str) -> NoTerminal:
    return NoTerminal(why, "Without --live the changes come as records, also in a script or a pipeline.")
