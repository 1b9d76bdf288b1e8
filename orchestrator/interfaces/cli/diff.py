"""Show what changed between two moments. Reads files only, with the daemon alive or dead.

A line for each task and workflow whose status, attempt or reason is another than it was, in the order in which they
began to change; CHANGE is `attempt` or `reason` where the status is the same. What changed and changed back is left
out (`orchestrator watch` tells every step). Moments are those of `orchestrator at`, each as one word or in quotes;
without the second it is now.

Examples:
  orchestrator diff 10min
  orchestrator diff "2025-01-11 10:00" "2025-01-11 11:00" --workflow deploy-4k7q0d
  orchestrator diff 3 42 --json | jq -r '.[] | select(.status == "failed") | .id'
"""

from __future__ import annotations

import os
import sys
import time

from orchestrator.files.moments import parse_position
from orchestrator.files.past.diff import changes_between
from orchestrator.interfaces.cli.output import data_dir, print_json, print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

_COLUMNS_SEEN = ("last_at", "id", "change", "reason")
_COLUMNS = ("last_at", "kind", "id", "change", "previous_status", "status", "attempt", "reason")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `diff` takes."""
    parser.add_argument("since", metavar="FROM", help="the earlier moment: a time, how long ago, a seq or a cursor")
    parser.add_argument("until", metavar="TO", nargs="?", default="now", help="the later moment (default: now)")
    parser.add_argument("--workflow", metavar="ID", help="only this workflow (id or definition) and its tasks")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show a row for each change."""
    now_us = time.time_ns() // 1000
    since, until = parse_position(options.since, now_us), parse_position(options.until, now_us)
    rows = changes_between(data_dir(options), since, until, workflow=options.workflow, cwd=os.getcwd())
    if options.json:
        print_json(rows)
    elif sys.stdout.isatty():
        print_table([{**row, "change": _told(row)} for row in rows], _COLUMNS_SEEN)
    else:
        print_table(rows, _COLUMNS)
    return 0


def _told(row: Mapping[str, Any]) -> str:
    """What is another, in a few words: the columns that tell it apart are too wide for a terminal."""
    if row["change"] == "changed":
        return f"{row['previous_status']} -> {row['status']}"
    words = {"appeared": "new", "attempt": f"attempt {row['attempt']}", "reason": "as before"}
    return f"{words.get(row['change'], row['change'])}: {row['status']}"
