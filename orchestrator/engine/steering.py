"""What people ask of a workflow: pause, resume, cancel, retry, roll back, resolve (rulings A-20, A-51, A-52).

Whether it can be asked in a status at all is in `orchestrator.engine.transitions`. What else speaks against it is found
by `objection`, which changes nothing. Everything here is a fold over an event, as all of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import attempts, continuation, flags, flow, queues, restore_points, rollback, timers
from orchestrator.engine.commands import Refuse, StopReason
from orchestrator.engine.events import CancelRequested, ResolveRequested, RetryRequested, RollbackRequested
from orchestrator.engine.world import REQUESTS_KEPT
from orchestrator.model.states import WORKFLOW_FINAL

if TYPE_CHECKING:
    from orchestrator.engine.events import Event, PauseRequested
    from orchestrator.engine.turn import Turn
    from orchestrator.engine.world import OperationState, Task, Workflow, World

_STATE = "orch::workflow::state"


def remember(turn: Turn, workflow: Workflow, key: str) -> None:
    """A request was done: the same one again changes nothing."""
    if flags.FULLER_FILES in workflow.flags:
        workflow.requests = [*workflow.requests[1 - REQUESTS_KEPT :], key]
        turn.touch(workflow)


def cancel(turn: Turn, workflow: Workflow, event: CancelRequested) -> None:
    """Waiting tasks never start, running ones are stopped. A paused workflow ends, too."""
    flow.stop_starting(turn, workflow, "cancel", f"cancelled by {event.requested_by}")
    turn.touch(workflow)
    _stop_all(turn, workflow, "cancel", f"cancelled by {event.requested_by}; being stopped")
    flow.settle(turn, workflow)


def pause(turn: Turn, workflow: Workflow, event: PauseRequested) -> None:
    """Nothing new starts, delays stand still; what runs goes on, or with `now` is stopped to be begun again.

    An attempt that may be made at most once is left to its end.
    """
    if not workflow.is_paused:
        workflow.resumes_as, workflow.paused_us = workflow.status, turn.at.mono_us
        turn.move_workflow(workflow, "paused", f"paused by {event.requested_by}")
        for task in workflow.tasks:
            before = task.due_at_us
            timers.suspend(task)
            if task.due_at_us != before:
                turn.show(task)
    if event.now:
        for task in list(workflow.live.values()):
            if task.stopping is None and not task.operation.plan.at_most_once:
                attempts.stop(turn, task, "pause", f"paused by {event.requested_by}; being stopped")


def resume(turn: Turn, workflow: Workflow) -> None:
    """Go on where it was paused."""
    _end_pause(turn, workflow)
    turn.touch(workflow)
    flow.settle(turn, workflow)


def roll_back(turn: Turn, workflow: Workflow, event: RollbackRequested) -> None:
    """Stop what runs, then undo; or undo at once what a workflow did that is over."""
    because = f"rolled back by {event.requested_by}" + (f" to {event.to}" if event.to else "")
    workflow.undo_requested, workflow.undone_to = True, event.to
    _bring_up_to_date(turn, workflow, event.flags)
    if workflow.status not in WORKFLOW_FINAL:
        if workflow.is_paused:
            _end_pause(turn, workflow)
        flow.stop_starting(turn, workflow, "rollback", because)
        turn.touch(workflow)
        _stop_all(turn, workflow, "rollback", f"{because}; being stopped")
        flow.settle(turn, workflow)
    elif any(task.action.undo is not None for task in rollback.to_undo(turn, workflow)):
        _reopen(turn.world, workflow)
        workflow.ending, workflow.because = "rollback", because
        rollback.begin(turn, workflow)
    else:
        rollback.keep(turn, rollback.to_undo(turn, workflow))


def retry(turn: Turn, workflow: Workflow, event: RetryRequested) -> None:
    """The chosen tasks wait for their start again, with their attempts counted on; what succeeded stays so."""
    chosen = _chosen(workflow, event)
    reason = f"to run again, asked by {event.requested_by}"
    if workflow.status not in WORKFLOW_FINAL:  # then these are unknown ones
        for task in chosen:
            _begin_anew(turn, task, reason)
            queues.enqueue(turn.world, task)
        return
    _reopen(turn.world, workflow)
    _bring_up_to_date(turn, workflow, event.flags)
    workflow.ending, workflow.because, workflow.to_undo = None, "", []
    workflow.undo_requested, workflow.undone_to = False, ""
    restore_points.forget_tasks(workflow, frozenset(task.id for task in chosen))
    for task in chosen:
        _begin_anew(turn, task, reason)
    turn.move_workflow(workflow, "queued", f"retried by {event.requested_by}")
    flow.reopen(turn, workflow)
    flow.settle(turn, workflow)


def resolve(turn: Turn, task: Task, event: ResolveRequested) -> None:
    """Somebody has looked, and says how the lost attempt ended."""
    text = f"{event.requested_by} says that attempt {task.attempt} {event.outcome}"
    attempts.resolved(turn, task, event.outcome, text)


def objection(world: World, event: Event) -> Refuse | None:
    """What speaks against `event`, whose status is right, in what it asks for."""
    match event:
        case RollbackRequested() | CancelRequested() if world.workflows[event.workflow].resumes_as == "rolling_back":
            text = f"Workflow {event.workflow} is being rolled back, though paused: that has to come to its end first."
            return Refuse(_STATE, text, f"`resume {event.workflow}` lets it go on.")
        case RetryRequested():
            return _against_retry(world.workflows[event.workflow], event)
        case RollbackRequested():
            return _against_rollback(world, world.workflows[event.workflow], event)
        case _:
            return None


def _against_rollback(world: World, workflow: Workflow, event: RollbackRequested) -> Refuse | None:
    if workflow.continued_by and not continuation.leftovers(world, workflow):
        return _against_continued(workflow)
    held = continuation.held(world, workflow)
    if held:
        text = f"{len(held)} tasks of {workflow.id} cannot be undone: {next(iter(held.values()))} stands on them."
        return Refuse(_STATE, text, f"`rollback {workflow.continues}` first.")
    if event.to and restore_points.find(workflow, event.to) is None:
        known = ", ".join(workflow.points) or "none"
        return Refuse(
            "orch::not_found", f"There is no restore point {event.to} in {workflow.id}.", f"There are: {known}."
        )
    if workflow.status == "rolled_back":
        done = [world.tasks[task_id] for task_id in workflow.completed]
        if not any(task.status == "succeeded" and task.action.undo is not None for task in done):
            text = f"Workflow {workflow.id} is rolled_back: nothing of it is left to be undone."
            return Refuse(_STATE, text, f"`retry {workflow.id}` runs it again.")
    return None


def _against_retry(workflow: Workflow, event: RetryRequested) -> Refuse | None:
    continued = _against_continued(workflow)
    if continued is not None:
        return continued
    ids = {task.id for task in workflow.tasks}
    unknown = [task for task in event.tasks if task not in ids]
    if unknown:
        return Refuse("orch::not_found", f"There is no task {unknown[0]} in {workflow.id}.")
    if event.operation and all(operation.plan.id != event.operation for operation in workflow.operations):
        known = ", ".join(operation.plan.id for operation in workflow.operations)
        text = f"There is no operation {event.operation} in {workflow.id}."
        return Refuse("orch::not_found", text, f"There are: {known}.")
    chosen = _chosen(workflow, event)
    if workflow.ending is not None and workflow.status not in WORKFLOW_FINAL:
        text = f"Workflow {workflow.id} is coming to its end: {workflow.because}."
        return Refuse(_STATE, text, "Say of its unknown tasks how they ended (`resolve`), and retry it then.")
    if workflow.status not in WORKFLOW_FINAL and not (chosen and all(task.status == "unknown" for task in chosen)):
        text = f"Workflow {workflow.id} is {workflow.status}: only unknown tasks can be run again before it has ended."
        return Refuse(_STATE, text, f"`cancel {workflow.id}` ends it.")
    if not chosen:
        text = f"Workflow {workflow.id} is {workflow.status}: there is nothing to run again."
        return Refuse(_STATE, text, f"`retry {workflow.id} --all` runs everything again.")
    return _against_gap(workflow, chosen)


def _against_gap(workflow: Workflow, chosen: list[Task]) -> Refuse | None:
    """A chosen task needs one, directly or not, that has not succeeded and is not chosen."""
    runs = {task.id for task in chosen}
    by_id = {operation.plan.id: operation for operation in workflow.operations}
    needed = {task.id: task for task in chosen}
    opened: set[str] = set()
    waiting = list(reversed(chosen))
    while waiting:
        task = waiting.pop()
        before = [source for link in task.needs if link.edge.type == "hard" for source in link.sources]
        before += [other for name in _newly(task.operation, by_id, opened) for other in by_id[name].tasks]
        for other in before:
            if other.status != "succeeded" and other.id not in runs:
                text = f"Task {task.id} needs {other.operation.plan.id}/{other.item}, which is {other.status}."
                return Refuse(_STATE, text, f"Run that again, too; `retry {workflow.id}` does.")
            if other.id not in needed:
                needed[other.id] = other
                waiting.append(other)
    return None


def _newly(operation: OperationState, by_id: dict[str, OperationState], opened: set[str]) -> list[str]:
    """Ids of the operations before `operation` that were not met yet, through those without tasks."""
    found: list[str] = []
    waiting = [operation.plan.id]
    while waiting:
        name = waiting.pop()
        if name in opened:
            continue
        opened.add(name)
        for before in by_id[name].plan.after:
            found.append(before)
            if not by_id[before].tasks:
                waiting.append(before)
    return found


def _against_continued(workflow: Workflow) -> Refuse | None:
    if not workflow.continued_by:
        return None
    text = f"Workflow {workflow.id} was continued by {workflow.continued_by}, which took its results over."
    return Refuse(_STATE, text, f"Name {workflow.continued_by} instead.")


def _chosen(workflow: Workflow, event: RetryRequested) -> list[Task]:
    """The tasks a retry is about, in the order of the plan."""
    tasks = workflow.tasks
    if workflow.status not in WORKFLOW_FINAL and not (event.operation or event.tasks):
        return [task for task in tasks if task.status == "unknown"]
    if event.tasks:
        wanted = frozenset(event.tasks)
        return [task for task in tasks if task.id in wanted]
    if event.operation:
        names = _with_descendants(workflow, event.operation)
        return [task for task in tasks if task.id in names]
    if event.failed_only:
        return _failed(workflow)
    return [task for task in tasks if event.everything or task.status != "succeeded"]


def _failed(workflow: Workflow) -> list[Task]:
    """What failed itself, and what did not run for that reason: all that can run once those have succeeded."""
    wanted = ("failed", "timed_out", "rollback_failed", "upstream_failed", "skipped")
    others = [task for task in workflow.tasks if task.status not in (*wanted, "succeeded")]
    hopeless = {task.id for task in continuation.with_dependents(others)}
    return [task for task in workflow.tasks if task.status in wanted and task.id not in hopeless]


def _with_descendants(workflow: Workflow, operation: str) -> set[str]:
    """Ids of the tasks of `operation` and of all that depends on it, through operations and edges."""
    found: set[str] = set()
    opened: set[str] = set()
    operations = [one for one in workflow.operations if one.plan.id == operation]
    tasks: list[Task] = []
    while operations or tasks:
        while operations:
            one = operations.pop()
            if one.plan.id not in opened:
                opened.add(one.plan.id)
                tasks.extend(one.tasks)
                operations.extend(() if one.tasks else one.dependents)
        if tasks:
            task = tasks.pop()
            if task.id not in found:
                found.add(task.id)
                operations.extend(task.operation.dependents)
                tasks.extend(target for link in task.feeds for target in link.targets)
    return found


def _bring_up_to_date(turn: Turn, workflow: Workflow, now: tuple[str, ...]) -> None:
    """A workflow that began under an earlier version goes on by what held when it was steered."""
    if workflow.flags != now:
        if flags.TELLS_UNDOING not in workflow.flags and flags.TELLS_UNDOING in now:
            _note_undone(workflow)
        workflow.flags = now
        for task in workflow.tasks:
            turn.show(task)


def _note_undone(workflow: Workflow) -> None:
    """The attempts that undid its tasks were not counted: where one did, or tried to, the latest was one."""
    for task in workflow.tasks:
        if task.undo and task.attempt and (task.status == "rolled_back" or task.error is not None):
            task.undoings = (task.attempt,)


def _begin_anew(turn: Turn, task: Task, reason: str) -> None:
    task.undo, task.failures, task.interruptions, task.undo_ticket = False, 0, 0, 0
    task.earlier = task.attempt
    turn.move(task, "pending", reason)


def _reopen(world: World, workflow: Workflow) -> None:
    """`workflow` was over, and is not any more."""
    world.finished.pop(workflow.id, None)
    workflow.finished = None


def _end_pause(turn: Turn, workflow: Workflow) -> None:
    status = workflow.resumes_as
    paused_for_us = turn.at.mono_us - workflow.paused_us
    workflow.resumes_as, workflow.paused_us = "", 0
    assert status  # noqa: S101 - a paused workflow was something before
    turn.move_workflow(workflow, status, workflow.because if status == "rolling_back" else "")
    for task in workflow.tasks:
        before = task.due_at_us
        timers.go_on(turn.world, task, paused_for_us)
        if task.queued:
            queues.queue_up(turn.world, task)
        if task.due_at_us != before:
            turn.show(task)


def _stop_all(turn: Turn, workflow: Workflow, why: StopReason, reason: str) -> None:
    for task in list(workflow.live.values()):
        if task.stopping is None:
            attempts.stop(turn, task, why, reason)
