"""What a forecast says of small plans whose course can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from orchestrator.files.asking import validator
from orchestrator.files.kinds import kind_of
from orchestrator.forecast import Assumptions, Forecast, forecast, rehearsal, to_plain
from orchestrator.model.errors import UsageError
from orchestrator.plan import ir
from orchestrator.plan.ir import Edge, Place, Plan, ProviderLimits, RetryPolicy
from tests.support.plans import operation, plan

EXAMPLES = Path(__file__).parents[2] / "data" / "examples"

#: Seconds, as most of these plans count.
S = 1000


@pytest.fixture(scope="module")
def wuji() -> Plan:
    """The plan of the sample definition."""
    report = validator.evaluate(str(EXAMPLES / "wuji.k"), want_plan=True)
    return ir.decode(report["plan"].encode())


def path_of(found: Forecast) -> list[tuple[str, str]]:
    """[(item, why it began)] of the critical path."""
    return [(entry.item, entry.because) for entry in found.critical_path]


def test_the_sample_runs_in_its_four_waves(wuji: Plan) -> None:
    """R1-45: 3 servers, 3 base services, Kubernetes, 3 cluster services; three at a time at most."""
    found = forecast(wuji, Assumptions(assumed_ms=10 * S))
    waves: dict[int, list[str]] = {}
    for row in found.order:
        waves.setdefault(row.starts_ms, []).append(row.item)
    assert waves == {
        0: ["wuji-cp-0", "wuji-strg-0", "wuji-worker-0"],
        10_000: ["os", "resolv", "containerd"],
        20_000: ["kubernetes"],
        30_000: ["rook-ceph", "external-nfs", "cilium"],
    }
    assert (found.status, found.total_ms, found.peak.tasks, found.peak.at_ms) == ("succeeded", 40_000, 3, 0)
    assert [(row.id, row.starts_ms, row.ends_ms) for row in found.operations] == [
        ("create-servers", 0, 10_000),
        ("install-base", 10_000, 20_000),
        ("install-k8s", 20_000, 30_000),
        ("install-cluster", 30_000, 40_000),
    ]
    assert (found.durations.assumed, found.durations.assumed_ms) == (10, 10_000)
    assert (found.limits, found.undone, found.left) == ([], [], [])


def test_the_critical_path_is_what_takes_longest(wuji: Plan) -> None:
    """And another what-if leads it through another task."""
    slow_base = Assumptions(assumed_ms=10 * S, factors={"resolv": "3x", "create-servers/wuji-cp-0": "15s"})
    assert path_of(forecast(wuji, slow_base)) == [
        ("wuji-cp-0", "start"),
        ("resolv", "dependency"),
        ("kubernetes", "dependency"),
        ("cilium", "dependency"),
    ]
    found = forecast(wuji, Assumptions(assumed_ms=10 * S, factors={"install-cluster/rook-ceph": 2, "os": "1m"}))
    assert [entry.item for entry in found.critical_path] == ["wuji-worker-0", "os", "kubernetes", "rook-ceph"]
    assert [entry.ends_ms for entry in found.critical_path] == [10_000, 70_000, 80_000, 100_000]
    assert found.durations.given == 1


def test_few_slots_lengthen_the_run_and_are_told(wuji: Plan) -> None:
    """Two at a time: the third task of each wave waits, and the path says for what."""
    found = forecast(wuji, Assumptions(max_running=2, assumed_ms=10 * S))
    assert (found.total_ms, found.peak.tasks) == (70_000, 2)
    assert [because for _, because in path_of(found)] == [
        "start",
        "slot",
        "dependency",
        "slot",
        "dependency",
        "dependency",
        "slot",
    ]
    assert found.critical_path[1].limit == "max_running 2"
    (row,) = found.limits
    assert (row.limit, row.value, row.tasks, row.held_ms, row.task_ms) == ("max_running", 2, 3, 30_000, 30_000)


def test_a_failure_leads_to_the_rollback_that_the_engine_makes(wuji: Plan) -> None:
    """All that had succeeded is undone, and nothing else; the delays before the retries are in the path."""
    found = forecast(wuji, Assumptions(assumed_ms=10 * S, failures={"cilium": "always"}))
    assert found.status == "rolled_back"
    assert found.reason.startswith("task install-cluster/cilium failed")
    assert [row.status for row in found.undone] == ["rolled_back"] * 9
    assert sorted(row.task for row in found.undone) == sorted(row.task for row in found.order if row.item != "cilium")
    place = {row.task: row for row in found.undone}
    assert place["install-cluster/local/rook-ceph"].ends_ms <= place["install-k8s/local/kubernetes"].starts_ms
    assert place["install-base/local/os"].ends_ms <= place["create-servers/local/wuji-cp-0"].starts_ms
    retries = [(entry.waited_ms, entry.attempt) for entry in found.critical_path if entry.because == "retry"]
    assert retries == [(5_000, 2), (10_000, 3)]


def test_a_failure_that_is_retried_only_takes_time(wuji: Plan) -> None:
    """`failures` with a number: the next attempt succeeds."""
    found = forecast(wuji, Assumptions(assumed_ms=10 * S, failures={"install-k8s": 1}))
    assert (found.status, found.attempts, found.total_ms) == ("succeeded", 11, 55_000)


def test_what_never_runs_is_told_with_its_reason() -> None:
    """Behind a failure of an operation that nothing may go on without."""
    found = forecast(
        plan(operation("a"), operation("b", ("y",), ("a",)), operation("c", ("z",))),
        Assumptions(failures={"a": "always"}),
    )
    assert found.status == "failed"
    assert [(row.task, row.status) for row in found.left] == [("b/local/y", "upstream_failed")]
    assert "task a/x failed" in found.left[0].reason
    assert [row.starts_ms for row in found.operations] == [0, None, 0]


def test_an_attempt_that_takes_too_long_times_out() -> None:
    """The plan's own timeouts hold: the forecast shows that the workflow cannot succeed."""
    found = forecast(plan(operation("a", timeout_s=30)), Assumptions(durations_ms={"a": 31 * S}))
    assert (found.status, found.total_ms) == ("failed", 30_000)
    assert found.order[0].status == "timed_out"
    just = forecast(plan(operation("a", timeout_s=30)), Assumptions(durations_ms={"a": 30 * S}))
    assert just.status == "succeeded"


