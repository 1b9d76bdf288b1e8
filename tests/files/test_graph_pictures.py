"""Mermaid, DOT and SVG: every node and every edge is there, whatever they are called, and other programs can read it.

The grammars are checked as strictly as what is written needs: a line that is not of one of the few forms that
are ever written fails.
"""

from __future__ import annotations

import re
import time
from html import unescape
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.files.graph.dot import dot
from orchestrator.files.graph.drawn import Drawn
from orchestrator.files.graph.layout import GAP, Layout
from orchestrator.files.graph.mermaid import mermaid
from orchestrator.files.graph.style import EDGE_LINES, INK, ON_PAGE, STATUS
from orchestrator.files.graph.svg import TooLarge, svg
from tests.files.test_graph import edge, made
from tests.files.test_graph_text import NAMES, layered, linear

if TYPE_CHECKING:
    import random

    from orchestrator.files.graph.model import Graph

SVG = "{http://www.w3.org/2000/svg}"

EVIL = 'a"b<c>&amp;#quot;\\n`x` %%{init: {}}%% [[]] (()) --> ; \n\x1b[31m \u202e | {end} ]]> --'


def mixed(*, tasks: bool, name: str = "n") -> Graph:
    """Edges of every kind, a circle of operations that is none of tasks, an operation without tasks."""
    operations: dict[str, tuple[list[str], dict[str, str]]] = {
        f"{name}a": ([], {"x": "succeeded", "y": "failed"}),
        f"{name}b": ([f"{name}a"], {"x": "running", name: "pending"}),
        f"{name}c": ([f"{name}b", f"{name}a"], {}),
        "end": ([], {"subgraph": "pending"}),
    }
    edges = [
        edge(f"{name}a/x", f"{name}b/{name}", type="soft", condition=f"source.name == '{name}'", why=name),
        edge(f"{name}b/x", f"{name}b/{name}"),
        edge(f"{name}b/x", f"{name}a/y", type="optional"),
        edge("end", f"{name}b"),
    ]
    return made(operations, edges, tasks=tasks, name=name)


GRAPHS = {
    "nothing": made({}),
    "mixed": mixed(tasks=False),
    "mixed tasks": mixed(tasks=True),
    "evil": mixed(tasks=False, name=EVIL),
    "evil tasks": mixed(tasks=True, name=EVIL),
    "long": mixed(tasks=True, name="x" * 10_000),
    "dense": layered(5, 12),
    "many tasks": made(
        {"a": ([], {f"i{it}": "pending" for it in range(99)}), "b": (["a"], {"x": "failed"})}, tasks=True
    ),
}


def keys_of(graph: Graph) -> dict[str, str]:
    """{key in a picture: the node's id}; tasks that are not shown have none."""
    drawn = Drawn(graph)
    found = {box.key: box.node.id for box in drawn.boxes}
    return found | {key: task.id for box in drawn.boxes for key, task in box.rows}


def wanted(graph: Graph) -> set[tuple[str, str]]:
    """The edges of a graph; of tasks that are not shown those of their operations."""
    there = set(keys_of(graph).values())
    ends = [(*it.ends, it.source, it.target) for it in graph.edges]
    return {(a if a in there else source, b if b in there else target) for a, b, source, target in ends}


def through(lines: list[tuple[str, str]], points: set[str]) -> set[tuple[str, str]]:
    """The edges that lines stand for: those that meet in a point are one from each to each."""
    found = {(a, b) for a, b in lines if a not in points and b not in points}
    for point in points:
        found |= {(a, b) for a, end in lines if end == point for begin, b in lines if begin == point}
    return found


# SVG


