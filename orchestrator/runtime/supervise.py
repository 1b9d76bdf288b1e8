"""Attempts as processes: starting, stopping and adopting them on the engine's command.

The engine says which attempt is to run or to end; this module knows the children that carry them and turns
their ends into events. It keeps no state that a restart would need: `adopt` finds everything again.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, assert_never

import msgspec

from orchestrator.effects.effect import Child, Exited, Launch, Lost, StartError
from orchestrator.effects.environment import attempt_environment
from orchestrator.engine.commands import StartAttempt, StopAttempt
from orchestrator.engine.events import AttemptExited, AttemptLost, StartFailed
from orchestrator.files.layout import log_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.effects.effect import Effect, Ended
    from orchestrator.engine.events import Event
    from orchestrator.engine.world import Task, World
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.host import Waiting


class _Running(msgspec.Struct, eq=False):
    """A child of ours. `kill_due_us`: when TERM is followed by KILL; None while it is not being stopped."""

    task: Task
    attempt: int
    child: Child
    kill_due_us: int | None = None


class Supervisor:
    """Carries out `StartAttempt` and `StopAttempt`, and reports how attempts end."""

    def __init__(
        self,
        world: World,
        effect: Effect,
        clock: Clock,
        waiting: Waiting,
        offer: Callable[[Event], None],
        data_dir: str,
        provider_directories: Mapping[str, str],
        grace_s: float,
    ) -> None:
        self._world = world
        self._effect = effect
        self._clock = clock
        self._waiting = waiting
        self._offer = offer
        self._data_dir = data_dir
        self._provider_directories = provider_directories
        self._grace_us = int(grace_s * 1_000_000)
        self._running: dict[str, _Running] = {}

    def perform(self, command: StartAttempt | StopAttempt) -> None:
        """Do what the engine asks. Its record is on the disk."""
        match command:
            case StartAttempt():
                self._start(self._world.tasks[command.task], command.attempt, undo=command.undo)
            case StopAttempt():
                self._stop(command.task, command.attempt)
            case _:
                assert_never(command)

    def adopt(self, tasks: list[Task], *, same_boot: bool) -> None:
        """After a start: find out what became of the attempts in `tasks`, which ran when the last daemon ended.

        `same_boot`: the machine has been up since. Else a claim can be lost with the power, so that nobody can say of
        an attempt that it never began.
        """
        for task in tasks:
            found = self._effect.look_after(self._launch(task, task.attempt, undo=task.undo))
            if isinstance(found, Child):
                self._watch(task, task.attempt, found)
                if task.stopping is not None:
                    self._stop(task.id, task.attempt)
            else:
                if isinstance(found, Lost) and not same_boot:
                    found = Lost(found.why)
                self._report(task, task.attempt, found)
        self._effect.end_strays()

    def tick(self) -> None:
        """Do what is due: KILL what has outlived its grace, end what attempts have left behind."""
        now_us = self._clock.now().mono_us
        for running in list(self._running.values()):
            if running.kill_due_us is not None and running.kill_due_us <= now_us:
                running.kill_due_us = None
                running.child.signal_group(signal.SIGKILL)
        self._effect.sweep(now_us)

    def next_due_us(self) -> int | None:
        """When `tick` has something to do, on the monotonic clock."""
        due = [running.kill_due_us for running in self._running.values() if running.kill_due_us is not None]
        sweep = self._effect.next_sweep_us()
        return min([*due, sweep] if sweep is not None else due, default=None)

    def _start(self, task: Task, attempt: int, *, undo: bool) -> None:
        try:
            child = self._effect.start(self._launch(task, attempt, undo=undo))
        except StartError as error:
            self._offer(StartFailed(task.id, attempt, str(error)))
            return
        self._watch(task, attempt, child)

    def _stop(self, task_id: str, attempt: int) -> None:
        running = self._running.get(task_id)
        if running is None or running.attempt != attempt:
            return  # its end has been met already and is on its way through the loop
        running.kill_due_us = self._clock.now().mono_us + self._grace_us
        running.child.signal_group(signal.SIGTERM)

    def _watch(self, task: Task, attempt: int, child: Child) -> None:
        self._running[task.id] = _Running(task, attempt, child)
        self._waiting.watch(child.fileno(), lambda: self._ended(task.id))

    def _ended(self, task_id: str) -> None:
        running = self._running.pop(task_id)
        self._waiting.unwatch(running.child.fileno())
        ended = running.child.collect(self._clock.now().mono_us)
        if ended is None:
            self._running[task_id] = running
            self._waiting.watch(running.child.fileno(), lambda: self._ended(task_id))
            return
        self._report(running.task, running.attempt, ended)

    def _report(self, task: Task, attempt: int, ended: Ended) -> None:
        match ended:
            case Exited():
                self._offer(AttemptExited(task.id, attempt, ended.exit_code))
            case Lost():
                self._offer(AttemptLost(task.id, attempt, ended.why, ended.has_begun))
            case _:
                assert_never(ended)

    def _launch(self, task: Task, attempt: int, *, undo: bool) -> Launch:
        operation, workflow = task.operation.plan, task.workflow
        action = task.action
        definition_dir = os.path.dirname(workflow.definition)
        own = attempt_environment(
            workflow=workflow.id,
            task=task.id,
            operation=operation.id,
            type=operation.type,
            target=operation.target,
            item=task.item,
            provider=task.provider,
            attempt=attempt,
            undo=undo,
            origin=task.origin or workflow.id,
            data_dir=self._data_dir,
            provider_dir=self._provider_directories.get(task.provider, ""),
            definition_dir=definition_dir,
        )
        return Launch(
            task=task.id,
            attempt=attempt,
            workflow=workflow.id,
            log_stem=log_stem(operation.id, task.provider, task.item, attempt),
            command=(action.undo or "") if undo else action.command,
            env={**operation.env, **own},
            working_dir=operation.working_dir or definition_dir,
            data_dir=self._data_dir,
        )
