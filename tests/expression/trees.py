"""Trees, data and scraps of text for the property tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from orchestrator.expression.functions import FUNCTIONS
from orchestrator.expression.syntax import (
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
    Scalar,
)
from orchestrator.expression.tokens import CONSTANTS, OPERATORS, WHOLE_MAX, WHOLE_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What evaluation has values for.
NAMES = ("operations", "tags", "x", "_y")
KEYS = ("status", "install-k8s", "in", "_y", "", "ß")
COMPARISONS: tuple[Operator, ...] = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["a", "*", "a*", "1", "x"])
scalars: st.SearchStrategy[Scalar] = (
    st.none()
    | st.booleans()
    | st.integers(WHOLE_MIN, WHOLE_MAX)
    | st.integers(-2, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
keys = st.sampled_from(KEYS) | texts
constants: st.SearchStrategy[Node] = scalars.map(Constant)
any_name = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda word: word not in CONSTANTS and word not in OPERATORS
)


def _access(base: Node, steps: Sequence[str | int | Node]) -> Node:
    """As the parser makes it: chains are flat, and a constant index is no node."""
    more = tuple(step for step in steps if not isinstance(step, Constant))
    if isinstance(base, Access):
        return Access(base.base, base.steps + more)
    return Access(base, more) if more else base


def _compound(names: st.SearchStrategy[Node], inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    steps = st.lists(keys | st.integers(-2, 3) | inner, min_size=1, max_size=3)
    series = st.lists(inner, min_size=1, max_size=3).map(tuple)
    paths = st.builds(_access, names, steps)

    def call(name: str) -> st.SearchStrategy[Node]:
        least, most = FUNCTIONS[name].arguments
        arguments = paths if FUNCTIONS[name].asks_presence else inner
        return st.builds(Call, st.just(name), st.lists(arguments, min_size=least, max_size=most or 3).map(tuple))

    return st.one_of(
        st.builds(ListOf, st.just(()) | series),
        paths,
        st.builds(_access, inner, steps),
        st.builds(Comparison, st.sampled_from(COMPARISONS), inner, inner),
        st.builds(Not, inner),
        st.builds(Logic, st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        # Chosen first: as alternatives of their own they would leave little room for the others.
        st.sampled_from(list(FUNCTIONS)).flatmap(call),
    )


def _trees(names: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.recursive(constants | names, lambda inner: _compound(names, inner), max_leaves=12)


#: Any tree there is.
trees = _trees(any_name.map(Name))
#: Trees that read what `data` has.
fitting_trees = _trees(st.sampled_from(NAMES).map(Name))

values: st.SearchStrategy[object] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
data: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(dict.fromkeys(NAMES, values))

#: Texts that look like expressions.
scraps = st.lists(
    st.sampled_from(["'", "\\u", "\\n", "\t", "\0", "ä", "\u201c", "\u202e", "\ud800", "'a'", '"b"', "'a", " "])
    | st.sampled_from(re.findall(r"\S+", "( ) [ ] , . == != < <= > >= = ! && || & | + - * / % ? : { } {{ $ ` \\ y.z"))
    | st.sampled_from(re.findall(r"\S+", "and or not in is if AND true None x len exists min default"))
    | st.sampled_from(re.findall(r"\S+", "_ 0 1 -1 1.5 1e9 1e999 00")),
    max_size=20,
).map("".join)
