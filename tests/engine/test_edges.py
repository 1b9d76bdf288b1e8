"""Edges between tasks and the conditions on them: A-13 cell by cell, and what waiting looks like."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from orchestrator.engine.commands import StartAttempt
from orchestrator.plan.ir import DependencyType, Edge, OnFailure, Place, Plan, ProviderLimits
from tests.engine.run import Run, starts
from tests.support.plans import operation, plan, submitted


def linked(
    kind: DependencyType = "hard", condition: str = "", timeout_s: int = 10, on_failure: OnFailure = "continue"
) -> Plan:
    """Item x of b waits for item x of a; item y of each is by itself. c waits for b."""
    edge = Edge(Place("a", "x"), Place("b", "x"), kind, condition, timeout_s, "server.x")
    made = plan(
        operation("a", ("x", "y"), on_failure=on_failure),
        operation("b", ("x", "y"), on_failure=on_failure),
        operation("c", after=("b",), on_failure=on_failure),
    )
    return msgspec.structs.replace(made, edges=(edge,))


@pytest.mark.parametrize("kind", ["hard", "soft", "optional"])
def test_the_target_waits_for_the_source_alone(kind: DependencyType) -> None:
    """R1-23: others of both operations go their own way."""
    run = Run(linked(kind))
    assert starts(run.first.commands) == ["a.local.x", "a.local.y", "b.local.y"]
    assert run.reason("b.local.x") == "waits for server.x"
    run.exit("a.local.y")
    assert run.status("b.local.x") == "pending"
    assert starts(run.exit("a.local.x").commands) == ["b.local.x"]


def test_a_hard_source_that_fails_takes_its_targets_along() -> None:
    """A-13: upstream_failed, and so on through operations; the others go on."""
    run = Run(linked())
    run.exit("a.local.x", 1)
    assert (run.status("b.local.x"), run.status("b.local.y")) == ("upstream_failed", "running")
    assert run.reason("b.local.x") == "not started: server.x did not succeed"
    run.exit("b.local.y")
    run.exit("a.local.y")
    assert run.status("c.local.x") == "upstream_failed"
    assert run.state == "failed"


@pytest.mark.parametrize("kind", ["soft", "optional"])
def test_a_soft_source_may_end_as_it_likes(kind: DependencyType) -> None:
    """A-13: the target only wants it to be over."""
    run = Run(linked(kind))
    assert starts(run.exit("a.local.x", 1).commands) == ["b.local.x"]


def test_what_fails_upstream_goes_through_any_number_of_edges() -> None:
    """A chain of a thousand, without recursion."""
    items = tuple(f"i{number}" for number in range(1000))
    edges = tuple(Edge(Place("a", one), Place("a", other)) for one, other in pairwise(items))
    run = Run(msgspec.structs.replace(plan(operation("a", items, on_failure="continue")), edges=edges))
    assert starts(run.first.commands) == ["a.local.i0"]
    run.exit("a.local.i0", 1)
    assert run.status("a.local.i999") == "upstream_failed"
    assert run.state == "failed"


def test_a_thousand_empty_operations_open_one_another() -> None:
    """Without recursion."""
    nodes = [operation("o0", ())]
    nodes += [operation(f"o{number}", (), (f"o{number - 1}",)) for number in range(1, 3000)]
    assert Run(plan(*nodes)).state == "succeeded"


def test_an_operation_with_a_width_has_that_many_at_work() -> None:
    """R1-19 with a number."""
    run = Run(plan(operation("a", ("u", "v", "w", "x"), parallel=2)))
    assert starts(run.first.commands) == ["a.local.u", "a.local.v"]
    assert starts(run.exit("a.local.v").commands) == ["a.local.w"]


def test_one_after_another_an_edge_holds_up_all_behind_it() -> None:
    """Listed order is an order."""
    made = plan(operation("a"), operation("b", ("x", "y"), parallel=False))
    run = Run(msgspec.structs.replace(made, edges=(Edge(Place("a"), Place("b", "x")),)))
    assert starts(run.first.commands) == ["a.local.x"]
    assert starts(run.exit("a.local.x").commands) == ["b.local.x"]
    assert starts(run.exit("b.local.x").commands) == ["b.local.y"]


def test_a_condition_is_looked_at_when_something_changes() -> None:
    """R1-24: until it is true the task waits, and says for what."""
    run = Run(linked(condition="operations['a'].succeeded == 2"))
    assert starts(run.exit("a.local.x").commands) == []
    assert run.reason("b.local.x") == "waits until operations['a'].succeeded == 2"
    assert starts(run.exit("a.local.y").commands) == ["b.local.x"]


def test_a_condition_that_is_true_holds_nothing_up() -> None:
    """It is looked at as soon as nothing else is waited for."""
    run = Run(linked(condition="source.status == 'succeeded' and target.item == 'x'"))
    assert starts(run.exit("a.local.x").commands) == ["b.local.x"]


def test_a_condition_that_stays_false_times_out() -> None:
    """R1-24: with a reason; a hard one is a failure of its operation."""
    run = Run(linked(condition="source.attempt > 1", on_failure="fail"))
    run.exit("a.local.x")
    assert run.wait(9.9) == []
    run.wait(0.2)
    assert run.status("b.local.x") == "timed_out"
    assert run.reason("b.local.x") == "source.attempt > 1 did not become true within 10 s"
    assert run.workflow.because == "task b/x timed out"


@pytest.mark.parametrize("kind", ["soft", "optional"])
def test_a_soft_condition_is_waited_for_no_longer_than_its_timeout(kind: DependencyType) -> None:
    """Then the task starts all the same."""
    run = Run(linked(kind, "source.attempt > 1"))
    run.exit("a.local.x")
    assert [starts(done.commands) for done in run.wait(11)] == [["b.local.x"]]


def test_a_condition_that_speaks_of_time_is_looked_at_again() -> None:
    """Every five seconds, without anything else happening."""
    run = Run(linked(condition="workflow.elapsed_s >= 7", timeout_s=60))
    run.exit("a.local.x")
    run.exit("a.local.y")
    run.exit("b.local.y")
    assert [starts(done.commands) for done in run.wait(20)] == [[], ["b.local.x"]]


def test_a_condition_that_cannot_be_told_is_not_true_and_says_why() -> None:
    """The remedy is in the reason."""
    run = Run(linked(condition="source.status > 3"))
    run.exit("a.local.x")
    assert run.status("b.local.x") == "pending"
    assert "which cannot be told:" in run.reason("b.local.x")


def test_the_time_of_a_condition_stands_still_while_paused() -> None:
    """A-51: as every delay."""
    run = Run(linked(condition="source.attempt > 1"))
    run.exit("a.local.x")
    run.wait(4)
    run.pause()
    run.wait(100)
    run.resume()
    run.wait(5.9)
    assert run.status("b.local.x") == "pending"
    run.wait(0.2)
    assert run.status("b.local.x") == "timed_out"


def test_undoing_goes_against_edges_of_every_kind() -> None:
    """A-55: soft ones, too."""
    edge = Edge(Place("a", "x"), Place("b"), "soft")
    made = plan(operation("a", ("x", "y"), undo="u"), operation("b", undo="u"))
    run = Run(msgspec.structs.replace(made, edges=(edge,)))
    for name in ("a.local.x", "b.local.x", "a.local.y"):
        run.exit(name)
    assert starts(run.roll_back().commands) == ["a.local.y", "b.local.x"]
    assert starts(run.exit("b.local.x", 0, 2).commands) == ["a.local.x"]


def limited(rate: int, items: int, **more: object) -> Plan:
    """An operation whose provider allows so many starts a second."""
    made = plan(operation("a", tuple(f"i{number}" for number in range(items))), **more)  # type: ignore[arg-type]
    return msgspec.structs.replace(made, providers={"local": ProviderLimits(None, rate)})


def test_starts_keep_to_the_rate_of_the_provider() -> None:
    """R1-50: never more in any second, and no slower than that."""
    run = Run(limited(10, 25), max_running=100)
    begun = [(run.seconds, len(starts(run.first.commands)))]
    while run.world.live.keys() != run.world.tasks.keys():
        before = run.seconds
        begun.append((before + 1, sum(len(starts(done.commands)) for done in run.wait(1.0))))
    assert begun == [(0.0, 10), (1.0, 10), (2.0, 5)]


def test_a_rate_is_a_sliding_window() -> None:
    """Two starts at 0.0 and 0.9 leave room for one at 1.0 and one at 1.9."""
    run = Run(limited(2, 4), max_running=1)
    run.seconds = 0.9
    run.exit("a.local.i0")
    run.seconds = 0.95
    assert starts(run.exit("a.local.i1").commands) == []
    assert [starts(done.commands) for done in run.wait(0.06)] == [["a.local.i2"]]
    run.exit("a.local.i2")
    assert run.wait(0.8) == []
    assert [starts(done.commands) for done in run.wait(0.1)] == [["a.local.i3"]]


def test_a_parallel_workflow_keeps_to_the_rate_too() -> None:
    """A-11 lifts batch limits; a provider's interface is another thing."""
    assert len(starts(Run(limited(3, 9, kind="parallel")).first.commands)) == 3


