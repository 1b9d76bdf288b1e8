"""How a graph looks: a sign, a colour for a terminal and colours for a picture for each status; names made harmless.

Everything that is drawn passes `shown` first: names, conditions and errors may hold anything, and a picture is looked
at with a terminal or a browser. Signs are one cell wide everywhere; none of them is an emoji on any terminal.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: {status: (sign, the same in ASCII, SGR colour, fill, line)}. Text on a fill is `INK`; lines can be seen on white and
#: on black alike (a test measures both).
STATUS: "dict[str, tuple[str, str, str, str, str]]" = {
    "pending": ("○", "o", "2", "#e6e9ed", "#77808b"),
    "waiting_retry": ("↻", "@", "33", "#fbe7b2", "#b07d00"),
    "pending_approval": ("?", "?", "33", "#fbe7b2", "#b07d00"),
    "paused": ("‖", "=", "33", "#fbe7b2", "#b07d00"),
    "running": ("▸", ">", "36", "#cfe8fa", "#2f81c4"),
    "succeeded": ("✓", "+", "32", "#d3f0d8", "#3d9a50"),
    "failed": ("✗", "x", "31", "#fbd5d3", "#d5453f"),
    "timed_out": ("⊗", "X", "31", "#fbd5d3", "#d5453f"),
    "cancelled": ("⊘", "/", "33", "#f3e1cf", "#b07138"),
    "skipped": ("»", "-", "2", "#eeeff1", "#868e98"),
    "upstream_failed": ("▿", "v", "31", "#f6e0df", "#b96965"),
    "unknown": ("?", "?", "35", "#ecdcf8", "#9a62c7"),
    "rejected": ("⊘", "/", "31", "#fbd5d3", "#d5453f"),
    "rolling_back": ("↶", "<", "35", "#ecdcf8", "#9a62c7"),
    "rolled_back": ("↺", "~", "35", "#f0e8f6", "#9a7bb3"),
    "rollback_failed": ("!", "!", "31", "#fbd5d3", "#d5453f"),
}

#: A status that is none of them, and what is only planned.
_OTHER = ("·", ".", "", "#f2f4f6", "#77808b")

#: Text on every fill; text and lines on whatever the page has.
INK, ON_PAGE = "#1c2128", "#737b86"

#: {what has become of an edge: its line}; others have `ON_PAGE`.
EDGE_LINES = {"satisfied": "#3d9a50", "broken": "#d5453f", "condition": "#b07d00"}

_RESET = "\x1b[0m"


def sign(status: str, *, ascii_only: bool = False) -> str:
    """One cell that stands for `status`."""
    return STATUS.get(status, _OTHER)[1 if ascii_only else 0]


def colours(status: str) -> "tuple[str, str]":
    """(fill, line) of a box."""
    return STATUS.get(status, _OTHER)[3:]


def painted(text: str, status: str) -> str:
    """`text` in the terminal's colour of `status`."""
    code = STATUS.get(status, _OTHER)[2]
    return f"\x1b[{code}m{text}{_RESET}" if code else text


def shown(text: str, cells_max: int = 0) -> str:
    """`text` on one line, with everything that a terminal would act upon made visible, cut to `cells_max` if given.

    What cannot be seen and changes how the rest is read (marks of direction among them) counts, too.
    """
    if cells_max and len(text) > 4 * cells_max:
        text = text[: 4 * cells_max] + "…"
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _visible(c) for c in text)
    return cut(text, cells_max) if cells_max else text


def cells(text: str) -> int:
    """Cells of a terminal that `text`, which `shown` gave, takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, cells_max: int) -> str:
    """`text`, or its beginning and ``…``, in at most `cells_max` cells."""
    if len(text) <= cells_max and text.isascii():
        return text
    if cells(text) <= cells_max:
        return text
    if cells_max <= 0:
        return ""
    text = text[: cells_max + len(text) - len(text.rstrip("…"))]
    while text and cells(text) > cells_max - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def padded(text: str, width: int) -> str:
    """`text` in exactly `width` cells."""
    text = cut(text, width)
    return text + " " * (width - cells(text))


def lasted(milliseconds: int) -> str:
    """A time as people write it: ``350 ms``, ``12.3 s``, ``4 min 5 s``."""
    if milliseconds < 1000:
        return f"{max(0, milliseconds)} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f}".removesuffix(".0") + " s"
    from orchestrator.files.why.words import span

    return span(round(milliseconds / 1000))


def counted(counts: "Mapping[str, int]") -> str:
    """``3 succeeded, 1 running``, in the order of the statuses."""
    order = {name: place for place, name in enumerate(STATUS)}
    names = sorted((name for name in counts if counts[name]), key=lambda name: (order.get(name, len(order)), name))
    return ", ".join(f"{counts[name]} {shown(name, 30) or 'of no status'}" for name in names)


def _visible(character: str) -> str:
    return "\\n" if character == "\n" else character.encode("unicode_escape").decode("ascii")
