"""How the daemon and its tasks stand. Reads files only, with the daemon alive or dead.

Examples:
  orchestrator status
  orchestrator status --json | jq .tasks_failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files.read import read_status
from orchestrator.interfaces.cli.output import data_dir, print_json, print_record

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `status` takes."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show status.json, with what is so now."""
    status = read_status(data_dir(options))
    if options.json:
        print_json(status)
    else:
        print_record(status)
    return 0
