"""List tasks: highest priority first, then oldest. Reads files only, with the daemon alive or dead.

In a directory of a daemon its index and journal are read; --no-cache, --all and --strict read every file. A file that
cannot be read is left out with a warning; --all shows it as a row, --strict makes it an error. A moment is a time
(2025-01-11T10:00:00Z, "2025-01-11 10:00", 2025-01-11, yesterday, 14:10: the latest that is past) or so long ago (10min,
2hr).

Examples:
  orchestrator tasks --status failed --status timed_out
  orchestrator tasks --workflow deploy-4k7q0d --operation build --limit 20
  orchestrator tasks --workflow deploy.k --from 1day --sort duration_ms --reverse
  orchestrator tasks --json | jq -r '.[] | select(.attempt > 1) | .id'
"""

from __future__ import annotations

import os
import time

from orchestrator.files.tables import task_query
from orchestrator.files.tables.table import TaskTable
from orchestrator.files.tables.wanted import Wanted
from orchestrator.interfaces.cli.arguments import limit, priority
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table, say
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

_COLUMNS = ("id", "status", "priority", "attempt", "duration_ms", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tasks` takes."""
    add_filters(parser)
    parser.add_argument("--sort", metavar="COLUMN", help="order by this column; what has no value there comes last")
    parser.add_argument("--reverse", action="store_true", help="turn the order around")
    parser.add_argument("--limit", type=limit, metavar="N", help="at most so many")
    parser.add_argument("--all", action="store_true", help="also archived tasks, and files that cannot be read")
    parser.add_argument("--strict", action="store_true", help="a file that cannot be read is an error")
    parser.add_argument("--no-cache", action="store_true", help="read every file: shows what was changed by hand")
    parser.add_argument("--json", action="store_true", help="print JSON, with all columns")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Which tasks; for `wanted_of`."""
    told = "only tasks with exactly this status; may be repeated"
    parser.add_argument("--status", action="append", metavar="STATUS", help=told)
    told = "only those of this workflow: its id, or its definition (path, or the end of it)"
    parser.add_argument("--workflow", metavar="ID", help=told)
    parser.add_argument("--operation", metavar="ID", help="only those of this operation")
    parser.add_argument("--item", metavar="ITEM", help="only those of this item")
    parser.add_argument("--from", dest="since", metavar="MOMENT", help="only those created then or later")
    parser.add_argument("--to", dest="until", metavar="MOMENT", help="only those created before")
    parser.add_argument(
        "--min-priority", type=priority, metavar="N", help="only those of this priority or a higher one"
    )
    parser.add_argument("--max-priority", type=priority, metavar="N", help="only those of at most this priority")


def wanted_of(options: argparse.Namespace, table: TaskTable, *, archived: bool = False) -> Wanted:
    """What `add_filters` took. Raises UsageError, NotFound, and what reading raises."""
    since_us, until_us = _moment(options.since), _moment(options.until)
    task_query.check_interval(since_us, until_us)
    low, high = options.min_priority, options.max_priority
    if low is not None and high is not None and low > high:
        raise UsageError(f"--min-priority {low} is more than --max-priority {high}.", "No task can be in between.")
    ids = None
    if options.workflow is not None:
        ids = task_query.workflows_meant(table, options.workflow, os.getcwd(), archived=archived)
    return Wanted(
        statuses=options.status,
        workflows=ids,
        operation=options.operation,
        item=options.item,
        since_us=since_us,
        until_us=until_us,
        priority_min=low,
        priority_max=high,
    )


def run(options: argparse.Namespace) -> int:
    """Show the rows that are asked for."""
    directory = data_dir(options)
    reads_files = options.all or options.strict or options.no_cache
    table = TaskTable(directory, use_index=not reads_files)
    wanted = wanted_of(options, table, archived=options.all)
    rows, problems = task_query.list_tasks(
        table,
        wanted,
        limit=options.limit,
        sort=options.sort,
        reverse=options.reverse,
        all_rows=options.all,
        strict=options.strict,
    )
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _columns(options.sort))
    _warn(table, wanted, rows, problems)
    return 0


def _columns(sort: str | None) -> tuple[str, ...]:
    """The usual ones, and the one by which the rows are ordered."""
    return _COLUMNS if sort is None or sort in _COLUMNS else (*_COLUMNS[:2], sort, *_COLUMNS[2:])


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    from orchestrator.files.moments import parse_moment

    return parse_moment(text, time.time_ns() // 1000)


def _warn(table: TaskTable, wanted: Wanted, rows: list[dict[str, Any]], problems: list[dict[str, Any]]) -> None:
    """Say what the table does not tell."""
    text = None if rows or table.count else task_query.no_directory(table.data_dir)
    if text is not None:
        say(f"warning: {text}")
        return
    for text in task_query.status_warnings(table.data_dir, wanted.statuses or (), is_empty=not rows):
        say(f"warning: {text}")
    if not rows:
        for text in task_query.unknown_names(table, wanted):
            say(f"warning: {text}")
    for text in task_query.left_out(table, problems, "orchestrator tasks --all"):
        say(f"warning: {text}")
    stale = sum(bool(row.get("stale")) for row in rows)
    if stale:
        what = "1 task that is" if stale == 1 else f"{stale} tasks that are"
        say(f"warning: No daemon runs on {table.data_dir}: {what} shown as running may have ended since.")
