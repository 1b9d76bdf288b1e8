"""A later definition goes on where an earlier workflow ended: what succeeded and is still asked for stays done.

A success is taken over if the operation still does the same to the same item, and everything it needs is taken over,
too. From then on its effects belong to the later workflow. The earlier one cannot be retried any more; what of it was
not taken over can still be rolled back there, and until then the later one keeps what that stands on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import restore_points
from orchestrator.engine.commands import Refuse
from orchestrator.model.states import WORKFLOW_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import Task, Workflow, World


def objection(world: World, earlier: str) -> Refuse | None:
    """Why a workflow cannot go on from `earlier`; None if it can."""
    known = world.workflows.get(earlier)
    if known is None:
        return Refuse("orch::not_found", f"There is no workflow {earlier}, or it is archived.", "Submit without it.")
    if known.status not in WORKFLOW_FINAL:
        text = f"Workflow {earlier} is {known.status}: only one that is over can be continued."
        return Refuse("orch::workflow::state", text, f"`cancel {earlier}` ends it.")
    if known.continued_by:
        text = f"Workflow {earlier} was continued by {known.continued_by} already."
        return Refuse("orch::workflow::state", text, f"Name {known.continued_by} instead.")
    return None


def take_over(turn: Turn, workflow: Workflow, earlier: Workflow) -> None:
    """Give the tasks of `workflow` the successes of `earlier` that still hold."""
    workflow.continues, earlier.continued_by = earlier.id, workflow.id
    turn.touch(earlier)
    now = {_place(task): task for task in workflow.tasks}
    before = {_place(task): task for task in earlier.tasks}
    still = {place for place, task in now.items() if place in before and _is_same(before[place], task)}
    lost = [task for place, task in now.items() if place not in still]
    still -= {_place(task) for task in with_dependents(lost)}
    for task_id in earlier.completed:
        place = _place(turn.world.tasks[task_id])
        if place in still:
            task = now[place]
            task.origin = turn.world.tasks[task_id].origin or earlier.id
            turn.move(task, "succeeded", f"taken over from {earlier.id}")
            workflow.completed.append(task.id)
            earlier.handed_over.append(task_id)
    restore_points.forget_tasks(earlier, frozenset(earlier.handed_over))


def leftovers(world: World, workflow: Workflow) -> list[Task]:
    """What a workflow that was continued has done, was not taken over, and can be undone."""
    done = [world.tasks[task_id] for task_id in workflow.completed]
    return [task for task in done if task.status in ("succeeded", "rollback_failed") and task.action.undo is not None]


def held(world: World, workflow: Workflow) -> dict[str, str]:
    """{task of `workflow`: task of the earlier one that stands on it}: these cannot be undone yet."""
    earlier = world.workflows.get(workflow.continues)
    if earlier is None:  # there was none, or it is archived: nobody can undo it any more
        return {}
    now = {_place(task): task.id for task in workflow.tasks}
    found: dict[str, str] = {}
    for top in leftovers(world, earlier):
        for task in _below(earlier, top):
            place = _place(task)
            if task.id in earlier.handed_over and place in now:
                found.setdefault(now[place], top.id)
    return found


def _below(workflow: Workflow, top: Task) -> list[Task]:
    """Everything that `top` stands on, directly or not."""
    by_id = {operation.plan.id: operation for operation in workflow.operations}
    found: dict[str, Task] = {}
    opened: set[str] = set()
    waiting = [top]
    while waiting:
        task = waiting.pop()
        operation = task.operation
        before = [source for link in task.needs for source in link.sources]
        if operation.plan.parallel is False and task.index:
            before.append(operation.tasks[task.index - 1])
        names = list(operation.plan.after)
        while names:
            name = names.pop()
            if name not in opened:
                opened.add(name)
                before += by_id[name].tasks
                names += by_id[name].plan.after if not by_id[name].tasks else ()
        for other in before:
            if other.id not in found:
                found[other.id] = other
                waiting.append(other)
    return list(found.values())


def _is_same(before: Task, now: Task) -> bool:
    old, new = before.operation.plan, now.operation.plan
    return (
        before.status == "succeeded"
        and (old.type, old.target, old.env, old.working_dir) == (new.type, new.target, new.env, new.working_dir)
        and before.action == now.action
    )


def with_dependents(tasks: list[Task]) -> list[Task]:
    """`tasks`, and all that needs one of them, directly or not."""
    found: dict[str, Task] = {}
    opened: set[str] = set()
    waiting = list(tasks)
    while waiting:
        task = waiting.pop()
        if task.id in found:
            continue
        found[task.id] = task
        waiting += (target for link in task.feeds for target in link.targets)
        operations = [task.operation]
        while operations:
            operation = operations.pop()
            if operation.plan.id not in opened:
                opened.add(operation.plan.id)
                for dependent in operation.dependents:
                    waiting += dependent.tasks
                    if not dependent.tasks:
                        operations.append(dependent)
    return list(found.values())


def _place(task: Task) -> tuple[str, str, str]:
    return task.operation.plan.id, task.item, task.provider
