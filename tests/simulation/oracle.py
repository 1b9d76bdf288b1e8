"""What must hold whatever happens: the invariants I1 to I8, judged from outside the engine.

The judge sees what clients were told, what processes did, and the files. It believes nothing the engine says about
itself without a process or a file to show for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from orchestrator.engine import invariants
from orchestrator.files.layout import archive_path
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.simulation.scenario import DATA_DIR

if TYPE_CHECKING:
    from orchestrator.daemon import Daemon
    from orchestrator.engine.world import Task, World
    from orchestrator.plan.ir import Plan
    from tests.simulation.machine import Attempt, Machine
    from tests.simulation.processes import Process
    from tests.simulation.scenario import Client

#: Virtual time a task may be called running without a process: three heartbeats.
_WITHOUT_OWNER_US = 6_000_000


class Broken(AssertionError):
    """An invariant does not hold."""


class Oracle:
    """Judges a run as it goes on.

    Attributes:
        promised: {workflow id: key} that a client was told.
        plans: {workflow id: plan}, from what was submitted.
        vouched: tasks of which somebody said that they succeeded, so that no process has to show for it.
        steered: {workflow id: how often somebody wanted it retried or rolled back}.
    """

    def __init__(self, machine: Machine) -> None:
        self.promised: dict[str, str] = {}
        self.plans: dict[str, Plan] = {}
        self.vouched: set[str] = set()
        self.steered: dict[str, int] = {}
        self._machine = machine
        self._judged = 0
        self._begun: dict[Attempt, Process] = {}
        self._without_owner: dict[str, int] = {}
        self._seq = -1

    def hear(self, client: Client) -> None:
        """A client has read an answer."""
        if client.command == "submit" and client.answer is not None and client.answer["ok"]:
            self.promised[client.answer["result"]["workflow"]] = client.key

    def between_turns(self, daemon: Daemon, *, is_healthy: bool) -> None:
        """To be called after every turn of the daemon's loop."""
        self.judge_processes(daemon.world)
        if daemon.world.seq != self._seq:
            self._seq = daemon.world.seq
            faults = invariants.broken(daemon.world)
            if faults:
                raise Broken(f"the world: {faults}")
        self._judge_owners(daemon.world, is_healthy=is_healthy)

    def new_life(self, world: World) -> None:
        """A daemon has recovered: everything that was promised is there (I1)."""
        self._seq, self._without_owner = -1, {}
        missing = [one for one in self.promised if one not in world.workflows and not self._is_archived(one)]
        if missing:
            raise Broken(f"I1: promised, and lost: {missing}")

    def _is_archived(self, workflow: str) -> bool:
        """Whether the archive holds it whole, and at its end."""
        lines = self._machine.files.content(archive_path(DATA_DIR, workflow)).splitlines()
        kinds = [json.loads(line)["entry"] for line in lines]
        return kinds[:2] == ["workflow", "plan"] and json.loads(lines[0])["status"] in WORKFLOW_FINAL

    def judge_processes(self, world: World) -> None:
        """Each command that began since the last look was allowed to (I2, I3, I4)."""
        history = self._machine.history
        for process in history[self._judged :]:
            if process.attempt in self._begun:
                raise Broken(f"I2: {process.attempt} began twice")
            self._begun[process.attempt] = process
            task = world.tasks.get(process.launch.task)
            if task is not None:
                self._judge_start(process, task)
        self._judged = len(history)

    def _judge_start(self, process: Process, task: Task) -> None:
        for other in self._machine.processes.values():
            if other is not process and other.launch.task == task.id and other.state == "running":
                raise Broken(f"I2: two attempts of {task.id} at once")
        if process.launch.command == "undo":
            self._judge_undo(task)
            return
        ended_well = {begun.launch.task for begun in self._begun.values() if begun.exit_code == 0}
        ended_well |= self.vouched
        for operation in task.workflow.operations:
            if operation.plan.id in task.operation.plan.after:
                early = [before.id for before in operation.tasks if before.id not in ended_well]
                if early:
                    raise Broken(f"I3: {task.id} began before {early} succeeded")
        # A full disk or a power cut may take the trace of a failure along; then nobody knows of it.
        failed = [
            begun
            for begun in self._begun.values()
            if begun.launch.task == task.id and begun.launch.command != "undo" and begun.exit_code not in (None, 0)
            if begun.boot == self._machine.boots and begun.is_known
        ]
        asked_to = [begun for begun in failed if not begun.was_told_to_end]
        times = 1 + self.steered.get(task.workflow.id, 0)
        if len(asked_to) >= times * task.operation.plan.retry.max_attempts:
            raise Broken(f"I4: {task.id} began again after {len(asked_to)} failures")

    def _judge_undo(self, task: Task) -> None:
        """What stands on `task`, over whole operations, is gone (R1-29); as far as anybody can know it was there."""
        workflow = task.workflow
        if workflow.plan.rollback.preserve_successful or self.steered.get(workflow.id):
            return
        behind = list(task.operation.dependents)
        for operation in behind:
            behind += [other for other in operation.dependents if other not in behind]
            for other in operation.tasks:
                own = [begun for attempt, begun in self._begun.items() if attempt[0] == other.id]
                known = [
                    begun for begun in own if begun.exit_code == 0 and begun.is_known and not begun.was_told_to_end
                ]
                is_there = known and known[-1].launch.command != "undo" and known[-1].boot == self._machine.boots
                if is_there and other.action.undo is not None and other.outcome != "timed_out":
                    raise Broken(f"I3: {task.id} is undone before {other.id}")

    def _judge_owners(self, world: World, *, is_healthy: bool) -> None:
        now_us = self._machine.mono_us
        lonely = {}
        for task in world.live.values():
            process = self._machine.processes.get((task.id, task.attempt))
            if is_healthy and (process is None or process.is_over):
                lonely[task.id] = self._without_owner.get(task.id, now_us)
                if now_us - lonely[task.id] > _WITHOUT_OWNER_US:
                    raise Broken(f"I6: {task.id} is {task.status} and nothing runs")
        self._without_owner = lonely

    def files_parse(self) -> None:
        """Every public file parses or is absent (I7; after a power cut: once a daemon has settled)."""
        for path, content in self._machine.files.files().items():
            is_reply = "/replies/" in path
            if not path.endswith(".json") or not (is_reply or "/tasks/" in path or path.endswith("/state.json")):
                continue
            if is_reply and not content:  # the simulation's own doing: a client forgot the answer
                continue
            try:
                json.loads(content)
            except ValueError:
                raise Broken(f"I7: {path} is {content[:80]!r}") from None

    def at_the_end(self, world: World) -> None:
        """Everything is over: nothing runs (I8), every file is as the journal says (I5), statuses are earned."""
        alive = [process.attempt for process in self._machine.processes.values() if process.state == "running"]
        if alive:
            raise Broken(f"I8: still running: {alive}")
        open_workflows = [one.id for one in world.workflows.values() if one.status not in WORKFLOW_FINAL]
        if open_workflows:
            raise Broken(f"not over: {open_workflows}")
        for task in world.tasks.values():
            self._judge_end(task)
        self.new_life(world)
        found = verify(RealDisk(self._machine.files), DATA_DIR)
        if found.findings:
            raise Broken(f"I5: {found.findings[:3]}")
        self.files_parse()

    def _judge_end(self, task: Task) -> None:
        own = [begun for attempt, begun in self._begun.items() if attempt[0] == task.id]
        did = [begun for begun in own if begun.launch.command != "undo"]
        undid = [begun for begun in own if begun.launch.command == "undo"]
        has_done = any(begun.exit_code == 0 for begun in did) or task.id in self.vouched
        if task.status == "succeeded" and not has_done:
            raise Broken(f"{task.id} succeeded without a process that did")
        if task.status == "rolled_back" and not any(begun.exit_code == 0 for begun in undid):
            raise Broken(f"{task.id} is rolled back without a process that did it")
        is_once = not self.steered.get(task.workflow.id)
        if task.status in ("pending", "upstream_failed", "skipped") and did and is_once:
            raise Broken(f"{task.id} is {task.status} and began")
