"""Text → tokens.

Everything outside quotes is ASCII: letters that only look like others never become part of a name. What people bring
along from other languages (``&&``, ``=``, ``{{ … }}``, typographic quotes) is refused with the word to use instead.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from orchestrator.expression.faults import ExpressionFault
from orchestrator.expression.syntax import HIDDEN, KEY, Scalar

TokenKind = Literal["word", "number", "text", "mark", "end"]

#: Words that are not names.
CONSTANTS: dict[str, Scalar] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "null": None,
    "None": None,
}
OPERATORS = frozenset({"and", "or", "not", "in"})

#: A whole number fits into 64 bits, with a sign or without one: what JSON and other languages can hold.
WHOLE_MIN, WHOLE_MAX = -(2**63), 2**64 - 1

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

_SPACE = re.compile(r"[ \t\r\n]*")
_MARK = re.compile(r"==|!=|<=|>=|[<>()\[\],.]")
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "/": "/", "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NO_ARITHMETIC = "there is no arithmetic in expressions"

#: What is written elsewhere, longest first, and the remedy.
_FOREIGN: tuple[tuple[str, str, str | None], ...] = (
    ("===", "there is no ===", "== compares, and it never converts"),
    ("!==", "there is no !==", "!= compares, and it never converts"),
    ("{{", "there are no {{ }} around an expression", "write what stands between them"),
    ("${", "there is no ${ } around a name", "write the name alone"),
    ("=~", "there are no regular expressions", 'matches_glob(text, "web-*") compares with a pattern'),
    ("&&", "there is no &&", "write and"),
    ("||", "there is no ||", "write or"),
    ("<>", "there is no <>", "write !="),
    ("=", "there is no assignment", "== compares"),
    ("&", "there is no &", "write and"),
    ("|", "there is no |", "write or; a function is called as lower(x)"),
    ("!", "there is no !", "write not"),
    ("$", "a name has no $ before it", "write the name alone"),
    ("+", _NO_ARITHMETIC, None),
    ("-", _NO_ARITHMETIC, None),
    ("*", _NO_ARITHMETIC, None),
    ("/", _NO_ARITHMETIC, None),
    ("%", _NO_ARITHMETIC, None),
    ("^", _NO_ARITHMETIC, None),
    ("?", "there is no ?", 'default(a, b) stands in for what is missing; "and" and "or" decide'),
    (":", "there are no slices and no mappings in expressions", "x[0] is one element"),
    ("{", "mappings cannot be written in expressions", None),
    ("`", "` does not quote", "text stands between \" or '"),
    ("“", "typographic quotes do not quote", "text stands between \" or '"),
    ("”", "typographic quotes do not quote", "text stands between \" or '"),
    ("\u2018", "typographic quotes do not quote", "text stands between \" or '"),
    ("\u2019", "typographic quotes do not quote", "text stands between \" or '"),
    ("≠", "there is no ≠", "write !="),
    ("≤", "there is no ≤", "write <="),
    ("≥", "there is no ≥", "write >="),
)


class Token(NamedTuple):
    """One word, number, text or mark; the last one is "end"."""

    kind: TokenKind
    #: As written.
    text: str
    offset: int
    #: Of a number or a text.
    value: Scalar = None

    @property
    def ends_operand(self) -> bool:
        """Whether what follows can only be an operator or a closing mark."""
        if self.kind == "word":
            return self.text not in OPERATORS
        return self.kind in ("number", "text") or self.text in (")", "]")

    def is_mark(self, *marks: str) -> bool:
        """Whether it is one of these marks."""
        return self.kind == "mark" and self.text in marks

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words."""
        return self.kind == "word" and self.text in words


def tokens(text: str) -> list[Token]:
    """All tokens of the text.

    Raises:
        ExpressionFault: At the first character that begins none.
    """
    found: list[Token] = []
    offset = _after_space(text, 0)
    while offset < len(text):
        found.append(_token(text, offset, found))
        offset = _after_space(text, offset + len(found[-1].text))
    found.append(Token("end", "", len(text)))
    return found


def _after_space(text: str, offset: int) -> int:
    found = _SPACE.match(text, offset)
    return found.end() if found else offset


