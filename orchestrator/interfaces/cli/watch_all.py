"""Every workflow that is not over, on the terminal, until Ctrl-C."""

from __future__ import annotations

import time

from orchestrator.files.directory import require_journal
from orchestrator.files.displays.board import Board
from orchestrator.files.journal.changes import JournalChanges
from orchestrator.files.journal.tail import JournalTail
from orchestrator.interfaces.cli.live import live_board
from orchestrator.interfaces.cli.output import is_colourful
from orchestrator.model.errors import CursorLost

_PAUSE_S = 0.05


def watch_all(data_dir: str) -> int:
    """Show them. Raises KeyboardInterrupt, and what reading the directory raises."""
    require_journal(data_dir)
    while True:
        board = Board(data_dir)
        changes = _changes_behind(data_dir, board.load())
        try:
            with live_board(board, None, colour=is_colourful()) as show:
                while True:
                    for row in changes.poll():
                        show(row)
                    if not changes.moved:
                        time.sleep(_PAUSE_S)
        except CursorLost:  # what was shown is not so: an earlier daemon took it back
            continue
        finally:
            changes.close()


def _changes_behind(data_dir: str, cursor: str | None) -> JournalChanges:
    try:
        return JournalChanges(JournalTail(data_dir, cursor, from_start=cursor is None))
    except CursorLost:  # removed between the two looks
        return JournalChanges(JournalTail(data_dir))
