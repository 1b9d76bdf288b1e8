"""What each request does: the way from a request file to an event, and from its outcome to the reply.

Nothing is acknowledged before it is durable: replies are written from the loop's answers, which come after the
sync of the record they rest on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine import flags
from orchestrator.engine.commands import Refuse
from orchestrator.engine.events import (
    CancelRequested,
    DrainRequested,
    PauseRequested,
    ResolveRequested,
    ResumeRequested,
    RetryRequested,
    RollbackRequested,
    WorkflowSubmitted,
)
from orchestrator.engine.machine import Step
from orchestrator.engine.refusals import REPEATED
from orchestrator.interfaces.spool.inbox import Inbox
from orchestrator.interfaces.spool.request import (
    CancelArguments,
    PauseArguments,
    Request,
    ResolveArguments,
    ResumeArguments,
    RetryArguments,
    RollbackArguments,
    StopArguments,
    SubmitArguments,
)
from orchestrator.model.errors import (
    DefinitionInvalid,
    DiskFailed,
    NotFound,
    OrchestratorError,
    Refused,
    WrongState,
)
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.plan import ir
from orchestrator.store import archive, project
from orchestrator.store.pin import pin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from orchestrator.engine.events import Event
    from orchestrator.engine.world import Workflow
    from orchestrator.runtime.host import Host
    from orchestrator.runtime.loop import Loop


_Steering = CancelArguments | PauseArguments | ResumeArguments | RetryArguments | RollbackArguments | ResolveArguments


class Desk:
    """Takes the requests of one data directory.

    Attributes:
        inbox: where they come from; to be scanned by whoever notices that something arrived.
    """

    def __init__(
        self, host: Host, loop: Loop, data_dir: str, *, end: Callable[[], None], drain: Callable[[], None]
    ) -> None:
        """`end` and `drain` tell the daemon to stop."""
        self.inbox = Inbox(host.disk, data_dir, self._handle, host.say)
        self._host = host
        self._loop = loop
        self._disk = host.disk
        self._data_dir = data_dir
        self._workers = host.workers("evaluate", 2)
        self._end = end
        self._drain = drain

    def _handle(self, request: Request) -> None:
        if request.expires_us < self._host.clock.now().wall_us:
            expired = Refused("The request had expired before the daemon met it.", "Send it again.")
            self.inbox.refuse(request.key, expired)
            return
        match request.arguments:
            case SubmitArguments():
                self._evaluate(request, request.arguments)
            case StopArguments():
                self._stop(request, request.arguments)
            case arguments:
                self._steer(request, arguments)

    def _evaluate(self, request: Request, wanted: SubmitArguments) -> None:
        known = self._loop.world.keys.get(request.key)
        if known is not None:
            self._loop.once_durable(lambda: self._repeated(request, known))
            return
        self._workers.run(
            lambda: self._host.evaluate(
                wanted.path,
                options=wanted.options,
                name=wanted.name,
                data_dir=self._data_dir,
                digest=wanted.digest,
                want_plan=True,
                environment=wanted.environment,
                layer=wanted.layer,
                check=wanted.check,
            ),
            lambda report: self._evaluated(request, wanted, report),
            lambda error: self._failed(request, error),
        )

    def _evaluated(self, request: Request, wanted: SubmitArguments, report: dict[str, Any]) -> None:
        if not report["valid"]:
            errors = report["errors"]
            what = f"{wanted.path} has {len(errors)} error{'s' if len(errors) != 1 else ''}."
            self.inbox.refuse(request.key, DefinitionInvalid(what, diagnostics=errors + report["warnings"]))
            return
        encoded = report["plan"].encode()
        try:
            plan = ir.decode(encoded)
        except msgspec.DecodeError as error:  # an evaluator of another version, or a fault of ours: nothing to end for
            self._failed(request, error)
            return
        event = WorkflowSubmitted(
            self._host.new_workflow_id(plan.name),
            ir.digest(encoded),
            report["definition"],
            request.key,
            request.by or "somebody",
            plan,
            wanted.priority,
            flags.CURRENT,
            wanted.continues or "",
        )
        sources = {source["path"]: source["text"].encode() for source in report["sources"]}
        self._workers.run(
            lambda: pin(self._disk, self._data_dir, event.workflow, encoded, sources),
            lambda _: self._loop.offer(event, lambda outcome: self._submitted(request, report, outcome)),
            lambda error: self._failed(request, error),
        )

    def _submitted(self, request: Request, report: dict[str, Any], outcome: Step | Refuse) -> None:
        if not isinstance(outcome, Refuse):
            workflow = outcome.workflows[0]
            if workflow.id in self._loop.world.workflows:  # who has the answer may look for the workflow at once
                path, content = project.state_file(workflow)
                with suppress(DiskFailed):  # the projector tries again
                    self._disk.replace(f"{self._data_dir}/{path}", content, durable=False)
            self._accepted(request, workflow, report["warnings"])
            return
        known = self._loop.world.keys.get(request.key)
        if known is not None:  # another request with the same key was quicker
            self._repeated(request, known)
        else:
            self.inbox.refuse(request.key, refusal_as_error(outcome))

    def _accepted(self, request: Request, workflow: Workflow, warnings: list[object]) -> None:
        result = {
            "workflow": workflow.id,
            "name": workflow.plan.name,
            "tasks": sum(len(operation.tasks) for operation in workflow.operations),
            "plan": workflow.plan_digest,
            "warnings": warnings,
        }
        self.inbox.reply(request.key, self._loop.synced_seq, result)

    def _repeated(self, request: Request, workflow_id: str) -> None:
        """The request was met before: answer as then, even if its workflow is in the archive by now."""
        workflow = self._loop.world.workflows.get(workflow_id)
        if workflow is not None:
            self._accepted(request, workflow, [])
            return
        told = archive.summary(self._disk, self._data_dir, workflow_id)
        self.inbox.reply(request.key, self._loop.synced_seq, {**told, "warnings": []})

    def _steer(self, request: Request, wanted: _Steering) -> None:
        """Ask the engine for what a workflow is to do, unless it does it already: then that is the answer."""
        if isinstance(wanted, ResolveArguments):
            task = self._loop.world.tasks.get(wanted.task)
            workflow = None if task is None else task.workflow
        else:
            workflow = self._loop.world.workflows.get(wanted.workflow)
        if workflow is not None and _is_so(workflow, wanted):
            so = workflow

            def tell() -> None:
                self.inbox.reply(request.key, self._loop.synced_seq, _told(so, wanted, None))

            self._loop.once_durable(tell)
            return

        def answer(outcome: Step | Refuse) -> None:
            if isinstance(outcome, Refuse) and outcome.code != REPEATED:
                self.inbox.refuse(request.key, refusal_as_error(outcome))
            elif workflow is not None:
                self.inbox.reply(request.key, self._loop.synced_seq, _told(workflow, wanted, outcome))

        self._loop.offer(_event(request, wanted), answer)

    def _stop(self, request: Request, wanted: StopArguments) -> None:
        try:
            self.inbox.forget_file(request.key)
        except DiskFailed as error:  # the next daemon would meet it again and end
            self.inbox.refuse(request.key, error)
            return
        if wanted.mode == "leave":
            self.inbox.reply(request.key, self._loop.synced_seq, {"mode": wanted.mode})
            self._end()
            return

        def answer(_: object) -> None:
            self.inbox.reply(request.key, self._loop.synced_seq, {"mode": wanted.mode})
            self._drain()

        self._loop.offer(DrainRequested(request.key, request.by or "somebody", wanted.mode == "kill"), answer)

    def _failed(self, request: Request, error: Exception) -> None:
        if not isinstance(error, OrchestratorError):
            self._host.say(f"request {request.key}: unexpected {type(error).__name__}: {error}")
            error = Refused(f"{type(error).__name__}: {error}", "This is a fault of the orchestrator, see daemon.log.")
        self.inbox.refuse(request.key, error)


def _event(request: Request, wanted: _Steering) -> Event:
    key, by = request.key, request.by or "somebody"
    match wanted:
        case CancelArguments():
            return CancelRequested(wanted.workflow, key, by)
        case PauseArguments():
            return PauseRequested(wanted.workflow, key, by, wanted.now)
        case ResumeArguments():
            return ResumeRequested(wanted.workflow, key, by)
        case RetryArguments():
            tasks = tuple(wanted.tasks)
            chosen = (wanted.operation or "", tasks, wanted.failed_only, wanted.everything)
            return RetryRequested(wanted.workflow, key, by, *chosen, flags.CURRENT)
        case RollbackArguments():
            return RollbackRequested(wanted.workflow, key, by, wanted.to or "", flags.CURRENT)
        case ResolveArguments():
            return ResolveRequested(wanted.task, key, by, wanted.outcome)


def _is_so(workflow: Workflow, wanted: _Steering) -> bool:
    """Whether what is wanted is under way: asking twice changes nothing, and is no fault."""
    is_over = workflow.status in WORKFLOW_FINAL
    match wanted:
        case CancelArguments():
            return workflow.ending == "cancel" and (not is_over or workflow.status == "cancelled")
        case PauseArguments():
            return workflow.is_paused and not wanted.now
        case ResumeArguments():
            return not is_over and not workflow.is_paused
        case RollbackArguments():
            is_to = workflow.undo_requested and workflow.undone_to == (wanted.to or "")
            return is_to and workflow.ending == "rollback" and not is_over
        case _:
            return False


def _told(workflow: Workflow, wanted: _Steering, outcome: Step | Refuse | None) -> dict[str, object]:
    """The result of a request: where the workflow stands now, and what the request changed."""
    if isinstance(wanted, ResolveArguments):
        task = next((task for task in workflow.tasks if task.id == wanted.task), None)
        return {"workflow": workflow.id, "task": wanted.task, "status": task.status if task else None}
    result: dict[str, object] = {"workflow": workflow.id, "status": workflow.status}
    if isinstance(wanted, RetryArguments | RollbackArguments):
        before = ("rolling_back",) if isinstance(wanted, RollbackArguments) else ("pending", "running")
        moved = {change.task for change in (outcome.transitions if isinstance(outcome, Step) else []) if change.task}
        result["tasks"] = sum(task.id in moved and task.status in before for task in workflow.tasks)
    if isinstance(wanted, RollbackArguments):
        result["kept"] = _kept(workflow)
        result["note"] = _note(workflow, is_idle=workflow.status in WORKFLOW_FINAL and not result["tasks"])
    return result


def _kept(workflow: Workflow) -> int:
    """How many tasks of it have succeeded and cannot be undone."""
    done = [task for task in workflow.tasks if task.status == "succeeded" and task.operation.plan.type != "check"]
    return sum(task.action.undo is None for task in done)


def _note(workflow: Workflow, *, is_idle: bool) -> str:
    """What is to be said of a rollback. `is_idle`: nothing is undone."""
    kept = _kept(workflow)
    if is_idle and kept:
        what = (
            "1 task declares no way to undo it, and stays"
            if kept == 1
            else f"{kept} tasks declare no way to undo them, and stay"
        )
        return f"Nothing was undone: {what}."
    if is_idle:
        return "There is nothing to undo."
    return workflow.because if workflow.status == "rolling_back" else f"{workflow.because}; what runs is stopped first"


def refusal_as_error(refusal: Refuse) -> OrchestratorError:
    """A refusal of the engine as the client is to see it."""
    if refusal.code == NotFound.code:
        return NotFound(refusal.message, refusal.help)
    if refusal.code in (WrongState.code, "orch::task::state"):
        return WrongState(refusal.message, refusal.help)
    return Refused(refusal.message, refusal.help)
