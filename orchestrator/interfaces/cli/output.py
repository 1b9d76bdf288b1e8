"""What commands print: tables for people, JSON for programs, errors for both.

On a terminal tables are aligned and may be coloured; in a pipe they are the same text without colour. What tasks wrote
is never passed to a terminal as it is: it could move the cursor or rename the window.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from orchestrator.model.errors import OrchestratorError

#: {status: SGR colour}.
_COLOURS = {
    "running": "36",
    "rolling_back": "35",
    "succeeded": "32",
    "failed": "31",
    "timed_out": "31",
    "rollback_failed": "31",
    "upstream_failed": "31",
    "waiting_retry": "33",
    "cancelled": "33",
    "skipped": "2",
    "pending": "2",
}


def data_dir(options: argparse.Namespace) -> str:
    """The data directory that `options` and the environment mean."""
    from orchestrator.files.locate import find_data_dir

    return find_data_dir(options.data_dir, env=os.environ, cwd=os.getcwd())


def is_terminal() -> bool:
    """Whether a person looks at standard output."""
    return sys.stdout.isatty()


def is_colourful() -> bool:
    """Whether colours are wanted: on a terminal, unless NO_COLOR says otherwise."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_json(value: object, *, indent: int | None = 1) -> None:
    """`value` as JSON; on one line with `indent` None."""
    import json

    sys.stdout.write(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def print_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """`columns` of `rows`, aligned, with a heading."""
    lines = [[name.upper() for name in columns]]
    lines += [[clean(_cell(row.get(name))) for name in columns] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for number, line in enumerate(lines):
        cells = [f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)]
        if number and "status" in columns:
            place = columns.index("status")
            cells[place] = coloured(cells[place], line[place])
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def print_record(record: Mapping[str, Any]) -> None:
    """Names and values of one record, a line each."""
    width = max(map(len, record))
    for name, value in record.items():
        sys.stdout.write(f"{name:{width}}  {clean(_cell(value))}\n")


def coloured(text: str, status: str) -> str:
    """`text` in the colour of `status`, if colours are wanted."""
    colour = _COLOURS.get(status)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and is_colourful() else text


def clean(text: str) -> str:
    """`text` with everything that a terminal would act upon made visible."""
    return "".join(c if c.isprintable() or c == "\t" else _visible(c) for c in text)


def say_error(error: OrchestratorError) -> None:
    """The failure on standard error, with what to do, and the diagnostics if it has any."""
    from orchestrator.model.errors import DefinitionInvalid

    if isinstance(error, DefinitionInvalid):
        from orchestrator.interfaces.cli.draw import draw

        sys.stderr.write(draw(error.diagnostics))
    sys.stderr.write(f"error: {clean(error.message)}\n")
    if error.help:
        sys.stderr.write(f"help: {clean(error.help)}\n")


def say(text: str) -> None:
    """A line for people beside the output: on standard error."""
    sys.stderr.write(clean(text) + "\n")


def _visible(character: str) -> str:
    return "\\n" if character == "\n" else character.encode("unicode_escape").decode("ascii")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "-"
    return str(value)
