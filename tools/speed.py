"""Draw the tables and the picture of docs/speed-nushell.md from the figures that a benchmark recorded beside it.

``python tools/speed.py docs/speed-nushell.md`` replaces what stands between the page's marks and writes the picture;
with ``--check`` it only says whether they are out of date (exit code 1). The figures are in the ``.json`` beside the
page, written by ``python -m tests.bench.bench_tables --write docs/speed-nushell.md``.
"""

from __future__ import annotations

import json
import math
import re
import sys
from html import escape
from pathlib import Path
from typing import Any

OURS, FILES = "orch", "ls | each open"

#: {what is asked: its title}.
ASKED = {"query": "50 failed tasks of N", "all": "all N tasks"}

#: {figure of the prompt: (number, what it is, budget in ms)}.
PROMPT = {
    "status": ("P1", "`orch status`, directory given, one after another", 0.3),
    "status, now and then": ("P1", "`orch status`, directory given, now and then", 0.3),
    "status, looked up": ("P1", "`orch status`, directory looked up, one after another", 0.6),
    "first call": ("P2", "first call in a fresh Nushell (the plugin starts)", 30),
    "validate": ("P5", "`orch validate` of the sample, one after another", 15),
    "validate, now and then": ("P5", "`orch validate` of the sample, now and then", 15),
    "validate, cold": ("", "`orch validate`, no evaluator running", None),
    "watch": ("P6", "change on disk to row in `orch watch`", 5),
    "shell status": ("P11", "`orchestrator status`, whole process", 25),
    "process": ("", "for comparison: starting `true` from Nushell", None),
    "python": ("", "for comparison: `python -I -S`, whole process", None),
}

#: {number: (what is asked, who answers, with how many tasks, budget in ms)} of the budgets in the tables.
BUDGETS = (
    ("P3", "query", OURS, 100_000, 1.0),
    ("P3", "cold", "nu: orch tasks", 100_000, 40.0),
    ("P3", "cold", "orchestrator tasks", 100_000, 25.0),
    ("P4", "all", OURS, 10_000, 60.0),
)

#: Colours of lines; ours is the first, and thicker.
COLOURS = {
    OURS: "#d6336c",
    FILES: "#1c7ed6",
    "ls | par-each open": "#74b0e4",
    "open x.jsonl": "#2b8a3e",
    "open x.msgpack": "#74b816",
    "open x.db | query db": "#e8890c",
    "http get": "#7048e8",
    "curl": "#a08fe0",
}


