"""Handing a definition in, which `submit`, `run`, `check` and `retry` do alike."""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.arguments import priority
from orchestrator.interfaces.cli.definitions import add_environment, add_option, evaluation
from orchestrator.interfaces.cli.output import say
from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_submission(parser: argparse.ArgumentParser) -> None:
    """What they take of it."""
    parser.add_argument("file", metavar="FILE", help="the definition (KCL)")
    parser.add_argument("--name", help="which workflow, if the file holds several")
    told = f"instead of the definition's; {PRIORITY_MIN} to {PRIORITY_MAX}, larger first"
    parser.add_argument("--priority", type=priority, metavar="N", help=told)
    add_option(parser)
    add_environment(parser)


def submission(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the request.

    Raises:
        NotFound: the definition cannot be read.
        UsageError: an option of the definition has no proper form.
    """
    from orchestrator.files.asking.digest import definition_digest

    path = os.path.abspath(options.file)
    return {
        "path": path,
        "digest": definition_digest(path),
        "priority": options.priority,
        **evaluation(options),
    }


def send(directory: str, wanted: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The daemon's answer to the submission `wanted`, once the workflow can be seen; warnings are told.

    `key` makes it safe to send again.
    """
    from orchestrator.files.asking import drop
    from orchestrator.interfaces.cli.settle import await_files, state_path

    answer = drop.send(directory, "submit", wanted, key=key)
    await_files(directory, {state_path(directory, answer["workflow"]): 1})
    if answer["warnings"]:
        from orchestrator.interfaces.cli.draw import draw

        sys.stderr.write(draw(answer["warnings"]))
    return answer


def announce(directory: str, answer: dict[str, Any]) -> None:
    """Say what was accepted, and where its files are, to who follows it."""
    workflow, tasks = answer["workflow"], answer["tasks"]
    what = "1 task" if tasks == 1 else f"{tasks} tasks"
    say(f"workflow {workflow}, {what}, files in {directory}/workflows/{workflow}")
