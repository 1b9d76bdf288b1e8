"""List workflows, newest first. Reads files only, with the daemon alive or dead.

A workflow whose file cannot be read is shown with status `corrupt`; --all also shows those in the archive.

Examples:
  orchestrator workflows --limit 5
  orchestrator workflows --status failed --status rolled_back
  orchestrator workflows --all --json | jq -r '.[] | select(.archived) | .id'
"""

from __future__ import annotations

from orchestrator.files.directory import require_directory
from orchestrator.files.state.status_words import told_of
from orchestrator.files.state.workflows import list_workflows
from orchestrator.interfaces.cli.arguments import limit
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table, say
from orchestrator.model.states import WORKFLOW_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_COLUMNS = ("id", "status", "tasks", "created_at", "duration_ms", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `workflows` takes."""
    told = "only those with exactly this status; may be repeated"
    parser.add_argument("--status", action="append", metavar="STATUS", help=told)
    parser.add_argument("--limit", type=limit, metavar="N", help="at most so many")
    parser.add_argument("--all", action="store_true", help="also those in the archive")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show a row for each workflow."""
    directory = data_dir(options)
    require_directory(directory)
    rows = list_workflows(directory, archived=options.all)
    if options.status:
        rows = [row for row in rows if row["status"] in options.status]
    rows = rows[: options.limit]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
    for sentence in told_of(options.status or (), "workflow", WORKFLOW_STATUSES):
        say(f"warning: {sentence}")
    if any(row["stale"] for row in rows):
        say(f"warning: No daemon runs on {directory}: workflows that are not over go on with the next one.")
    return 0
