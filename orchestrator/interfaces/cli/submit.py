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

import sys

from orchestrator.interfaces.cli.output import data_dir, print_json
from orchestrator.interfaces.cli.submission import add_submission, announce, send, submission
from orchestrator.model.errors import UsageError

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


def _watched(directory: str, wanted: dict[str, Any], key: str | None, *, state: bool) -> int:
    from orchestrator.files.journal.tail import JournalTail
    from orchestrator.interfaces.cli.follow import to_the_end

    tail = JournalTail(directory, from_start=key is not None)  # with a key it may have begun long ago
    answer = send(directory, wanted, key)
    announce(directory, answer)
    return to_the_end(directory, answer["workflow"], tail, state=state)
