"""Hand a definition to the running daemon and print the workflow's id, alone, on standard output.

Warnings about the definition go to standard error. With --watch the workflow is followed to its end, and the exit code
is 0 only if it succeeded; Ctrl-C then stops following, not the workflow.

Examples:
  id=$(orchestrator submit deploy.k)
  orchestrator submit deploy.k --env prod --option replicas=3 --priority 10
  orchestrator submit deploy.k --watch && echo deployed
  orchestrator submit backup.k --key backup-2026-03-02  # once, however often this is called
  orchestrator submit deploy.k --env prod --dry-run     # submits nothing, shows what would be done
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.arguments import priority
from orchestrator.interfaces.cli.output import data_dir, print_json, say
from orchestrator.model.errors import UsageError
from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `submit` takes."""
    add_submission(parser)
    parser.add_argument("--watch", action="store_true", help="follow it to its end")
    parser.add_argument("--dry-run", action="store_true", help="submit nothing, show what would be done (no daemon)")
    parser.add_argument("--resolved", action="store_true", help="with --dry-run: show each value, where it comes from")
    told = "a name for this request: sent again, it is not done again, and the first workflow's id is printed"
    parser.add_argument("--key", metavar="KEY", help=told)
    parser.add_argument("--json", action="store_true", help="print the whole answer; with --watch the final state")


def add_submission(parser: argparse.ArgumentParser) -> None:
    """What `submit` and `run` both take."""
    parser.add_argument("file", metavar="FILE", help="the definition (KCL)")
    parser.add_argument("--name", help="which workflow, if the file holds several")
    told = f"instead of the definition's; {PRIORITY_MIN} to {PRIORITY_MAX}, larger first"
    parser.add_argument("--priority", type=priority, metavar="N", help=told)
    add_option(parser)
    add_environment(parser)


def add_environment(parser: argparse.ArgumentParser) -> None:
    """``--env`` and ``--layer``, which whatever evaluates a definition takes."""
    told = 'what its values are for: DEFINITION.NAME.yaml is laid over them, and option("env") is NAME'
    parser.add_argument("--env", metavar="NAME", help=told)
    parser.add_argument("--layer", metavar="FILE", help="lay this YAML file over its values instead")


def layer_path(options: argparse.Namespace) -> str | None:
    """The absolute path of ``--layer``, None without it."""
    return None if options.layer is None else os.path.abspath(options.layer)


def add_option(parser: argparse.ArgumentParser) -> None:
    """``--option``, which whatever evaluates a definition takes."""
    told = "for option() in the file; VALUE is JSON or else text; may be repeated"
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help=told)


def run(options: argparse.Namespace) -> int:
    """Submit; follow if asked to."""
    if options.dry_run:
        return _dry(options)
    if options.resolved:
        raise UsageError("--resolved belongs to a dry run.", "Add --dry-run.")
    directory, wanted = data_dir(options), submission(options)
    if options.watch:
        return _watched(directory, wanted, options.key, state=options.json)
    answer = send(directory, wanted, options.key)
    if options.json:
        print_json(answer)
    else:
        sys.stdout.write(f"{answer['workflow']}\n")
    return 0


def _dry(options: argparse.Namespace) -> int:
    from orchestrator.interfaces.cli import dry_run

    if options.watch:
        raise UsageError("A dry run submits nothing that --watch could follow.", "Leave one of the two out.")
    options.strict = False  # a submission is accepted with warnings
    return dry_run.run(options)


def submission(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of the request.

    Raises:
        NotFound: the definition cannot be read.
        UsageError: an option of the definition has no proper form.
    """
    from orchestrator.files.digest import definition_digest

    path = os.path.abspath(options.file)
    return {
        "path": path,
        "digest": definition_digest(path),
        "options": parse_options(options.option),
        "name": options.name,
        "priority": options.priority,
        "environment": options.env,
        "layer": layer_path(options),
    }


def send(directory: str, wanted: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The daemon's answer to the submission `wanted`, once the workflow can be seen; warnings are told.

    `key` makes it safe to send again.
    """
    from orchestrator.files import drop
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


def parse_options(texts: list[str]) -> dict[str, object]:
    """{name: value} of ``NAME=VALUE`` texts; a value is JSON if it can be, else text.

    Raises:
        UsageError: one has another form.
    """
    import json

    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--option {text!r} is not NAME=VALUE.", "For example: --option env=prod")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _watched(directory: str, wanted: dict[str, Any], key: str | None, *, state: bool) -> int:
    from orchestrator.files.journal_tail import JournalTail
    from orchestrator.interfaces.cli.follow import to_the_end

    tail = JournalTail(directory, from_start=key is not None)  # with a key it may have begun long ago
    answer = send(directory, wanted, key)
    announce(directory, answer)
    return to_the_end(directory, answer["workflow"], tail, state=state)
