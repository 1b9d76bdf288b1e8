"""How the daemon and its tasks stand. Reads files only, with the daemon alive or dead.

`running` is what the kernel says of the daemon's lock; without a daemon the exit code is 0 all the same.

Examples:
  orchestrator status
  orchestrator status --json | jq .tasks_failed
  orchestrator status --json | jq -e .running > /dev/null || orchestrator serve
"""

from __future__ import annotations

from orchestrator.files.read import read_status
from orchestrator.interfaces.cli.output import data_dir, print_json, print_record

TYPE_CHECKING = False
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
