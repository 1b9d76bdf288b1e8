"""What holds of every forecast, on random plans under random assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.forecast import Assumptions, Forecast, forecast
from orchestrator.model.states import WORKFLOW_FINAL
from tests.engine.fates import plans

if TYPE_CHECKING:
    from orchestrator.plan.ir import Plan


@st.composite
def assumptions(draw: st.DrawFn, of: Plan, *, failing: bool) -> Assumptions:
    """Durations up to half a minute (some plans have shorter timeouts), few slots, perhaps failures."""
    ids = [operation.id for operation in of.operations]
    return Assumptions(
        max_running=draw(st.integers(1, 4)),
        provider_limits=draw(st.dictionaries(st.sampled_from(["local", "other"]), st.integers(1, 3))),
        durations_ms=draw(st.dictionaries(st.sampled_from(ids), st.integers(0, 30_000))),
        assumed_ms=draw(st.integers(1, 5_000)),
        factors=draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(["2x", "0.3x", "7s"]), max_size=2)),
        failures=draw(
            st.dictionaries(st.sampled_from(ids), st.one_of(st.integers(0, 3), st.just("always")), max_size=2)
        )
        if failing
        else {},
    )


@given(st.data(), plans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_critical_path_is_the_whole_time_without_a_gap(data: st.DataObject, of: Plan, failing: bool) -> None:
    """Each piece begins where the one before it ended, or after the delay that it says; together they are the total."""
    found = forecast(of, data.draw(assumptions(of, failing=failing)))
    at_ms = 0
    for entry in found.critical_path:
        assert entry.starts_ms - entry.waited_ms == at_ms
        assert entry.waited_ms == 0 or entry.because in ("retry", "rate", "condition")
        at_ms = entry.ends_ms
    assert at_ms == found.total_ms
    lengths = [entry.waited_ms + entry.ends_ms - entry.starts_ms for entry in found.critical_path]
    assert sum(lengths) == found.total_ms


@given(st.data(), plans())
@settings(max_examples=300, deadline=None)
def test_the_order_respects_every_dependency_and_limit(data: st.DataObject, of: Plan) -> None:
    """No task starts before what its operation needs has ended; never more run than may; it always comes to an end."""
    under = data.draw(assumptions(of, failing=True))
    found = forecast(of, under)
    assert found.status in WORKFLOW_FINAL
    ends = {row.id: row.ends_ms or 0 for row in found.operations}
    needs = {operation.id: operation.after for operation in of.operations}
    for row in found.order:
        assert all(ends[before] <= row.starts_ms for before in needs[row.operation])
    assert found.order == sorted(found.order, key=lambda row: row.starts_ms)
    assert found.peak.tasks <= under.max_running
    assert _most_at_a_time(found) <= max(found.peak.tasks, 1)
    assert len(found.order) + len(found.left) == found.tasks


@given(st.data(), plans())
@settings(max_examples=200, deadline=None)
def test_more_slots_than_tasks_hold_nothing_back(data: st.DataObject, of: Plan) -> None:
    """Then the total is no longer than with few, when nothing fails, and no limit on all slots is told."""
    few = data.draw(assumptions(of, failing=False))
    many = Assumptions(1000, {}, few.durations_ms, {}, few.assumed_ms, few.factors)
    free = forecast(of, many)
    assert "max_running" not in {row.limit for row in free.limits}
    assert "provider_limit" not in {row.limit for row in free.limits}
    assert all(entry.limit == "" or entry.because in ("slot", "rate") for entry in free.critical_path)


@given(st.data(), plans())
@settings(max_examples=100, deadline=None)
def test_a_forecast_is_a_function(data: st.DataObject, of: Plan) -> None:
    """The same plan under the same assumptions."""
    under = data.draw(assumptions(of, failing=True))
    assert forecast(of, under) == forecast(of, under)


def _most_at_a_time(found: Forecast) -> int:
    """Of tasks that were tried once and not undone, whose rows say exactly when they ran."""
    undone = {row.task for row in found.undone}
    rows = [row for row in found.order if row.attempts == 1 and row.task not in undone]
    return max((sum(one.starts_ms <= row.starts_ms < one.ends_ms for one in rows) for row in rows), default=0)