def test_the_width_of_an_operation_is_a_limit() -> None:
    """One after another by its author's wish, with slots to spare."""
    found = forecast(plan(operation("a", ("x", "y", "z"), parallel=False)), Assumptions(assumed_ms=S))
    assert path_of(found) == [("x", "start"), ("y", "slot"), ("z", "slot")]
    assert found.critical_path[2].limit == "parallel 1 of a"
    (row,) = found.limits
    assert (row.limit, row.of, row.tasks, row.held_ms, row.task_ms) == ("parallel", "a", 2, 2 * S, 3 * S)


def test_limits_of_providers_are_told_apart() -> None:
    """The operator's limit of one, the declared batch size of the other."""
    two = plan(
        operation("a", ("x", "y", "z"), providers=("local",)),
        operation("b", ("x", "y", "z"), providers=("other",)),
        batch_size=2,
    )
    found = forecast(two, Assumptions(provider_limits={"other": 1}, assumed_ms=S))
    assert {(row.limit, row.of, row.value, row.held_ms, row.task_ms) for row in found.limits} == {
        ("batch_size", "local", 2, S, S),
        ("provider_limit", "other", 1, 2 * S, 3 * S),
    }
    everything = plan(operation("a", ("x", "y", "z")), batch_size=2, kind="parallel")
    assert forecast(everything, Assumptions()).limits == []


def test_durations_come_from_the_most_particular_record() -> None:
    """Task, operation, kind, assumption; and each is counted."""
    known = Assumptions(
        durations_ms={"a/local/x": 4 * S, "a": 3 * S},
        kinds_ms={kind_of("create", "server", "other", "true"): 2 * S},
        assumed_ms=S,
    )
    many = plan(
        operation("a", ("x", "y")), operation("b", providers=("other",)), operation("c"), operation("d", ("q",))
    )
    found = forecast(many, changed(known, factors={"d": "250ms", "c": 0.5}))
    assert {row.task: row.ends_ms for row in found.order} == {
        "a/local/x": 4 * S,
        "a/local/y": 3 * S,
        "b/other/x": 2 * S,
        "c/local/x": 500,
        "d/local/q": 250,
    }
    counts = found.durations
    assert (counts.recorded, counts.similar, counts.given, counts.assumed) == (2, 1, 1, 1)


def test_what_cannot_be_undone_is_told_with_its_hour() -> None:
    """A check changes nothing; an empty undo says that nothing needs to be undone."""
    found = forecast(
        plan(operation("a", undo="undo"), operation("b", ("x", "y"), ("a",)), operation("c", undo="")),
        Assumptions(assumed_ms=S),
    )
    assert [(row.operation, row.tasks, row.starts_ms) for row in found.irreversible] == [("b", 2, S)]


def test_a_plan_without_tasks_takes_no_time() -> None:
    """And has no path."""
    found = forecast(plan(operation("a", ())), Assumptions())
    assert (found.status, found.total_ms, found.critical_path, found.peak.tasks) == ("succeeded", 0, [], 0)