def _token(text: str, offset: int, before: list[Token]) -> Token:
    if word := KEY.match(text, offset):
        return Token("word", word[0], offset)
    if text[offset] in _PLAIN:
        return _quoted(text, offset)
    minus = text[offset] == "-"
    if (number := NUMBER.match(text, offset)) and not (minus and before and before[-1].ends_operand):
        return _number(text, number[0], offset)
    foreign = next((entry for entry in _FOREIGN if text.startswith(entry[0], offset)), None)
    # "==" begins with "=", which is foreign; "===" begins with "==", which is not.
    if (mark := _MARK.match(text, offset)) and (foreign is None or len(foreign[0]) <= len(mark[0])):
        return Token("mark", mark[0], offset)
    if minus and before and (dashed := _dashed(text, before)):
        raise dashed
    if foreign:
        raise ExpressionFault(foreign[1], offset, len(foreign[0]), foreign[2])
    raise _strange(text[offset], offset)


def _strange(character: str, offset: int) -> ExpressionFault:
    code = f"U+{ord(character):04X}"
    # Which others can be shown depends on the version of Unicode, and a message must not.
    shown = f'the character "{character}" ({code})' if "!" <= character <= "~" else f"the character {code}"
    return ExpressionFault(
        f"{shown} has no meaning here",
        offset,
        1,
        "names are made of A-Z, a-z, 0-9 and _; any other character stands inside quotes",
    )


def _dashed(text: str, before: list[Token]) -> ExpressionFault | None:
    """The fault for ``a.install-k8s``, which is meant as one key."""
    word = before[-1]
    found = re.compile(r"[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)+").match(text, word.offset)
    if word.kind != "word" or not found:
        return None
    owner = before[-3].text if len(before) > 2 and before[-2].is_mark(".") and before[-3].kind == "word" else "x"
    return ExpressionFault(
        f"a - cannot stand in a name, and {_NO_ARITHMETIC}",
        word.offset,
        len(found[0]),
        f'a key with - is asked for as {owner}["{found[0]}"]',
    )


def number_value(written: str) -> int | float | None:
    """What a text that matches `NUMBER` stands for; None if it is too large."""
    if any(mark in written for mark in ".eE"):
        value = float(written)
        return value if abs(value) != float("inf") else None
    # Counted first: how many digits Python turns into a number is a setting of its process.
    whole = int(written) if len(written) <= len(str(WHOLE_MAX)) else WHOLE_MAX + 1
    return whole if WHOLE_MIN <= whole <= WHOLE_MAX else None


def _number(text: str, written: str, offset: int) -> Token:
    end = offset + len(written)
    if end < len(text) and (KEY.match(text, end) or "0" <= text[end] <= "9"):
        remedy = "a number has no leading zero and no unit"
        raise ExpressionFault("a number goes on with what belongs to no number", offset, len(written) + 1, remedy)
    value = number_value(written)
    if value is None:
        remedy = "whole numbers have at most 64 bits, others are below 1.8e308"
        raise ExpressionFault("the number is too large", offset, len(written), remedy)
    return Token("number", written, offset, value)


def _quoted(text: str, offset: int) -> Token:
    quote = text[offset]
    parts: list[str] = []
    here = offset + 1
    while here < len(text):
        found = _PLAIN[quote].match(text, here)
        plain = found[0] if found else ""
        if hidden := HIDDEN.search(plain):
            raise _hidden(hidden[0], here + hidden.start())
        parts.append(plain)
        here += len(plain)
        if text.startswith(quote, here):
            return Token("text", text[offset : here + 1], offset, "".join(parts))
        if here < len(text):
            character, here = _escape(text, here)
            parts.append(character)
    raise ExpressionFault(f"the text that begins here has no closing {quote}", offset, len(text) - offset)


def _hidden(character: str, offset: int) -> ExpressionFault:
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return ExpressionFault(f"U+{code:04X} is half a character", offset, 1)
    return ExpressionFault(
        f"the invisible character U+{code:04X} stands in a text", offset, 1, f"write it as \\u{code:04x}"
    )


def _escape(text: str, offset: int) -> tuple[str, int]:
    """The character behind the backslash at `offset`, and where the text goes on."""
    letter = text[offset + 1 : offset + 2]
    if letter in _ESCAPES:
        return _ESCAPES[letter], offset + 2
    if letter == "u" and re.compile("[0-9A-Fa-f]{4}").match(text, offset + 2):
        code = int(text[offset + 2 : offset + 6], 16)
        if 0xD800 <= code <= 0xDFFF:
            raise ExpressionFault(f"\\u{code:04x} is half a character", offset, 6, "write the character itself")
        return chr(code), offset + 6
    remedy = "known are \\\\ \\' \\\" \\/ \\n \\t \\r \\b \\f and \\u with four hexadecimal digits"
    raise ExpressionFault("a backslash in a text begins no known escape", offset, min(2, len(text) - offset), remedy)
