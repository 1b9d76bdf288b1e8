"""What holds for every expression and all data."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from orchestrator.expression import EvaluationFault, Expression, ExpressionFault, Value, evaluate, parse, unknown_names
from orchestrator.expression.evaluate import _Evaluation
from orchestrator.expression.glob import matches
from orchestrator.expression.near import distance
from orchestrator.expression.parser import DEPTH_MAX, NODES_MAX, TEXT_LENGTH_MAX
from orchestrator.expression.syntax import Node, deepest, walk, written
from orchestrator.expression.values import Meter, plain, same
from tests.expression.trees import NAMES, data, fitting_trees, scraps, trees, values

if TYPE_CHECKING:
    from collections.abc import Iterator


def parsed(text: str) -> Expression | ExpressionFault:
    """The expression, or why it is none."""
    try:
        return parse(text)
    except ExpressionFault as fault:
        return fault


def outcome(expression: Expression, known: Mapping[str, object]) -> str:
    """The value as text, or the fault's message."""
    try:
        return json.dumps(evaluate(expression, known), sort_keys=True, allow_nan=False)
    except EvaluationFault as fault:
        return fault.message


def reordered(value: object) -> object:
    """Equal data whose mappings were filled the other way round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


class Watched(Mapping[str, object]):
    """A mapping that notes what is read of it: (…, key) for a key, (…) for all of it."""

    def __init__(self, inner: dict[str, object], path: tuple[str, ...], reads: list[tuple[str, ...]]) -> None:
        self.inner = inner
        self.path = path
        self.reads = reads

    def __getitem__(self, key: str) -> object:
        self.reads.append((*self.path, key))
        value = self.inner[key]
        return Watched(value, (*self.path, key), self.reads) if isinstance(value, dict) else value

    def __iter__(self) -> Iterator[str]:
        self.reads.append(self.path)
        return iter(self.inner)

    def __len__(self) -> int:
        self.reads.append(self.path)
        return len(self.inner)


def within_bounds(tree: Node) -> bool:
    """Whether the parser would take it."""
    return len(written(tree)) <= TEXT_LENGTH_MAX and sum(1 for _ in walk(tree)) <= NODES_MAX // 4


@given(trees)
@settings(max_examples=300)
def test_what_is_written_parses_to_the_same_tree(tree: Node) -> None:
    """So `written` puts every parenthesis that is needed."""
    assume(within_bounds(tree))
    again = parse(written(tree)).tree
    assert (again, repr(again)) == (tree, repr(tree))


@given(st.text() | scraps)
@example("(" * 49 + "not x" + ")" * 49)
def test_any_text_is_an_expression_or_refused_at_a_place_inside_it(text: str) -> None:
    """And nothing else is raised."""
    expression = parsed(text)
    if isinstance(expression, ExpressionFault):
        fault = expression
        assert 0 <= fault.offset <= fault.offset + fault.length <= len(text)
        assert fault.message
        assert fault.message in str(fault)
        return
    assert expression.text == text
    assert parse(written(expression.tree)).tree == expression.tree
    assert deepest(expression.tree)[0] <= DEPTH_MAX
    assert expression.constant is (not expression.paths)
    assert {path[0] for path in expression.paths} == {
        text[fault.offset : fault.offset + fault.length] for fault in unknown_names(expression, [])
    }


@given(fitting_trees, data)
@settings(max_examples=300)
def test_evaluation_ends_with_plain_data_or_a_fault(tree: Node, known: dict[str, object]) -> None:
    """Within the budget, without a change of the data, and with the same outcome for equal data."""
    assume(within_bounds(tree))
    expression = parse(written(tree))
    assert unknown_names(expression, NAMES) == []
    before = copy.deepcopy(known)
    found = outcome(expression, known)
    assert known == before
    assert outcome(expression, known) == found
    assert outcome(expression, {key: reordered(value) for key, value in reversed(known.items())}) == found


@given(fitting_trees, data)
@settings(max_examples=300)
def test_no_more_is_read_than_the_paths_say(tree: Node, known: dict[str, object]) -> None:
    """Whoever watches the paths of an expression misses nothing that could change its value."""
    assume(within_bounds(tree))
    expression = parse(written(tree))
    reads: list[tuple[str, ...]] = []
    assert outcome(expression, known) == outcome(expression, Watched(known, (), reads))
    for read in reads:
        assert any(path[: len(read)] == read[: len(path)] for path in expression.paths), (read, expression.paths)


@given(fitting_trees, data, st.integers(0, 200))
def test_a_budget_is_never_exceeded(tree: Node, known: dict[str, object], budget: int) -> None:
    """With less budget the outcome is the same, or the fault that says so."""

    def run(left: int) -> tuple[str, int]:
        meter = Meter()
        meter.left = left
        try:
            value: Value | str = plain(_Evaluation(known, meter).value(tree), meter)
        except EvaluationFault as fault:
            value = fault.message
        return json.dumps(value, sort_keys=True), left - meter.left

    whole, cost = run(10**9)
    part, _ = run(budget)
    assert part == whole if cost <= budget else "steps" in part or part == whole


@given(fitting_trees)
def test_no_fault_shows_a_value_of_the_data(tree: Node) -> None:
    """A secret that an expression meets does not get into a log through it."""
    assume(within_bounds(tree))
    secret = "hunter2hunter2"
    inner: dict[str, object] = {"status": secret, "install-k8s": [secret], "in": {"_y": secret}, "_y": 13371337}
    known: dict[str, object] = {"operations": inner, "tags": [secret, 1], "x": secret, "_y": [inner, secret]}
    try:
        evaluate(parse(written(tree)), known)
    except EvaluationFault as fault:
        found = fault.message
    else:
        return
    assert secret not in found
    assert "13371337" not in found


@given(values, values, values)
def test_equality_is_an_equivalence(one: object, two: object, three: object) -> None:
    """Of itself, both ways round, and passed on."""

    def equal(left: object, right: object) -> bool:
        return same(left, right, Meter())

    assert equal(one, one)
    assert equal(one, reordered(one))
    assert equal(one, two) == equal(two, one)
    if equal(one, two) and equal(two, three):
        assert equal(one, three)


@given(st.text("ab*?", max_size=12), st.text("ab*?\\", max_size=8))
def test_a_glob_is_the_regular_expression_it_stands_for(text: str, pattern: str) -> None:
    """Compared with Python's, which backtracks and so is not used."""
    assume(not re.search(r"(?<!\\)(\\\\)*\\$", pattern))
    parts = re.findall(r"\\.|.", pattern)
    translated = "".join({"*": ".*", "?": "."}.get(part, re.escape(part[-1])) for part in parts)
    assert matches(text, pattern, Meter()) == bool(re.fullmatch(translated, text, re.DOTALL))


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_a_distance_between_words(one: str, other: str) -> None:
    """Nothing between equal words only, the same both ways, never more than the longer word."""
    assert (distance(one, other) == 0) == (one == other)
    assert distance("x" + one + "yz", "x" + one + "zy") == 1
    assert distance(one, other) == distance(other, one) <= max(len(one), len(other))
