"""Tokens → tree, by recursive descent: one method per level of the grammar in docs/expressions.md.

What is bounded here: the length of the text, the number of nodes, how deep they are nested. So everything that walks
a tree afterwards ends soon and needs little stack.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from orchestrator.expression.faults import ExpressionFault
from orchestrator.expression.functions import FUNCTIONS
from orchestrator.expression.near import hint
from orchestrator.expression.syntax import (
    KEY,
    Access,
    Call,
    Comparison,
    Constant,
    ListOf,
    Logic,
    Name,
    Node,
    Not,
    Operator,
    Path,
    deepest,
    paths,
    walk,
    written,
)
from orchestrator.expression.tokens import CONSTANTS, OPERATORS, Token, tokens

if TYPE_CHECKING:
    from collections.abc import Collection

TEXT_LENGTH_MAX = 4096
NODES_MAX = 500
DEPTH_MAX = 50

_TOO_DEEP = f"the expression is nested deeper than {DEPTH_MAX} levels"
_COMPARISONS: dict[str, Operator] = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression; the same text is the same expression. Made by `parse` only.

    Attributes:
        text: As it was written.
        tree: What `evaluate` walks.
        paths: What it reads, each once, in the order of the text. A path begins with a name and goes on with the
            constant keys and indexes behind it; it ends before an index that is computed.
        constant: Whether it reads nothing, so that it always has the same value.
    """

    text: str
    tree: Node = field(compare=False, repr=False)
    paths: tuple[Path, ...] = field(compare=False, repr=False)
    constant: bool = field(compare=False, repr=False)


def parse(text: str) -> Expression:
    """The expression that the text stands for; the same one if it was asked for lately.

    Raises:
        ExpressionFault: It stands for none; only the first reason is told.
    """
    return _parse(text)


@functools.lru_cache(maxsize=512)
def _parse(text: str) -> Expression:
    if len(text) > TEXT_LENGTH_MAX:
        message = f"the expression has {len(text)} characters, and {TEXT_LENGTH_MAX} are allowed"
        raise ExpressionFault(message, TEXT_LENGTH_MAX, len(text) - TEXT_LENGTH_MAX)
    tree = _Parser(tokens(text)).whole()
    depth, node = deepest(tree)
    if depth > DEPTH_MAX:
        raise ExpressionFault(_TOO_DEEP, node.offset, 0)
    found = tuple(dict.fromkeys(paths(tree)))
    return Expression(text, tree, found, constant=not found)


def unknown_names(expression: Expression, allowed: Collection[str]) -> list[ExpressionFault]:
    """A fault for each name of the expression that is not allowed, in the order of the text."""
    return [
        ExpressionFault(
            f'nothing is called "{node.name}" here',
            node.offset,
            len(node.name),
            hint(node.name, allowed) or _known(allowed),
        )
        for node in walk(expression.tree)
        if isinstance(node, Name) and node.name not in allowed
    ]


def _known(names: Collection[str]) -> str:
    return f"known are {', '.join(sorted(names)[:20])}" if names else "no names are known here"


