"""Where boxes stand in a picture: in rows from the top, each near what it is tied to, with few lines that cross.

The usual way in three steps. A line that passes rows is cut into pieces, with an empty box in each row, so that it has
a way of its own between the others. Each row is ordered by the mean place of its neighbours, down and up again a few
times, and the best order is kept. Then each box moves as near to the mean of its neighbours as its row allows (least
squares with the distances kept, which pooling neighbours solves exactly).
"""

from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Size = tuple[float, float]
    Point = tuple[float, float]
    Way = tuple[float, float, float]

#: Room between boxes of a row, between rows, around a way, around everything.
GAP, ROW_GAP, WAY, MARGIN = 24.0, 48.0, 8.0, 24.0

#: Boxes on the way of lines, at most; beyond that lines go straight.
_WAYS_MAX = 20_000

#: Sweeps that look for an order, and pieces of lines up to which crossings are counted.
_SWEEPS, _COUNTED_MAX = 8, 4000


class Layout:
    """Places for boxes of known sizes.

    Attributes:
        places: {key: (left, top)}.
        ways: for each line, in their order from its beginning, the rows it passes: (x, top, bottom).
        width, height: of the whole.
    """

    def __init__(self, rows: "dict[str, int]", sizes: "dict[str, Size]", lines: "Sequence[tuple[str, str]]") -> None:
        """`rows`: {key: number of its row}; `lines` are (key, key)."""
        numbers = {number: place for place, number in enumerate(sorted(set(rows.values())))}
        self._row = {key: numbers[number] for key, number in rows.items()}
        self._sizes = dict(sizes)
        self._rows: list[list[str]] = [[] for _ in numbers]
        for key in rows:
            self._rows[self._row[key]].append(key)
        self._up: dict[str, list[str]] = {key: [] for key in rows}
        self._down: dict[str, list[str]] = {key: [] for key in rows}
        chains = self._cut(lines)
        self._order()
        centres = self._centres()
        self._place(centres)
        self.ways = [[(centres[key], *self._reach[self._row[key]]) for key in chain] for chain in chains]

    def _cut(self, lines: "Sequence[tuple[str, str]]") -> "list[list[str]]":
        """Put an empty box in each row that a line passes; these boxes, for each line, from its beginning."""
        spans = (abs(self._row[a] - self._row[b]) - 1 for a, b in lines)
        is_too_much = sum(it for it in spans if it > 0) > _WAYS_MAX
        chains: list[list[str]] = []
        for number, (begin, end) in enumerate(lines):
            upper, lower = sorted((begin, end), key=lambda key: self._row[key])
            chain: list[str] = []
            if not is_too_much:
                for row in range(self._row[upper] + 1, self._row[lower]):
                    key = f"way {number} {row}"
                    self._row[key], self._sizes[key] = row, (WAY, 0.0)
                    self._rows[row].append(key)
                    self._up[key], self._down[key] = [], []
                    chain.append(key)
            pieces = [upper, *chain, lower]
            for one, other in pairwise(pieces):
                if self._row[one] != self._row[other]:
                    self._down[one].append(other)
                    self._up[other].append(one)
            chains.append(chain if upper == begin else chain[::-1])
        return chains

    def _order(self) -> None:
        pieces = sum(map(len, self._down.values()))
        counts = pieces <= _COUNTED_MAX
        best, least = [list(row) for row in self._rows], self._crossings() if counts else 0
        for sweep in range(_SWEEPS if counts else 2):
            down = sweep % 2 == 0
            ties = self._up if down else self._down
            for row in self._rows if down else reversed(self._rows):
                self._sort(row, ties)
            if counts:
                found = self._crossings()
                if found < least:
                    best, least = [list(row) for row in self._rows], found
            else:
                best = self._rows
        self._rows = best

    def _sort(self, row: "list[str]", ties: "dict[str, list[str]]") -> None:
        """By the mean place of neighbours; what has none stays where it is."""
        place = {key: number for other in self._near(row, ties) for number, key in enumerate(other)}
        own = {key: number for number, key in enumerate(row)}
        mean = {
            key: sum(place[it] for it in ties[key]) / len(ties[key]) if ties[key] else float(own[key]) for key in row
        }
        row.sort(key=lambda key: (mean[key], own[key]))

    def _near(self, row: "list[str]", ties: "dict[str, list[str]]") -> "list[list[str]]":
        numbers = dict.fromkeys(self._row[it] for key in row for it in ties[key])
        return [self._rows[number] for number in numbers]

    def _crossings(self) -> int:
        """Pairs of pieces between two rows that cross: inversions, counted with a tree of sums."""
        total = 0
        for upper, lower in pairwise(self._rows):
            place = {key: number for number, key in enumerate(lower)}
            ends = [number for key in upper for number in sorted(place[it] for it in self._down[key] if it in place)]
            sums = [0] * (len(lower) + 1)
            for seen, end in enumerate(ends):
                before, index = 0, end + 1
                while index:
                    before += sums[index]
                    index &= index - 1
                total += seen - before
                index = end + 1
                while index <= len(lower):
                    sums[index] += 1
                    index += index & -index
        return total

    def _centres(self) -> "dict[str, float]":
        found: dict[str, float] = {}
        for row in self._rows:
            found.update(zip(row, self._fitted(row, [0.0] * len(row)), strict=True))
        for sweep in range(_SWEEPS):
            ties = self._up if sweep % 2 == 0 else self._down
            for row in self._rows if sweep % 2 == 0 else reversed(self._rows):
                wanted = [_mean([found[it] for it in ties[key]], found[key]) for key in row]
                found.update(zip(row, self._fitted(row, wanted), strict=True))
        return found

    def _fitted(self, row: "list[str]", wanted: "list[float]") -> "list[float]":
        """Centres as near to `wanted` as the widths in `row` allow."""
        offsets = [0.0]
        for one, other in pairwise(row):
            offsets.append(offsets[-1] + (self._sizes[one][0] + self._sizes[other][0]) / 2 + GAP)
        blocks: list[list[float]] = []  # [sum, count]
        for want, offset in zip(wanted, offsets, strict=False):
            blocks.append([want - offset, 1.0])
            while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
                total, count = blocks.pop()
                blocks[-1][0] += total
                blocks[-1][1] += count
        means = [total / count for total, count in blocks for _ in range(int(count))]
        return [mean + offset for mean, offset in zip(means, offsets, strict=False)]

    def _place(self, centres: "dict[str, float]") -> None:
        left = min((centres[key] - self._sizes[key][0] / 2 for key in centres), default=0.0)
        for key in centres:
            centres[key] += MARGIN - left
        self.width = max((centres[key] + self._sizes[key][0] / 2 for key in centres), default=0.0) + MARGIN
        self.places: dict[str, Point] = {}
        #: (top, bottom) of each row.
        self._reach: list[tuple[float, float]] = []
        top = MARGIN
        for row in self._rows:
            height = max(self._sizes[key][1] for key in row)
            for key in row:
                wide, high = self._sizes[key]
                self.places[key] = (centres[key] - wide / 2, top + (height - high) / 2)
            self._reach.append((top, top + height))
            top += height + ROW_GAP
        self.height = top - ROW_GAP + MARGIN if self._rows else 2 * MARGIN


def _mean(values: "list[float]", otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
