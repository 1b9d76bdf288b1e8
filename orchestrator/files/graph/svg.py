"""A graph as an SVG picture: one file, nothing loaded, nothing executed, to be looked at on white and on black.

Whoever points at a box, a row or a line is told all there is to say of it (``<title>``). Each line says between what it
is (``data-from``, ``data-to``), each box what it is (``data-id``, ``data-status``), for programs and for styles.
"""

from orchestrator.files.graph.drawn import Drawn, task_label, task_told
from orchestrator.files.graph.layout import Layout
from orchestrator.files.graph.style import EDGE_LINES, INK, ON_PAGE, cells, colours, sign
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.files.graph.drawn import Box, Line
    from orchestrator.files.graph.layout import Point, Way
    from orchestrator.files.graph.model import Graph

    #: (x, y, side, where the box begins or ends): side is -1 or 1 if a line ends at the left or right of a row, else 0.
    End = tuple[float, float, int, float]

#: A picture of more than this is neither drawn in time nor looked at.
_BOXES_MAX, _LINES_MAX = 2000, 10_000

#: Width of a cell of text, heights of a line of text and of a row, room inside of a box.
_CELL, _LINE, _ROW, _PAD = 7.3, 16.0, 20.0, 10.0

_TITLE = 30.0

#: How far a line swings out that comes back to its box, and how far from a box one goes that ends at a row.
_SWING, _ASIDE = 28.0, 12.0

#: Labels, of those that were placed last, that another must not cover.
_LABELS_MAX = 50

_STYLE = (
    "text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre}"
    f".b text{{fill:{INK}}}.h{{font-weight:bold}}.p{{fill:{ON_PAGE}}}"
    f"path{{fill:none;stroke-width:1.4}}.s{{stroke-dasharray:5 4}}"
)

_FORBIDDEN = frozenset(range(0x20)) | frozenset(range(0x7F, 0xA0)) | frozenset(range(0xD800, 0xE000)) | {0xFFFE, 0xFFFF}


class TooLarge(UsageError):
    """A picture was asked for of more operations or edges than anybody looks at in one."""


def svg(graph: "Graph") -> str:
    """`graph` as a picture, the last line without its end. Raises TooLarge."""
    drawn = Drawn(graph)
    if len(drawn.boxes) > _BOXES_MAX or len(drawn.lines) > _LINES_MAX:
        raise TooLarge(
            f"{graph.id} has {len(drawn.boxes)} operations and {len(drawn.lines)} lines between them; a picture shows "
            f"at most {_BOXES_MAX} and {_LINES_MAX}.",
            "Look around one operation (--focus, --depth), or let Graphviz draw it (--format dot).",
        )
    return _Svg(drawn).text()


