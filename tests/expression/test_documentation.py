"""docs/expressions.md says what is so: each of its examples is evaluated, each table compared with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orchestrator.expression import FUNCTIONS, ExpressionFault, evaluate, holds, parse
from orchestrator.expression import parser as bounds_of_text
from orchestrator.expression import values as bounds_of_data

TEXT = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text(encoding="utf-8")
DATA: dict[str, object] = json.loads(TEXT.partition("```json\n")[2].partition("```")[0])


def rows(head: str) -> list[list[str]]:
    """The cells of the table with this first line, without it."""
    table = TEXT.partition(head + "\n")[2].partition("\n\n")[0]
    assert table, f"no table {head}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table.splitlines()[1:]]


def code(cell: str) -> str:
    """What stands in backquotes in the cell."""
    assert cell[0] == cell[-1] == "`"
    return cell[1:-1].replace("\\|", "|")


EXAMPLES = [(code(one), code(other)) for one, other in rows("| expression | value |")]
EXAMPLES += [(code(one), code(other)) for _, _, one, other in rows("| function | what it is | example | its value |")]


@pytest.mark.parametrize(("text", "value"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_an_example_has_the_value_that_is_told(text: str, value: str) -> None:
    """Of the tables of values and of functions."""
    found = evaluate(parse(text), DATA)
    assert json.dumps(found, ensure_ascii=False) == value


def test_the_first_example_holds() -> None:
    """It is the condition of the introduction."""
    assert holds(parse(TEXT.partition("```\n")[2].partition("\n```")[0]), DATA)


def test_the_table_of_functions_is_the_code_s() -> None:
    """All of them, in order, in the same words."""
    assert rows("| function | what it is | example | its value |") == [
        [f"`{each.signature}`", each.summary, f"`{each.example[0]}`", f"`{each.example[1]}`"]
        for each in FUNCTIONS.values()
    ]
    assert all(each.signature.startswith(f"{name}(") for name, each in FUNCTIONS.items())


def test_the_bounds_are_the_code_s() -> None:
    """In the order of the table."""
    assert [int(number) for _, number in rows("| what | at most |")] == [
        bounds_of_text.TEXT_LENGTH_MAX,
        bounds_of_text.NODES_MAX,
        bounds_of_text.DEPTH_MAX,
        bounds_of_data.DATA_DEPTH_MAX,
        bounds_of_data.TEXT_BYTES_MAX,
        bounds_of_data.STEPS_MAX,
    ]
    assert f"each {bounds_of_data.CHARACTERS_PER_STEP} characters" in TEXT


REFUSED = [(code(one), code(other)) for one, other in rows("| expression | remedy |")]


@pytest.mark.parametrize(("text", "remedy"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_is_refused_comes_with_the_remedy_that_is_told(text: str, remedy: str) -> None:
    """In the help of the fault."""
    with pytest.raises(ExpressionFault) as caught:
        parse(text)
    assert remedy in (caught.value.help or "")


def test_the_kinds_are_told_as_they_are() -> None:
    """Sentences of the page that an expression can check."""
    for text, value in [("1 == '1'", False), ("true == 1", False), ("1 == 1.0", True), ("exists(tags.y)", False)]:
        assert evaluate(parse(text), DATA) is value
