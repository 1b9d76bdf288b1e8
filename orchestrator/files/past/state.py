"""An earlier state as rows, for ``orch at``: the columns are those of the files then, as far as the journal knows them.

What a plan says of a workflow and its tasks (its name, priorities) comes from the pinned plan, which never changes.
Where that is gone the name is null, and the priority of a task that of its workflow.
"""

from orchestrator.files.past.moment import world_at
from orchestrator.files.past.pinned import pinned_plan
from orchestrator.files.rows import instants
from orchestrator.files.state.not_there import no_workflow
from orchestrator.files.state.workflows_meant import Word, is_there
from orchestrator.model.errors import NotFound
from orchestrator.model.ids import split_task_id
from orchestrator.model.states import TASK_STATUSES
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    from orchestrator.files.moments import Position
    from orchestrator.files.past.world import PastWorkflow, PastWorld
    from orchestrator.files.rows import Row


class NotThereThen(NotFound):
    """The workflow is there now, or was later; it was not at the moment that is asked for."""


def state_at(
    data_dir: str,
    position: "Position",
    *,
    workflow: "str | None" = None,
    cwd: str = "/",
    statuses: "Collection[str] | None" = None,
    limit: "int | None" = None,
) -> "Row":
    """The state as it was at `position`.

    ``time, seq, cursor`` (of the last record that counts), the counts as status.json has them, and the tables
    ``workflows`` (newest first) and ``tasks`` (in the order of `orch tasks`). The counts are of everything; the tables
    are narrowed to the workflows that `workflow` means (an id, or the path of a definition, which may begin at `cwd`),
    and tasks to some statuses and to the first `limit`.

    Raises:
        NotThereThen, NotFound: as `meant_then`.
        NoSuchMoment, UsageError, JournalUnreadable, JournalDamaged, FormatTooNew: as `world_at`.
    """
    world = world_at(data_dir, position)
    meant = meant_then(data_dir, workflow, cwd, world)
    shown = [one for name, one in world.workflows.items() if meant is None or name in meant]
    plans = {one.id: _Planned(pinned_plan(data_dir, one.id)) for one in shown}
    instant = instants()
    workflows = [_workflow_row(one, world, plans[one.id]) for one in shown]
    workflows.sort(key=lambda row: (-instant(row["created_at"]), row["id"]))
    tasks = [row for one in shown if limit != 0 for row in _task_rows(one, world, plans[one.id], statuses)]
    tasks.sort(key=lambda row: (-row["priority"], instant(row["created_at"]), row["id"]))
    return {
        "time": world.time,
        "seq": world.seq,
        "cursor": f"{world.epoch}:{world.seq}",
        **world.counts(),
        "workflows": workflows,
        "tasks": tasks[:limit],
    }


def nothing_yet(data_dir: str) -> str:
    """What is said of a time before the first record, so that empty tables are not taken for a mistake."""
    return f"Nothing was recorded in {data_dir} at that time yet."


def meant_then(data_dir: str, given: "str | None", cwd: str, world: "PastWorld") -> "frozenset[str] | None":
    """Ids of the workflows that `given` meant in `world`, those that went on the way too; None for all.

    Raises:
        NotThereThen: none was there at that time.
        NotFound: there is none at all.
    """
    if given is None:
        return None
    definitions = {one.id: one.definition for known in (world.gone, world.workflows) for one in known.values()}
    found = Word(given, cwd).among(definitions)
    if found:
        return found
    if not is_there(data_dir, given, archived=True):
        raise no_workflow(data_dir, given, definitions)
    when = f"at record {world.seq}" if world.time is None else f"at record {world.seq} ({world.time})"
    told = f"There was no workflow {given} in {data_dir} {when}."
    raise NotThereThen(told, "Without --workflow all that there were are shown.")


class _Planned:
    """What the rows need of a plan. `name` None and no priorities without one."""

    __slots__ = ("name", "operations", "priority")

    def __init__(self, plan: "dict[str, Any] | None") -> None:
        plan = plan or {}
        self.name: str | None = plan.get("name")
        self.priority: int = plan.get("priority", 0)
        self.operations: dict[str, int] = {node["id"]: node.get("priority", 0) for node in plan.get("operations", ())}

    def of_workflow(self, workflow: "PastWorkflow") -> int:
        return self.priority if workflow.priority is None else workflow.priority


def _workflow_row(workflow: "PastWorkflow", world: "PastWorld", planned: _Planned) -> "Row":
    return {
        "id": workflow.id,
        "name": planned.name,
        "status": workflow.status,
        "created_at": workflow.created_at,
        "started_at": workflow.started_at,
        "finished_at": workflow.finished_at,
        "definition": workflow.definition,
        "plan": workflow.plan_digest,
        "priority": planned.of_workflow(workflow),
        "reason": workflow.reason or None,
        "tasks": _counted(world.tasks[name][0] for name in workflow.tasks),
    }


def _task_rows(
    workflow: "PastWorkflow", world: "PastWorld", planned: _Planned, statuses: "Collection[str] | None"
) -> "list[Row]":
    base = planned.of_workflow(workflow)
    found = []
    for name in workflow.tasks:
        status, attempt, reason, started_at, finished_at, exit_code = world.tasks[name]
        if statuses is not None and status not in statuses:
            continue
        _, operation, provider, item = split_task_id(name)
        found.append(
            {
                "id": name,
                "status": status,
                "created_at": workflow.created_at,
                "priority": base + planned.operations.get(operation, 0),
                "workflow": workflow.id,
                "operation": operation,
                "item": item,
                "provider": provider,
                "attempt": attempt,
                "started_at": rfc3339(started_at) if isinstance(started_at, int) else started_at,
                "finished_at": rfc3339(finished_at) if isinstance(finished_at, int) else finished_at,
                "exit_code": exit_code,
                "reason": reason or None,
            }
        )
    return found


def _counted(statuses: "Iterable[str]") -> "dict[str, int]":
    """{status: how many}, in the order of tables."""
    found: dict[str, int] = {}
    for status in statuses:
        found[status] = found.get(status, 0) + 1
    return {status: found[status] for status in TASK_STATUSES if status in found}
