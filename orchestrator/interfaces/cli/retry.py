"""Run tasks of a workflow again; without more all that have not succeeded. What succeeded stays done.

The pinned plan is run, as it was submitted. With --with-latest the definition is read anew: what differs is shown, and
after a yes (or with --yes) a new workflow goes on from there. It takes over the results that still hold, and its id is
printed. --diff only shows the differences. With --watch the workflow is followed to its end, and the exit code is 0
only if it succeeded.

Examples:
  orchestrator retry deploy-4k7q0d --watch
  orchestrator retry deploy-4k7q0d --from install-k8s      # it, and all that depends on it
  orchestrator retry deploy-4k7q0d --task deploy-4k7q0d.install-k8s.local.node-1
  orchestrator retry deploy-4k7q0d --diff
  orchestrator retry deploy-4k7q0d --with-latest --yes
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.definitions import add_option, parse_options
from orchestrator.interfaces.cli.output import clean, data_dir, print_json, print_table, say
from orchestrator.interfaces.cli.steering import add_watched_workflow, steered, steered_to_the_end, tasks
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from orchestrator.files.asking.latest import Latest

_COLUMNS = ("operation", "change", "what", "effect", "before", "after")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `retry` takes."""
    add_watched_workflow(parser)
    which = parser.add_mutually_exclusive_group()
    told = "this operation and all that depends on it"
    which.add_argument("--from", dest="operation", metavar="OPERATION", help=told)
    which.add_argument("--failed", action="store_true", help="only what failed or timed out itself")
    which.add_argument("--all", action="store_true", help="everything, successes too")
    which.add_argument("--task", action="append", default=[], metavar="TASK", help="this task; may be repeated")
    which.add_argument("--with-latest", action="store_true", help="go on by the definition as it is now")
    which.add_argument("--diff", action="store_true", help="show what differs in the definition now, and do nothing")
    parser.add_argument("--yes", action="store_true", help="with --with-latest: do not ask")
    add_option(parser)
    parser.add_argument("--layer", metavar="FILE", help="with --with-latest: lay this YAML file over its values")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon; follow if asked to."""
    if options.with_latest or options.diff:
        return _with_latest(options)
    for given, name in ((options.yes, "--yes"), (options.option, "--option"), (options.layer, "--layer")):
        if given:
            raise UsageError(f"{name} needs --with-latest.", "Otherwise the plan is run that was submitted.")
    arguments = {
        "workflow": options.workflow,
        "operation": options.operation,
        "tasks": options.task,
        "failed_only": options.failed,
        "everything": options.all,
    }
    if options.watch:
        return steered_to_the_end(options, "retry", arguments, _told, "succeeded")
    return steered(options, "retry", arguments, _told)


def _told(answer: dict[str, Any]) -> str:
    return f"{answer['workflow']} is {answer['status']}: {tasks(answer['tasks'])} to be run again"


def _with_latest(options: argparse.Namespace) -> int:
    from orchestrator.files.asking import latest

    directory = data_dir(options)
    layer = None if options.layer is None else os.path.abspath(options.layer)
    found = latest.look(directory, options.workflow, options=parse_options(options.option), layer=layer)
    if options.diff:
        if options.json:
            print_json(found.rows)
        else:
            _show(found)
        return 0
    _say_differences(found)
    if not options.yes:
        _ask(options.workflow)
    return _go_on(options, directory, found.request)


def _go_on(options: argparse.Namespace, directory: str, request: dict[str, Any]) -> int:
    """Submit what goes on from the workflow; its id is printed as `submit` does."""
    from orchestrator.interfaces.cli.submission import announce, send

    if options.watch:
        from orchestrator.files.journal.tail import JournalTail
        from orchestrator.interfaces.cli.follow import to_the_end

        tail = JournalTail(directory)
        answer = send(directory, request)
        announce(directory, answer)
        return to_the_end(directory, answer["workflow"], tail, state=options.json)
    answer = send(directory, request)
    if options.json:
        print_json(answer)
    else:
        sys.stdout.write(f"{answer['workflow']}\n")
    return 0


def _ask(workflow: str) -> None:
    """Raises UsageError unless the person at the terminal says yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"Nobody can be asked whether {workflow} is to go on like this.",
            "Add --yes; --diff only shows what differs.",
        )
    sys.stderr.write("Go on like this? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("Nothing was done.", f"`orchestrator retry {workflow}` runs the pinned plan again.")


def _show(found: Latest) -> None:
    """The differences as a table, on standard output."""
    shown, rest = _worth_telling(found)
    print_table(shown, _COLUMNS)
    sys.stdout.write(clean(rest) + "\n")


def _say_differences(found: Latest) -> None:
    """The differences as lines on standard error: standard output is for the id."""
    shown, rest = _worth_telling(found)
    for row in shown:
        values = f": {row['before']} -> {row['after']}" if row["change"] == "changed" else ""
        what = f" {row['what']}" if row["what"] else ""
        effect = f" ({row['effect']})" if row["effect"] else ""
        say(f"  {row['operation'] or 'the workflow'} {row['change']}{what}{values}{effect}")
    say(rest)


def _worth_telling(found: Latest) -> tuple[list[dict[str, Any]], str]:
    """(the rows that tell something, values as text; a sentence about the others)."""
    from orchestrator.files.asking.plan_diff import is_worth_telling

    told = [row for row in found.rows if is_worth_telling(row)]
    same = len(found.rows) - len(told)
    shown = [{**row, "before": _text(row["before"]), "after": _text(row["after"])} for row in told]
    if not same:
        return shown, f"No result of before is taken over by {found.path}."
    results = "the result of 1 operation" if same == 1 else f"the results of {same} operations"
    return shown, f"By {found.path} {results} that stay as they are would be taken over."


def _text(value: object) -> str | None:
    import json

    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
