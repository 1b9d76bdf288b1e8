"""List tasks: highest priority first, then oldest. Reads files only, with the daemon alive or dead.

Examples:
  orchestrator tasks --status failed --status timed_out
  orchestrator tasks --json | jq -r '.[] | select(.attempt > 1) | .id'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files.read import read_tasks
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table, say
from orchestrator.model.states import TASK_STATUS_ALIASES, TASK_STATUSES

if TYPE_CHECKING:
    import argparse

_COLUMNS = ("id", "status", "priority", "attempt", "duration_ms", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tasks` takes."""
    parser.add_argument("--status", action="append", metavar="STATUS", help="only these; may be repeated")
    parser.add_argument("--workflow", metavar="ID", help="only those of this workflow")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
    parser.add_argument("--strict", action="store_true", help="a file that cannot be read is an error")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show the rows that are asked for."""
    for status in options.status or ():
        if status not in TASK_STATUSES:
            alias = TASK_STATUS_ALIASES.get(status)
            hint = f"Here it is called {alias}." if alias else f"There are: {', '.join(TASK_STATUSES)}."
            say(f"warning: there is no status '{status}'. {hint}")
    limit = None if options.workflow else options.limit
    rows, problems = read_tasks(data_dir(options), statuses=options.status, limit=limit, strict=options.strict)
    if options.workflow:
        rows = [row for row in rows if row.get("workflow") == options.workflow][: options.limit]
    for problem in problems:
        say(f"warning: {problem['message']}")
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
    return 0