class _Parser:
    """One pass over the tokens."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.position = 0
        self.nodes = 0
        self.depth = 0

    def whole(self) -> Node:
        if len(self.tokens) == 1:
            raise self.fault("the expression is empty")
        tree = self.disjunction()
        if self.current.kind != "end":
            raise self.what_follows()
        return tree

    # What every level uses.

    @property
    def current(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.current
        if token.kind != "end":
            self.position += 1
        return token

    def fault(self, message: str, help: str | None = None, token: Token | None = None) -> ExpressionFault:
        token = token or self.current
        return ExpressionFault(message, token.offset, len(token.text), help)

    def counted(self, token: Token, number: int = 1) -> int:
        """The offset of a new node at this token."""
        self.nodes += number
        if self.nodes > NODES_MAX:
            raise self.fault(f"the expression has more than {NODES_MAX} parts", token=token)
        return token.offset

    def enter(self, token: Token) -> None:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise self.fault(_TOO_DEEP, token=token)

    def leave(self) -> None:
        self.depth -= 1

    # The grammar.

    def disjunction(self) -> Node:
        first = self.current
        return self.joined("or", first, [self.conjunction()])

    def conjunction(self) -> Node:
        first = self.current
        return self.joined("and", first, [self.negation()])

    def joined(self, word: Literal["and", "or"], first: Token, operands: list[Node]) -> Node:
        while self.current.is_word(word):
            self.take()
            operands.append(self.conjunction() if word == "or" else self.negation())
        return operands[0] if len(operands) == 1 else Logic(word, tuple(operands), self.counted(first))

    def negation(self) -> Node:
        if not self.current.is_word("not"):
            return self.comparison()
        token = self.take()
        self.enter(token)
        node = Not(self.negation(), self.counted(token))
        self.leave()
        return node

    def comparison(self) -> Node:
        first = self.current
        left = self.operand()
        operator = self.operator()
        if operator is None:
            return left
        if self.current.is_word("not"):
            raise self.fault(f"not cannot stand right behind {operator}", f"write x {operator} (not y)")
        node = Comparison(operator, left, self.operand(), self.counted(first))
        again = self.current
        if self.operator() is not None:
            middle = written(node.right) if len(written(node.right)) < 40 else "b"
            remedy = f"write both with and, such as a {operator} {middle} and {middle} {again.text} c"
            raise self.fault("comparisons cannot be chained", remedy, again)
        return node

    def operator(self) -> Operator | None:
        """The comparison that stands here, already taken; None if none does."""
        token = self.current
        if token.kind == "mark" and token.text in _COMPARISONS:
            self.take()
            return _COMPARISONS[token.text]
        if token.is_word("in"):
            self.take()
            return "in"
        if token.is_word("not") and self.tokens[self.position + 1].is_word("in"):
            self.position += 2
            return "not in"
        return None

    def operand(self) -> Node:
        """Something with a value, and the keys and indexes behind it."""
        first = self.current
        base = self.primary()
        steps: list[str | int | Node] = []
        while self.current.is_mark(".", "["):
            mark = self.take()
            self.counted(mark)
            steps.append(self.key() if mark.text == "." else self.index(mark))
        if self.current.is_mark("("):
            raise self.fault(
                "only a function can be called", "a function stands before what it works on, as in lower(x.y)"
            )
        if not steps:
            return base
        if isinstance(base, Access):  # In parentheses, which mean nothing here.
            return Access(base.base, (*base.steps, *steps), base.offset)
        return Access(base, tuple(steps), first.offset)

    def key(self) -> str:
        token = self.take()
        if token.kind == "number":
            raise self.fault("a number is no key", f"an element of a list is asked for as x[{token.text}]", token)
        if token.kind != "word":
            raise self.fault("a key has to follow the dot", 'any other key is asked for as x["the key"]', token)
        return token.text

    def index(self, mark: Token) -> str | int | Node:
        node = self.nested(mark, "]")
        if not isinstance(node, Constant):
            return node
        if isinstance(node.value, bool) or not isinstance(node.value, str | int):
            raise self.fault("an index is a text or a whole number", token=mark)
        return node.value

    def nested(self, opening: Token, closing: str) -> Node:
        """What stands between two marks, both taken."""
        self.enter(opening)
        node = self.disjunction()
        self.leave()
        self.close(opening, closing)
        return node

    def close(self, opening: Token, closing: str) -> None:
        if self.current.kind == "end":
            raise self.fault(f"the {opening.text} has no closing {closing}", token=opening)
        if not self.current.is_mark(closing):
            raise self.what_follows(closing)
        self.take()

    def series(self, opening: Token, closing: str) -> tuple[Node, ...]:
        """Nodes with commas between them, up to the closing mark; a last comma is allowed."""
        self.enter(opening)
        found: list[Node] = []
        while not self.current.is_mark(closing) and self.current.kind != "end":
            found.append(self.disjunction())
            if not self.current.is_mark(","):
                break
            self.take()
        self.leave()
        self.close(opening, closing)
        return tuple(found)

    def primary(self) -> Node:
        token = self.take()
        if token.kind in ("number", "text"):
            return Constant(token.value, self.counted(token))
        if token.kind == "word" and token.text in CONSTANTS:
            return Constant(CONSTANTS[token.text], self.counted(token))
        if token.kind == "word" and token.text not in OPERATORS:
            return self.call(token) if self.current.is_mark("(") else Name(token.text, self.counted(token))
        if token.is_mark("("):
            return self.nested(token, ")")
        if token.is_mark("["):
            offset = self.counted(token)
            return ListOf(self.series(token, "]"), offset)
        if token.kind == "end":
            raise self.fault("the expression ends where a value is expected")
        raise self.fault(f'a value is expected here, not "{token.text}"', token=token)

    def call(self, name: Token) -> Node:
        function = FUNCTIONS.get(name.text)
        if function is None:
            known = f"known are {', '.join(FUNCTIONS)}"
            raise self.fault(f"there is no function {name.text}()", hint(name.text, FUNCTIONS) or known, name)
        offset = self.counted(name)
        arguments = self.series(self.take(), ")")
        if not function.takes(len(arguments)):
            raise self.fault(f"{name.text}() is given {len(arguments)} arguments", f"write {function.signature}", name)
        if function.asks_presence and not _is_path(arguments[0]):
            remedy = "a path is a name with keys behind it, as in exists(x.y)"
            raise self.fault(f"{name.text}() asks about a path", remedy, name)
        return Call(name.text, arguments, offset)

    # What is wrong where something complete should end.

    def what_follows(self, closing: str | None = None) -> ExpressionFault:
        token, before = self.current, self.tokens[self.position - 1]
        small = token.text.lower()
        if token.kind == "word" and small in OPERATORS and small != token.text:
            return self.fault(f"{token.text} is no word of expressions", f"write {small}")
        if token.is_word("is"):
            return self.fault("there is no is", "== compares")
        if token.is_word("if", "else", "for", "lambda"):
            return self.fault(f"there is no {token.text} in expressions")
        if before.kind == "word" and token.kind in ("text", "number") and KEY.fullmatch(before.text):
            return self.fault(
                f"an operator is missing before {token.text[:40]}", f"as in {before.text} == {token.text[:40]}"
            )
        if closing and token.is_mark(")", "]"):
            return self.fault(f"{closing} is expected here, not {token.text}")
        if token.is_mark(")", "]"):
            return self.fault(f"nothing was opened that this {token.text} closes")
        if token.is_mark(","):
            return self.fault("a comma stands only in a list and between arguments")
        return self.fault(
            f'the expression is complete before "{token.text[:40]}"', "and, or or a comparison joins two parts"
        )


def _is_path(node: Node) -> bool:
    return isinstance(node, Name) or (isinstance(node, Access) and isinstance(node.base, Name))
