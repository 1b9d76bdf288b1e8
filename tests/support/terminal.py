"""A real Nushell at a pseudo-terminal, driven as a person drives it: keys in, screen text out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

PATIENCE_S = 60.0

#: Nushell marks the end of each command with this sequence and the command's exit code.
_COMMAND_DONE = re.compile(rb"\x1b\]133;D;(\d+)\x1b\\")
#: What a terminal is asked, and answers: where the cursor is; which keyboard protocol it has; what it is.
_ANSWERS = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?u": b"\x1b[?0u", b"\x1b[c": b"\x1b[?62;c"}
_ESCAPES = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[=>78]|[\r\x00]")


class Terminal:
    """A shell at a terminal of 40 lines and 160 columns, in a context."""

    def __init__(self, command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
        self._command = command
        self._cwd = str(cwd)
        self._env = {**env, "TERM": "xterm-256color"}
        self._screen = b""
        self._answered = dict.fromkeys(_ANSWERS, 0)

    def __enter__(self) -> Self:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(self._cwd)
            os.execvpe(self._command[0], self._command, self._env)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        self._wait(lambda: b"\x1b]133;B" in self._screen, "the first prompt")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._fd)

    def run(self, line: str) -> str:
        """Type `line` and Enter, wait for the next prompt; what the screen showed since, without escapes."""
        before = len(self._screen)
        self.keys(line + "\r")
        self._wait(lambda: self._prompt_again(before), f"the end of {line!r}")
        return text_of(self._screen[before:])

    def keys(self, text: str) -> None:
        """Type `text` as it is: a tab is the Tab key, the character 3 is Ctrl-C."""
        os.write(self._fd, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C while a command runs, and wait for the prompt: what is typed before it can be lost."""
        before = len(self._screen)
        self.keys("\x03")
        self._wait(lambda: self._prompt_again(before), "the prompt after Ctrl-C")

    def wait_for(self, text: str) -> str:
        """The screen's text since the start, once `text` has been shown."""
        self._wait(lambda: text in text_of(self._screen), repr(text))
        return text_of(self._screen)

    def wait_for_prompt(self, begin: int) -> None:
        """Wait for a prompt behind the first `begin` bytes that were shown: what is typed before it can be lost."""
        self._wait(lambda: self._prompt_again(begin), "the prompt")

    def _prompt_again(self, begin: int) -> bool:
        done = _COMMAND_DONE.search(self._screen, begin)
        return done is not None and self._screen.find(b"\x1b]133;B", done.end()) >= 0

    def _wait(self, fact: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not fact():
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            ready = poll.poll(max(0.0, end - time.monotonic()) * 1000)
            assert ready, f"waited {PATIENCE_S} s in vain for {what}:\n{text_of(self._screen)}"
            with contextlib.suppress(OSError):  # the shell has ended
                self._screen += os.read(self._fd, 65536)
            self._answer_queries()

    def _answer_queries(self) -> None:
        """The line editor asks its terminal a few things and waits for the answers."""
        for query, answer in _ANSWERS.items():
            asked = self._screen.count(query)
            os.write(self._fd, answer * (asked - self._answered[query]))
            self._answered[query] = asked


def text_of(screen: bytes) -> str:
    """What was shown, without colours and cursor movements."""
    return _ESCAPES.sub("", screen.decode("utf-8", "replace"))
