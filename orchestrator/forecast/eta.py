"""How long a workflow that has begun still takes.

Its plan is rehearsed again, with what is known of its tasks now: what is over takes no time and ends as it did, what
runs takes what is left, the rest takes what it usually does. So the rules of the engine hold for the rest, too. Two
things differ from the beginning: nothing is expected to fail any more, so there are no delays before retries but those
that are under way; and starts that are over must not count against the rate of a provider, so no rate counts once there
have been any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from orchestrator.engine import retry
from orchestrator.forecast.assumptions import Assumptions, key_of, known_duration
from orchestrator.forecast.prediction import PathEntry, critical_path
from orchestrator.forecast.rehearsal import Rehearsal
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.plan.ir import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.engine.world import Task
    from orchestrator.forecast.assumptions import Source
    from orchestrator.plan.ir import Plan

_ONE_TRY = RetryPolicy(max_attempts=1, initial_delay=0)

#: What is over and did not end well, or never began: it fails in the rehearsal, and is not undone.
_NOT_DONE = frozenset({"failed", "timed_out", "cancelled", "rejected", "skipped", "upstream_failed"})

#: What had succeeded.
_DONE = frozenset({"succeeded", "rolling_back", "rolled_back", "rollback_failed"})

#: Old failures happen behind old successes, which they must not keep from happening.
_AFTER_SUCCESSES_US = 1


class Remaining(msgspec.Struct, frozen=True):
    """What is left of a workflow.

    Attributes:
        status: of the workflow now.
        remaining_ms: until its end, if nothing else fails; 0 if it is over.
        tasks: that have not ended (or are yet to be undone).
        recorded: how many of these have a duration from earlier runs of the same task...
        similar: ...or of similar tasks; the others' is assumed.
        confidence: `recorded` / `tasks`; 1.0 when nothing is left.
        critical_path: what the rest consists of.
    """

    status: str
    remaining_ms: int
    tasks: int
    recorded: int
    similar: int
    confidence: float
    critical_path: list[PathEntry]


def remaining(
    plan: Plan, state: Mapping[str, Any], assumptions: Assumptions, elapsed_ms: Mapping[str, int] | None = None
) -> Remaining:
    """What is left of a workflow with `plan` whose public state (state.json) is `state`.

    Args:
        plan: as it was pinned.
        state: its `status`, and its `operations` with their `items` (item, provider, status, attempt).
        assumptions: durations and limits; what-ifs are not looked at.
        elapsed_ms: {"operation/provider/item": milliseconds since the attempt of a running task began, or since the
            last attempt ended of one that waits for its next}; a task that is not there has just begun.
    """
    status = str(state.get("status"))
    if status in WORKFLOW_FINAL:
        return Remaining(status, 0, 0, 0, 0, 1.0, [])
    rest = _Rest(plan, state, assumptions, elapsed_ms or {})
    played = Rehearsal(_for_the_rest(plan, rest), rest, assumptions.max_running, assumptions.provider_limits)
    total_us = played.now_us
    if status == "rolling_back" and not any(span.undo for span in played.spans):
        total_us = sum(rest(task, 1, True)[0] for task in rest.being_undone(played.world.tasks.values()))
    sources = list(rest.sources.values())
    count, recorded, similar = len(sources), sources.count("recorded"), sources.count("similar")
    path = [entry for entry in critical_path(played) if entry.ends_ms > 0]
    return Remaining(status, total_us // 1000, count, recorded, similar, recorded / count if count else 1.0, path)


class _Rest:
    """What is left of each attempt. `sources`: {task of which something is left: where its duration comes from}."""

    def __init__(
        self, plan: Plan, state: Mapping[str, Any], assumptions: Assumptions, elapsed_ms: Mapping[str, int]
    ) -> None:
        self.sources: dict[str, Source] = {}
        self._assumptions = assumptions
        self._elapsed_ms = elapsed_ms
        self._policies = {operation.id: operation.retry for operation in plan.operations}
        #: {"operation/provider/item": (status, attempt)}.
        self._known: dict[str, tuple[str, int]] = {}
        for operation in state.get("operations") or ():
            for one in operation.get("items") or ():
                key = f"{operation.get('id')}/{one.get('provider')}/{one.get('item')}"
                self._known[key] = str(one.get("status")), int(one.get("attempt") or 0)

    @property
    def has_begun(self) -> bool:
        """Whether any task has had an attempt."""
        return any(attempt for _, attempt in self._known.values())

    def being_undone(self, tasks: Iterable[Task]) -> list[Task]:
        """Those of `tasks` that are to be undone, or are being so.

        A rollback that somebody asked for follows from nothing in the plan, so that no rehearsal finds it. The sum of
        what is left of these is then the most that it can take.
        """
        return [task for task in tasks if self._known.get(key_of(task), ("", 0))[0] == "rolling_back"]

    def __call__(self, task: Task, attempt: int, undo: bool) -> tuple[int, int]:  # noqa: ARG002 - each has one
        """(microseconds that are left, exit code)."""
        key = key_of(task)
        status, attempts = self._known.get(key, ("pending", 0))
        elapsed_ms = self._elapsed_ms.get(key, 0)
        if undo:
            if status in ("rolled_back", "rollback_failed"):
                return 0, int(status == "rollback_failed")
            return self._left_us(task, elapsed_ms if status == "rolling_back" else 0), 0
        if status in _DONE:
            return 0, 0
        if status in _NOT_DONE:
            return _AFTER_SUCCESSES_US, 1
        if status == "waiting_retry":
            delay_ms = retry.delay_s(self._policies[task.operation.plan.id], max(1, attempts)) * 1000
            return max(0, delay_ms - elapsed_ms) * 1000 + self._left_us(task, 0), 0
        return self._left_us(task, elapsed_ms), 0

    def _left_us(self, task: Task, elapsed_ms: int) -> int:
        duration_ms, self.sources[task.id] = known_duration(task, self._assumptions)
        return max(0, duration_ms - elapsed_ms) * 1000


def _for_the_rest(plan: Plan, rest: _Rest) -> Plan:
    """`plan` without retries, and without rates if anything has begun."""
    providers = plan.providers
    if rest.has_begun:
        providers = {name: replace(limits, api_rate_limit=None) for name, limits in providers.items()}
    operations = tuple(replace(operation, retry=_ONE_TRY) for operation in plan.operations)
    return replace(plan, operations=operations, providers=providers)
