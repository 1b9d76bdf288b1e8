"""Say everything that is wrong with a definition, with the place and the remedy. Needs no daemon.

With --dry-run it also says what would be done: the waves, what waits inside them, values that were chosen from outside,
what cannot be undone, which limits will bind, how long it takes. `orchestrator submit --dry-run` is the same.
The exit code is 0 if the definition is valid, 65 if it is not, 69 if it could not be evaluated at all.

Examples:
  orchestrator validate deploy.k --strict
  orchestrator validate deploy.k --env prod --dry-run      # what would be done
  orchestrator validate deploy.k --env prod --resolved     # where each value comes from
  orchestrator validate deploy.k --dry-run --json | jq .dry_run.total_ms
"""

from __future__ import annotations

import os

from orchestrator.interfaces.cli.definitions import add_environment, add_option, evaluation
from orchestrator.interfaces.cli.output import data_dir
from orchestrator.interfaces.cli.report import exit_code, print_report, show_faults, show_resolved, show_verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `validate` takes."""
    parser.add_argument("file", metavar="FILE", help="the definition (KCL)")
    parser.add_argument("--strict", action="store_true", help="check more; warnings make it invalid")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, in which order")
    parser.add_argument("--name", help="with --dry-run: which workflow, if the file holds several")
    parser.add_argument("--resolved", action="store_true", help="show each value and where it comes from")
    add_option(parser)
    add_environment(parser)
    parser.add_argument("--json", action="store_true", help="print the report")


def run(options: argparse.Namespace) -> int:
    """Ask the evaluator and show what it says."""
    if options.dry_run:
        from orchestrator.interfaces.cli import dry_run

        return dry_run.run(options)
    from orchestrator.files.asking import validator

    report = validator.evaluate(
        os.path.abspath(options.file),
        strict=options.strict,
        data_dir=data_dir(options),
        resolved=options.resolved,
        **evaluation(options),
    )
    if options.json:
        print_report(report)
    else:
        show_faults(report)
        show_resolved(report.get("resolved", []))
        show_verdict(report)
    return exit_code(report)