class _Svg:
    def __init__(self, drawn: Drawn) -> None:
        self._drawn = drawn
        self._sizes = {box.key: _size(box) for box in drawn.boxes} | dict.fromkeys(drawn.points, (6.0, 6.0))
        rows = {box.key: 2 * box.node.layer for box in drawn.boxes}
        points = frozenset(drawn.points)
        for line in drawn.lines:
            if line.target_box in points:
                rows[line.target_box] = max(rows.get(line.target_box, 0), rows[line.source_box] + 1)
        between = [(it.source_box, it.target_box) for it in drawn.lines]
        self._layout = Layout(rows, self._sizes, between)
        #: {key of a row of a box: (left, middle, right) of it}
        self._row_at: dict[str, tuple[float, float, float]] = {}
        #: (baseline, left, right) of labels.
        self._labels: list[tuple[float, float, float]] = []
        self._names = {it.key: it.node.id for it in drawn.boxes}
        self._names |= {key: task.id for it in drawn.boxes for key, task in it.rows}

    def text(self) -> str:
        boxes = [part for box in self._drawn.boxes for part in self._box(box)]
        title = self._drawn.title
        ways = zip(self._drawn.lines, self._layout.ways, strict=True)
        lines = [part for line, way in ways for part in self._line(line, way)]
        written = max((right for _, _, right in self._labels), default=0.0)
        width = max(self._layout.width, cells(title) * _CELL + 2 * _PAD, written + _PAD)
        height = self._layout.height + _TITLE
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">'
        )
        return "\n".join(
            [
                head,
                f"<title>{_escaped(title)}</title>",
                f"<style>{_STYLE}</style>",
                f"<defs>{''.join(_arrow(name, colour) for name, colour in _arrows())}</defs>",
                f'<text class="p h" x="{_PAD:.0f}" y="20">{_escaped(title)}</text>',
                f'<g transform="translate(0 {_TITLE:.0f})">',
                *lines,
                *(self._point(key) for key in self._drawn.points),
                *boxes,
                "</g>",
                "</svg>",
            ]
        )

    def _box(self, box: "Box") -> "Iterator[str]":
        left, top = self._layout.places[box.key]
        wide, high = self._sizes[box.key]
        fill, line = colours(box.node.status)
        yield f'<g class="b" data-id="{_escaped(box.node.id)}" data-status="{_escaped(box.node.status)}">'
        yield f"<title>{_escaped(box.told)}</title>"
        place = f'x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}"'
        yield f'<rect {place} rx="6" fill="{fill}" stroke="{line}"/>'
        heading = f"{sign(box.node.status)} {box.title}"
        yield f'<text class="h" x="{left + _PAD:.1f}" y="{top + 18:.1f}">{_escaped(heading)}</text>'
        yield f'<text x="{left + _PAD:.1f}" y="{top + 18 + _LINE:.1f}">{_escaped(box.detail)}</text>'
        several = len(box.node.providers) > 1
        row_top = top + 2 * _LINE + _PAD
        for key, task in box.rows:
            own, edge = colours(task.status)
            yield f'<g data-id="{_escaped(task.id)}" data-status="{_escaped(task.status)}">'
            yield f"<title>{_escaped(task_told(task))}</title>"
            yield (
                f'<rect x="{left + 4:.1f}" y="{row_top + 1:.1f}" width="{wide - 8:.1f}" height="{_ROW - 2:.1f}" rx="3" '
                f'fill="{own}" stroke="{edge}" stroke-width="0.7"/>'
            )
            yield f'<text x="{left + _PAD:.1f}" y="{row_top + 14:.1f}">{_escaped(task_label(task, several))}</text></g>'
            self._row_at[key] = (left, row_top + _ROW / 2, left + wide)
            row_top += _ROW
        if box.others:
            yield f'<text x="{left + _PAD:.1f}" y="{row_top + 14:.1f}">{_escaped(box.others)}</text>'
        yield "</g>"

    def _point(self, key: str) -> str:
        left, top = self._layout.places[key]
        return f'<circle data-id="{key}" cx="{left + 3:.1f}" cy="{top + 3:.1f}" r="3" fill="{ON_PAGE}"/>'

    def _line(self, line: "Line", way: "list[Way]") -> "Iterator[str]":
        begin, end = self._ends(line, way)
        colour = EDGE_LINES.get(line.state, ON_PAGE)
        marker = f' marker-end="url(#{line.state if line.state in EDGE_LINES else "other"})"' if line.is_last else ""
        style = "" if line.is_firm else ' class="s"'
        names = [self._names.get(key, key) for key in (line.source, line.target)]
        path = _loop(begin, end) if line.source_box == line.target_box else _curve(begin, way, end)
        yield f'<g data-from="{_escaped(names[0])}" data-to="{_escaped(names[1])}" data-state="{line.state}">'
        yield f"<title>{_escaped(line.told)}</title>"
        yield f'<path{style} d="{path}" stroke="{colour}"{marker}/>'
        if line.label:
            x, y = self._room(line, begin, way, end)
            yield f'<text class="p" x="{x:.1f}" y="{y:.1f}">{_escaped(line.label)}</text>'
        yield "</g>"

    def _room(self, line: "Line", begin: "End", way: "list[Way]", end: "End") -> "Point":
        """Where the label of a line stands: beside its middle, below those that stand there already."""
        if line.source_box == line.target_box:
            x, y = begin[0] + 22, (begin[1] + end[1]) / 2
        elif way:
            x, y = way[0][0] + 4, (way[0][1] + way[0][2]) / 2
        else:
            x, y = (begin[0] + end[0]) / 2 + 4, (begin[1] + end[1]) / 2
        right = x + cells(line.label) * _CELL
        near = [it for it in self._labels[-_LABELS_MAX:] if it[1] < right and it[2] > x]
        for _ in near:
            y = next((other + _LINE for other, _, _ in near if abs(other - y) < _LINE - 1), y)
        self._labels.append((y, x, right))
        return x, y

    def _ends(self, line: "Line", way: "list[Way]") -> "tuple[End, End]":
        """Where a line leaves and arrives: below and above a box, at the side of a row."""
        source, target = self._rect(line.source_box), self._rect(line.target_box)
        if line.source_box == line.target_box:
            first = self._row_at.get(line.source, (0, source[1] + 18, 0))[1]
            last = self._row_at.get(line.target, (0, source[3] - 8, 0))[1]
            return (source[2], first, 1, first), (source[2], last, 1, last)
        out, into = (3, 1) if source[1] <= target[1] else (1, 3)
        begin: End = ((source[0] + source[2]) / 2, source[out], 0, source[out])
        end: End = ((target[0] + target[2]) / 2, target[into], 0, target[into])
        if line.source in self._row_at:
            begin = _beside(self._row_at[line.source], way[0][0] if way else end[0], source[out])
        if line.target in self._row_at:
            end = _beside(self._row_at[line.target], way[-1][0] if way else begin[0], target[into])
        return begin, end

    def _rect(self, key: str) -> "tuple[float, float, float, float]":
        left, top = self._layout.places[key]
        wide, high = self._sizes[key]
        return left, top, left + wide, top + high


