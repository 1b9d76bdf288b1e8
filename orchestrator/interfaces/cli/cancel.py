"""End a workflow: running tasks are stopped, waiting ones never start. What was done stays done.

The answer comes when the workflow is cancelled, or after two seconds if what runs takes longer to stop.

Examples:
  orchestrator cancel deploy-4k7q0d
"""

from __future__ import annotations

import sys

from orchestrator.files.asking import steer
from orchestrator.interfaces.cli.output import clean, data_dir, print_json
from orchestrator.interfaces.cli.steering import add_workflow
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `cancel` takes."""
    add_workflow(parser)


def run(options: argparse.Namespace) -> int:
    """Ask the daemon."""
    answer = steer.cancel(data_dir(options), options.workflow)
    if options.json:
        print_json(answer)
    else:
        is_over = answer["status"] in WORKFLOW_FINAL
        done = f"is {answer['status']}" if is_over else "is being cancelled: what runs of it has been told to stop"
        sys.stdout.write(clean(f"{answer['workflow']} {done}") + "\n")
    return 0
