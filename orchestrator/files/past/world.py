"""What the records of the journal say of tasks and workflows, folded one by one: the state behind each of them.

The engine writes every change of a status, an attempt or a reason into the record of the event that caused it
(`orchestrator.engine.turn`). So nothing has to be decided here; no plan and no rule of the engine is needed. What
records do not hold (the text of an error, a deadline) is not told, rather than guessed. When an attempt began and
ended are the times of the records that say so.
"""

from orchestrator.files.journal.transitions import rows
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.rows import Row

    #: (status, attempt, reason, started_at, finished_at, exit_code); a time is a text or microseconds since 1970
    PastTask = tuple[str, int, str, str | int | None, str | int | None, int | None]

    Record = dict[str, Any]

#: Events that end an attempt.
_ENDS = frozenset({"AttemptExited", "StartFailed", "AttemptLost"})


class PastWorkflow:
    """A workflow as it was. `tasks`: their ids, in the order of the plan; `priority` None: that of the plan."""

    __slots__ = (
        "created_at",
        "definition",
        "finished_at",
        "id",
        "plan_digest",
        "priority",
        "reason",
        "started_at",
        "status",
        "tasks",
    )

    def __init__(self, identifier: str, created_at: "str | None") -> None:
        self.id = identifier
        self.created_at = created_at
        self.status, self.reason = "queued", ""
        self.started_at: str | None = None
        self.finished_at: str | None = None
        self.priority: int | None = None
        self.plan_digest = self.definition = ""
        self.tasks: list[str] = []


class PastWorld:
    """The world behind record `seq`; behind none of them it is empty.

    Attributes:
        seq, epoch, time: of the last record; 0, 0 and None without one.
        max_running, provider_limits, draining: as the daemon was then.
        tasks: {id: its past}
        workflows: {id: workflow}, in the order of submission.
        live: ids of the tasks that have an attempt.
        moved: ids of the workflows whose own status or reason the last record changed, as often as it did.
        gone: {id: workflow} that were archived on the way, and `gone_tasks` its tasks as they were; kept only if
            `keeps_gone` says so.
    """

    def __init__(self, *, keeps_gone: bool = False) -> None:
        self.seq = self.epoch = 0
        self.time: str | None = None
        self.max_running = 0
        self.provider_limits: dict[str, int] = {}
        self.draining = False
        self.tasks: dict[str, PastTask] = {}
        self.workflows: dict[str, PastWorkflow] = {}
        self.live: dict[str, None] = {}
        self.moved: list[str] = []
        self.keeps_gone = keeps_gone
        self.gone: dict[str, PastWorkflow] = {}
        self.gone_tasks: dict[str, PastTask] = {}

    def apply(self, record: "Record") -> None:
        """Fold in the next record."""
        self.seq, self.time = record["seq"], record["time"]
        event, data = record["event"], record["data"]
        if event in _ENDS:
            self._attempt_ended(data["task"], data.get("exit_code"))
        elif event == "WorkflowSubmitted":
            self._submitted(data)
        elif event == "DaemonStarted":
            self.epoch, self.draining = data["epoch"], False
            self.max_running, self.provider_limits = data["max_running"], data.get("provider_limits") or {}
        elif event == "JournalContinued":
            self.epoch = data["epoch"]
        elif event == "DrainRequested":
            self.draining = True
        self._take_transitions(record)
        if event == "WorkflowArchived":
            self._archived(data["workflow"])

    def counts(self) -> "Row":
        """The counts as status.json has them, of tasks only, and what bounded them."""
        found: dict[str, int] = {}
        for task in self.tasks.values():
            found[task[0]] = found.get(task[0], 0) + 1
        by_provider: dict[str, int] = {}
        for name in self.live:
            provider = name.split(".", 3)[2]
            by_provider[provider] = by_provider.get(provider, 0) + 1
        return {
            "tasks_pending": found.get("pending", 0),
            "tasks_running": found.get("running", 0),
            "tasks_completed": found.get("succeeded", 0),
            "tasks_failed": found.get("failed", 0) + found.get("timed_out", 0),
            "limits": {"max_running": self.max_running, "providers": self.provider_limits},
            "live": {"total": len(self.live), "providers": by_provider},
            "draining": self.draining,
        }

    def _submitted(self, data: "Record") -> None:
        workflow = self.workflows[data["workflow"]] = PastWorkflow(data["workflow"], self.time)
        workflow.plan_digest, workflow.definition = data["plan_digest"], data["definition"]
        workflow.priority = data.get("priority")

    def _attempt_ended(self, name: str, exit_code: "int | None") -> None:
        """Known from the event: of two attempts that follow each other within a record, the first has ended."""
        self.live.pop(name, None)
        status, attempt, reason, started_at, _, _ = self.tasks[name]
        self.tasks[name] = (status, attempt, reason, started_at, self.time, exit_code)

    def _take_transitions(self, record: "Record") -> None:
        owners: list[Row] | None = None
        tasks, workflow, self.moved = self.tasks, None, []
        for position, (name, _, status, attempt, reason, *_) in enumerate(record["transitions"]):
            if name is None:
                owners = rows(record) if owners is None else owners
                moved = self.workflows[owners[position]["workflow"]]
                self.moved.append(moved.id)
                self._workflow_moved(moved, status, reason)
                continue
            known = tasks.get(name)
            if known is None:
                identifier = name.partition(".")[0]
                if workflow is None or workflow.id != identifier:
                    workflow = self.workflows[identifier]
                workflow.tasks.append(name)
                tasks[name] = (status, attempt, reason, None, None, None)
            elif attempt > known[1]:
                tasks[name] = (status, attempt, reason, self.time, None, None)
                self.live[name] = None
                owner = self.workflows[name.partition(".")[0]]
                owner.started_at = owner.started_at or self.time
            else:
                tasks[name] = (status, attempt, reason, *known[3:])

    def _workflow_moved(self, workflow: PastWorkflow, status: str, reason: str) -> None:
        workflow.status, workflow.reason = status, reason
        workflow.finished_at = self.time if status in WORKFLOW_FINAL else None

    def _archived(self, identifier: str) -> None:
        workflow = self.workflows.pop(identifier)
        for name in workflow.tasks:
            task = self.tasks.pop(name)
            if self.keeps_gone:
                self.gone_tasks[name] = task
        if self.keeps_gone:
            self.gone[identifier] = workflow
