"""Say everything that is wrong with a definition, with the place and the remedy. Needs no daemon.

The exit code is 0 if it is valid, 65 if it is not, 69 if it could not be evaluated at all.

Examples:
  orchestrator validate deploy.k --strict
  orchestrator validate deploy.k --dry-run      # the waves it would run in
  orchestrator validate deploy.k --json
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.output import clean, data_dir, print_json
from orchestrator.interfaces.cli.submit import add_option, parse_options
from orchestrator.model.errors import DefinitionInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

#: Parts of a report that are for the daemon.
_INTERNAL = ("plan", "sources", "definition")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `validate` takes."""
    parser.add_argument("file", metavar="FILE", help="the definition (KCL)")
    parser.add_argument("--strict", action="store_true", help="check more; warnings make it invalid")
    parser.add_argument("--dry-run", action="store_true", help="show the waves it would run in")
    parser.add_argument("--name", help="with --dry-run: which workflow, if the file holds several")
    add_option(parser)
    parser.add_argument("--json", action="store_true", help="print the report")


def run(options: argparse.Namespace) -> int:
    """Ask the evaluator and show what it says."""
    from orchestrator.files import validator

    report = validator.evaluate(
        os.path.abspath(options.file),
        strict=options.strict,
        options=parse_options(options.option),
        name=options.name,
        data_dir=data_dir(options),
        want_plan=options.dry_run,
    )
    if options.json:
        print_json({key: value for key, value in report.items() if key not in _INTERNAL})
    else:
        _show(report, dry_run=options.dry_run)
    return 0 if report["valid"] else DefinitionInvalid.exit_code


def _show(report: dict[str, Any], *, dry_run: bool) -> None:
    from orchestrator.interfaces.cli.draw import draw

    sys.stdout.write(draw(report["errors"] + report["warnings"]))
    if dry_run and report.get("waves"):
        _show_waves(report["waves"])
    counts = f"{_count(report['errors'], 'error')}, {_count(report['warnings'], 'warning')}"
    verdict = "valid" if report["valid"] else "not valid"
    sys.stdout.write(f"{clean(report['file'])}: {verdict} ({counts})\n")


def _show_waves(waves: list[list[dict[str, Any]]]) -> None:
    for number, wave in enumerate(waves, start=1):
        for operation in wave:
            items = ", ".join(operation["items"])
            what = f"{operation['type']} {operation['target']} {items} on {', '.join(operation['providers'])}"
            sys.stdout.write(clean(f"wave {number}  {operation['id']}: {what}") + "\n")


def _count(found: list[object], what: str) -> str:
    return f"{len(found)} {what}{'' if len(found) == 1 else 's'}"
