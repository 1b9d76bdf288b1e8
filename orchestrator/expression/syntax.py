"""The tree of an expression: what its nodes are, how they are written, what they read.

Chains are flat: ``a.b["c"]`` is one `Access` with two steps, ``x and y and z`` one `Logic` with three operands. So
the depth of a tree is what is nested in the text, and the bound on it bounds every recursion over it.
`offset` is where a node begins in the text; two trees are the same whatever their offsets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
Scalar: TypeAlias = "bool | int | float | str | None"
Node: TypeAlias = "Constant | ListOf | Name | Access | Call | Comparison | Not | Logic"
#: From the root inwards; a path ends before the first index that is not a constant.
Path: TypeAlias = "tuple[str | int, ...]"

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: Characters that must be escaped inside quotes: control characters, and those that reorder what a reader sees.
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, true, false or null."""

    value: Scalar
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """``[a, b]``."""

    items: tuple[Node, ...]
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """One of the names that the caller gives values to."""

    name: str
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """``base.key``, ``base["key"]``, ``base[0]``, ``base[computed]``, any number of them; `base` is no Access."""

    base: Node
    steps: tuple[str | int | Node, ...]
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `functions.FUNCTIONS` with its arguments."""

    function: str
    arguments: tuple[Node, ...]
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and what is asked about them."""

    operator: Operator
    left: Node
    right: Node
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``not operand``."""

    operand: Node
    offset: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more operands joined by the same word."""

    word: Literal["and", "or"]
    operands: tuple[Node, ...]
    offset: int = field(default=0, compare=False, repr=False)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, in the order of the text."""
    match node:
        case Constant() | Name():
            return ()
        case ListOf(items=nodes) | Call(arguments=nodes) | Logic(operands=nodes):
            return nodes
        case Access(base=base, steps=steps):
            return (base, *(step for step in steps if not isinstance(step, str | int)))
        case Comparison(left=left, right=right):
            return (left, right)
        case Not(operand=operand):
            return (operand,)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def deepest(node: Node) -> tuple[int, Node]:
    """How many nodes stand above each other at most, and the lowest of these. Needs no stack."""
    found = [(1, node)]
    for depth, each in found:
        found.extend((depth + 1, child) for child in children(each))
    return found[-1]


def paths(node: Node) -> Iterator[Path]:
    """What is read, in the order of the text; what is read twice comes twice."""
    match node:
        case Name(name=name):
            yield (name,)
        case Access(base=Name(name=name), steps=steps):
            yield (name, *_constant_steps(steps))
            for step in steps:
                if not isinstance(step, str | int):
                    yield from paths(step)
        case _:
            for child in children(node):
                yield from paths(child)


def _constant_steps(steps: tuple[str | int | Node, ...]) -> Iterator[str | int]:
    for step in steps:
        if not isinstance(step, str | int):
            return
        yield step


def written(node: Node) -> str:
    """The node as text that parses to the same tree, with no more parentheses than needed."""
    match node:
        case Constant(value=value):
            return scalar_written(value)
        case Name(name=name):
            return name
        case ListOf(items=items):
            return f"[{', '.join(map(written, items))}]"
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(map(written, arguments))})"
        case Access(base=base, steps=steps):
            inside = Name | Call | ListOf
            return (written(base) if isinstance(base, inside) else f"({written(base)})") + "".join(map(_step, steps))
        case Comparison(operator=operator, left=left, right=right):
            return f"{_guarded(left, Comparison | Not | Logic)} {operator} {_guarded(right, Comparison | Not | Logic)}"
        case Not(operand=operand):
            return f"not {_guarded(operand, Logic)}"
        case Logic(word=word, operands=operands):
            return f" {word} ".join(_operand(word, operand) for operand in operands)


def _operand(word: str, node: Node) -> str:
    needs = isinstance(node, Logic) and (word == "and" or node.word == "or")
    return f"({written(node)})" if needs else written(node)


def _guarded(node: Node, weaker: object) -> str:
    return f"({written(node)})" if isinstance(node, weaker) else written(node)  # type: ignore[arg-type]


def _step(step: str | int | Node) -> str:
    if isinstance(step, str) and KEY.fullmatch(step):
        return f".{step}"
    return f"[{scalar_written(step) if isinstance(step, str | int) else written(step)}]"


def scalar_written(value: Scalar) -> str:
    """A literal."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            quoted = json.dumps(value, ensure_ascii=False)
            return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
        case _:
            return repr(value)


#: Longest part of an expression that a message repeats.
CITED_MAX = 80


def cited(node: Node) -> str:
    """The node as a message names it: in backquotes, cut where it is long."""
    text = written(node)
    return f"`{text}`" if len(text) <= CITED_MAX else f"`{text[: CITED_MAX - 1]}…`"
