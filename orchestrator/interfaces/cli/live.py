"""Workflows on a terminal, redrawn in place: the shell's drawing of `orchestrator.files.displays.board`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.live import Live
from rich.text import Text

from orchestrator.files.displays.board_text import BoardText

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.files.displays.board import Board
    from orchestrator.files.rows import Row

_STYLES = {
    "title": "bold",
    "faint": "dim",
    "queued": "dim",
    "pending": "dim",
    "skipped": "dim",
    "paused": "yellow",
    "succeeded": "green",
    "running": "cyan",
    "waiting_retry": "yellow",
    "rolling_back": "magenta",
    "rolled_back": "magenta",
    "failed": "red",
    "timed_out": "red",
    "upstream_failed": "red",
    "rollback_failed": "red",
    "unknown": "red",
    "cancelled": "yellow",
}


class _Drawn:
    """The board as rich draws it. Rows come from the thread that follows, drawing happens in a thread of rich's."""

    def __init__(self, board: Board, workflow: str | None, console: Console) -> None:
        self._lock = Lock()
        self._board = board
        self._workflow = workflow
        self._console = console

    def take(self, row: Row) -> None:
        with self._lock:
            self._board.take(row)

    def __rich__(self) -> Text:
        size = self._console.size
        with self._lock:
            text = BoardText(self._board, time.time_ns() // 1000, size.width - 1, size.height - 1)
            view = self._board.views.get(self._workflow) if self._workflow else None
            if view is None and self._workflow:
                return Text(self._workflow)
            lines = text.everything() if view is None else text.workflow(view)
        return Text("\n").join(
            Text.assemble(*((part, _STYLES.get(style, "")) for part, style in line)) for line in lines
        )


@contextmanager
def live_board(board: Board, workflow: str | None, *, colour: bool) -> Iterator[Callable[[Row], None]]:
    """`board`, or one workflow of it, on the terminal, redrawn ten times a second; what is called with each change."""
    console = Console(no_color=not colour, highlight=False, soft_wrap=False)
    drawn = _Drawn(board, workflow, console)
    with Live(drawn, console=console, refresh_per_second=10) as live:

        def show(row: Row) -> None:
            drawn.take(row)
            if row["task"] is None:
                live.refresh()

        yield show
