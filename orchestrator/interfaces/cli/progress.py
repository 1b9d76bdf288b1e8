"""How a followed workflow looks: a line for each change in a pipe, a table that lives on a terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from orchestrator.interfaces.cli.output import clean, is_colourful, is_terminal, print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


@contextmanager
def progress(data_dir: str, workflow: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Something to give every transition of `workflow` to."""
    if not is_terminal():
        yield print_line
        return
    from orchestrator.files.displays.board import Board
    from orchestrator.interfaces.cli.live import live_board

    with live_board(Board(data_dir, workflow), workflow, colour=is_colourful()) as show:
        yield show


def print_line(row: dict[str, Any]) -> None:
    """One transition as a line, unless only its reason changed."""
    if is_change(row):
        sys.stdout.write(line(row) + "\n")
        sys.stdout.flush()


def print_row(row: dict[str, Any]) -> None:
    """One transition as a line of JSON, unless only its reason changed."""
    if is_change(row):
        print_json(row, indent=None)
        sys.stdout.flush()


def is_change(row: dict[str, Any]) -> bool:
    """Whether a transition is more than another reason for the same status."""
    return bool(row["status"] != row["previous_status"])


def line(row: dict[str, Any]) -> str:
    """``time  status  task  reason`` of one transition, or a sign of life."""
    if row["status"] is None:
        return f"{row['time']}  {'':15}  nothing new{'' if row['daemon'] else ', and no daemon runs'}"
    what = row["task"] or row["workflow"]
    attempt = f" (attempt {row['attempt']})" if (row["attempt"] or 0) > 1 else ""
    reason = f"  {row['reason']}" if row["reason"] and row["status"] != "running" else ""
    return clean(f"{row['time']}  {row['status']:15}  {what}{attempt}{reason}")
