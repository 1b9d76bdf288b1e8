"""The display of a followed workflow on a terminal: a line for each operation, redrawn in place."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.interfaces.cli.output import clean
from orchestrator.model.ids import split_task_id
from orchestrator.model.states import TASK_FINAL, TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_STYLES = {
    "succeeded": "green",
    "running": "cyan",
    "waiting_retry": "yellow",
    "rolling_back": "magenta",
    "rolled_back": "magenta",
    "failed": "red",
    "timed_out": "red",
    "upstream_failed": "red",
    "rollback_failed": "red",
    "cancelled": "yellow",
}

#: Statuses whose reason is worth a line.
_NEWS = ("waiting_retry", "failed", "timed_out", "rollback_failed")
_NEWS_CHARACTERS_MAX = 100

_BAR_CELLS = 24


class _Board:
    """{operation: {task: status}} in the order they appeared, and the last thing that went wrong in each.

    Rows come from the thread that follows, drawing happens in a thread of rich's: both take the lock.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._tasks: dict[str, dict[str, str]] = {}
        self._news: dict[str, str] = {}
        self._status = "queued"
        self._workflow = ""

    def take(self, row: dict[str, Any]) -> None:
        with self._lock:
            self._workflow = row["workflow"]
            if row["task"] is None:
                self._status = row["status"]
                return
            _, operation, _, item = split_task_id(row["task"])
            self._tasks.setdefault(operation, {})[row["task"]] = row["status"]
            if row["status"] in _NEWS:
                self._news[operation] = f"{item}: {row['reason']}"

    def __rich__(self) -> Table:
        with self._lock:
            table = Table.grid(padding=(0, 2))
            table.add_row(Text(clean(self._workflow), style="bold"), _in_colour(self._status, self._status))
            for operation, tasks in self._tasks.items():
                _add_operation(table, operation, list(tasks.values()))
                if operation in self._news:
                    table.add_row("", Text(clean(self._news[operation])[:_NEWS_CHARACTERS_MAX], style="dim"))
            return table


def _add_operation(table: Table, operation: str, statuses: list[str]) -> None:
    counts = Text()
    for status in TASK_STATUSES:
        if status in statuses:
            counts.append_text(_in_colour(f"{statuses.count(status)} {status}  ", status))
    done = sum(status in TASK_FINAL for status in statuses)
    table.add_row(Text(f"  {clean(operation)}"), _bar(statuses), f"{done}/{len(statuses)}", counts)


def _bar(statuses: list[str]) -> Text:
    """What is over on the left, in its colours; each cell stands for a share of the tasks."""
    ordered = sorted(statuses, key=lambda status: status not in TASK_FINAL)
    bar = Text()
    for cell in range(_BAR_CELLS):
        bar.append_text(_in_colour("━", ordered[cell * len(ordered) // _BAR_CELLS]))
    return bar


def _in_colour(text: str, status: str) -> Text:
    return Text(text, style=_STYLES.get(status, "dim"))


@contextmanager
def live_table(*, colour: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A table on the terminal that shows what it is given, redrawn ten times a second."""
    board = _Board()
    console = Console(no_color=not colour, highlight=False)
    with Live(board, console=console, refresh_per_second=10) as live:

        def show(row: dict[str, Any]) -> None:
            board.take(row)
            if row["task"] is None:
                live.refresh()

        yield show