def _size(box: "Box") -> "tuple[float, float]":
    several = len(box.node.providers) > 1
    texts = [f"  {box.title}", box.detail, *(task_label(task, several) for _, task in box.rows), box.others]
    high = 2 * _LINE + _PAD + _ROW * (len(box.rows) + bool(box.others)) + (4 if box.rows else 0)
    return max(map(cells, texts)) * _CELL + 2 * _PAD, high


def _beside(row: "tuple[float, float, float]", other: float, clear: float) -> "End":
    """The side of a row that is nearer to `other`; at `clear` the box of the row begins or ends."""
    left, middle, right = row
    return (right, middle, 1, clear) if other > (left + right) / 2 else (left, middle, -1, clear)


def _curve(begin: "End", way: "list[Way]", end: "End") -> str:
    """A smooth line that leaves and arrives upright; along the side of a box to a row of it; straight past rows."""
    x, y, side, clear = begin
    parts = [f"M{x:.1f} {y:.1f}"]
    if side:
        x += side * _ASIDE
        parts.append(f"Q{x:.1f} {y:.1f} {x:.1f} {(y + clear) / 2:.1f}V{clear:.1f}")
        y = clear
    is_down = y <= end[3]
    last_x = end[0] + end[2] * _ASIDE
    for number, (to_x, top, bottom) in enumerate([*way, (last_x, end[3], end[3])]):
        first, second = (top, bottom) if is_down else (bottom, top)
        half = (y + first) / 2
        parts.append(f"C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {first:.1f}")
        if number < len(way):
            parts.append(f"V{second:.1f}")
        x, y = to_x, second
    if end[2]:
        parts.append(f"V{(y + end[1]) / 2:.1f}Q{x:.1f} {end[1]:.1f} {end[0]:.1f} {end[1]:.1f}")
    return "".join(parts)


def _loop(begin: "End", end: "End") -> str:
    far = begin[0] + _SWING
    return f"M{begin[0]:.1f} {begin[1]:.1f}C{far:.1f} {begin[1]:.1f} {far:.1f} {end[1]:.1f} {end[0]:.1f} {end[1]:.1f}"


def _arrows() -> "list[tuple[str, str]]":
    return [*EDGE_LINES.items(), ("other", ON_PAGE)]


def _arrow(name: str, colour: str) -> str:
    return (
        f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" style="fill:{colour}" stroke="none"/></marker>'
    )


def _escaped(text: str) -> str:
    """For XML: what it forbids is replaced."""
    text = "".join("\ufffd" if ord(c) in _FORBIDDEN and c != "\n" else c for c in text)
    for found, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(found, instead)
    return text
