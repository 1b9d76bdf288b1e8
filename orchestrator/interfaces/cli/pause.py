"""Pause a workflow: nothing new of it starts, delays stand still, what runs goes on to its end.

With --now what runs is stopped, too, and begun again when the workflow is resumed; that costs no try. A paused workflow
stays so until it is resumed or cancelled, whatever becomes of the daemon.

Examples:
  orchestrator pause deploy-4k7q0d
  orchestrator pause deploy-4k7q0d --now
"""

from __future__ import annotations

from orchestrator.interfaces.cli.steering import add_workflow, steered

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `pause` takes."""
    add_workflow(parser)
    parser.add_argument("--now", action="store_true", help="also stop what runs, to be begun again")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon."""
    arguments = {"workflow": options.workflow, "now": options.now}
    return steered(options, "pause", arguments, lambda answer: f"{answer['workflow']} is {answer['status']}")
