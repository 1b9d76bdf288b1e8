"""List workflows, newest first. Reads files only, with the daemon alive or dead.

Examples:
  orchestrator workflows
  orchestrator workflows --json | jq -r '.[0].id'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files.read import list_workflows
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table

if TYPE_CHECKING:
    import argparse

_COLUMNS = ("id", "status", "tasks", "created_at", "duration_ms", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `workflows` takes."""
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show a row for each workflow."""
    rows = list_workflows(data_dir(options))[: options.limit]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
    return 0
