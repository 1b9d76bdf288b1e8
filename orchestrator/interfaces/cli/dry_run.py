"""A dry run, for `validate` and `submit` alike: everything there is to know about a definition before it runs.

Needs no daemon and starts nothing. A person reads it from top to bottom: the waves, what waits inside them, which
values were chosen, what cannot be undone, what will bind, how long it takes. Programs get the whole report.
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.foresight import duration, durations, irreversible, show_limits
from orchestrator.interfaces.cli.output import clean, data_dir, print_json, print_table
from orchestrator.interfaces.cli.submit import layer_path, parse_options
from orchestrator.model.errors import DefinitionInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

#: Parts of a report that are for the daemon.
_INTERNAL = ("plan", "sources", "definition")

#: So many items of an operation are named.
_ITEMS_MAX = 8


def run(options: argparse.Namespace) -> int:
    """Ask the evaluator and show what it says. Returns the exit code."""
    from orchestrator.files.foresight import look_ahead

    report = look_ahead(
        os.path.abspath(options.file),
        data_dir(options),
        {},
        strict=options.strict,
        options=parse_options(options.option),
        name=options.name,
        environment=options.env,
        layer=layer_path(options),
        resolved=options.resolved,
        dry_run=True,
    )
    if options.json:
        print_report(report)
    else:
        _show(report)
    return exit_code(report)


def exit_code(report: dict[str, Any]) -> int:
    """0 if the definition is valid."""
    return 0 if report["valid"] else DefinitionInvalid.exit_code


def print_report(report: dict[str, Any]) -> None:
    """The report as JSON, without what is for the daemon."""
    print_json({key: value for key, value in report.items() if key not in _INTERNAL})


def show_faults(report: dict[str, Any]) -> None:
    """Errors and warnings, drawn."""
    from orchestrator.interfaces.cli.draw import draw

    sys.stdout.write(draw(report["errors"] + report["warnings"]))


def show_resolved(rows: Iterable[dict[str, Any]]) -> None:
    """Values and where they come from, as a table."""
    import json

    shown = [{**row, "value": json.dumps(row["value"], ensure_ascii=False)} for row in rows]
    print_table(shown, ("path", "origin", "value"))


def show_verdict(report: dict[str, Any]) -> None:
    """Whether it is valid, on a line."""
    counts = f"{_count(len(report['errors']), 'error')}, {_count(len(report['warnings']), 'warning')}"
    verdict = "valid" if report["valid"] else "not valid"
    _say(f"{report['file']}: {verdict} ({counts})")


def _show(report: dict[str, Any]) -> None:
    show_faults(report)
    found = report.get("dry_run")
    if found is not None:
        for row in found["waves"]:
            _say(_operation(row))
        _list("what waits for more", [_wait(row) for row in found["order"]])
        if report["resolved"]:
            _head("values")
            show_resolved(report["resolved"])
        _list("cannot be undone", [irreversible(row) for row in found["irreversible"]])
        if found["limits"]:
            _head("limits that will hold ready tasks back")
            show_limits(found["limits"])
        sys.stdout.write("\n")
        _say(_total(found))
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
    tasks, known = _count(found["tasks"], "task"), durations(found["durations"])
    return f"{end} {duration(found['total_ms'])}{why}: {tasks}, {peak}; durations: {known}"


def _list(title: str, lines: list[str]) -> None:
    if lines:
        _head(title)
    for line in lines:
        _say(f"  {line}")


def _head(title: str) -> None:
    sys.stdout.write(f"\n{title}:\n")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _say(text: str) -> None:
    sys.stdout.write(clean(text) + "\n")