@pytest.mark.parametrize("name", GRAPHS)
def test_svg_has_every_node_and_every_edge(name: str) -> None:
    """By the ids that it gives for programs; each with words for whoever points at it."""
    graph = GRAPHS[name]
    root = ElementTree.fromstring(svg(graph))
    clean = {as_xml(it): it for it in keys_of(graph).values()}
    groups = root.findall(f".//{SVG}g[@data-id]")
    nodes = [clean[it.attrib["data-id"]] for it in groups]
    assert sorted(nodes) == sorted(clean.values())
    assert all(it.findtext(f"{SVG}title") and it.find(f"{SVG}rect") is not None for it in groups)
    points = {it.attrib["data-id"] for it in root.iter(f"{SVG}circle")}
    lines = root.findall(f".//{SVG}g[@data-from]")
    drawn = [(it.attrib["data-from"], it.attrib["data-to"]) for it in lines]
    ends = [(clean.get(a, a), clean.get(b, b)) for a, b in drawn]
    assert through(ends, points) == wanted(graph)
    assert all(it.findtext(f"{SVG}title") and it.find(f"{SVG}path") is not None for it in lines)
    assert {it.tag.removeprefix(SVG) for it in root.iter()} <= ALLOWED
    assert not [key for it in root.iter() for key in it.attrib if key.startswith("on") or "href" in key]


ALLOWED = {*("svg", "title", "style", "defs", "marker", "path", "g", "rect", "text", "circle")}


def as_xml(text: str) -> str:
    """What XML makes of a text in an attribute: what it forbids is gone, a line end is a blank."""
    return "".join("\ufffd" if ord(c) < 0x20 and c != "\n" else " " if c == "\n" else c for c in text)


@pytest.mark.parametrize("name", set(GRAPHS) - {"long"})
def test_svg_boxes_do_not_cover_each_other_and_all_is_inside(name: str) -> None:
    """Boxes of operations stand apart; nothing is outside of the picture."""
    root = ElementTree.fromstring(svg(GRAPHS[name]))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = []
    for group in root.findall(f"{SVG}g/{SVG}g[@data-id]"):
        found = group.find(f"{SVG}rect")
        assert found is not None
        left, top, wide, high = (float(found.attrib[it]) for it in ("x", "y", "width", "height"))
        boxes.append((left, top, left + wide, top + high))
        assert left >= 0
        assert left + wide <= width
        assert top + high <= height
        for text in group.iter(f"{SVG}text"):
            assert float(text.attrib["x"]) + 7.2 * len(text.text or "") <= left + wide
    for place, one in enumerate(boxes):
        for other in boxes[:place]:
            assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]


def test_svg_lines_do_not_pass_through_boxes() -> None:
    """One over many rows goes beside what stands in them."""
    chain: dict[str, tuple[list[str], dict[str, str]]] = {
        f"op-{it}": ([f"op-{it - 1}"] if it else [], {"x": "succeeded"}) for it in range(6)
    }
    chain["op-5"] = (["op-4", "op-0"], {"x": "pending"})
    root = ElementTree.fromstring(svg(made(chain)))
    long = root.find(f".//{SVG}g[@data-from='op-0'][@data-to='op-5']/{SVG}path")
    assert long is not None
    passed = [float(it.split()[-2]) for it in re.findall(r"C([^CVQM]*)V", long.attrib["d"])]
    assert len(passed) == 4
    boxes = root.findall(f".//{SVG}g[@data-id]/{SVG}rect")
    for x, rect in zip(passed, boxes[1:5], strict=True):
        assert not float(rect.attrib["x"]) <= x <= float(rect.attrib["x"]) + float(rect.attrib["width"])


def test_svg_of_a_graph_that_nobody_could_look_at_is_refused() -> None:
    """At once, and with what to do."""
    for graph in (linear(3000), made({f"o{it}": ([f"o{one}" for one in range(it)], {}) for it in range(200)})):
        begin = time.process_time()
        with pytest.raises(TooLarge) as refused:
            svg(graph)
        assert "--focus" in refused.value.help
        assert time.process_time() - begin < 5
    assert len(svg(linear(1000))) < 2_000_000


@settings(deadline=None)
@given(NAMES)
def test_svg_is_xml_whatever_names_hold(name: str) -> None:
    """No name ends an element, and none is more than text."""
    root = ElementTree.fromstring(svg(mixed(tasks=True, name=name)))
    assert {it.tag.removeprefix(SVG) for it in root.iter()} <= ALLOWED


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG defines it, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_colours_can_be_seen_on_white_and_on_black(page: str) -> None:
    """Text in boxes, lines around them and between them, text beside them."""
    assert contrast(ON_PAGE, page) >= 4
    for line in (*EDGE_LINES.values(), *(it[4] for it in STATUS.values())):
        assert contrast(line, page) >= 3, line
    for _, _, _, fill, _ in STATUS.values():
        assert contrast(INK, fill) >= 7


