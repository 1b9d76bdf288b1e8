"""Count tasks, and say how long they take and how often they fail. Reads files only, with the daemon alive or dead.

Durations are of tasks that are over. The failure rate is the share of failed and timed_out among those that were tried
to an end. A date is that of the creation, in the time zone here. Moments are a time (2025-01-11T10:00:00Z), a date, a
time of day (14:10: the latest that is past), or how long ago (10min, 2day).

Examples:
  orchestrator stats
  orchestrator stats --by operation --workflow deploy-4k7q0d
  orchestrator stats --by date --from 7day --json
"""

from __future__ import annotations

import os
import sys
import time

from orchestrator.files.directory import require_directory
from orchestrator.files.moments import parse_moment
from orchestrator.files.tables import task_query
from orchestrator.files.tables.stats import GROUPS, of_table
from orchestrator.files.tables.table import TaskTable
from orchestrator.files.tables.wanted import Wanted
from orchestrator.interfaces.cli.output import data_dir, print_json, print_record, print_table, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

_MS_PER_S = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `stats` takes."""
    parser.add_argument("--by", choices=GROUPS, metavar="WHAT", help=f"a row for each: {', '.join(GROUPS)}")
    parser.add_argument("--workflow", metavar="ID", help="only tasks of this workflow (id or definition)")
    told = "only tasks with exactly this status; may be repeated"
    parser.add_argument("--status", action="append", metavar="STATUS", help=told)
    parser.add_argument("--from", dest="since", metavar="MOMENT", help="only tasks created then or later")
    parser.add_argument("--to", dest="until", metavar="MOMENT", help="only tasks created before")
    parser.add_argument("--json", action="store_true", help="print JSON; durations are milliseconds")


def run(options: argparse.Namespace) -> int:
    """Show the figures that are asked for."""
    directory, now_us = data_dir(options), time.time_ns() // 1000
    require_directory(directory)
    since_us = parse_moment(options.since, now_us) if options.since else None
    until_us = parse_moment(options.until, now_us) if options.until else None
    task_query.check_interval(since_us, until_us)
    table = TaskTable(directory)
    wanted = Wanted(
        statuses=options.status,
        workflows=task_query.workflows_meant(table, options.workflow, os.getcwd()) if options.workflow else None,
        since_us=since_us,
        until_us=until_us,
    )
    found = of_table(table, wanted, options.by)
    if options.json:
        print_json(found)
    elif isinstance(found, list):
        shown = [_folded(row) if sys.stdout.isatty() else _readable(row) for row in found]
        print_table(shown, list(shown[0]) if shown else ())
    else:
        _print_all(found)
    for text in task_query.left_out(table, table.problems, "orchestrator tasks --all"):
        say(f"warning: {text}")
    is_empty = not (found if isinstance(found, list) else found["total"])
    for text in task_query.status_warnings(directory, options.status or (), is_empty=is_empty):
        say(f"warning: {text}")
    return 0


def _print_all(found: Mapping[str, Any]) -> None:
    """The figures, and below them the counts."""
    tables = {name: rows for name, rows in found.items() if isinstance(rows, list)}
    print_record(_readable({name: value for name, value in found.items() if name not in tables}))
    for rows in tables.values():
        if rows:
            print()
            print_table(rows, list(rows[0]))


def _folded(row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` with its counts by status in one column, the last: a column each is too wide for a terminal."""
    names = list(row)
    place = names.index("failure_rate")
    rate, counts = row["failure_rate"], {name: row[name] for name in names[place + 1 :]}
    found = {name: row[name] for name in names[:place]}
    found["failed"] = None if rate is None else f"{rate:.1%}"
    return {**found, "statuses": {name: count for name, count in counts.items() if count}} if counts else found


def _readable(row: Mapping[str, Any]) -> dict[str, Any]:
    """`row` with durations in seconds and shares in per cent."""
    found = {}
    for name, value in row.items():
        if name.endswith("_ms"):
            found[name.removesuffix("_ms")] = None if value is None else f"{value / _MS_PER_S:.3f} s"
        elif name == "failure_rate":
            found[name] = None if value is None else f"{value:.1%}"
        else:
            found[name] = value
    return found
