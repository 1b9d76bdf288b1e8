"""Text for a terminal: nothing in it that a terminal acts upon, and no wider than there is room.

Ids, items and reasons come from definitions and from what tasks said: they could move the cursor or rename the window.
"""


def clean(text: str) -> str:
    """`text` on one line, with everything that a terminal would act upon made visible."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _visible(character) for character in text)


def width(text: str) -> int:
    """Cells of a terminal that `text`, which is clean, takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(it) else 2 if east_asian_width(it) in "WF" else 1 for it in text)


def cut(text: str, room: int) -> str:
    """`text`, or as much of it as `room` cells hold, with an ellipsis."""
    if width(text) <= room:
        return text
    if room <= 0:
        return ""
    if text.isascii():
        return text[: room - 1] + "…"
    while text and width(text) > room - 1:
        text = text[:-1]
    return text + "…"


def padded(text: str, room: int) -> str:
    """`text` in exactly `room` cells."""
    text = cut(text, room)
    return text + " " * (room - width(text))


def elapsed(seconds: float) -> str:
    """``7s``, ``1m05s``, ``2h05m``, ``3d04h``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02}h"


def _visible(character: str) -> str:
    return {"\n": "\\n", "\t": " "}.get(character) or character.encode("unicode_escape").decode("ascii")