# Layout

ROWS = st.lists(st.integers(1, 4), min_size=1, max_size=12).map(
    lambda rows: {f"b{n}": row for n, row in enumerate(rows)}
)


@settings(deadline=None)
@given(ROWS, st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20), st.randoms())
def test_boxes_keep_their_distance_in_their_rows(
    rows: dict[str, int], numbers: list[tuple[int, int]], chance: random.Random
) -> None:
    """Whatever is tied to what."""
    sizes = {key: (chance.uniform(5, 200), chance.uniform(5, 90)) for key in rows}
    lines = [(f"b{a}", f"b{b}") for a, b in numbers if a < len(rows) and b < len(rows)]
    layout = Layout(rows, sizes, lines)
    for number in set(rows.values()):
        places = sorted((*layout.places[key], sizes[key][0]) for key in rows if rows[key] == number)
        for (left, _, wide), (other, _, _) in pairwise(places):
            assert other - left - wide >= GAP - 1e-6
    tops = {number: [layout.places[key][1] for key in rows if rows[key] == number] for number in set(rows.values())}
    assert all(max(tops[a]) < min(tops[b]) for a, b in pairwise(sorted(tops)))
    assert [len(way) for way in layout.ways] == [
        max(0, abs(sorted(set(rows.values())).index(rows[a]) - sorted(set(rows.values())).index(rows[b])) - 1)
        for a, b in lines
    ]


def test_an_order_without_crossings_is_found() -> None:
    """Of three chains side by side that were written down crosswise."""
    rows = {key: row for row, keys in ((1, "abc"), (2, "fed"), (3, "hig")) for key in keys}
    lines = [("a", "d"), ("b", "e"), ("c", "f"), ("d", "g"), ("e", "h"), ("f", "i")]
    layout = Layout(rows, dict.fromkeys(rows, (10.0, 10.0)), lines)
    for upper, lower in (("abc", "def"), ("def", "ghi")):
        ties = [(layout.places[a][0], layout.places[b][0]) for a, b in lines if a in upper and b in lower]
        assert [b for _, b in sorted(ties)] == sorted(b for _, b in ties)


# Mermaid

LABEL = r'"(?:[\w .\-/,:+·○↻‖▸✓✗⊗⊘»▿↶↺…]|#\d+;|<br/>)*"'
MERMAID = (
    re.compile(rf"(?P<key>[np]\d+|t\d+|n\d+more)\[(?P<label>{LABEL})\]$", re.ASCII),
    re.compile(r'(?P<key>p\d+)\(\("#32;"\)\)$'),
    re.compile(rf"subgraph (?P<key>n\d+)\[(?P<label>{LABEL})\]$"),
    re.compile(r"end$"),
    re.compile(rf"(?P<from>[npt]\d+) (?:-->|---|-\.->|-\.-)(?:\|{LABEL}\|)? (?P<to>[npt]\d+)$"),
    re.compile(r"classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}$"),
    re.compile(r"class (?:[nt]\d+,)*[nt]\d+ \w+$"),
    re.compile(r"linkStyle (?:\d+,)*\d+ stroke:#\w{6}$"),
    re.compile(r"%% \d+ lines, \d+ characters: [\w ]+\.$"),
    re.compile(r"accTitle: [\w .\-/()?]*$"),
)


def plain(label: str) -> str:
    """The text of a Mermaid label."""
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label[1:-1])


@pytest.mark.parametrize("name", GRAPHS)
def test_mermaid_has_every_node_and_every_edge(name: str) -> None:
    """Each line is of a form that Mermaid knows; labels say what was meant."""
    graph = GRAPHS[name]
    first, *lines = mermaid(graph).split("\n")
    assert first == "flowchart TD"
    labels: dict[str, str] = {}
    edges: list[tuple[str, str]] = []
    depth = 0
    for line in lines:
        found = next((it for form in MERMAID if (it := form.match(line.strip()))), None)
        assert found, line
        parts = found.groupdict()
        depth += line.strip().startswith("subgraph ") - (line.strip() == "end")
        if "key" in parts:
            assert parts["key"] not in labels
            labels[parts["key"]] = plain(parts.get("label", '""'))
        elif "from" in parts:
            edges.append((parts["from"], parts["to"]))
    assert depth == 0
    keys = keys_of(graph)
    points = {it for it in labels if it[0] == "p"}
    assert {it for it in labels if not it.endswith("more")} == set(keys) | points
    assert {(keys[a], keys[b]) for a, b in through(edges, points)} == wanted(graph)
    drawn = Drawn(graph)
    assert all(labels[it.key] == f"{it.title}<br/>{it.detail}" for it in drawn.boxes)


