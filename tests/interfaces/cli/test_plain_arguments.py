"""Arguments that are read without argparse come to the same as with it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.interfaces.cli import COMMANDS
from orchestrator.interfaces.cli.parser import Parser
from orchestrator.interfaces.cli.plain_arguments import read
from orchestrator.model.errors import UsageError

NAMES = [name for name in COMMANDS if name != "serve"]

#: Words that somebody may type: values, negative numbers, nothing, what is no option.
values = st.sampled_from(
    ["5", "-3", "0", "x", "a b", "", "failed", "json", "text", "status", "1min", "w-4k7q0d", "--", "x=y"]
)


def by_argparse(name: str, words: list[str]) -> dict[str, Any] | None:
    """The arguments as argparse reads them, None if it refuses."""
    module = import_module(f"orchestrator.interfaces.cli.{name}")
    parser = Parser(name, module.__doc__)
    module.add_arguments(parser)
    try:
        return vars(parser.parse_args(words))
    except (UsageError, SystemExit):
        return None


def plainly(name: str, words: list[str]) -> dict[str, Any] | None:
    """The arguments as they are read without it, None if they are left to it."""
    options = read(import_module(f"orchestrator.interfaces.cli.{name}").add_arguments, words)
    return None if options is None else vars(options)


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A command and arguments, most of which it knows."""
    name = draw(st.sampled_from(NAMES))
    parser = Parser(name, "")
    import_module(f"orchestrator.interfaces.cli.{name}").add_arguments(parser)
    options = [option for action in parser._actions for option in action.option_strings if option != "--help"]
    word = st.sampled_from([*options, "--nope", "-h"]) | values
    pair = st.tuples(st.sampled_from(options), values).map(list)
    joined = st.tuples(st.sampled_from(options), values).map(lambda it: [f"{it[0]}={it[1]}"])
    parts = draw(st.lists(st.one_of(word.map(lambda it: [it]), pair, joined), max_size=5))
    return name, [word for part in parts for word in part]


@settings(max_examples=1500, deadline=None)
@given(lines())
def test_what_is_read_plainly_is_what_argparse_reads(line: tuple[str, list[str]]) -> None:
    """Or it is left to argparse."""
    found = plainly(*line)
    if found is not None:
        assert found == by_argparse(*line)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("status", []),
        ("status", ["--data-dir", "d", "--json"]),
        ("tasks", ["--status", "failed", "--status=timed_out", "--limit", "50", "--json"]),
        ("tasks", ["--min-priority", "3", "--workflow=w"]),
        ("cancel", ["w-4k7q0d"]),
        ("why", ["w-4k7q0d", "--data-dir=x"]),
        ("workflows", []),
    ],
)
def test_what_is_written_plainly_is_read_plainly(name: str, words: list[str]) -> None:
    """The calls that scripts make again and again do not wait for argparse."""
    found = plainly(name, words)
    assert found is not None
    assert found == by_argparse(name, words)


@pytest.mark.parametrize(
    "words", [["--limit", "-1"], ["--limit", "x"], ["--lim", "3"], ["--help"], ["word"], ["--limit"]]
)
def test_what_is_wrong_is_left_to_argparse(words: list[str]) -> None:
    """Which says what."""
    assert plainly("tasks", words) is None
