"""What the commands that steer a workflow share: asking the daemon, telling its answer, following to the end."""

from __future__ import annotations

import sys

from orchestrator.files.asking import steer
from orchestrator.interfaces.cli.output import clean, data_dir, print_json
from orchestrator.model.errors import WorkflowFailed
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """The workflow that is meant, and ``--json``."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def add_watched_workflow(parser: argparse.ArgumentParser) -> None:
    """The workflow that is meant, and how its end is told."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id")
    parser.add_argument("--watch", action="store_true", help="follow it to its end")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON; with --watch the final state")


def steered(
    options: argparse.Namespace, command: str, arguments: dict[str, Any], tell: Callable[[dict[str, Any]], str]
) -> int:
    """Ask the daemon for `command` and print what `tell` makes of its answer. Returns the exit code."""
    answer = steer.ask(data_dir(options), command, arguments)
    if options.json:
        print_json(answer)
    else:
        sys.stdout.write(clean(tell(answer)) + "\n")
    return 0


def steered_to_the_end(
    options: argparse.Namespace,
    command: str,
    arguments: dict[str, Any],
    tell: Callable[[dict[str, Any]], str],
    expected: str,
) -> int:
    """As `steered`, then follow the workflow, unless it is over: 0 if its status is `expected` in the end.

    Raises:
        WorkflowFailed: it ended otherwise.
    """
    from orchestrator.files.journal.tail import JournalTail
    from orchestrator.interfaces.cli.follow import to_the_end
    from orchestrator.interfaces.cli.output import say

    directory = data_dir(options)
    tail = JournalTail(directory)
    answer = steer.ask(directory, command, arguments)
    if answer["status"] in WORKFLOW_FINAL:  # there was nothing to do, or no time was needed
        return _at_once(options, directory, answer, tell(answer), expected)
    say(tell(answer))
    return to_the_end(directory, answer["workflow"], tail, state=options.json, expected=expected, known=True)


def _at_once(options: argparse.Namespace, directory: str, answer: dict[str, Any], told: str, expected: str) -> int:
    """Tell how a workflow stands that was over with the answer. Raises WorkflowFailed if that was not asked for."""
    is_kept = bool(answer.get("kept")) and not answer["tasks"] and answer["status"] != expected
    if options.json:
        from orchestrator.files.state.workflows import read_workflow

        print_json(read_workflow(directory, answer["workflow"]))
    elif not is_kept:
        sys.stdout.write(clean(told) + "\n")
    if is_kept:  # all of it was to be undone, and nothing can be
        raise WorkflowFailed(
            f"Workflow {answer['workflow']} is {answer['status']} as before. {answer['note']}",
            "An operation says how to undo it with rollback_command, or its provider does.",
        )
    if answer["tasks"] and answer["status"] != expected:
        raise WorkflowFailed(f"Workflow {answer['workflow']} ended as {answer['status']} at once.")
    return 0


def tasks(number: int) -> str:
    """``1 task``, ``3 tasks``."""
    return "1 task" if number == 1 else f"{number} tasks"
