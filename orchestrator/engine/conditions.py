"""Conditions: expressions that must hold before a task starts (requirement R1-24, ruling A-56).

A task comes here when it waits for nothing else. Its conditions are looked at after each event that changed something
of its workflow; those that speak of time also every `RECHECK_US`. All of them must hold at the same time. From the
moment it came here each has its ``timeout``; one that is not true by then makes the task of a hard edge ``timed_out``,
and is passed over otherwise. An expression that cannot be evaluated is not true, and the reason says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator import expression
from orchestrator.engine import rollup, timers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Link, Task, Workflow, World

#: Time between two looks at a condition that speaks of time.
RECHECK_US = 5_000_000

_CLOCK = ("workflow", "elapsed_s")


def conditional(task: Task) -> list[Link]:
    """Edges of `task` that have a condition."""
    return [link for link in task.needs if link.edge.condition]


def wait(turn: Turn, task: Task) -> None:
    """`task` waits for nothing but its conditions from now on."""
    workflow = task.workflow
    workflow.conditions[task.id] = task
    task.waiting_us = timers.now_us(turn.world, workflow)
    arm(turn, task)
    turn.show(task)


def leave(task: Task) -> None:
    """`task` waits for no condition any more."""
    if task.workflow.conditions.pop(task.id, None) is not None:
        task.waiting_us = None
        timers.disarm(task)


def arm(turn: Turn, task: Task) -> None:
    """Set the timer of `task` to the next time at which one of its conditions is over, or to be looked at again."""
    now_us = timers.now_us(turn.world, task.workflow)
    due = [_deadline_us(task, link) for link in conditional(task)]
    due = [at for at in due if at > now_us] or [now_us]
    if _looks_for_all(task):
        due.append(now_us + RECHECK_US)
    timers.arm(turn.world, task, "condition", min(due))


def settle(turn: Turn, workflow: Workflow, start: Callable[[Turn, Task], None]) -> bool:
    """Look at everything that waits in `workflow`; `start` what need not any longer. Whether there was any."""
    seen: dict[tuple[object, str], tuple[bool, str]] = {}
    free = []
    for task in workflow.conditions.values():
        unmet = [text for link in conditional(task) if (text := _unmet(turn.world, task, link, seen)) is not None]
        if unmet:
            turn.move(task, task.status, unmet[0])
        else:
            free.append(task)
    for task in free:
        leave(task)
        start(turn, task)
    if any(map(_minds_time, free)):
        _hand_over(turn, workflow)
    return bool(free)


def expired(world: World, task: Task) -> Link | None:
    """A hard edge of `task` whose condition has had its time and does not hold."""
    for link in conditional(task):
        is_over = _deadline_us(task, link) <= timers.now_us(world, task.workflow)
        if is_over and link.edge.type == "hard" and not _look(world, task, link)[0]:
            return link
    return None


def _unmet(world: World, task: Task, link: Link, seen: dict[tuple[object, str], tuple[bool, str]]) -> str | None:
    """Why the condition of `link` keeps `task` waiting; None if it does not."""
    if link.edge.type != "hard" and _deadline_us(task, link) <= timers.now_us(world, task.workflow):
        return None
    if _mentions(link, "target"):
        holds, text = _look(world, task, link)
    else:
        key = (link.edge.source, link.edge.condition)
        if key not in seen:
            seen[key] = _look(world, task, link)
        holds, text = seen[key]
    return None if holds else text


def _look(world: World, task: Task, link: Link) -> tuple[bool, str]:
    """(whether the condition of `link` holds now, what is said if it does not)."""
    condition = expression.parse(link.edge.condition)
    try:
        if expression.holds(condition, values(world, task, link, condition)):
            return True, ""
    except expression.EvaluationFault as fault:
        return False, f"waits until {condition.text}, which cannot be told: {fault.message}"
    return False, f"waits until {condition.text}"


def _looks_for_all(task: Task) -> bool:
    """Whether the timer of `task` is the one by which its workflow looks at conditions that speak of time.

    It is the first that waits for such a condition: one look is a look at all of them.
    """
    return _minds_time(task) and next(filter(_minds_time, task.workflow.conditions.values()), None) is task


def _hand_over(turn: Turn, workflow: Workflow) -> None:
    """Who looked for all may be gone: the next one does."""
    task = next(filter(_minds_time, workflow.conditions.values()), None)
    if task is not None:
        arm(turn, task)
        turn.show(task)


def _deadline_us(task: Task, link: Link) -> int:
    return (task.waiting_us or 0) + link.edge.timeout_s * 1_000_000


def _mentions(link: Link, name: str) -> bool:
    return any(path[0] == name for path in expression.parse(link.edge.condition).paths)


def _speaks_of_time(link: Link) -> bool:
    paths = expression.parse(link.edge.condition).paths
    return any(path[:2] == _CLOCK or path == _CLOCK[:1] for path in paths)


def _minds_time(task: Task) -> bool:
    return any(_speaks_of_time(link) for link in conditional(task))


def values(world: World, task: Task, link: Link, condition: expression.Expression) -> dict[str, object]:
    """What `condition` may see, as far as it looks."""
    heads = {path[0] for path in condition.paths}
    found: dict[str, object] = {}
    if "source" in heads:
        found["source"] = _group(link.sources) | {"tasks": [_task(source) for source in link.sources]}
    if "target" in heads:
        found["target"] = _task(task)
    if "workflow" in heads:
        found["workflow"] = _workflow(world, task.workflow)
    if "operations" in heads:
        found["operations"] = _operations(task.workflow, condition.paths)
    return found


def _group(tasks: Sequence[Task]) -> dict[str, object]:
    counts: dict[str, int] = {}
    for task in tasks:
        counts[task.status] = counts.get(task.status, 0) + 1
    one = tasks[0] if len(tasks) == 1 else None
    return {
        "status": rollup.of_counts(counts),
        "total": len(tasks),
        "attempt": max((task.attempt for task in tasks), default=0),
        "exit_code": one.exit_code if one else None,
        **_told(counts),
    }


def _task(task: Task) -> dict[str, object]:
    return {
        "item": task.item,
        "provider": task.provider,
        "operation": task.operation.plan.id,
        "status": task.status,
        "attempt": task.attempt,
        "exit_code": task.exit_code,
    }


def _workflow(world: World, workflow: Workflow) -> dict[str, object]:
    since = workflow.started or workflow.created
    return {
        "id": workflow.id,
        "name": workflow.plan.name,
        "status": workflow.status,
        "priority": workflow.priority,
        "environment": workflow.plan.environment,
        "elapsed_s": max(0, world.now.mono_us - since.mono_us) // 1_000_000,
    }


def _operations(workflow: Workflow, paths: Sequence[tuple[str | int, ...]]) -> dict[str, object]:
    """{operation id: its state}, of those that are named; of all where a name is only known when it is evaluated."""
    named = {path[1] if len(path) > 1 else None for path in paths if path[0] == "operations"}
    return {
        operation.plan.id: {
            "status": rollup.operation_status(operation),
            "total": len(operation.tasks),
            **_told(operation.counts),
        }
        for operation in workflow.operations
        if None in named or operation.plan.id in named
    }


def _told(counts: dict[str, int]) -> dict[str, object]:
    return {
        "succeeded": counts.get("succeeded", 0),
        "failed": counts.get("failed", 0) + counts.get("timed_out", 0),
        "running": counts.get("running", 0),
        "pending": counts.get("pending", 0) + counts.get("waiting_retry", 0),
    }
