"""Follow every change as it happens, with the daemon alive or dead. Ends on Ctrl-C.

A line is: time, new status, task (or workflow), why. With --json each line is an object that also has the previous
status and the seq of its record; --from EPOCH:SEQ goes on behind a record that was seen, 0:0 is before everything.

With --until-done one workflow is shown from its beginning to its end, and the exit code is 0 only if it succeeded.

Examples:
  orchestrator watch
  orchestrator watch --workflow deploy-4k7q0d --until-done
  orchestrator watch --json | jq -c 'select(.status == "failed")'
"""

from __future__ import annotations

import time

from orchestrator.interfaces.cli.output import data_dir, say
from orchestrator.interfaces.cli.progress import print_line, print_row
from orchestrator.model.errors import CursorLost, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `watch` takes."""
    parser.add_argument("--workflow", metavar="ID", help="only this workflow")
    parser.add_argument("--until-done", action="store_true", help="from its beginning to its end; needs --workflow")
    parser.add_argument("--from", dest="cursor", metavar="EPOCH:SEQ", help="begin behind this record")
    parser.add_argument("--json", action="store_true", help="an object a line")


def run(options: argparse.Namespace) -> int:
    """Follow until Ctrl-C, or until the workflow is over."""
    if options.until_done:
        return _until_done(options)
    from orchestrator.files.changes import follow
    from orchestrator.files.known import require_workflow

    show = print_row if options.json else print_line
    directory = data_dir(options)
    changes = follow(directory, options.cursor)
    if options.workflow is not None:
        require_workflow(directory, options.workflow)
    while True:
        try:
            found = changes.poll()
        except CursorLost as lost:  # told, because what was shown before is not so; the next poll goes on behind it
            say(f"warning: {lost.message}")
            continue
        for row in found:
            if options.workflow in (None, row["workflow"]):
                show(row)
        if not found:
            time.sleep(changes.pause_s)


def _until_done(options: argparse.Namespace) -> int:
    from orchestrator.files.journal_tail import JournalTail
    from orchestrator.files.known import require_workflow
    from orchestrator.interfaces.cli.follow import to_the_end

    if not options.workflow:
        raise UsageError("--until-done needs --workflow.", "`orchestrator workflows` lists the workflows there are.")
    if options.cursor:
        raise UsageError("--until-done begins at the beginning.", "Leave --from out.")
    directory = data_dir(options)
    tail = JournalTail(directory, from_start=True)
    require_workflow(directory, options.workflow)
    return to_the_end(directory, options.workflow, tail, lines=options.json)
