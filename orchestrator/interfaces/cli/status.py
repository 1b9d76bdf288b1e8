"""How the daemon and its tasks stand. Reads files only, with the daemon alive or dead.

`running` is what the kernel says of the daemon's lock; without a daemon the exit code is 0 all the same.

Examples:
  orchestrator status
  orchestrator status --json | jq .tasks_failed
  orchestrator status --json | jq -e .running > /dev/null || orchestrator serve
"""

from __future__ import annotations

from orchestrator.files.state.status import read_status
from orchestrator.interfaces.cli.output import data_dir, print_json, print_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `status` takes."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Show status.json, with what is so now."""
    status = read_status(data_dir(options))
    if options.json:
        print_json(status)
    else:
        print_record({name: _told(value) for name, value in status.items()})
    return 0


def _told(value: Any) -> Any:
    """Numbers in a record as ``max_running 16, local 4``: what holds for all comes before each provider's."""
    if not isinstance(value, dict):
        return value
    return ", ".join(f"{name} {told}" for name, told in _flat(value)) or None


def _flat(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield name, value
