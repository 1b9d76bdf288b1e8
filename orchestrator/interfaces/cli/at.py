"""Show the state as it was at an earlier moment. Reads files only, with the daemon alive or dead.

The moment is a time ("2025-01-11 10:00" in local time, 2025-01-11T10:00:00Z, 2025-01-11, yesterday), how long ago
(10min, "1hr 30min"), a time of day (14:10:00, "today 14:10"; alone the latest that is past), the seq of a record (42)
or a cursor (3:42, and so 14:10 is one). At a time the state is the one behind the last record whose time is not after
it. What was archived since is there as it was.

Examples:
  orchestrator at 10min ago
  orchestrator at yesterday 9:05 --status running --status waiting_retry
  orchestrator at 42 --json | jq -r '.tasks[] | select(.attempt > 1) | .id'
"""

from __future__ import annotations

import os
import sys
import time

from orchestrator.files.moments import parse_position
from orchestrator.files.past.state import nothing_yet, state_at
from orchestrator.files.tables.task_query import unknown_statuses
from orchestrator.interfaces.cli.arguments import limit
from orchestrator.interfaces.cli.output import data_dir, print_json, print_record, print_table, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_COUNTS = ("time", "seq", "cursor", "tasks_pending", "tasks_running", "tasks_completed", "tasks_failed")
_WORKFLOW_COLUMNS = ("id", "status", "tasks", "created_at", "finished_at", "reason")
_TASK_COLUMNS = ("id", "status", "priority", "attempt", "started_at", "reason")
_TASK_COLUMNS_SEEN = ("id", "status", "attempt", "started_at", "reason")  # a terminal has no room for more


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `at` takes."""
    parser.add_argument("moment", nargs="+", metavar="MOMENT", help="a time, how long ago, a seq or a cursor")
    told = "only tasks with exactly this status; may be repeated"
    parser.add_argument("--status", action="append", metavar="STATUS", help=told)
    parser.add_argument("--workflow", metavar="ID", help="only this workflow (id or definition) and its tasks")
    parser.add_argument("--limit", type=limit, metavar="N", help="at most so many tasks")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show the counts, the workflows and the tasks."""
    position = parse_position(" ".join(options.moment), time.time_ns() // 1000)
    directory = data_dir(options)
    state = state_at(
        directory,
        position,
        workflow=options.workflow,
        cwd=os.getcwd(),
        statuses=options.status,
        limit=options.limit,
    )
    if options.json:
        print_json(state)
    else:
        print_record({name: state[name] for name in _COUNTS})
        of_tasks = _TASK_COLUMNS_SEEN if sys.stdout.isatty() else _TASK_COLUMNS
        for rows, columns in ((state["workflows"], _WORKFLOW_COLUMNS), (state["tasks"], of_tasks)):
            if rows:
                sys.stdout.write("\n")
                print_table(rows, columns)
    if state["seq"] == 0 and position.seq is None:
        say(f"warning: {nothing_yet(directory)}")
    for sentence in unknown_statuses(options.status or ()):
        say(f"warning: {sentence}")
    return 0
