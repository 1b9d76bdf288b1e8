"""Say how a task ended that nobody knows the end of (status unknown), so that its workflow can go on.

A task of an operation with at_most_once is not tried again when its attempt was lost with the machine: look what it
did, then say it. As succeeded what waits for it starts. As failed it is a failure like any other: the retry policy
holds, then on_failure (an operation with at_most_once has one attempt, unless it has a retry_policy of its own). To
have it tried again whatever these say: orchestrator retry WORKFLOW --task TASK

Examples:
  orchestrator resolve pay-4k7q0d.transfer.local.order-17 --as succeeded
"""

from __future__ import annotations

from orchestrator.interfaces.cli.steering import steered

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `resolve` takes."""
    parser.add_argument("task", metavar="TASK", help="its id")
    told = "how it ended"
    parser.add_argument("--as", dest="outcome", required=True, choices=("succeeded", "failed"), help=told)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon."""
    arguments = {"task": options.task, "outcome": options.outcome}
    return steered(options, "resolve", arguments, lambda answer: f"{answer['task']} is {answer['status']}")
