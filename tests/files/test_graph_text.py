"""The picture for people: each line of it is an edge, it fits where it is shown, and it stays small."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.files.graph.lanes import TooManyLanes, draw
from orchestrator.files.graph.shape import layers
from orchestrator.files.graph.style import STATUS, cells, counted, cut, lasted, padded, shown, sign
from orchestrator.files.graph.text import picture
from orchestrator.model.states import TASK_STATUSES
from tests.files.test_graph import NEEDS, edge, made

if TYPE_CHECKING:
    from orchestrator.files.graph.model import Graph

DONE, WAITS = {"x": "succeeded"}, {"x": "pending"}

_UP, _DOWN, _LEFT, _RIGHT = "│├┤╰╯┴┼", "│├┤╭╮┬┼", "─┤╮╯┬┴┼", "─├╭╰┬┴┼"


def linear(count: int, **items: Any) -> Graph:
    """Operations one after another."""
    return made({f"op-{it}": ([f"op-{it - 1}"] if it else [], items or DONE) for it in range(count)})


def layered(layer_count: int, width: int, status: str = "pending") -> Graph:
    """Layers in which each operation waits for every one of the layer before."""
    return made(
        {
            f"l{layer}-{it:03}": (
                [f"l{layer - 1}-{other:03}" for other in range(width)] if layer else [],
                {"x": status},
            )
            for layer in range(layer_count)
            for it in range(width)
        }
    )


def read_back(lines: list[tuple[str, str, str]]) -> set[tuple[str, str]]:
    """The edges that a reader of the lines sees: from a sign along its lane, and where its lane branches or joins.

    Two signs right below one another are not tied: a line would be between them.
    """
    found: set[tuple[str, str]] = set()
    #: {column: nodes whose lines come down there}
    lanes: dict[int, set[str]] = {}
    last = -1
    is_below_a_sign = False
    for name, line, _ in lines:
        if name:
            at = line.index("o")
            tied = lanes.get(at, set()) if not (is_below_a_sign and at == last) else set()
            found |= {(one, name) for one in tied}
            lanes = {column: nodes for column, nodes in lanes.items() if line[column : column + 1] == "│"}
            assert {column for column, sign in enumerate(line) if sign == "│"} == set(lanes)
            lanes[at] = {name}
            last = at
        elif not line:
            lanes = {}
        else:
            assert {column for column, sign in enumerate(line) if sign in _UP} == set(lanes)
            lanes = branched(lanes, line, last)
        is_below_a_sign = bool(name)
    return found


def branched(lanes: dict[int, set[str]], line: str, last: int) -> dict[int, set[str]]:
    """What comes down below a line of branches: what came down before, and what leads there from column `last`."""
    below = {column: nodes for column, nodes in lanes.items() if line[column] in _DOWN}
    for step, out, into in ((1, _RIGHT, _LEFT), (-1, _LEFT, _RIGHT)):
        column = last
        while line[column] in out or (line[column] == "│" and column != last):
            column += step
            if line[column] in into and line[column] != "─":
                assert line[column] in _DOWN
                below[column] = below.get(column, set()) | lanes[last]
    return below


@settings(max_examples=300, deadline=None)
@given(NEEDS)
def test_lines_are_edges_and_edges_are_lines(needs: dict[str, list[str]]) -> None:
    """What somebody reads out of the drawing is what went in, for any graph; each node is there once, in order."""
    lines = draw(needs, lambda _: "o", 99)
    assert read_back(lines) == {(one, name) for name, needed in needs.items() for one in needed}
    names = [name for name, _, _ in lines if name]
    assert sorted(names) == sorted(needs)
    assert all(names.index(one) < names.index(name) for name, needed in needs.items() for one in needed)


def test_a_drawing_that_is_too_wide_is_refused() -> None:
    """Not drawn in part."""
    needs: dict[str, list[str]] = {"a": [], **{f"b{it}": ["a"] for it in range(5)}}
    with pytest.raises(TooManyLanes):
        draw(needs, lambda _: "o", 4)
    assert draw(needs, lambda _: "o", 5)


def test_a_diamond() -> None:
    """As it is shown."""
    operations = {
        "prepare": ([], {"x": "succeeded"}),
        "left": (["prepare"], {"x": "succeeded", "y": "failed"}),
        "right": (["prepare"], {"x": "running", "y": "pending"}),
        "join": (["left", "right"], {"x": "pending"}),
    }
    graph = made(operations, reason="some reason")
    assert picture(graph).splitlines() == [
        "w  ▸ running  2 of 6 tasks succeeded",
        "some reason",
        "",
        "✓   prepare  create server  1/1  succeeded",
        "├─╮",
        "▸ │ left     create server  1/2  running (1 failed)",
        "│ ▸ right    create server  0/2  running",
        "├─╯",
        "○   join     create server  0/1  pending",
    ]
    assert picture(graph, width=40, ascii_only=True).splitlines()[3:] == [
        "+   prepare  1/1  succeeded",
        "+-.",
        "> | left     1/2  running (1 failed)",
        "| > right    0/2  running",
        "+-'",
        "o   join     0/1  pending",
    ]


def test_parts_that_have_nothing_to_do_with_each_other_are_apart() -> None:
    """By an empty line; operations that stand alone are a list."""
    operations = {
        "a": ([], DONE),
        "b": (["a"], DONE),
        "c": ([], DONE),
        "d": (["c"], DONE),
        "e": ([], DONE),
        "f": ([], DONE),
    }
    lines = picture(made({name: (list(after), items) for name, (after, items) in operations.items()})).splitlines()
    assert [line[2:3] if line else "" for line in lines[2:]] == ["a", "", "b", "", "c", "", "d", "", "e", "f"]


def test_what_is_alike_stands_together() -> None:
    """A few as lines of a group, many in columns; a layer of forty takes some lines and no hairball."""
    small = picture(layered(2, 5)).splitlines()
    assert small[2] == "◆ 5 operations side by side: 5 pending"
    assert small[3] == "│ ○ l0-000  create server  0/1  pending"
    assert len(small) == 2 + 6 + 1 + 6
    dense = picture(layered(5, 40), width=80).splitlines()
    assert dense.count("│") == 4
    assert sum(line.startswith("◆ 40 operations side by side: 40 pending") for line in dense) == 5
    assert sum(len(re.findall(r"l\d-\d\d\d", line)) for line in dense) == 200
    assert len(dense) < 60


def test_what_is_too_tangled_is_told_in_layers() -> None:
    """With the names of what each operation waits for, as far as there is room, and how many more there are."""
    chance = random.Random(7)
    needs = {f"op-{it}": sorted({f"op-{chance.randrange(it)}" for _ in range(9)}) if it else [] for it in range(60)}
    graph = made({name: (after, WAITS) for name, after in needs.items()})
    lines = picture(graph, width=60).splitlines()
    assert [line for line in lines if line.startswith("layer")] == [
        f"layer {number}" for number in range(1, max(layers(needs).values()) + 1)
    ]
    told = dict(re.findall(r"○ (op-\d+).*\n      after (.*)", "\n".join(lines)))
    assert set(told) == set(needs) - {"op-0"}
    for name, names in told.items():
        listed, _, more = names.partition(" and ")
        named = listed.split(", ")
        assert set(named) <= set(needs[name])
        assert len(named) + int(more.split()[0] if more else 0) == len(needs[name])


def test_an_edge_that_the_lines_imply_is_not_drawn_and_counted() -> None:
    """As in a sequential workflow whose operations name all that came before."""
    names = [f"op-{it}" for it in range(8)]
    graph = made({name: (names[:place], WAITS) for place, name in enumerate(names)})
    assert picture(graph).replace(picture(linear(8, **WAITS)), "") == (
        "\n\n21 dependencies are not drawn: the lines imply them."
    )


def test_edges_that_say_more_are_told_below_their_target() -> None:
    """Their kind, their condition, between which tasks, and what has become of them."""
    operations = {"a": ([], {"x": "succeeded", "y": "failed"}), "b": (["a"], {"x": "pending", "y": "pending"})}
    edges = [
        edge("a/x", "b/x", condition="source.attempt > 1", timeout_s=90),
        edge("a", "b/y", type="soft", why="the a"),
        edge("b/x", "b/y"),
        edge("a/y", "b/x"),
    ]
    below = picture(made(operations, edges, tasks=True)).splitlines()
    assert below[2:] == [
        "▸ a  create server  1/2  running (1 failed)",
        "│ ✓ x  ✗ y",
        "│",
        "○ b  create server  0/2  pending",
        "    x after a/x, when source.attempt > 1 (within 1 min 30 s): waits for the condition, holds 1 task",
        "    y after the a, soft",
        "    x after a/y: broken",
        "    y after x: waits, holds 1 task",
        "  ○ x  ○ y",
    ]
    above = picture(made(operations, edges)).splitlines()
    assert "    between its own tasks: waits, holds 1 task" in above
    assert "    some of it after some of a: broken" in above


def test_errors_are_at_the_end_of_the_line_if_there_is_room() -> None:
    """The beginning of it."""
    graph = made({"a": ([], {"x": "failed"})})
    graph.by_id["a"].error = "exit code 3: " + "no route " * 20
    line = picture(graph, width=80).splitlines()[2]
    assert line.startswith("✗ a  create server  0/1  failed  exit code 3: no route")
    assert line.endswith("…")
    assert cells(line) <= 80
    assert "exit" not in picture(graph, width=24)


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), st.integers(0, 130), st.booleans(), st.booleans())
def test_every_line_fits_and_nothing_reaches_the_terminal(
    names: list[str], width: int, ascii_only: bool, colour: bool
) -> None:
    """Whatever operations, items, conditions and errors are called."""
    operations = {name: (names[:place][-2:], {name: "failed", "y": "pending"}) for place, name in enumerate(names)}
    edges = [edge(f"{names[0]}/{names[0]}", f"{names[-1]}/y", condition=names[-1], why=names[0], type=names[0])]
    for tasks in (False, True):
        graph = made(operations, edges, tasks=tasks, reason=names[0], name=names[0])
        for node in graph.nodes:
            node.error = node.id
        text = picture(graph, width=width, colour=colour, ascii_only=ascii_only)
        plain = re.sub(r"\x1b\[\d*m", "", text) if colour else text
        assert all(line.isprintable() and cells(line) <= max(20, width) for line in plain.split("\n"))
        assert plain == picture(graph, width=width, ascii_only=ascii_only)
        assert text == picture(graph, width=width, colour=colour, ascii_only=ascii_only)


def test_colours_are_of_the_statuses() -> None:
    """Sign and word, and back to normal behind them."""
    line = picture(made({"a": ([], {"x": "failed"})}), colour=True).splitlines()[2]
    assert line == "\x1b[31m✗\x1b[0m a  create server  0/1\x1b[31m  failed\x1b[0m"


def test_large_graphs_stay_small_and_take_no_time() -> None:
    """Ten thousand operations; ten thousand tasks of one."""
    chain = picture(linear(10_000))
    assert len(chain.splitlines()) < 2100
    assert "9000 more operations are not shown" in chain
    graph = made({"a": ([], {f"item-{it}": "pending" for it in range(10_000)})}, tasks=True)
    lines = picture(graph).splitlines()
    assert lines[-1] == "  and 9940 more: 9940 pending"
    assert len(lines) < 20


def test_what_goes_on_says_what_of_it_does_not() -> None:
    """Tasks that failed, wait for their next try, or for somebody's word."""
    items = {"a": "running", "b": "unknown", "c": "waiting_retry", "d": "waiting_retry"}
    line = picture(made({"one": ([], items), "two": ([], {"x": "running", "y": "pending"})})).splitlines()
    assert line[2] == "▸ one  create server  0/4  running (2 waiting_retry, 1 unknown)"
    assert line[3] == "▸ two  create server  0/2  running"


