"""List tasks: highest priority first, then oldest. Reads files only, with the daemon alive or dead.

A file that cannot be read is left out with a warning; --all shows it as a row, --strict makes it an error.

Examples:
  orchestrator tasks --status failed --status timed_out
  orchestrator tasks --workflow deploy-4k7q0d --limit 20
  orchestrator tasks --json | jq -r '.[] | select(.attempt > 1) | .id'
"""

from __future__ import annotations

from orchestrator.files.read import read_tasks
from orchestrator.files.rows import CORRUPT
from orchestrator.interfaces.cli.arguments import count
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table, say
from orchestrator.model.states import TASK_STATUS_ALIASES, TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

_COLUMNS = ("id", "status", "priority", "attempt", "duration_ms", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tasks` takes."""
    told = "only tasks with exactly this status; may be repeated"
    parser.add_argument("--status", action="append", metavar="STATUS", help=told)
    parser.add_argument("--workflow", metavar="ID", help="only those of this workflow")
    parser.add_argument("--limit", type=count, metavar="N", help="at most so many")
    parser.add_argument("--all", action="store_true", help="also files that cannot be read, with status `corrupt`")
    parser.add_argument("--strict", action="store_true", help="a file that cannot be read is an error")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show the rows that are asked for."""
    directory = data_dir(options)
    limit = None if options.workflow else options.limit
    rows, problems = read_tasks(
        directory, statuses=options.status, limit=limit, strict=options.strict, all_rows=options.all
    )
    if options.workflow:
        rows = [row for row in rows if row.get("workflow") == options.workflow][: options.limit]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
    _warn(directory, options.status or (), rows, problems)
    return 0


def _warn(directory: str, statuses: Sequence[str], rows: list[dict[str, Any]], problems: list[dict[str, Any]]) -> None:
    """Say what the table does not tell."""
    for status in statuses:
        if status not in (*TASK_STATUSES, CORRUPT):
            alias = TASK_STATUS_ALIASES.get(status.lower(), status.lower())
            known = (
                f"The word here is '{alias}'." if alias in TASK_STATUSES else f"There are: {', '.join(TASK_STATUSES)}."
            )
            say(f"warning: No task has status '{status}'. {known}")
    if problems:
        what = "1 task file cannot" if len(problems) == 1 else f"{len(problems)} task files cannot"
        say(f"warning: {what} be read (--all shows which). {problems[0]['message']}")
    stale = sum(bool(row.get("stale")) for row in rows)
    if stale:
        what = "1 task that is" if stale == 1 else f"{stale} tasks that are"
        say(f"warning: No daemon runs on {directory}: {what} shown as running may have ended since.")
