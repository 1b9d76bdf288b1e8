"""JSON as `json.dumps` writes it. Importing `json` takes a third as long as the whole of a quick command."""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS = {None: "null", True: "true", False: "false"}


def dumps(value: object, *, indent: int | None, ascii_only: bool) -> str:
    """Plain data (dicts, lists, tuples, texts, numbers, truth values, None) as JSON.

    Args:
        value: the data.
        indent: blanks for each level; None writes everything on one line.
        ascii_only: write every other character as an escape.

    Raises:
        TypeError: there is something else in it.
    """
    text = encode_basestring_ascii if ascii_only else encode_basestring
    parts: list[str] = []
    _write(value, "" if indent is None else "\n", " " * (indent or 0), text, parts.append)
    return "".join(parts)


def _write(value: object, line: str, step: str, text: Callable[[str], str], put: Callable[[str], object]) -> None:
    """`line` begins a line at the level of `value`, "" if everything is on one line."""
    if isinstance(value, str):
        put(text(value))
    elif isinstance(value, dict):
        inner, opening = line and line + step, "{"
        for name, item in value.items():
            key = name if isinstance(name, str) else dumps(name, indent=None, ascii_only=True)
            put(f"{opening}{inner}{text(key)}: ")
            _write(item, inner, step, text, put)
            opening = "," if line else ", "
        put(f"{line}}}" if value else "{}")
    elif isinstance(value, (list, tuple)):
        inner, opening = line and line + step, "["
        for item in value:
            put(opening + inner)
            _write(item, inner, step, text, put)
            opening = "," if line else ", "
        put(f"{line}]" if value else "[]")
    elif value is None or isinstance(value, bool):
        put(_WORDS[value])
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, float):
        put(_real(value))
    else:
        raise TypeError(f"{type(value).__name__} is something that JSON has no word for")


def _real(value: float) -> str:
    if value != value:
        return "NaN"
    return float.__repr__(value) if abs(value) != float("inf") else "Infinity" if value > 0 else "-Infinity"
