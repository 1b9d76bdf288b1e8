"""Lines of a file as a report may show them: without the secrets that stand in them.

What is a secret is said by `orchestrator.definitions.clear_text`. A line is looked at as it is, whatever notation it is
in (KCL, YAML, shell text within either), and again with its escapes taken away, for a command in a string has quotes of
its own. To hide too much costs a word of a snippet, to hide too little a secret: where it is not clear what a text is,
it is hidden.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestrator.definitions import clear_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MASK = "***"

#: (start, end) of what is to be hidden.
Span = tuple[int, int]

#: How often escapes are taken away: a shell's quotes in a string in a string.
_LEVELS = 3

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|u\{([0-9a-fA-F]{1,6})\}|(.))")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?)"""

#: ``name =``, ``"name":``, ``name: str =``, ``name +=``.
_NAME = re.compile(
    r"""(?<![\w.])(?P<name>[A-Za-z_][\w.-]{0,199})["']?\s{0,40}
    (?::\s{0,9}[\[{]?(?:str|int|float|bool|any)\b[^"'=\n]{0,60}?=(?!=)|\+?=(?!=)|:(?P<yaml>\s)?(?![=/]))\s{0,40}""",
    re.VERBOSE,
)
#: ``option("name", default=``.
_OPTION = re.compile(
    r"""\boption\s{0,9}\(\s{0,9}["'](?P<name>[^"'\n]{1,200})["'][^()\n]{0,300}?\bdefault\s{0,9}=\s{0,9}"""
)
_FLAG = re.compile(r"(?:^|(?<=[\s\"']))--(?P<name>[A-Za-z][\w-]{0,199})[ \t]{1,40}(?!-)")

_TEXT = re.compile(rf"[rR]?(?:{_QUOTED})++")
#: What goes on after a text, as an expression.
_AND = re.compile(r"\s{0,9}(?:\+|or\b|and\b|if\b[^\"',\n]{0,200}?\belse\b)\s{0,9}(?=[rR]?[\"'])")
_BARE = re.compile(r"[^\s\"';&|(),}\]]+")
_BARE_YAML = re.compile(r"[^,}\]#\n\"']+")
_BRACKET = re.compile(r"[\[\]]")
_ELEMENT = re.compile(rf"{_QUOTED}|[^\s\"',\[\]]+")
#: Expressions that say where a value comes from, not what it is.
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]*\(|(?:[a-z_]\w*\.)*[A-Z]\w*\s*\{")

_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY.*?(?:-----END (?:[A-Z]+ )*PRIVATE KEY-----|$)", re.DOTALL)
_OPENING = re.compile(r"""(?P<name>[A-Za-z_][\w.-]{0,199})["']?\s*(?::\s*\w+\s*=|[:=])\s*(?:[|>][+-]?\d?|\\|\()?\s*$""")


def opens_secret(line: str) -> bool:
    """Whether a line ends where the value of a secret's name would begin."""
    found = _OPENING.search(line[-300:])
    return found is not None and clear_text.is_secret_name(found["name"])


def begins_key(line: str) -> bool:
    """Whether a private key begins in this line, and does not end in it."""
    return "PRIVATE KEY-----" in line and line.rfind("-----BEGIN ") > line.rfind("-----END ")


def ends_key(line: str) -> bool:
    """Whether a private key that began before ends in this line."""
    return "PRIVATE KEY-----" in line and "-----END " in line


def masked(text: str) -> str:
    """`text` without its secrets."""
    return cut(text, 0, len(text), spans(text))


def cut(text: str, start: int, end: int, hidden: Iterable[Span]) -> str:
    """``text[start:end]`` with a mask for what is `hidden` of it, in one piece where it touches."""
    parts: list[str] = []
    at = start
    for first, last in sorted(hidden):
        if last <= at or first >= end:
            continue
        if first > at or not parts:
            parts += [text[at : max(first, at)], MASK]
        at = min(last, end)
    return "".join([*parts, text[at:end]])


def spans(text: str) -> list[Span]:
    """What is to be hidden of a line, in no order; some of it more than once."""
    found: list[Span] = []
    level = text
    places: Sequence[int] = range(len(text) + 1)
    for _ in range(_LEVELS):
        found += [(places[first], places[last]) for first, last in _of_level(level)]
        if "\\" not in level:
            break
        level, places = _unescaped(level, places)
    return found


def _unescaped(text: str, places: Sequence[int]) -> tuple[str, list[int]]:
    """`text` with one level of escapes taken away, and where each of its characters was."""
    parts: list[str] = []
    where: list[int] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        parts.append(text[at : found.start()])
        where += places[at : found.start()]
        digits = found[1] or found[2] or found[3] or found[4]
        parts.append(_character(int(digits, 16)) if digits else _CONTROL.get(found[5], found[5]))
        where.append(places[found.start()])
        at = found.end()
    parts.append(text[at:])
    return "".join(parts), [*where, *places[at:]]


def _character(number: int) -> str:
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def _of_level(text: str) -> Iterator[Span]:
    yield from clear_text.shapes_in(text)
    yield from (found.span() for found in _KEY.finditer(text))
    yield from clear_text.handed_over_in(text)
    for pattern in (_NAME, _OPTION, _FLAG):
        for found in pattern.finditer(text):
            if clear_text.is_secret_name(found["name"]):
                yield from _value(text, found.end(), yaml=pattern is _NAME and found["yaml"] is not None)


def _value(text: str, at: int, *, yaml: bool) -> Iterator[Span]:
    """What is secret of the value that begins at `at`."""
    if text.startswith("[", at):
        closing = _BRACKET.search(text, at + 1)
        for one in _ELEMENT.finditer(text, at + 1, closing.start() if closing else len(text)):
            yield from _judged(text, one.start(), one.end())
        return
    found = _TEXT.match(text, at)
    if found is None:
        if text[at : at + 1] in ("{", "(", "|", ">") or _EXPRESSION.match(text, at):
            return
        bare = (_BARE_YAML if yaml else _BARE).match(text, at)
        if bare is not None:
            yield from _judged(text, bare.start(), bare.start() + len(bare[0].rstrip()))
    while found is not None:
        yield from _judged(text, found.start(), found.end())
        more = _AND.match(text, found.end())
        found = None if more is None else _TEXT.match(text, more.end())


def _judged(text: str, first: int, last: int) -> Iterator[Span]:
    """What is between the quotes of a value, unless it stands for something else."""
    said = text[first:last]
    for quote in ('"""', "'''", '"', "'"):
        if said.startswith(quote):
            first += len(quote)
            if said.endswith(quote) and last - len(quote) >= first:
                last -= len(quote)
            break
    if first < last and clear_text.is_secret_text(text[first:last]):
        yield first, last
