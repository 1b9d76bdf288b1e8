"""Look whether everything a definition declares is still as it should be (drift). Nothing is changed.

Each operation that makes or changes something is replaced by its provider's check of the same items. What nothing knows
how to check is told on standard error. The exit code is 0 if all is as it should be, 1 if something is not.

Examples:
  orchestrator check deploy.k
  orchestrator check deploy.k --env prod --json | jq '.[] | select(.state != "ok")'
"""

from __future__ import annotations

import sys
import time

from orchestrator.interfaces.cli.output import data_dir, print_json, print_table, say
from orchestrator.interfaces.cli.submission import add_submission, send, submission
from orchestrator.model.errors import WorkflowFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_COLUMNS = ("operation", "item", "provider", "state", "is")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `check` takes."""
    add_submission(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Submit the checks, wait for their end, show what they found."""
    from orchestrator.files.asking import drift

    directory = data_dir(options)
    answer = send(directory, {**submission(options), "check": True})
    workflow = answer["workflow"]
    try:
        state = drift.await_end(directory, workflow, time.sleep)
    except KeyboardInterrupt:
        say(f"The check goes on; to end it: orchestrator cancel {workflow}")
        raise
    if state["status"] == "cancelled":
        raise WorkflowFailed(f"The check {workflow} was cancelled.", "Ask again.")
    rows = drift.rows(directory, state)
    if options.json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS)
    drifted = sum(map(drift.is_drift, rows))
    if drifted:
        say(f"{drifted} of {len(rows)} not as declared. What the checks wrote: orchestrator logs {workflow}")
    sys.stdout.flush()
    return 1 if drifted else 0
