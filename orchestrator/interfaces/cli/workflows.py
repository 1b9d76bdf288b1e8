"""List workflows, newest first. Reads files only, with the daemon alive or dead.

Examples:
  orchestrator workflows --limit 5
  orchestrator workflows --json | jq -r '.[0].id'
"""

from __future__ import annotations

from orchestrator.files.read import list_workflows
from orchestrator.interfaces.cli.arguments import count
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_COLUMNS = ("id", "status", "tasks", "created_at", "duration_ms", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `workflows` takes."""
    parser.add_argument("--limit", type=count, metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show a row for each workflow."""
    directory = data_dir(options)
    rows = list_workflows(directory)[: options.limit]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
    if any(row["stale"] for row in rows):
        say(f"warning: No daemon runs on {directory}: workflows that are not over go on with the next one.")
    return 0
