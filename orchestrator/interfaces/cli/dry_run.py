"""A dry run, for `validate` and `submit` alike: everything there is to know about a definition before it runs.

Needs no daemon and starts nothing. A person reads it from top to bottom: the waves, what waits inside them, which
values were chosen, what cannot be undone, what will bind, how long it takes. Programs get the whole report.
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.definitions import evaluation
from orchestrator.interfaces.cli.foresight import (
    duration,
    durations,
    irreversible,
    say_line,
    show_head,
    show_limits,
    show_list,
)
from orchestrator.interfaces.cli.output import data_dir
from orchestrator.interfaces.cli.report import count, exit_code, print_report, show_faults, show_resolved, show_verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

#: So many items of an operation are named.
_ITEMS_MAX = 8


def run(options: argparse.Namespace) -> int:
    """Ask the evaluator and show what it says. Returns the exit code."""
    from orchestrator.files.asking.foresight import look_ahead

    report = look_ahead(
        os.path.abspath(options.file),
        data_dir(options),
        {},
        strict=options.strict,
        resolved=options.resolved,
        dry_run=True,
        **evaluation(options),
    )
    if options.json:
        print_report(report)
    else:
        _show(report)
    return exit_code(report)


def _show(report: dict[str, Any]) -> None:
    show_faults(report)
    found = report.get("dry_run")
    if found is not None:
        for row in found["waves"]:
            say_line(_operation(row))
        show_list("what waits for more", [_wait(row) for row in found["order"]])
        if report["resolved"]:
            show_head("values")
            show_resolved(report["resolved"])
        show_list("cannot be undone", [irreversible(row) for row in found["irreversible"]])
        if found["limits"]:
            show_head("limits that will hold ready tasks back")
            show_limits(found["limits"])
        sys.stdout.write("\n")
        say_line(_total(found))
    show_verdict(report)


def _operation(row: dict[str, Any]) -> str:
    items, more = row["items"][:_ITEMS_MAX], len(row["items"]) - _ITEMS_MAX
    named = ", ".join(items) + (f" and {more} more" if more > 0 else "")
    what = " ".join(part for part in (row["type"], row["target"], named) if part)
    added = f" (added: {row['inserted']})" if row["inserted"] else ""
    return f"wave {row['wave']}  {row['operation']}: {what} on {', '.join(row['providers'])}{added}"


def _wait(row: dict[str, Any]) -> str:
    how = "" if row["type"] == "hard" else f", {row['type']}"
    condition = f", when {row['condition']} (within {duration(row['timeout_ms'])})" if row["condition"] else ""
    return f"{row['what']} after {row['after']}{how}{condition}"


def _total(found: dict[str, Any]) -> str:
    end = "about" if found["status"] == "succeeded" else f"would be {found['status']} after about"
    why = f" ({found['reason']})" if found["reason"] else ""
    peak = f"at most {found['peak']['tasks']} at a time of {found['max_running']} possible"
    tasks, known = count(found["tasks"], "task"), durations(found["durations"])
    return f"{end} {duration(found['total_ms'])}{why}: {tasks}, {peak}; durations: {known}"