@settings(deadline=None)
@given(NAMES)
def test_mermaid_has_no_line_that_a_name_made(name: str) -> None:
    """Nor a comment, a directive, an entity, Markdown."""
    text = mermaid(mixed(tasks=True, name=name))
    for line in text.split("\n")[1:]:
        assert any(form.match(line.strip()) for form in MERMAID), line


def test_mermaid_says_when_a_renderer_would_refuse() -> None:
    """Many lines through a point are few; what is still too much is told in a comment."""
    assert "%%" not in mermaid(layered(5, 40)).split("\n")[1]
    assert mermaid(linear(1000)).split("\n")[1].startswith("%% 999 lines, ")


# DOT

QUOTED = r'"(?:[^"\\\n]|\\["\\n])*"'
HTML = r"<<table[^\n]*</table>>"
ATTRIBUTE = rf"[a-z]+=(?:{QUOTED}|{HTML}|[\w.]+)"
DOT = (
    re.compile(rf"  (?:graph|node|edge) \[{ATTRIBUTE}(?:, {ATTRIBUTE})*\];$"),
    re.compile(rf"  (?P<key>[np]\d+) \[{ATTRIBUTE}(?:, {ATTRIBUTE})*\];$"),
    re.compile(rf"  (?P<from>[np]\d+(?::t\d+)?) -> (?P<to>[np]\d+(?::t\d+)?) \[{ATTRIBUTE}(?:, {ATTRIBUTE})*\];$"),
)


@pytest.mark.parametrize("name", GRAPHS)
def test_dot_has_every_node_and_every_edge(name: str) -> None:
    """Each line is a statement of DOT; tables are XML; edges end at rows that are there."""
    graph = GRAPHS[name]
    first, *lines, last = dot(graph).split("\n")
    assert re.fullmatch(rf"digraph {QUOTED} \{{", first)
    assert last == "}"
    there: set[str] = set()
    edges: list[tuple[str, str]] = []
    for line in lines:
        found = next((it for form in DOT if (it := form.match(line))), None)
        assert found, line
        parts = found.groupdict()
        if "key" in parts:
            there.add(parts["key"])
            table = re.search(r"<(<table.*</table>)>", line)
            rows = ElementTree.fromstring(table[1]).iter("td") if table else []
            there |= {it.attrib["port"] for it in rows if "port" in it.attrib}
        elif "from" in parts:
            edges.append((parts["from"].split(":")[-1], parts["to"].split(":")[-1]))
    keys = keys_of(graph)
    points = {it for it in there if it[0] == "p"}
    assert there == set(keys) | points
    assert {(keys[a], keys[b]) for a, b in through(edges, points)} == wanted(graph)


def test_dot_labels_say_what_was_meant() -> None:
    """Escapes and entities are taken back by whoever reads it."""
    name = 'a"b\\n<c>&amp;\\'
    line = next(it for it in dot(made({name: ([], {"x": "failed"})})).split("\n") if it.startswith("  n1 "))
    label = re.search(rf"label=({QUOTED})", line)
    assert label is not None
    first, _, second = label[1][1:-1].replace("\\\\", "\0").partition("\\n")
    assert unescape(first.replace('\\"', '"')).replace("\0", "\\") == name
    assert second == "create server · 0/1"


@settings(deadline=None)
@given(NAMES)
def test_dot_has_no_statement_that_a_name_made(name: str) -> None:
    """In quotes and in tables."""
    for line in dot(mixed(tasks=True, name=name)).split("\n")[1:-1]:
        assert any(form.match(line) for form in DOT), line


@pytest.mark.parametrize("draw", [svg, mermaid, dot])
def test_the_same_graph_gives_the_same_picture(draw: object) -> None:
    """To the byte."""
    assert callable(draw)
    assert draw(mixed(tasks=True)) == draw(mixed(tasks=True))
