"""Every workflow that is not over, on the terminal, until Ctrl-C."""

from __future__ import annotations

import time

from orchestrator.files.board import Board
from orchestrator.files.changes import JournalChanges
from orchestrator.files.journal_tail import JournalTail
from orchestrator.files.locate import check_directory
from orchestrator.interfaces.cli.live import live_board
from orchestrator.interfaces.cli.output import is_colourful
from orchestrator.model.errors import CursorLost, UsageError

_PAUSE_S = 0.05


def watch_all(data_dir: str) -> int:
    """Show them. Raises KeyboardInterrupt, and what reading the directory raises."""
    if not check_directory(data_dir):
        raise UsageError(f"There is no journal in {data_dir}.", "Without --live its tasks are looked through.")
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