def test_no_operations() -> None:
    """It is said."""
    assert picture(made({})).splitlines()[-1] == "There are no operations."


# Words and signs


def test_every_status_has_a_sign_of_one_cell() -> None:
    """And another in ASCII; what is none has one, too."""
    assert tuple(STATUS) == TASK_STATUSES
    for status in (*STATUS, "queued", ""):
        assert cells(sign(status)) == len(sign(status)) == 1
        assert sign(status, ascii_only=True).isascii()
        assert not any(ord(c) >= 0x1F000 or ord(c) == 0xFE0F for c in sign(status))


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本語", 5, "日本…"),
        ("日本語", 6, "日本語"),
        ("abc", 0, ""),
        ("", 0, ""),
    ],
)
def test_cutting(text: str, width: int, expected: str) -> None:
    """By cells, not by characters."""
    assert cut(text, width) == expected
    assert cells(padded(text, width)) == width


def test_what_a_terminal_would_act_upon_is_made_visible() -> None:
    """Controls of both sets, line ends, marks of direction, what cannot be encoded."""
    assert shown("a\x1b[31mb\nc\u202ed\x9be\ud800") == "a\\x1b[31mb\\nc\\u202ed\\x9be\\ud800"
    assert shown("x" * 10_000, 10) == "x" * 9 + "…"


def test_words_of_counts_and_times() -> None:
    """In the order of the statuses; in units that people use."""
    assert counted({"pending": 2, "odd": 1, "succeeded": 3, "failed": 0, "": 1}) == (
        "2 pending, 3 succeeded, 1 of no status, 1 odd"
    )
    assert [lasted(it) for it in (-5, 0, 999, 1000, 12_340, 59_949, 60_000, 3_725_000)] == [
        *("0 ms", "0 ms", "999 ms", "1 s", "12.3 s", "59.9 s", "1 min", "1 h 2 min"),
    ]
