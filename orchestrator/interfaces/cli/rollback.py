"""Undo what a workflow did, in the reverse order; what runs is stopped before.

With --to only what it did after that restore point is undone; `checkpoints` in its state.json lists them. What cannot
be undone stays, and its task says so. With --watch the workflow is followed to its end, and the exit code is 0 only if
it is rolled back then: not if nothing that it did can be undone.

Examples:
  orchestrator rollback deploy-4k7q0d --watch
  orchestrator rollback deploy-4k7q0d --to operations-5
"""

from __future__ import annotations

from orchestrator.interfaces.cli.steering import add_watched_workflow, steered, steered_to_the_end, tasks
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `rollback` takes."""
    add_watched_workflow(parser)
    parser.add_argument("--to", metavar="POINT", help="only what came after this restore point")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon; follow if asked to."""
    arguments = {"workflow": options.workflow, "to": options.to}
    if options.watch:
        return steered_to_the_end(options, "rollback", arguments, _told, "rolled_back")
    return steered(options, "rollback", arguments, _told)


def _told(answer: dict[str, Any]) -> str:
    if not answer["tasks"] and answer["status"] not in (*WORKFLOW_FINAL, "rolling_back"):
        return f"{answer['workflow']} is being stopped first; what it did is undone then"
    note = f" ({answer['note']})" if answer["note"] else ""
    if not answer["tasks"]:
        return f"{answer['workflow']} is {answer['status']}{note}"
    return f"{answer['workflow']} is {answer['status']}: {tasks(answer['tasks'])} to be undone{note}"
