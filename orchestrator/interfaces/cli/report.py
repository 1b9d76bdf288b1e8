"""What an evaluation reports, as it is printed: by `validate`, a dry run, and `simulate` where it comes to nothing."""

from __future__ import annotations

import sys

from orchestrator.interfaces.cli.output import clean, print_json, print_table
from orchestrator.model.errors import DefinitionInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: Parts of a report that are for the daemon.
_INTERNAL = ("plan", "sources", "definition")


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
    counts = f"{count(len(report['errors']), 'error')}, {count(len(report['warnings']), 'warning')}"
    verdict = "valid" if report["valid"] else "not valid"
    sys.stdout.write(f"{clean(report['file'])}: {verdict} ({counts})\n")


def count(number: int, what: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
