"""Which known word somebody may have meant.

Written here and not taken from `difflib`: the words end up in a fault's message, the message may end up in a record
of the journal, and a replay under another version of Python has to come to the same message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longer words are not compared, and of many known words only the first so many: the work stays small.
LENGTH_MAX = 64
CHOICES_MAX = 500


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice with the fewest changed letters, None if none is near; of equals the first of the alphabet."""
    if len(word) > LENGTH_MAX:
        return None
    bound = 1 + len(word) // 4
    sizes = range(len(word) - bound, len(word) + bound + 1)
    known = sorted(choice for choice in choices if len(choice) in sizes and len(choice) <= LENGTH_MAX)
    found = [(distance(word, choice), choice) for choice in known[:CHOICES_MAX]]
    return min((pair for pair in found if pair[0] <= bound and pair[0] < len(word)), default=(0, None))[1]


def distance(one: str, other: str) -> int:
    """How many letters are added, left out, changed or swapped with their neighbour between the two."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        earlier, before, row = before, row, [i + 1]
        for j, wanted in enumerate(other):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (letter != wanted))
            if i and j and letter == other[j - 1] and one[i - 1] == wanted:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
    return row[-1]


def hint(word: str, choices: Iterable[str]) -> str | None:
    """`did you mean "…"?`, or None."""
    near = nearest(word, choices)
    return f'did you mean "{near}"?' if near is not None else None
