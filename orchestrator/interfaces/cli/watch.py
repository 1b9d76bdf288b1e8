"""Follow every change as it happens, from the journal. Ends on Ctrl-C.

A line is: time, new status, task (or workflow), why. With --json each line is an object that also has the previous
status and the seq of its record; --from EPOCH:SEQ goes on behind a record that was seen.

Examples:
  orchestrator watch
  orchestrator watch --workflow deploy-4k7q0d --until-done
  orchestrator watch --json | jq -c 'select(.status == "failed")'
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from orchestrator.files.journal_tail import JournalTail, rows
from orchestrator.interfaces.cli import submit
from orchestrator.interfaces.cli.output import data_dir, print_json
from orchestrator.interfaces.cli.progress import print_line
from orchestrator.model.errors import UsageError

if TYPE_CHECKING:
    import argparse

_POLL_S = 0.005


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `watch` takes."""
    parser.add_argument("--workflow", metavar="ID", help="only this workflow")
    parser.add_argument("--until-done", action="store_true", help="from its beginning to its end; needs --workflow")
    parser.add_argument("--from", dest="cursor", metavar="EPOCH:SEQ", help="begin behind this record")
    parser.add_argument("--json", action="store_true", help="an object a line")


def run(options: argparse.Namespace) -> int:
    """Follow until Ctrl-C, or until the workflow is over."""
    directory = data_dir(options)
    if options.until_done:
        if not options.workflow:
            raise UsageError("--until-done needs --workflow.", "Say which: orchestrator workflows lists them.")
        return submit.watch(directory, options.workflow)
    tail = JournalTail(directory, options.cursor)
    while True:
        records = tail.poll()
        for record in records:
            for row in rows(record):
                if options.workflow in (None, row["workflow"]):
                    _show(row, as_json=options.json)
        if not records:
            time.sleep(_POLL_S)


def _show(row: dict[str, Any], *, as_json: bool) -> None:
    if not as_json:
        print_line(row)
    elif row["status"] != row["previous_status"]:
        print_json(row, indent=None)
        sys.stdout.flush()
