"""The display of a followed workflow on a terminal: a line for each operation, redrawn in place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.interfaces.cli.output import clean
from orchestrator.model.ids import split_task_id
from orchestrator.model.states import TASK_FINAL, TASK_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

_BAR_CELLS = 24


class _Board:
    """{operation: {task: status}} in the order they appeared, and the last thing that went wrong in each."""

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, str]] = {}
        self.news: dict[str, str] = {}
        self.status = "queued"
        self.workflow = ""

    def take(self, row: dict[str, Any]) -> None:
        self.workflow = row["workflow"]
        if row["task"] is None:
            self.status = row["status"]
            return
        _, operation, _, item = split_task_id(row["task"])
        self.tasks.setdefault(operation, {})[row["task"]] = row["status"]
        if row["status"] in ("waiting_retry", "failed", "timed_out", "rollback_failed"):
            self.news[operation] = f"{item}: {row['reason']}"

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_row(Text(clean(self.workflow), style="bold"), Text(self.status, style=_STYLES.get(self.status, "")))
        for operation, tasks in self.tasks.items():
            statuses = list(tasks.values())
            done = sum(status in TASK_FINAL for status in statuses)
            counts = Text()
            for status in TASK_STATUSES:
                if status in statuses:
                    counts.append(f"{statuses.count(status)} {status}  ", style=_STYLES.get(status, "dim"))
            bar = _bar(statuses)
            table.add_row(Text(f"  {operation}"), bar, f"{done}/{len(statuses)}", counts)
            if operation in self.news:
                table.add_row("", Text(clean(self.news[operation])[:100], style="dim"))
        return table


def _bar(statuses: list[str]) -> Text:
    bar = Text()
    for cell in range(_BAR_CELLS):
        status = sorted(statuses, key=lambda one: one not in TASK_FINAL)[cell * len(statuses) // _BAR_CELLS]
        bar.append("━", style=_STYLES.get(status, "dim"))
    return bar


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
