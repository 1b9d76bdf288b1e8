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

from orchestrator.interfaces.cli import dry_run
from orchestrator.interfaces.cli.output import data_dir
from orchestrator.interfaces.cli.submit import add_environment, add_option, layer_path, parse_options

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
        return dry_run.run(options)
    from orchestrator.files import validator

    report = validator.evaluate(
        os.path.abspath(options.file),
        strict=options.strict,
        options=parse_options(options.option),
        name=options.name,
        data_dir=data_dir(options),
        environment=options.env,
        layer=layer_path(options),
        resolved=options.resolved,
    )
    if options.json:
        dry_run.print_report(report)
    else:
        dry_run.show_faults(report)
        dry_run.show_resolved(report.get("resolved", []))
        dry_run.show_verdict(report)
    return dry_run.exit_code(report)
