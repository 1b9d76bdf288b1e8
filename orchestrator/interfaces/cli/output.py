"""What commands print: tables for people, JSON for programs, errors for both.

On a terminal tables are cut to its width and may be coloured; in a pipe they are whole and plain. What tasks wrote is
never passed to a terminal as it is: it could move the cursor or rename the window.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

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
    """Whether a person looks at standard output, on a terminal that can more than print lines."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def is_colourful() -> bool:
    """Whether colours are wanted: on a terminal, unless NO_COLOR says otherwise."""
    return is_terminal() and not os.environ.get("NO_COLOR")


def print_json(value: object, *, indent: int | None = 1) -> None:
    """`value` as JSON; on one line with `indent` None. Plain ASCII where the locale knows nothing else."""
    import json

    ascii_only = sys.stdout.encoding.lower() != "utf-8"
    sys.stdout.write(json.dumps(value, indent=indent, ensure_ascii=ascii_only) + "\n")


def print_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """`columns` of `rows`, aligned, with a heading; nothing at all for no rows."""
    lines = [[clean(_cell(row.get(name))) for name in columns] for row in rows]
    if not lines:
        return
    lines.insert(0, [name.upper() for name in columns])
    widths = [max(width(line[index]) for line in lines) for index in range(len(columns))]
    room = _room(widths) if sys.stdout.isatty() else None
    status = columns.index("status") if "status" in columns else None
    for number, line in enumerate(lines):
        cells = [cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)]
        if room is not None:
            cells[-1] = _cut(line[-1], room)
        if number and status is not None:
            cells[status] = coloured(cells[status], line[status])
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def print_record(record: Mapping[str, Any]) -> None:
    """Names and values of one record, a line each."""
    wide = max(map(width, record))
    for name, value in record.items():
        sys.stdout.write(f"{clean(name):{wide}}  {clean(_cell(value))}\n")


def coloured(text: str, status: str) -> str:
    """`text` in the colour of `status`, if colours are wanted."""
    colour = _COLOURS.get(status)
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and is_colourful() else text


def clean(text: str) -> str:
    """`text` with everything that a terminal would act upon made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else _visible(c) for c in text)


def width(text: str) -> int:
    """Cells of a terminal that `text`, which is clean, takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def say_error(error: OrchestratorError) -> None:
    """The failure on standard error, with what to do, and the diagnostics if it has any."""
    from orchestrator.model.errors import DefinitionInvalid

    if isinstance(error, DefinitionInvalid):
        from orchestrator.interfaces.cli.draw import draw

        sys.stderr.write(draw(error.diagnostics))
    say(f"error: {error.message}")
    if error.help:  # readers of files say it in Nushell's words, which are the same behind the first
        say(f"help: {error.help.replace('`orch ', '`orchestrator ')}")


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


def _room(widths: Sequence[int]) -> int | None:
    """Cells that are left for the last column on this terminal; None where cutting it would not help."""
    try:
        room = os.get_terminal_size(sys.stdout.fileno()).columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
    except OSError:
        return None
    return room if room >= len("REASON") else None


def _cut(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    while width(text) > room - 1:
        text = text[:-1]
    return text + "…"
