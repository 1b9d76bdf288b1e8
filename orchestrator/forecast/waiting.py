"""Which limits hold ready tasks back in a rehearsal, how many, and for how long.

A task that waits for a slot is held by the first of these that is reached: all slots, the operator's limit for its
provider, the provider's own batch size, its rate. Between two events nothing changes, so the time that passes is booked
once for each provider with tasks that wait, and not for each task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from orchestrator.engine.world import OperationState, World
    from orchestrator.plan.ir import Plan


class Limit(NamedTuple):
    """`kind`: max_running, provider_limit, batch_size, api_rate_limit or parallel; `of`: a provider or an operation."""

    kind: str
    of: str
    value: int

    def __str__(self) -> str:
        """For people: ``batch_size 2 of aws``."""
        return f"{self.kind} {self.value}" + (f" of {self.of}" if self.of else "")


class Held(msgspec.Struct):
    """What a limit did. `held_us`: while it held anything; `task_us`: summed over what it held; `tasks`: how many."""

    held_us: int = 0
    task_us: int = 0
    tasks: int = 0


class Waiting:
    """The tasks that wait for a slot, and the books on what keeps them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        #: {provider: {task id: what each limit had taken of the provider when it began to wait}}.
        self._waiting: dict[str, dict[str, dict[Limit, int]]] = {}
        #: {provider: {limit: microseconds for which it held this provider's tasks}}.
        self._taken: dict[str, dict[Limit, int]] = {}
        self._last: dict[str, Limit] = {}
        self._opened: dict[int, int] = {}
        #: {limit: what it did}, in the order in which they first held something.
        self.held: dict[Limit, Held] = {}

    def begin(self, task: str, provider: str) -> None:
        """`task` waits for a slot from now on."""
        self._waiting.setdefault(provider, {})[task] = dict(self._taken.get(provider, ()))

    def is_waiting(self, task: str, provider: str) -> bool:
        """Whether `task` waits for a slot."""
        return task in self._waiting.get(provider, ())

    def end(self, task: str, provider: str) -> Limit | None:
        """`task` waits no more. The limit that held it last, None if no time has passed."""
        before = self._waiting[provider].pop(task)
        held_by = [limit for limit, taken in self._taken.get(provider, {}).items() if taken > before.get(limit, 0)]
        for limit in held_by:
            self.held[limit].tasks += 1
        return self._last.get(provider) if held_by else None

    def pass_time(self, world: World, elapsed_us: int) -> None:
        """The clock goes on by `elapsed_us`, during which nothing happens."""
        holding: dict[Limit, int] = {}
        for provider, tasks in self._waiting.items():
            limit = self._binding(world, provider) if tasks else None
            if limit is not None:
                holding[limit] = holding.get(limit, 0) + len(tasks)
                taken = self._taken.setdefault(provider, {})
                taken[limit] = taken.get(limit, 0) + elapsed_us
                self._last[provider] = limit
        for limit, count in holding.items():
            held = self.held.setdefault(limit, Held())
            held.held_us += elapsed_us
            held.task_us += elapsed_us * count

    def opened(self, operation: OperationState, now_us: int) -> None:
        """`operation` is open: what holds its tasks back from now on may be its own width."""
        self._opened.setdefault(operation.index, now_us)

    def freed_by_width(self, operation: OperationState, now_us: int) -> Limit:
        """A task of `operation` had to wait until another one of it was over."""
        limit = Limit("parallel", operation.plan.id, operation.plan.width)
        elapsed_us = now_us - self._opened[operation.index]
        held = self.held.setdefault(limit, Held())
        held.held_us = elapsed_us
        held.task_us += elapsed_us
        held.tasks += 1
        return limit

    def _binding(self, world: World, provider: str) -> Limit | None:
        """What keeps ready tasks of `provider` from starting; None for what is not known here."""
        if len(world.live) >= world.max_running:
            return Limit("max_running", "", world.max_running)
        taken = len(world.live_by_provider.get(provider, ()))
        limit = world.provider_limits.get(provider)
        if limit is not None and taken >= limit:
            return Limit("provider_limit", provider, limit)
        own = self._plan.providers[provider]
        if own.batch_size and taken >= own.batch_size and self._plan.type != "parallel":
            return Limit("batch_size", provider, own.batch_size)
        if own.api_rate_limit:
            return Limit("api_rate_limit", provider, own.api_rate_limit)
        return None
