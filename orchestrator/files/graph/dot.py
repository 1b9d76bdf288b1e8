"""A graph as DOT, for Graphviz.

Everything stands in double quotes or in a label of HTML; in both, what means something there is escaped. With tasks an
operation is a table with a row for each of them, at which edges end.
"""

from orchestrator.files.graph.drawn import Drawn, task_label
from orchestrator.files.graph.style import EDGE_LINES, INK, ON_PAGE, colours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.files.graph.drawn import Box, Line
    from orchestrator.files.graph.model import Graph


def dot(graph: "Graph") -> str:
    """`graph` as a directed graph, the last line without its end."""
    drawn = Drawn(graph)
    lines = [
        f"digraph {_quoted(drawn.title)} {{",
        f'  graph [rankdir=TB, label={_quoted(drawn.title)}, labelloc=t, fontname="Helvetica", fontcolor="{ON_PAGE}",'
        ' bgcolor="transparent"];',
        f'  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, fontcolor="{INK}"];',
        f'  edge [fontname="Helvetica", fontsize=9, color="{ON_PAGE}", fontcolor="{ON_PAGE}"];',
    ]
    lines += [f"  {it.key} [{_table(it) if it.rows else _box(it)}];" for it in drawn.boxes]
    lines += [f'  {key} [shape=point, width=0.08, color="{ON_PAGE}", label=""];' for key in drawn.points]
    lines += map(_line, drawn.lines)
    return "\n".join([*lines, "}"])


def _box(box: "Box") -> str:
    fill, line = colours(box.node.status)
    label = f'"{_text(box.title)}\\n{_text(box.detail)}"'
    return f'label={label}, fillcolor="{fill}", color="{line}", tooltip={_quoted(box.told)}'


def _table(box: "Box") -> str:
    return f"shape=plain, label=<{''.join(_rows(box))}>, tooltip={_quoted(box.told)}"


def _rows(box: "Box") -> "Iterator[str]":
    fill, line = colours(box.node.status)
    several = len(box.node.providers) > 1
    yield f'<table border="1" cellborder="0" cellspacing="0" cellpadding="4" bgcolor="{fill}" color="{line}">'
    yield f"<tr><td><b>{_html(box.title)}</b><br/>{_html(box.detail)}</td></tr>"
    for key, task in box.rows:
        own, _ = colours(task.status)
        yield f'<tr><td port="{key}" align="left" bgcolor="{own}">{_html(task_label(task, several))}</td></tr>'
    if box.others:
        yield f'<tr><td align="left">{_html(box.others)}</td></tr>'
    yield "</table>"


def _line(line: "Line") -> str:
    wanted = [f"tooltip={_quoted(line.told)}"]
    if line.label:
        wanted.append(f"label={_quoted(line.label)}")
    if not line.is_firm:
        wanted.append("style=dashed")
    if not line.is_last:
        wanted.append("arrowhead=none")
    if line.state in EDGE_LINES:
        wanted.append(f'color="{EDGE_LINES[line.state]}"')
    return f"  {_port(line.source, line.source_box)} -> {_port(line.target, line.target_box)} [{', '.join(wanted)}];"


def _port(key: str, box: str) -> str:
    return key if key == box else f"{box}:{key}"


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'


def _text(text: str) -> str:
    """Inside of double quotes: a backslash begins an escape there, an ampersand an entity."""
    for found, instead in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("\n", "\\n")):
        text = text.replace(found, instead)
    return text


def _html(text: str) -> str:
    for found, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(found, instead)
    return text
