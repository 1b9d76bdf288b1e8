"""Hand a definition to the running daemon and print the workflow's id.

Examples:
  id=$(orchestrator submit deploy.k)
  orchestrator submit deploy.k --option env=prod --priority 10 --watch
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.interfaces.cli.output import data_dir, print_json, say
from orchestrator.model.errors import UsageError, WorkflowFailed

if TYPE_CHECKING:
    import argparse

#: A definition may take seconds to evaluate, and others may be before it.
TIMEOUT_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `submit` takes."""
    add_submission(parser)
    parser.add_argument("--watch", action="store_true", help="follow it to its end; the exit code tells the outcome")
    parser.add_argument("--json", action="store_true", help="print the whole answer")


def add_submission(parser: argparse.ArgumentParser) -> None:
    """What `submit` and `run` both take."""
    parser.add_argument("file", metavar="FILE", help="the definition (KCL)")
    parser.add_argument("--name", help="which workflow, if the file holds several")
    parser.add_argument("--priority", type=int, help="from -1000 to 1000, instead of the definition's")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="for option() in the file")


def run(options: argparse.Namespace) -> int:
    """Submit; follow if asked to."""
    directory = data_dir(options)
    answer = send(directory, options)
    if options.json:
        print_json(answer)
    elif not options.watch:
        sys.stdout.write(f"{answer['workflow']}\n")
    return watch(directory, answer["workflow"]) if options.watch else 0


def send(directory: str, options: argparse.Namespace) -> dict[str, Any]:
    """The daemon's answer to the submission; warnings are told."""
    from orchestrator.files import drop
    from orchestrator.interfaces.cli.draw import draw

    arguments = {
        "path": os.path.abspath(options.file),
        "options": dict(parse_option(text) for text in options.option),
        "name": options.name,
        "priority": options.priority,
    }
    answer = drop.send(directory, "submit", arguments, timeout_s=TIMEOUT_S)
    sys.stderr.write(draw(answer["warnings"]))
    return answer


def watch(directory: str, workflow: str) -> int:
    """Show `workflow` until its end. 0 if it succeeded.

    Raises:
        WorkflowFailed: it ended otherwise.
    """
    from orchestrator.interfaces.cli.follow import follow
    from orchestrator.interfaces.cli.progress import progress

    try:
        with progress() as show:
            state = follow(directory, workflow, show)
    except KeyboardInterrupt:
        say(f"{workflow} goes on.")
        say(f"  to see it again: orchestrator watch --workflow {workflow} --until-done")
        say(f"  to end it:       orchestrator cancel {workflow}")
        raise
    if state["status"] == "succeeded":
        return 0
    reason = f": {state['reason']}" if state.get("reason") else ""
    raise WorkflowFailed(
        f"Workflow {workflow} ended as {state['status']}{reason}.", f"See: orchestrator logs {workflow} --failed"
    )


def parse_option(text: str) -> tuple[str, object]:
    """(name, value) of ``NAME=VALUE``; the value is JSON if it can be, else text."""
    import json

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--option {text!r} is not NAME=VALUE.", "For example: --option env=prod")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
