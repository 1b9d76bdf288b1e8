"""What can be wrong with an expression: its text, or what it meets in the data.

The first is found before anything runs and has a position. The second is found on the way; it names kinds and parts
of the expression, never a value of the data, because the data may hold what nobody is to read in a log.
"""

from __future__ import annotations


class ExpressionFault(ValueError):
    """The text is not an expression.

    Attributes:
        message: What is wrong.
        offset: Where, in characters from the start; at most the text's length (its end).
        length: How many characters are meant; 0 at the end of the text.
        help: The remedy, or None where the message says it all.
    """

    def __init__(self, message: str, offset: int, length: int, help: str | None = None) -> None:
        super().__init__(message, offset, length, help)
        self.message = message
        self.offset = offset
        self.length = length
        self.help = help

    def __str__(self) -> str:
        remedy = f"; {self.help}" if self.help else ""
        return f"{self.message} (at character {self.offset + 1}){remedy}"


class EvaluationFault(ValueError):
    """The expression has no value for this data."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
