"""How often a provider may be asked: at most ``api_rate_limit`` starts in any one second (requirement R1-50).

The window slides: a start is held back while as many as the limit lie less than a second before it. Starts are
remembered whoever made them, since a later plan may limit the same provider, and only for as long as they count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flags

if TYPE_CHECKING:
    from orchestrator.engine.world import Task, World

_WINDOW_US = 1_000_000

#: Starts that are forgotten together, so that none costs more than another.
_TRIMMED_FROM = 32


def of(task: Task) -> int:
    """Starts per second that the provider of `task` allows, 0 for any number."""
    return task.workflow.plan.providers[task.provider].api_rate_limit or 0


def note_start(world: World, task: Task) -> None:
    """An attempt of `task` starts now."""
    if flags.FULLER_FILES not in task.workflow.flags:
        return
    now_us = world.now.mono_us
    starts = world.starts.setdefault(task.provider, [])
    starts.append(now_us)
    half = len(starts) // 2
    if half >= _TRIMMED_FROM and starts[half] <= now_us - _WINDOW_US:
        del starts[: half + 1]


def free_at_us(world: World, provider: str, rate: int) -> int:
    """From when on one more start keeps to `rate`, on the monotonic clock; 0 for at once."""
    starts = world.starts.get(provider, ())
    return 0 if rate == 0 or len(starts) < rate else starts[-rate] + _WINDOW_US
