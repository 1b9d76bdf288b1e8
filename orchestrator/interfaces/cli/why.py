"""Say why a task or a workflow does not go on, or how it ended. Reads files only, with the daemon alive or dead.

First in a sentence, then link by link: each waits for the next one, down to the root of it. For a workflow that is not
over the lines are its reasons, with the number of tasks that each of them holds up. docs/why.md tells of each kind.

Examples:
  orchestrator why deploy-4k7q0d
  orchestrator why deploy-4k7q0d.install-base.local.os
  orchestrator why deploy-4k7q0d --json | jq -r '.chain[-1].unblocks'
"""

from __future__ import annotations

import sys

from orchestrator.files.why.answer import why
from orchestrator.files.why.words import subject_of
from orchestrator.interfaces.cli.output import clean, data_dir, print_json, print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

_COLUMNS = ("level", "kind", "of", "status", "what")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `why` takes."""
    parser.add_argument("subject", metavar="TASK_OR_WORKFLOW", help="its id")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show the sentence, the chain, and what would unblock its root."""
    answer = why(data_dir(options), options.subject, verb="orchestrator")
    if options.json:
        print_json(answer)
        return 0
    sys.stdout.write(clean(answer["sentence"]) + "\n")
    chain = answer["chain"]
    print_table([{**row, "of": _of(row)} for row in chain], _COLUMNS)
    first = next((row for row in chain if row["kind"] in ("lock", "disk", "drain", "pause")), chain[-1])
    if first["unblocks"]:
        sys.stdout.write(f"-> {clean(first['unblocks'])}\n")
    return 0


def _of(row: dict[str, Any]) -> str | None:
    """What a row is about, with the number of those that are like it."""
    others = f" (+{row['count'] - 1})" if row["count"] > 1 else ""
    return f"{subject_of(row)}{others}" or None
