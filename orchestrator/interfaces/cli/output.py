"""What commands print: tables for people, JSON for programs.

On a terminal tables are cut to its width and may be coloured, times are those of the clock on the wall, to the second,
and durations have units; in a pipe everything is whole and plain, as in the files. What tasks wrote is never passed to
a terminal as it is: it could move the cursor or rename the window.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

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
    from orchestrator.interfaces.cli.json_text import dumps

    ascii_only = sys.stdout.encoding.lower() != "utf-8"
    sys.stdout.write(dumps(value, indent=indent, ascii_only=ascii_only) + "\n")


def print_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """`columns` of `rows`, aligned, with a heading; nothing at all for no rows."""
    rows = list(rows)
    is_seen = sys.stdout.isatty()
    if is_seen:
        from orchestrator.interfaces.cli.on_terminal import fit, heading, is_cuttable, readable

        lines = [[clean(_cell(readable(name, row.get(name)))) for name in columns] for row in rows]
        headings = [heading(name).upper() for name in columns]
    else:
        lines = [[clean(_cell(row.get(name))) for name in columns] for row in rows]
        headings = [name.upper() for name in columns]
    if not lines:
        return
    lines.insert(0, headings)
    widths = [max(width(line[index]) for line in lines) for index in range(len(columns))]
    if is_seen:
        cuttable = [is_cuttable(name, (row.get(name) for row in rows)) for name in columns]
        widths = fit(cuttable, [width(it) for it in headings], widths, _columns_of_terminal())
    status = columns.index("status") if "status" in columns else None
    for number, line in enumerate(lines):
        shown = [_cut(cell, wide) for cell, wide in zip(line, widths, strict=True)]
        cells = [cell + " " * (wide - width(cell)) for cell, wide in zip(shown, widths, strict=True)]
        if number and status is not None:
            cells[status] = coloured(cells[status], line[status])
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def print_record(record: Mapping[str, Any]) -> None:
    """Names and values of one record, a line each."""
    if sys.stdout.isatty():
        from orchestrator.interfaces.cli.on_terminal import heading, readable

        record = {heading(name): readable(name, value) for name, value in record.items()}
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


def _columns_of_terminal() -> int | None:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except OSError:
        return None


def _cut(text: str, room: int) -> str:
    if width(text) <= room:
        return text
    while width(text) > room - 1:
        text = text[:-1]
    return text + "…"
