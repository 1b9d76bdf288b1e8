"""Order in graphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan.graph import cycles, in_turn, waves
from tests.support.plans import operation, plan


def test_names_a_cycle_in_the_order_of_waiting() -> None:
    """Each waits for the next, the last for the first."""
    assert list(cycles({"a": ["c"], "b": ["a"], "c": ["b"], "d": ["a"]})) == [["a", "c", "b"]]


def test_several_cycles_are_all_told() -> None:
    """Independent cycles do not hide each other."""
    assert list(cycles({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]})) == [["a", "b"], ["c", "d"]]


@given(st.dictionaries(st.integers(0, 30), st.lists(st.integers(0, 30), max_size=4), max_size=30))
def test_a_graph_whose_edges_point_backwards_has_no_cycle(raw: dict[int, list[int]]) -> None:
    """And deep graphs need no deep stack."""
    edges = {
        str(node): [str(other) for other in needed if other < node and other in raw] for node, needed in raw.items()
    }
    assert list(cycles(edges)) == []
    chain = {str(node): [str(node - 1)] if node else [] for node in reversed(range(20_000))}
    assert list(cycles(chain)) == []


def test_waves_hold_what_can_run_together() -> None:
    """Each operation is in the first wave after everything it waits for, in the order of the plan."""
    one = plan(
        operation("d", after=("b", "c")),
        operation("c", after=("a",)),
        operation("b"),
        operation("a"),
    )
    assert waves(one) == [["b", "a"], ["c"], ["d"]]


def test_items_wait_in_turn_when_there_are_fewer_turns_than_tasks() -> None:
    """One turn for several, or some for more; never all at once."""
    assert [in_turn(parallel, 3) for parallel in (False, 1, 2, 3, 4, True)] == [True, True, True, False, False, False]
    assert not in_turn(False, 1)
