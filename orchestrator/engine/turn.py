"""The record in the making: what one event changes and asks for.

Every change of a status goes through `Turn.move` or `Turn.move_workflow`. They check it against the tables of
`orchestrator.model.states`, keep the counts, and write the transition down; so what the journal says and what
the world is cannot differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.model.errors import EngineBug
from orchestrator.model.states import TASK_TRANSITIONS, WORKFLOW_FINAL, WORKFLOW_TRANSITIONS

if TYPE_CHECKING:
    from orchestrator.engine.commands import Command
    from orchestrator.engine.events import Moment
    from orchestrator.engine.world import OperationState, Task, Workflow, World
    from orchestrator.model.states import TaskStatus, WorkflowStatus


class Transition(msgspec.Struct, frozen=True, array_like=True):
    """One change as the journal records it. `task` None: the workflow's own status changed."""

    task: str | None
    previous_status: str | None
    status: str
    attempt: int
    reason: str


class Turn:
    """What one accepted event does to the world.

    Attributes:
        world: already carries the seq of this turn.
        at: the event's moment.
        transitions: in the order they happened.
        commands: in the order they are to be performed.
        workflows: {id: workflow} touched by this turn.
        tasks: {id: task} touched by this turn.
    """

    __slots__ = ("at", "commands", "tasks", "transitions", "workflows", "world")

    def __init__(self, world: World, at: Moment) -> None:
        self.world = world
        self.at = at
        self.transitions: list[Transition] = []
        self.commands: list[Command] = []
        self.workflows: dict[str, Workflow] = {}
        self.tasks: dict[str, Task] = {}

    def touch(self, workflow: Workflow) -> None:
        """`workflow`'s public state differs after this turn."""
        workflow.seq = self.world.seq
        self.workflows[workflow.id] = workflow

    def create(self, task: Task, reason: str) -> None:
        """A task came into being, pending."""
        task.reason = reason
        self._count(task.operation, "pending", 1)
        self._note(task, None)

    def show(self, task: Task) -> None:
        """`task`'s public file differs after this turn."""
        task.seq = self.world.seq
        self.tasks[task.id] = task
        self.touch(task.workflow)

    def move(self, task: Task, status: TaskStatus, reason: str) -> None:
        """`task` is `status` from now on, because of `reason`. Nothing is noted if both stay as they are.

        Raises:
            EngineBug: the table knows no such transition.
        """
        previous = task.status
        if status == previous and reason == task.reason:
            return
        if status not in TASK_TRANSITIONS[previous]:
            raise EngineBug(self._story(f"task {task.id} cannot go from {previous} to {status}", task.workflow))
        if status != previous:
            self._count(task.operation, previous, -1)
            self._count(task.operation, status, 1)
        task.status, task.reason = status, reason
        self._note(task, previous)

    def move_workflow(self, workflow: Workflow, status: WorkflowStatus, reason: str) -> None:
        """`workflow` is `status` from now on, because of `reason`.

        Raises:
            EngineBug: the table knows no such transition.
        """
        previous = workflow.status
        if status == previous and reason == workflow.reason:
            return
        if status not in WORKFLOW_TRANSITIONS[previous]:
            raise EngineBug(self._story(f"workflow {workflow.id} cannot go from {previous} to {status}", workflow))
        workflow.status, workflow.reason = status, reason
        if status in WORKFLOW_FINAL:
            self.world.finished[workflow.id] = workflow
            workflow.resumes_as, workflow.paused_us = "", 0
        self.transitions.append(Transition(None, previous, status, 0, reason))
        self.touch(workflow)

    def _note(self, task: Task, previous: TaskStatus | None) -> None:
        self.transitions.append(Transition(task.id, previous, task.status, task.attempt, task.reason))
        self.show(task)

    def _count(self, operation: OperationState, status: TaskStatus, change: int) -> None:
        for counts in (operation.counts, self.world.counts):
            counts[status] = counts.get(status, 0) + change

    def _story(self, what: str, workflow: Workflow) -> str:
        so_far = "; ".join(f"{t.task or workflow.id}: {t.previous_status} -> {t.status}" for t in self.transitions)
        return (
            f"{what} (record {self.world.seq}, workflow {workflow.id} is {workflow.status}, "
            f"ending {workflow.ending}, {workflow.remaining} tasks left). In this record so far: {so_far or 'nothing'}"
        )
