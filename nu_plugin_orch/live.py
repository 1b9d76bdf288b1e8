"""The display of ``orch watch --live``: workflows with bars, redrawn in place until a key is pressed or all is over.

It runs in a thread of its own, since a key may be long in coming, and talks to nobody but the terminal and the files.
It ends for a key, with the workflow that is watched, and when the host says so: with an interrupt of the engine that
came another way than by a key, or because the engine is gone. The terminal is as it was before anybody is answered.
"""

import os
import time

from orchestrator.files.displays.board import Board
from orchestrator.files.displays.board_text import COLUMNS_MIN, FAINT, BoardText
from orchestrator.files.journal.changes import JournalChanges
from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.lock import is_held
from orchestrator.files.terminal_text import cut
from orchestrator.model.errors import CursorLost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.terminal import Terminal
    from orchestrator.files.displays.board_text import Line

#: Between two frames, and between two looks at the journal. Nobody sees more.
_FRAME_S = 0.1

#: How long changes are taken before what is known is drawn.
_TAKE_S = 0.05

#: Between two looks whether a daemon runs.
_LOOK_S = 1.0

#: How long the host waits for the terminal to be restored.
_RESTORE_S = 0.5

#: Lines at most, however high the window.
_LINES_MAX = 40


class Live:
    """One display. `run` in a thread, `stop` from another."""

    def __init__(self, data_dir: str, workflow: "str | None", terminal: "Terminal") -> None:
        """`workflow`: only this one, and to its end."""
        from _thread import allocate_lock

        self._data_dir = data_dir
        self._workflow = workflow
        self._terminal = terminal
        self._board = Board(data_dir, workflow)
        self._changes: JournalChanges | None = None
        self._wake = os.pipe()
        self._is_done = False
        self._wake_lock = allocate_lock()
        #: Held until the terminal is as it was.
        self._at_work = allocate_lock()
        self._at_work.acquire()
        self._daemon_runs = True
        self._shown: object = None
        self._due = 0.0

    def run(self) -> bool:
        """Show it until it is over; whether the workflow has ended. Raises NoTerminal, and as `Board.load`."""
        try:
            with self._terminal:
                self._changes = self._follow(self._board.load())
                return self._loop(self._changes)
        except OSError:  # the terminal is gone
            return False
        finally:
            if self._changes is not None:
                self._changes.close()
            with self._wake_lock:
                self._is_done = True
            for fd in self._wake:
                os.close(fd)
            self._at_work.release()

    def stop(self) -> None:
        """End it, and return when the terminal is as it was."""
        with self._wake_lock:
            if not self._is_done:
                os.write(self._wake[1], b".")
        if self._at_work.acquire(True, _RESTORE_S):
            self._at_work.release()

    def _loop(self, changes: "JournalChanges") -> bool:
        look = 0.0
        while True:
            changes, is_behind = self._take(changes)
            now = time.monotonic()
            if now >= look:
                look, self._daemon_runs = now + _LOOK_S, is_held(self._data_dir)
            is_over = self._is_over() and not is_behind
            if is_over or now >= self._due:
                self._due = now + _FRAME_S
                self._draw()
            if is_over:
                return True
            if self._terminal.wait(0.0 if is_behind else _FRAME_S, self._wake[0]):
                return False

    def _is_over(self) -> bool:
        view = self._board.views.get(self._workflow) if self._workflow else None
        return view is not None and view.is_over

    def _take(self, changes: "JournalChanges") -> "tuple[JournalChanges, bool]":
        """Take the changes that came since, for a while: (what to go on with, whether there may be more already)."""
        end = time.monotonic() + _TAKE_S
        while True:
            try:
                rows = changes.poll()
            except CursorLost:  # what was shown before is not so: an earlier daemon took it back
                changes.close()
                self._board = Board(self._data_dir, self._workflow)
                changes = self._changes = self._follow(self._board.load())
                continue
            for row in rows:
                self._board.take(row)
            if not changes.moved:
                return changes, False
            if time.monotonic() >= end:
                return changes, True

    def _follow(self, cursor: "str | None") -> JournalChanges:
        try:
            return JournalChanges(JournalTail(self._data_dir, cursor, from_start=cursor is None))
        except CursorLost:  # removed between the two looks, or the files know more than the journal has kept
            return JournalChanges(JournalTail(self._data_dir))

    def _draw(self) -> None:
        """Draw, if there is something else to see than the last time: a change, a second, another window."""
        columns, lines = self._terminal.size
        wall_us = time.time_ns() // 1000
        clock = wall_us // 1_000_000 if self._board.unfinished else 0
        seen = (self._board.version, clock, columns, lines, self._daemon_runs)
        if seen != self._shown:
            self._shown = seen
            self._terminal.draw(self._lines(wall_us, columns - 1, min(lines - 1, _LINES_MAX)))

    def _lines(self, wall_us: int, columns: int, lines: int) -> "list[Line]":
        """The frame. The last cell of a line stays free, where some terminals wrap already."""
        if columns < COLUMNS_MIN:
            return [[(cut("too narrow", columns), "")]]
        foot = self._foot(columns)
        text = BoardText(self._board, wall_us, columns, max(lines - len(foot), 1))
        view = self._board.views.get(self._workflow) if self._workflow else None
        body = text.everything() if view is None else text.workflow(view)
        return [*body, *foot][: max(lines, 1)]

    def _foot(self, columns: int) -> "list[Line]":
        if self._is_over():
            return []
        found: list[Line] = []
        if not self._daemon_runs:
            found.append([(cut("No daemon runs: all goes on with the next one.", columns), "waiting_retry")])
        told = "q, Esc or Ctrl-C ends the watching only"
        return [*found, [(cut(told, columns), FAINT)]]
