"""Play a definition through before it runs: how long, in which order, what holds it up. Nothing is started.

The rules are the engine's own, on a clock that jumps. How long a task takes is known from earlier runs in the data
directory, or else assumed. NAME is an operation, an item, or OPERATION/ITEM. With --fail it shows what a failure would
lead to. The exit code is 0 if the workflow would end as it should, or a failure was asked for; else 1.

Examples:
  orchestrator simulate deploy.k
  orchestrator simulate deploy.k --with install-k8s=2x --with os=90s --max-running 4
  orchestrator simulate deploy.k --env prod --fail cilium
  orchestrator simulate deploy.k --json | jq '.critical_path[].task'
"""

from __future__ import annotations

import os

from orchestrator.interfaces.cli.arguments import positive
from orchestrator.interfaces.cli.definitions import add_environment, add_option, evaluation
from orchestrator.interfaces.cli.foresight import (
    duration,
    durations,
    irreversible,
    say_line,
    show_head,
    show_limits,
    show_list,
    show_path,
)
from orchestrator.interfaces.cli.output import data_dir, print_json
from orchestrator.interfaces.cli.report import print_report, show_faults
from orchestrator.model.errors import DefinitionInvalid, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `simulate` takes."""
    parser.add_argument("file", metavar="FILE", help="the definition (KCL)")
    parser.add_argument("--name", help="which workflow, if the file holds several")
    add_option(parser)
    add_environment(parser)
    told = "what if it took longer: a factor (2x) or a time (90s, 5m); may be repeated"
    parser.add_argument("--with", dest="factors", action="append", default=[], metavar="NAME=CHANGE", help=told)
    told = "what if it failed: in all attempts, or the first N; may be repeated"
    parser.add_argument("--fail", action="append", default=[], metavar="NAME[=N]", help=told)
    parser.add_argument("--max-running", type=positive, metavar="N", help="tasks at a time; else as configured")
    told = "tasks at a time on one provider; may be repeated"
    parser.add_argument("--provider-limit", action="append", default=[], metavar="NAME=N", help=told)
    parser.add_argument("--assume", metavar="SECONDS", help="for tasks of which nothing is known (60)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Ask the evaluator for the forecast and show it."""
    report = _ask(options)
    found = report.get("forecast")
    if found is None:
        return _invalid(report, as_json=options.json)
    if options.json:
        print_json(found)
    else:
        _show(found)
    return 0 if found["status"] == "succeeded" or options.fail else 1


def _ask(options: argparse.Namespace) -> dict[str, Any]:
    from orchestrator.files.asking.foresight import look_ahead

    return look_ahead(
        os.path.abspath(options.file),
        data_dir(options),
        _wanted(options),
        **evaluation(options),
    )


def _wanted(options: argparse.Namespace) -> dict[str, Any]:
    """The assumptions that are asked for. Raises UsageError."""
    limits = [_pair(text, "--provider-limit", "--provider-limit local=4") for text in options.provider_limit]
    wanted: dict[str, Any] = {
        "factors": dict(_pair(text, "--with", "--with install-k8s=2x") for text in options.factors),
        "failures": dict(_failure(text) for text in options.fail),
        "provider_limits": {name: _number(text, "--provider-limit") for name, text in limits},
    }
    if options.max_running is not None:
        wanted["max_running"] = options.max_running
    if options.assume is not None:
        wanted["assumed_ms"] = seconds_ms(options.assume)
    return wanted


def seconds_ms(text: str) -> int:
    """Milliseconds of ``--assume SECONDS``. Raises UsageError."""
    try:
        milliseconds = round(float(text) * 1000)
    except (ValueError, OverflowError):
        milliseconds = 0
    if milliseconds < 1:
        raise UsageError(f"--assume {text!r} is not a number of seconds.", "For example: --assume 90")
    return milliseconds


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        raise UsageError(f"{option} {text!r} is not NAME=VALUE.", f"For example: {example}")
    return name, value


def _number(text: str, option: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise UsageError(f"{option}: {text!r} is not a number from 1 up.")
    return int(text)


def _failure(text: str) -> tuple[str, int | str]:
    name, equals, count = text.rpartition("=")
    return (name, _number(count, "--fail")) if equals and name else (text, "always")


def _invalid(report: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_report(report)
    else:
        show_faults(report)
        say_line(f"{report['file']}: not valid")
    return DefinitionInvalid.exit_code


def _show(found: dict[str, Any]) -> None:
    total_ms = found["total_ms"]
    verdict = "would succeed in" if found["status"] == "succeeded" else f"would be {found['status']} after"
    say_line(f"{found['name']} {verdict} {duration(total_ms)}: {found['tasks']} tasks, {found['attempts']} attempts")
    if found["reason"]:
        say_line(f"reason: {found['reason']}")
    peak = found["peak"]
    say_line(
        f"peak: {peak['tasks']} at a time of {found['max_running']} possible, first after {duration(peak['at_ms'])}"
    )
    say_line(f"durations: {durations(found['durations'])}")
    if found["critical_path"]:
        show_head("critical path")
        show_path(found["critical_path"], total_ms)
    if found["limits"]:
        show_head("limits that held ready tasks back")
        show_limits(found["limits"])
    show_list("cannot be undone", (irreversible(row) for row in found["irreversible"]))
    show_list("undone", (f"{row['task']}: {row['status']}" for row in found["undone"]))
    show_list("not run", (f"{row['task']}: {row['status']}, {row['reason']}" for row in found["left"]))
