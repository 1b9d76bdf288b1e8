"""The lines at the left of a graph in text, as ``git log --graph`` draws them, here from the top down.

A lane is a column in which something is awaited: it begins below a node and leads to one node that waits for it. Where
several nodes are awaited from one, the lane branches; where several nodes lead to the same, their lanes join. So each
line is an edge, and each edge is on a line. A line that passes under another is interrupted: it does not meet it.
"""

from orchestrator.files.graph.shape import feeds, in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.files.graph.shape import Needs

    #: (node, the line with its sign, the line as it goes on below it)
    Line = tuple[str, str, str]

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8

#: {directions in which lines leave a cell: (sign, the same in ASCII)}.
_BOXES = {
    0: (" ", " "),
    _UP: ("│", "|"),
    _DOWN: ("│", "|"),
    _UP | _DOWN: ("│", "|"),
    _LEFT | _RIGHT: ("─", "-"),
    _UP | _RIGHT: ("╰", "`"),
    _UP | _LEFT: ("╯", "'"),
    _DOWN | _RIGHT: ("╭", "."),
    _DOWN | _LEFT: ("╮", "."),
    _UP | _DOWN | _RIGHT: ("├", "+"),
    _UP | _DOWN | _LEFT: ("┤", "+"),
    _DOWN | _LEFT | _RIGHT: ("┬", "+"),
    _UP | _LEFT | _RIGHT: ("┴", "+"),
    _UP | _DOWN | _LEFT | _RIGHT: ("┼", "+"),
}


class TooManyLanes(Exception):
    """The graph is too tangled to be drawn in this width."""


def draw(needs: "Needs", sign: "Callable[[str], str]", lanes_max: int, *, ascii_only: bool = False) -> "list[Line]":
    """Lines for each node, and lines between them, whose node is "".

    `needs` has no circles. `sign` gives the cell that stands for a node. Raises TooManyLanes.
    """
    return _Drawing(needs, sign, lanes_max, ascii_only).lines()


class _Drawing:
    """Lanes hold the node that is awaited in them, None where there is none."""

    def __init__(self, needs: "Needs", sign: "Callable[[str], str]", lanes_max: int, ascii_only: bool) -> None:
        self._needs, self._feeds, self._sign = needs, feeds(needs), sign
        self._lanes_max, self._style = lanes_max, int(ascii_only)
        self._lanes: list[str | None] = []
        self._found: list[Line] = []

    def lines(self) -> "list[Line]":
        left = {name: len(needed) for name, needed in self._needs.items()}
        roots = [name for name in in_order(self._needs) if not left[name]]
        roots.reverse()
        ready: set[str] = set()
        last: int | None = None
        for _ in self._needs:
            lane = next((place for place, name in enumerate(self._lanes) if name in ready), None)
            name = self._lanes[lane] if lane is not None else None
            if lane is None or name is None:
                name = roots.pop()
                self._part(name)
                lane = self._free(0)
            self._node(name, lane, last)
            for one in self._feeds[name]:
                left[one] -= 1
                if not left[one]:
                    ready.add(one)
            last = lane if self._lead_on(name, lane) else None
        return self._found

    def _part(self, name: str) -> None:
        """An empty line before a root, if nothing is awaited and either what was before or what comes is a graph."""
        before = self._found[-1][0] if self._found else ""
        if before and not any(self._lanes) and (self._needs[before] or self._feeds[name]):
            self._found.append(("", "", ""))

    def _node(self, name: str, lane: int, last: "int | None") -> None:
        """The line of a node; if it stands right below the last one, which leads to it, with a line between."""
        if last == lane:
            self._found.append(("", self._verticals(), ""))
        parts = [self._vertical(it) for it in self._lanes]
        parts[lane] = self._sign(name)
        self._lanes[lane] = None
        below = [self._vertical(it) for it in self._lanes]
        if self._feeds[name]:
            below[lane] = _BOXES[_UP | _DOWN][self._style]
        self._found.append((name, " ".join(parts), " ".join(below)))

    def _lead_on(self, name: str, lane: int) -> bool:
        """Give what waits for `name` its lanes. Whether nothing but a line straight down would have to be drawn."""
        awaited = {it: place for place, it in enumerate(self._lanes) if it is not None}
        joined = [awaited[it] for it in self._feeds[name] if it in awaited]
        begun: list[int] = []
        for one in (it for it in self._feeds[name] if it not in awaited):
            place = self._free(0) if begun else lane
            self._lanes[place] = one
            begun.append(place)
        if joined or len(begun) > 1:
            self._found.append(("", self._branches(lane, joined, begun), ""))
            return False
        return bool(begun)

    def _branches(self, lane: int, joined: "list[int]", begun: "list[int]") -> str:
        first, last = min(lane, *joined, *begun), max(lane, *joined, *begun)
        parts = []
        for place in range(len(self._lanes)):
            inside = (_LEFT if first < place <= last else 0) | (_RIGHT if first <= place < last else 0)
            if place == lane:
                sides = inside | _UP | (_DOWN if place in begun else 0)
            elif place in joined:
                sides = inside | _UP | _DOWN
            elif place in begun:
                sides = inside | _DOWN
            elif self._lanes[place] is not None:
                sides = _UP | _DOWN
            else:
                sides = inside
            parts.append(_BOXES[sides][self._style])
            parts.append(_BOXES[_LEFT | _RIGHT if first <= place < last else 0][self._style])
        return "".join(parts).rstrip()

    def _free(self, begin: int) -> int:
        """The first lane from `begin` in which nothing is awaited."""
        for place in range(begin, len(self._lanes)):
            if self._lanes[place] is None:
                return place
        if len(self._lanes) >= self._lanes_max:
            raise TooManyLanes
        self._lanes.append(None)
        return len(self._lanes) - 1

    def _vertical(self, awaited: "str | None") -> str:
        return _BOXES[0 if awaited is None else _UP | _DOWN][self._style]

    def _verticals(self) -> str:
        return " ".join(self._vertical(it) for it in self._lanes).rstrip()