@pytest.mark.parametrize("kinds", [("hard", "soft"), ("soft", "hard")])
def test_two_edges_between_the_same_tasks_are_both_kept(kinds: tuple[DependencyType, DependencyType]) -> None:
    """The strict one decides, whichever is listed first."""
    both = tuple(Edge(Place("a", "x"), Place("b", "x"), kind) for kind in kinds)
    run = Run(msgspec.structs.replace(linked(), edges=both))
    assert starts(run.exit("a.local.x", 1).commands) == []
    assert run.status("b.local.x") == "upstream_failed"


def test_many_tasks_that_mind_the_time_are_looked_at_together() -> None:
    """One record every five seconds, not one for each."""
    items = tuple(f"i{number}" for number in range(50))
    made = plan(operation("a"), operation("b", items))
    edge = Edge(Place("a"), Place("b"), "hard", "workflow.elapsed_s >= 12", 60)
    run = Run(msgspec.structs.replace(made, edges=(edge,)), max_running=100)
    run.exit("a.local.x")
    looks = run.wait(20)
    assert [len(starts(done.commands)) for done in looks] == [0, 0, 50]


def test_a_rate_counts_starts_of_those_who_know_no_limit() -> None:
    """Two workflows on one provider; only the later one says how often it may be asked."""
    run = Run(plan(operation("a", ("x", "y", "z"))), max_running=100)
    later = run.happen(submitted(limited(2, 1), "v"))
    assert [command for command in later.commands if isinstance(command, StartAttempt)] == []
    assert [len(done.commands) for done in run.wait(1.1)] == [1]


def test_what_waits_behind_what_is_skipped_is_skipped_too() -> None:
    """Nothing has failed: somebody wants it all gone."""
    edge = Edge(Place("b", "x"), Place("c", "x"))
    run = Run(
        msgspec.structs.replace(plan(operation("a"), operation("b", after=("a",)), operation("c")), edges=(edge,))
    )
    run.roll_back()
    assert (run.status("b.local.x"), run.status("c.local.x")) == ("skipped", "skipped")
