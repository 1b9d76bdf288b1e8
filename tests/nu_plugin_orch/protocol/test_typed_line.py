"""The words of a line in which somebody presses Tab, as engines send them."""

from __future__ import annotations

from typing import Any

import pytest

from nu_plugin_orch.protocol.typed_line import typed_words

STRING = {"expr": {"String": "a b"}, "span": {"start": 1, "end": 4}, "span_id": 7, "ty": "String"}


def expression(**kind: object) -> dict[str, Any]:
    """An expression as the parser has it."""
    return {**STRING, "expr": kind}


def named(name: str, value: object) -> dict[str, Any]:
    """A flag with its value."""
    return {"Named": [{"item": name, "span": {"start": 0, "end": 1}}, None, value]}


def line(*arguments: object) -> dict[str, Any]:
    """The field `call` of the message."""
    return {
        "call": {"decl_id": 3, "head": {}, "arguments": list(arguments), "parser_info": {}},
        "strip": True,
        "pos": 9,
    }


def test_what_is_written_out_is_taken() -> None:
    """Strings, paths, numbers and lists of them; positions count, flags may come twice."""
    items = [{"Item": STRING}, {"Item": expression(Int=3)}, {"Spread": [{}, STRING]}]
    words = expression(FullCellPath={"head": expression(List=items), "tail": []})
    found = typed_words(
        line(
            {"Positional": STRING},
            named("data-dir", expression(Directory=["~/data", False])),
            named("workflow", words),
            {"Positional": expression(RawString="raw")},
            named("task", STRING),
            named("task", expression(Filepath=["x.k", True])),
            named("tail", expression(Int=3)),
        )
    )
    assert found == {
        0: ["a b"],
        1: ["raw"],
        "data-dir": ["~/data"],
        "workflow": ["a b", "3"],
        "task": ["a b", "x.k"],
        "tail": ["3"],
    }


def test_what_would_have_to_be_evaluated_is_passed_over() -> None:
    """Also a switch, and a flag whose value is being typed."""
    cell = expression(FullCellPath={"head": STRING, "tail": [{"String": {}}]})
    found = typed_words(
        line(
            {"Positional": expression(FullCellPath={"head": expression(Subexpression=2), "tail": []})},
            {"Positional": cell},
            {"Positional": STRING},
            named("workflow", expression(StringInterpolation=[STRING])),
            named("tasks", None),
        )
    )
    assert found == {2: ["a b"]}


@pytest.mark.parametrize(
    "call",
    [
        None,
        5,
        {},
        {"call": {}},
        {"call": None},
        line(None),
        line({}),
        line({"Positional": None}),
        line({"Named": []}),
        line({"Named": [{}, None, STRING]}),
        line({"Positional": {"expr": {"Directory": []}}}),
        line({"Positional": {"expr": []}}),
        line({"Later": 3}),
    ],
)
def test_another_form_is_no_failure(call: object) -> None:
    """The parser's own form may change with any version."""
    assert typed_words(call) == {}


def test_lists_in_lists_end() -> None:
    """However deep."""
    nested = STRING
    for _ in range(500):
        nested = expression(List=[{"Item": nested}])
    assert typed_words(line({"Positional": nested})) == {}
