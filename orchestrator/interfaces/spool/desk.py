"""What each request does: the way from a request file to an event, and from its outcome to the reply.

Nothing is acknowledged before it is durable: replies are written from the loop's answers, which come after the
sync of the record they rest on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.engine import flags
from orchestrator.engine.commands import Refuse
from orchestrator.engine.events import CancelRequested, DrainRequested, WorkflowSubmitted
from orchestrator.interfaces.spool.inbox import Inbox
from orchestrator.interfaces.spool.request import CancelArguments, Request, StopArguments, SubmitArguments
from orchestrator.model.errors import DefinitionInvalid, DiskFailed, OrchestratorError, Refused
from orchestrator.plan import ir
from orchestrator.store import archive, project
from orchestrator.store.pin import pin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from orchestrator.engine.machine import Step
    from orchestrator.engine.world import Workflow
    from orchestrator.runtime.host import Host
    from orchestrator.runtime.loop import Loop


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
            case CancelArguments():
                self._cancel(request, request.arguments)
            case StopArguments():
                self._stop(request, request.arguments)

    def _evaluate(self, request: Request, wanted: SubmitArguments) -> None:
        known = self._loop.world.keys.get(request.key)
        if known is not None:
            self._repeated(request, known)
            return
        self._workers.run(
            lambda: self._host.evaluate(
                wanted.path,
                options=wanted.options,
                name=wanted.name,
                data_dir=self._data_dir,
                digest=wanted.digest,
                want_plan=True,
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
        plan = ir.decode(encoded)
        event = WorkflowSubmitted(
            self._host.new_workflow_id(plan.name),
            ir.digest(encoded),
            report["definition"],
            request.key,
            request.by or "somebody",
            plan,
            wanted.priority,
            flags.CURRENT,
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
            self.inbox.refuse(request.key, Refused(outcome.message, outcome.help))

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

    def _cancel(self, request: Request, wanted: CancelArguments) -> None:
        workflow = self._loop.world.workflows.get(wanted.workflow)
        if workflow is not None and workflow.ending == "cancel":
            self._cancelled(request, workflow)
            return
        event = CancelRequested(wanted.workflow, request.key, request.by or "somebody")

        def answer(outcome: Step | Refuse) -> None:
            if isinstance(outcome, Refuse):
                self.inbox.refuse(request.key, Refused(outcome.message, outcome.help))
            else:
                self._cancelled(request, outcome.workflows[0])

        self._loop.offer(event, answer)

    def _cancelled(self, request: Request, workflow: Workflow) -> None:
        result: dict[str, object] = {"workflow": workflow.id, "status": workflow.status}
        self.inbox.reply(request.key, self._loop.synced_seq, result)

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
