"""A graph as Mermaid, for documents and comments that draw it.

In a label every character that means something to Mermaid is written as its number: quotes, brackets, ``#``, ``%``
(which may begin a comment or a directive), backquotes (which begin Markdown).
"""

from orchestrator.files.graph.drawn import Drawn, task_label
from orchestrator.files.graph.style import EDGE_LINES, INK, STATUS, colours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.files.graph.drawn import Box, Line
    from orchestrator.files.graph.model import Graph

#: What stands in a label as it is, beside letters and digits.
_SAFE = frozenset(" ._-/,:+·○↻‖▸✓✗⊗⊘»▿↶↺…")

#: A renderer draws no more, unless it is told to.
_EDGES_USUAL, _TEXT_USUAL = 500, 50_000


def mermaid(graph: "Graph") -> str:
    """`graph` as a flowchart, the last line without its end."""
    drawn = Drawn(graph)
    lines = ["flowchart TD", f"  accTitle: {_title(drawn.title)}"]
    for box in drawn.boxes:
        lines += _box(box)
    lines += [f'  {key}(("#32;"))' for key in drawn.points]
    lines += map(_line, drawn.lines)
    lines += _styles(drawn)
    size = sum(map(len, lines)) + len(lines)
    if len(drawn.lines) > _EDGES_USUAL or size > _TEXT_USUAL:
        told = f"%% {len(drawn.lines)} lines, {size} characters: raise maxEdges and maxTextSize of the renderer."
        lines.insert(1, told)
    return "\n".join(lines)


def _box(box: "Box") -> "Iterator[str]":
    label = f'["{_escaped(box.title)}<br/>{_escaped(box.detail)}"]'
    if not box.rows:
        yield f"  {box.key}{label}"
        return
    several = len(box.node.providers) > 1
    yield f"  subgraph {box.key}{label}"
    for key, task in box.rows:
        yield f'    {key}["{_escaped(task_label(task, several))}"]'
    if box.others:
        yield f'    {box.key}more["{_escaped(box.others)}"]'
    yield "  end"


def _line(line: "Line") -> str:
    arrow = {(True, True): "-->", (True, False): "---", (False, True): "-.->", (False, False): "-.-"}
    label = f'|"{_escaped(line.label)}"|' if line.label else ""
    return f"  {line.source} {arrow[line.is_firm, line.is_last]}{label} {line.target}"


def _styles(drawn: Drawn) -> "Iterator[str]":
    used: dict[str, list[str]] = {}
    for box in drawn.boxes:
        used.setdefault(box.node.status, []).append(box.key)
        for key, task in box.rows:
            used.setdefault(task.status, []).append(key)
    for status, keys in used.items():
        name = status if status in STATUS else "other"
        fill, stroke = colours(status)
        yield f"  classDef {name} fill:{fill},stroke:{stroke},color:{INK}"
        yield f"  class {','.join(keys)} {name}"
    for state, colour in EDGE_LINES.items():
        numbers = [str(number) for number, line in enumerate(drawn.lines) if line.state == state]
        if numbers:
            yield f"  linkStyle {','.join(numbers)} stroke:{colour}"


def _escaped(text: str) -> str:
    return "".join(c if c in _SAFE or (c.isascii() and c.isalnum()) else f"#{ord(c)};" for c in text)


def _title(text: str) -> str:
    """A title has no quotes and no escapes: what might end it is left out."""
    return "".join(c if c in " ._-/()" or (c.isascii() and c.isalnum()) else "?" for c in text)
