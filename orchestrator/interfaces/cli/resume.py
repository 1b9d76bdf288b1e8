"""Go on with a paused workflow, where it was paused.

Examples:
  orchestrator resume deploy-4k7q0d
"""

from __future__ import annotations

from orchestrator.interfaces.cli.steering import add_workflow, steered

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `resume` takes."""
    add_workflow(parser)


def run(options: argparse.Namespace) -> int:
    """Ask the daemon."""
    arguments = {"workflow": options.workflow}
    return steered(options, "resume", arguments, lambda answer: f"{answer['workflow']} is {answer['status']}")
