"""A plan as somebody reads it before it runs: what it does, in which order, and what there is to know about it first.

Plain values in, plain values out: this is a part of the evaluator's report. Operations stand in waves, which are what
the order of operations alone gives. Dependencies between resources hold back single tasks; those that ask for more
than the waves do are listed beside them. What cannot be undone, what will bind and how long it takes comes from a
forecast, under the same assumptions as `orchestrator simulate` makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.forecast.assumptions import from_plain
from orchestrator.forecast.prediction import forecast, to_plain
from orchestrator.forecast.report import refused
from orchestrator.model.errors import UsageError
from orchestrator.plan import graph
from orchestrator.plan.inserted import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.forecast.prediction import Forecast, OperationRow
    from orchestrator.plan.ir import Edge, Operation, Place, Plan


def answer(plan: Plan, simulate: Mapping[str, Any] | None) -> dict[str, Any]:
    """``dry_run`` of `plan` under the assumptions `simulate`; ``refused`` if these mean nothing.

    Its keys are told in docs/simulate.md; times are milliseconds from the start.
    """
    try:
        found = forecast(plan, from_plain(simulate or {}))
    except UsageError as error:
        return refused(error)
    return {"dry_run": _dry_run(plan, found)}


def _dry_run(plan: Plan, found: Forecast) -> dict[str, Any]:
    waves = graph.waves(plan)
    number_of = {name: number for number, wave in enumerate(waves, start=1) for name in wave}
    operations = {operation.id: operation for operation in plan.operations}
    times = {row.id: row for row in found.operations}
    return {
        "name": found.name,
        "environment": plan.environment,
        "waves": [_row(number_of[name], operations[name], times[name]) for wave in waves for name in wave],
        "order": [_edge(number_of[edge.target.operation], edge) for edge in _telling(plan, operations)],
        "irreversible": to_plain(found.irreversible),
        "limits": to_plain(found.limits),
        "status": found.status,
        "reason": found.reason,
        "total_ms": found.total_ms,
        "tasks": found.tasks,
        "max_running": found.max_running,
        "peak": to_plain(found.peak),
        "durations": to_plain(found.durations),
    }


def _row(wave: int, operation: Operation, times: OperationRow) -> dict[str, Any]:
    return {
        "wave": wave,
        "operation": operation.id,
        "type": operation.type,
        "target": operation.target,
        "items": list(operation.items),
        "providers": list(operation.providers),
        "tasks": times.tasks,
        "starts_ms": times.starts_ms,
        "ends_ms": times.ends_ms,
        "inserted": operation.inserted,
    }


def _edge(wave: int, edge: Edge) -> dict[str, Any]:
    return {
        "wave": wave,
        "what": _words(edge.target),
        "after": _words(edge.source),
        "type": edge.type,
        "condition": edge.condition,
        "timeout_ms": edge.timeout_s * 1000 if edge.condition else None,
        "why": edge.why,
    }


def _words(place: Place) -> str:
    item = "" if place.item is None else f"/{place.item}"
    return f"{place.operation}{item}" + ("" if place.provider is None else f" on {place.provider}")


def _telling(plan: Plan, operations: Mapping[str, Operation]) -> Iterator[Edge]:
    """Edges that make something wait for more than the order of operations does, each once."""
    before: dict[str, set[str]] = {}
    told = set()
    for edge in plan.edges:
        target = edge.target.operation
        if target not in before:
            before[target] = ancestors(operations, target)
        if edge not in told and (edge.condition or edge.source.operation not in before[target]):
            told.add(edge)
            yield edge
