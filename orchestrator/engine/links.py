"""Edges between tasks: what waits behind what, and whether it still can come (rulings A-13, A-56).

A hard edge wants the success of its sources, the others only their end. The counts are kept as tasks end; nothing here
moves a task, that is for `orchestrator.engine.flow`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.model.states import TASK_FAILED, TASK_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.world import Link, Task


def source_ended(task: Task) -> list[tuple[Link, bool]]:
    """(edge, whether it can still be satisfied) of each edge that waited for `task` alone, or waits in vain now."""
    if not task.feeds:
        return []
    for link in task.feeds:
        link.unfinished -= 1
    vain = [link.edge.type == "hard" and task.status != "succeeded" for link in task.feeds]
    return [
        (link, not is_vain) for link, is_vain in zip(task.feeds, vain, strict=True) if is_vain or link.unfinished == 0
    ]


def recount(link: Link) -> None:
    """Tasks have begun anew: count again."""
    link.unfinished = sum(task.status not in TASK_FINAL for task in link.sources)


def waits_behind(task: Task) -> str:
    """What `task` waits for, for people; "" if every edge is satisfied as far as its sources go."""
    return ", ".join(describe(link) for link in task.needs if link.unfinished)


def broken(task: Task) -> Link | None:
    """A hard edge of `task` whose source has ended without success."""
    for link in task.needs:
        if link.edge.type == "hard" and any(
            source.status in TASK_FINAL and source.status != "succeeded" for source in link.sources
        ):
            return link
    return None


def has_failed(task: Task) -> bool:
    """Whether a hard edge of `task` has a source that failed, and did not merely end unbegun with everything else."""
    hard = [link for link in task.needs if link.edge.type == "hard"]
    return any(source.status in TASK_FAILED for link in hard for source in link.sources)


def describe(link: Link) -> str:
    """The source of an edge, for people."""
    source = link.edge.source
    return link.edge.why or "/".join(part for part in (source.operation, source.item, source.provider) if part)
