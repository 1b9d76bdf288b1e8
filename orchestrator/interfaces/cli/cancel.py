"""End a workflow: running tasks are stopped, waiting ones never start. What was done stays done.

Examples:
  orchestrator cancel deploy-4k7q0d
"""

from __future__ import annotations

import sys

from orchestrator.files import drop
from orchestrator.interfaces.cli.output import data_dir, print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `cancel` takes."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon."""
    answer = drop.send(data_dir(options), "cancel", {"workflow": options.workflow})
    if options.json:
        print_json(answer)
    else:
        done = "is cancelled" if answer["status"] == "cancelled" else "is being cancelled"
        sys.stdout.write(f"{answer['workflow']} {done}\n")
    return 0
