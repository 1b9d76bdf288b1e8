"""How a task or a workflow ended, and what failed first."""

from orchestrator.files.fields import instant
from orchestrator.files.why.links import LOOKED_AT_MAX, link, link_of, rank
from orchestrator.files.why.undoing import NOT_TRIED, in_the_way, not_undone
from orchestrator.files.why.words import colon, count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.why.facts import Entry, Facts, Task, Workflow
    from orchestrator.files.why.links import Link, Node

#: Ends that nothing failed for.
BY_SOMEBODY = ("cancelled by ", "rolled back by ")

#: Statuses of tasks that ended something, and not only with it.
_FAILED = ("failed", "timed_out", "rollback_failed")

#: How it is said that something has ended.
_ENDED_AS = {
    "succeeded": "succeeded",
    "failed": "failed",
    "timed_out": "timed out",
    "cancelled": "was cancelled",
    "rolled_back": "was rolled back",
    "rollback_failed": "could not be undone",
}

#: Tasks that have not run, of which the end of their workflow tells by name.
_NAMED_MAX = 3


def ended_task(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "tuple[Link, Node | None]":
    """(how `task` ended, what is behind that)."""
    said = task.reason or task.error
    since = task.finished_at
    if task.status in _FAILED:
        above = in_the_way(facts, workflow, task) if workflow else None
        return _failed(facts, workflow, task), ("task", above.id) if above else None
    if task.status == "succeeded":
        return link_of(task, "ended", f"succeeded{colon(task.reason)}", since=since), None
    if task.status == "upstream_failed":
        source = _failed_source(workflow, task) if workflow else None
        behind = ("task", source.task) if source else _origin(facts, workflow, said)
        return link_of(task, "ended", said or "not started: what it needs did not succeed", since=since), behind
    if task.status == "skipped":
        words = said or "not started: the workflow ended before its turn"
        return link_of(task, "ended", words, since=since), _origin(facts, workflow, said)
    if task.status == "rolled_back":
        behind = ("cause", workflow.id) if workflow else None
        return link_of(task, "ended", f"was undone{colon(task.reason)}", since=since), behind
    again = _again(facts, workflow, task)
    words = f"was {said}" if said.startswith(BY_SOMEBODY) else f"is {task.status}{colon(said)}"
    return link_of(task, "ended", words, again, since=since), None


def _failed(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "Link":
    """How it failed. Attempts are numbered through doing and undoing, so their number is no count of tries to undo."""
    told = task.error or task.reason
    if task.status != "rollback_failed":
        after = f" after {task.attempt} attempts" if task.attempt > 1 else ""
        words = f"{_ENDED_AS[task.status]}{after}{colon(told)}"
    elif task.reason.startswith(NOT_TRIED):
        words, told = f"{_ENDED_AS[task.status]}{colon(task.reason)}", task.reason
    else:
        which = f": attempt {task.attempt} failed" if task.attempt > 1 else ""
        words = f"{_ENDED_AS[task.status]}{which}{colon(told)}"
    if task.reason and task.reason not in told and told not in task.reason:
        words += f" ({task.reason})"
    tried = not task.reason.startswith(NOT_TRIED)
    log = facts.log_of(task) if tried else None
    return link_of(task, "ended", words, _again(facts, workflow, task), since=task.finished_at, log=log)


def _again(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "str | None":
    """The command that tries again what failed; None of what is archived."""
    if workflow is None or workflow.is_archived:
        return None
    undoing = "rollback_failed" in (task.status, workflow.status)
    later = "" if workflow.is_over else f" (when the {'rollback' if undoing else 'workflow'} is over)"
    return f"{facts.verb} {'rollback' if undoing else 'retry'} {task.workflow}{later}"


def ended_workflow(facts: "Facts", workflow: "Workflow", *, after: str) -> "tuple[Link, Node | None]":
    """(how a workflow ended, what failed first). Behind its end is what could not be undone, if that is why."""
    words = _ENDED_AS.get(workflow.status, f"is {workflow.status or 'of no status'}")
    by_somebody = workflow.reason.startswith(BY_SOMEBODY)
    is_unclean = workflow.status == "rollback_failed"
    words = f"was {workflow.reason}" if by_somebody and not is_unclean else f"{words}{colon(workflow.reason)}"
    failed = sum(it.status in _FAILED[:2] for it in workflow.entries.values())
    words += f" ({failed} tasks failed in all)" if failed > 1 else ""
    behind = None if workflow.status == "succeeded" else _origin(facts, workflow, workflow.reason, itself=True)
    if is_unclean and after == "end":
        task = not_undone(facts, workflow)
        behind = ("task", task.id) if task else behind
    if workflow.status == "failed" and not failed:
        words += _not_run(workflow)
    again = None
    if workflow.status != "succeeded" and not workflow.is_archived:
        again = f"{facts.verb} {'rollback' if is_unclean else 'retry'} {workflow.id}"
    about = {"workflow": workflow.id, "status": workflow.status or None, "since": workflow.finished_at}
    return link("ended", words, again, **about), behind


def _not_run(workflow: "Workflow") -> str:
    """What of a workflow in which nothing failed has not succeeded: only a part of it was tried again."""
    left = [it for it in workflow.entries.values() if it.status != "succeeded"]
    if not left:
        return ""
    named = ", ".join(f"{it.task} ({it.status})" for it in left[:_NAMED_MAX])
    others = f" and {count(len(left) - _NAMED_MAX, 'other')}" if len(left) > _NAMED_MAX else ""
    all_untouched = all(it.status in ("skipped", "upstream_failed") for it in left)
    how = f"{'has' if len(left) == 1 else 'have'} not {'run' if all_untouched else 'succeeded'}"
    runs = "" if workflow.is_archived else "; a plain retry runs " + ("it" if len(left) == 1 else "them")
    return f"; {count(len(left), 'task')} {how}: {named}{others}{runs}"


def _origin(facts: "Facts", workflow: "Workflow | None", said: str, *, itself: bool = False) -> "Node | None":
    """What ended a workflow: the failed task that `said` names, or that failed first; the workflow if none did."""
    if workflow is None:
        return None
    failed = [it for it in workflow.entries.values() if it.status in _FAILED[:2]]
    named = [it for it in failed if f"task {it.operation}/{it.item} " in f"{said} "]
    named = named or [it for it in failed if f"operation {it.operation} failed" in said]
    if not failed or any(by in said for by in BY_SOMEBODY):
        return None if itself else ("workflow", workflow.id)
    tasks = [facts.task(it.task) for it in (named or failed)[:LOOKED_AT_MAX]]
    first = min((it for it in tasks if it), key=lambda it: instant(it.finished_at) or 1 << 63, default=None)
    return ("task", first.id) if first else None


def _failed_source(workflow: "Workflow", task: "Task") -> "Entry | None":
    """What `task` needed and did not succeed, what failed by itself first."""
    operation = workflow.operations.get(task.operation)
    needed = [workflow.operations[it] for it in (operation.after if operation else ()) if it in workflow.operations]
    entries = [entry for it in needed for entry in it.entries]
    entries += [it for edge in workflow.edges_to(task) if edge.is_hard for it in workflow.sources(edge)]
    return min((it for it in entries if it.is_over and it.status != "succeeded"), key=rank, default=None)
