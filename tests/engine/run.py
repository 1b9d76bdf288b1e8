"""A world with one workflow, and a clock that a test moves: for tests of single behaviours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.engine import flags, timers
from orchestrator.engine.commands import Command, Refuse, StartAttempt, StopAttempt
from orchestrator.engine.events import (
    AttemptExited,
    CancelRequested,
    Event,
    PauseRequested,
    ResumeRequested,
    RetryRequested,
    RollbackRequested,
)
from orchestrator.engine.machine import Step, step
from orchestrator.engine.world import Task, Workflow, World
from tests.support.plans import at, started, submitted

if TYPE_CHECKING:
    from orchestrator.plan.ir import Plan


class Run:
    """Workflow ``w``, made of a plan."""

    def __init__(self, what: Plan, max_running: int = 16, **limits: int) -> None:
        self.world = World()
        self.seconds = 0.0
        self._keys = 0
        self.happen(started(max_running, 1, "boot", **limits))
        self.first = self.happen(submitted(what))

    def happen(self, event: Event, after_s: float = 0.0) -> Step:
        self.seconds += after_s
        return step(self.world, event, at(self.seconds))

    def exit(self, task: str, code: int = 0, attempt: int = 1) -> Step:
        return self.happen(AttemptExited(f"w.{task}", attempt, code))

    def wait(self, seconds: float) -> list[Step]:
        """Let time pass, with every timer in it."""
        end, steps = self.seconds + seconds, []
        while (due_us := timers.next_due_us(self.world)) is not None and due_us <= at(end).mono_us:
            self.seconds = max(self.seconds, (due_us - at(0).mono_us) / 1e6)
            event = timers.due_event(self.world, due_us)
            assert event is not None
            steps.append(self.happen(event))
        self.seconds = end
        return steps

    def key(self) -> str:
        self._keys += 1
        return f"k{self._keys}"

    def pause(self, *, now: bool = False) -> Step:
        return self.happen(PauseRequested("w", self.key(), "ann", now))

    def resume(self) -> Step:
        return self.happen(ResumeRequested("w", self.key(), "ann"))

    def cancel(self) -> Step:
        return self.happen(CancelRequested("w", self.key(), "ann"))

    def retry(self, **what: object) -> Step:
        return self.happen(RetryRequested("w", self.key(), "ann", flags=flags.CURRENT, **what))  # type: ignore[arg-type]

    def roll_back(self, to: str = "") -> Step:
        return self.happen(RollbackRequested("w", self.key(), "ann", to, flags.CURRENT))

    def task(self, name: str) -> Task:
        return self.world.tasks[f"w.{name}"]

    def status(self, name: str) -> str:
        return self.task(name).status

    def reason(self, name: str) -> str:
        return self.task(name).reason

    @property
    def state(self) -> str:
        return self.workflow.status

    @property
    def workflow(self) -> Workflow:
        return self.world.workflows["w"]


def starts(commands: list[Command]) -> list[str]:
    """Tasks that `commands` start, without the workflow's id."""
    return [command.task.removeprefix("w.") for command in commands if isinstance(command, StartAttempt)]


def stops(commands: list[Command]) -> list[str]:
    """Tasks that `commands` stop, without the workflow's id."""
    return [command.task.removeprefix("w.") for command in commands if isinstance(command, StopAttempt)]


def refused(result: Step) -> str:
    """What a refused event was told."""
    assert result.seq == 0
    refusal = result.commands[0]
    assert isinstance(refusal, Refuse)
    return refusal.message