def page(text: str, found: dict[str, Any]) -> str:
    """The page with what stands between its marks drawn anew."""
    parts = {
        "prompt": prompt_table(found.get("prompt", {})),
        "budgets": budget_table(found["sizes"]),
        "cold": cold_table(found["sizes"]),
        "memory": memory_table(found["sizes"]),
        **{asked: size_table(found["sizes"], asked) for asked in (*ASKED, "status")},
    }
    for name, lines in parts.items():
        body = "\n".join(lines)
        mark = re.compile(rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = mark.subn(lambda match, body=body: f"{match[1]}{body}\n{match[2]}", text)
        if count != 1:
            raise SystemExit(f"the page has {count} places for `{name}`, not one")
    return text


def prompt_table(found: dict[str, Any]) -> list[str]:
    """What a person at a prompt waits for."""
    lines = ["| | | median, ms | p95, ms | budget, ms |", "|---|---|---:|---:|---:|"]
    for key, (number, what, budget) in PROMPT.items():
        if key in found:
            one = found[key]
            lines.append(f"| {number} | {what} | {ms(one['median'])} | {ms(one['p95'])} | {budget or ''} |")
    return lines


def budget_table(sizes: dict[str, Any]) -> list[str]:
    """The budgets that speak of tables, and the ratios that belong to them."""
    lines = ["| | tasks | median, ms | p95, ms | budget, ms |", "|---|---:|---:|---:|---:|"]
    names = {"query": "50 failed, warm", "cold": "50 failed, cold, ", "all": "all rows, warm"}
    for number, asked, who, size, budget in BUDGETS:
        one = sizes.get(str(size), {}).get(asked, {}).get(who)
        if one:
            what = names[asked] + (f"`{who}`" if asked == "cold" else "")
            lines.append(f"| {number} {what} | {size:,} | {ms(one['median'])} | {ms(one['p95'])} | {budget:g} |")
    every = sizes.get("10000", {}).get("all")
    if every:
        ours, wide = every[OURS]["median"], every["orch --long"]["median"]
        pairs = (
            ("faster than opening the files", every[FILES]["median"] / ours, "10 at least"),
            (
                "of `open x.msgpack` with the same columns",
                ours / every["open x.msgpack, same columns"]["median"],
                "2.5",
            ),
            ("`--long` of `open x.msgpack` with all columns", wide / every["open x.msgpack"]["median"], "2.5"),
        )
        lines += [
            f"| P4 all rows, times {what} | 10,000 | {times(ratio)} x | | {least} |" for what, ratio, least in pairs
        ]
    return lines


def size_table(sizes: dict[str, Any], asked: str) -> list[str]:
    """One question, a line for everybody who answers it: milliseconds, and how often ours fits into that."""
    head = [f"{int(size):,} tasks" for size in sizes]
    lines = [f"| | {' | '.join(head)} |", "|---" + "|---:" * len(head) + "|"]
    names = list(dict.fromkeys(name for of in sizes.values() for name in of[asked]))
    for name in names:
        cells = []
        for of in sizes.values():
            one, ours = of[asked].get(name), of[asked][OURS]["median"]
            ratio = "" if name.startswith(OURS) or not one else f" ({times(one['median'] / ours)} x)"
            cells.append(f"{ms(one['median'])}{ratio}" if one else "")
        shown = f"**`{name}`**" if name == OURS else f"`{name}`"
        lines.append(f"| {shown.replace('|', chr(92) + '|')} | {' | '.join(cells)} |")
    return lines


def cold_table(sizes: dict[str, Any]) -> list[str]:
    """What is started anew each time."""
    head = [f"{int(size):,} tasks" for size in sizes]
    lines = [f"| | {' | '.join(head)} |", "|---" + "|---:" * len(head) + "|"]
    for name in dict.fromkeys(name for of in sizes.values() for name in of["cold"]):
        cells = [ms(of["cold"][name]["median"]) if name in of["cold"] else "" for of in sizes.values()]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return lines


def memory_table(sizes: dict[str, Any]) -> list[str]:
    """Resident memory, MiB."""
    head = [f"{int(size):,} tasks" for size in sizes]
    lines = [f"| | {' | '.join(head)} |", "|---" + "|---:" * len(head) + "|"]
    for name in dict.fromkeys(name for of in sizes.values() for name in of["memory"]):
        cells = [f"{of['memory'][name] / 1024:.0f}" if name in of["memory"] else "" for of in sizes.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def ms(value: float) -> str:
    """Milliseconds with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(value: float) -> str:
    """A ratio with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


# --- the picture -------------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT = 1000, 470
_TOP, _BOTTOM, _LEFT, _PANEL, _PLOT = 78, 420, 64, 500, 280


def picture(found: dict[str, Any]) -> str:
    """Two panels, milliseconds over numbers of tasks, both logarithmic: a line for everybody who answers."""
    sizes = [int(size) for size in found["sizes"]]
    answers = [of[asked] for of in found["sizes"].values() for asked in ASKED]
    values = [one[name]["median"] for one in answers for name in COLOURS if name in one]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def y_of(value: float) -> float:
        return _BOTTOM - (math.log10(value) - low) / (high - low) * (_BOTTOM - _TOP)

    def x_of(size: int, panel: int) -> float:
        share = (math.log10(size) - math.log10(sizes[0])) / max(1e-9, math.log10(sizes[-1]) - math.log10(sizes[0]))
        return _LEFT + panel * _PANEL + share * _PLOT

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="12">',
        "<title>Tables of tasks in Nushell: milliseconds by number of tasks</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff"/>',
        _text(_LEFT, 28, "Tables of tasks in Nushell, milliseconds (both axes logarithmic)", "#212529", "16", "600"),
    ]
    for panel, (asked, title) in enumerate(ASKED.items()):
        parts.append(_text(_LEFT + panel * _PANEL, 56, title, "#495057", "13", "600"))
        for power in range(low, high + 1):
            y = y_of(10.0**power)
            right = _LEFT + panel * _PANEL + _PLOT
            parts.append(f'<path d="M{_LEFT + panel * _PANEL} {y:.1f}H{right}" stroke="#e9ecef"/>')
            parts.append(_text(_LEFT + panel * _PANEL - 8, y + 4, f"{10.0**power:,g}", "#868e96", anchor="end"))
        parts += [_text(x_of(size, panel), _BOTTOM + 22, f"{size:,}", "#868e96", anchor="middle") for size in sizes]
        parts += _lines(found["sizes"], asked, lambda size, panel=panel: x_of(size, panel), y_of)
    parts.append(_text(_LEFT, _HEIGHT - 10, f"tasks; medians in Nushell {found['nu']}, in one run", "#868e96"))
    return "\n".join([*parts, "</svg>", ""])


def _lines(sizes: dict[str, Any], asked: str, x_of: Any, y_of: Any) -> list[str]:
    """A line for each who answers, its name at its end; names that would lie on one another move apart."""
    parts, labels = [], []
    for name, colour in reversed(COLOURS.items()):
        points = [(x_of(int(size)), y_of(of[asked][name]["median"])) for size, of in sizes.items() if name in of[asked]]
        if not points:
            continue
        width = 3.5 if name == OURS else 1.6
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width}" fill="{colour}"/>' for x, y in points]
        labels.append((points[-1][1], points[-1][0], name, colour))
    last = -math.inf
    for y, x, name, colour in sorted(labels):
        last = max(y, last + 15)
        shown = "orch tasks" if name == OURS else name
        parts.append(_text(x + 12, last + 4, shown, colour, weight="700" if name == OURS else "400"))
    return parts


def _text(
    x: float, y: float, text: str, colour: str, size: str = "12", weight: str = "400", *, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )


def main(arguments: list[str]) -> int:
    """Draw or check. Returns the exit code."""
    path = Path(next(one for one in arguments if not one.startswith("--")))
    found = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    texts = {path: page(path.read_text(encoding="utf-8"), found), path.with_suffix(".svg"): picture(found)}
    stale = [one for one, text in texts.items() if not one.exists() or one.read_text(encoding="utf-8") != text]
    if stale and "--check" in arguments:
        print(f"out of date: {', '.join(map(str, stale))}; run python tools/speed.py {path}", file=sys.stderr)
        return 1
    for one in stale:
        one.write_text(texts[one], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