def test_the_same_question_has_the_same_answer(wuji: Plan) -> None:
    """To the byte, in the form in which it travels."""
    what = Assumptions(max_running=2, failures={"cilium": 1}, factors={"os": "2x"})
    first, second = (json.dumps(to_plain(forecast(wuji, what))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["install-cluste", "install-cluster/cilum", "clium"])
def test_a_name_that_matches_nothing_is_an_error_with_what_is_near(wuji: Plan, name: str) -> None:
    """In what-ifs of both kinds."""
    for what in (Assumptions(factors={name: "2x"}), Assumptions(failures={name: "always"})):
        with pytest.raises(UsageError) as caught:
            forecast(wuji, what)
        assert repr(name) in caught.value.message
        assert caught.value.help.startswith("Did you mean 'install-cluster") or "'cilium'" in caught.value.help


def test_an_operation_counts_before_an_item_of_its_name() -> None:
    """The item may still be named with its operation."""
    both = plan(operation("os", ("x",)), operation("b", ("os",)))
    found = forecast(both, Assumptions(assumed_ms=S, factors={"os": "2x", "b/os": "5x"}))
    assert {row.task: row.ends_ms for row in found.order} == {"os/local/x": 2 * S, "b/local/os": 5 * S}
    found = forecast(both, Assumptions(assumed_ms=S, factors={"os": "2x"}))
    assert {row.task: row.ends_ms for row in found.order} == {"os/local/x": 2 * S, "b/local/os": S}


def test_a_retry_after_no_delay_is_still_a_retry() -> None:
    """The path has both attempts, one behind the other."""
    quick = operation("a", retry=RetryPolicy(max_attempts=2, initial_delay=0))
    found = forecast(plan(quick), Assumptions(assumed_ms=S, failures={"x": 1}))
    assert [(entry.attempt, entry.because, entry.starts_ms) for entry in found.critical_path] == [
        (1, "start", 0),
        (2, "retry", S),
    ]


def changed(assumptions: Assumptions, **changes: object) -> Assumptions:
    """`assumptions` with `changes`."""
    return msgspec.structs.replace(assumptions, **changes)


def test_what_waits_for_ever_is_stuck_and_says_what_for() -> None:
    """Two operations that need each other, which no front-end lets through, beside one that runs."""
    found = forecast(
        plan(operation("a", after=("b",)), operation("b", after=("a",)), operation("c")), Assumptions(assumed_ms=S)
    )
    assert (found.status, found.total_ms) == ("stuck", S)
    assert "waits for something that never comes" in found.reason
    assert [(row.task, row.reason) for row in found.left] == [
        ("a/local/x", "waits for b"),
        ("b/local/x", "waits for a"),
    ]


def test_what_goes_on_for_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound on events stands against timers without an end."""
    monkeypatch.setattr(rehearsal, "_EVENTS_MAX", 0)
    monkeypatch.setattr(rehearsal, "_EVENTS_PER_TASK", 1)
    stubborn = operation("a", retry=RetryPolicy(max_attempts=5, initial_delay=1))
    found = forecast(plan(stubborn), Assumptions(assumed_ms=S, failures={"a": "always"}))
    assert found.status == "stuck"
    assert "without an end" in found.reason


def test_conditions_and_rates_of_the_engine_hold() -> None:
    """One item waits for a condition that comes true late, another for one that never does; two may start a second."""
    of = plan(operation("a", ("x",)), operation("b", ("p", "q", "r", "s")))
    first = Edge(Place("a"), Place("b", "p"), condition="source.attempt == 2")
    never = Edge(Place("a"), Place("b", "q"), "soft", condition="source.attempt == 3", timeout_s=30)
    of = msgspec.structs.replace(
        of,
        operations=(msgspec.structs.replace(of.operations[0], retry=RetryPolicy(2, "linear", 3, 3)), of.operations[1]),
        edges=(first, never),
        providers={"local": ProviderLimits(api_rate_limit=2)},
    )
    found = forecast(of, Assumptions(assumed_ms=5 * S, failures={"a": 1}))
    assert found.status == "succeeded"
    assert {row.item: row.starts_ms for row in found.order} == {"x": 0, "r": 0, "s": S, "p": 13 * S, "q": 43 * S}
    assert [(entry.item, entry.because, entry.waited_ms) for entry in found.critical_path] == [
        ("x", "start", 0),
        ("x", "retry", 3 * S),
        ("q", "condition", 30 * S),
    ]
    assert [(row.limit, row.tasks, row.held_ms) for row in found.limits] == [("api_rate_limit", 1, S)]
