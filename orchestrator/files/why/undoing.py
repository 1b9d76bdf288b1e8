"""What a rollback is about, as far as files tell: what is undone after what, and what could not be undone.

The order is the engine's: nothing is undone before all that stands on it is, over operations, over edges of any kind
and over the listed order of an operation that does one task after another. What stays as it is, is passed through.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.files.why.facts import Entry, Facts, Operation, Task, Workflow

#: How the reason of a task begins that was not undone only because what stands on it was not.
NOT_TRIED = "not tried: "

#: Task files that are read to find what failed. Those that were tried have the highest numbers of attempts.
_LOOKED_AT_MAX = 50


def ahead_of(workflow: "Workflow", entry: "Entry") -> "list[Entry]":
    """The nearest that stand on `entry` and are still to be undone; they come before it."""
    behind = workflow.undone_before.get(entry.operation)
    if behind is None:  # the same for all tasks of the operation
        top = [above for it in _opened_by(workflow, entry.operation) for above in it.entries]
        behind = workflow.undone_before[entry.operation] = _nearest(workflow, top, {entry.operation})
    own = _nearest(workflow, _one_by_one(workflow, entry), {entry.operation})
    return list(dict.fromkeys(it for it in (*own, *behind) if it is not entry))


def _nearest(workflow: "Workflow", top: "Iterable[Entry]", seen: "set[str]") -> "list[Entry]":
    """Of `top` what is still to be undone; where that is not so, of what stands on it. `seen`: operations."""
    found, met, stack = [], set(), list(top)
    stack.reverse()
    while stack:
        entry = stack.pop()
        if entry.task in met:
            continue
        met.add(entry.task)
        if entry.status == "rolling_back":
            found.append(entry)
            continue
        stack += _one_by_one(workflow, entry)
        if entry.operation not in seen:
            seen.add(entry.operation)
            stack += [above for it in _opened_by(workflow, entry.operation) for above in it.entries]
    return found


def not_undone(facts: "Facts", workflow: "Workflow") -> "Task | None":
    """The task whose own undoing failed first; of files that do not tell it, any that was not undone."""
    failed = [entry for entry in workflow.entries.values() if entry.status == "rollback_failed"]
    return _first_tried(facts, failed)


def in_the_way(facts: "Facts", workflow: "Workflow", task: "Task") -> "Task | None":
    """What stands on `task` and could not be undone, so that `task` was not tried; None if that is not so."""
    if task.status != "rollback_failed" or not task.reason.startswith(NOT_TRIED):
        return None
    others = (it for it in workflow.entries.values() if it.status == "rollback_failed" and it.task != task.id)
    named = _first_tried(facts, [it for it in others if f" {it.operation}/{it.item}, " in task.reason])
    return named if named and not named.reason.startswith(NOT_TRIED) else None


def _first_tried(facts: "Facts", entries: "list[Entry]") -> "Task | None":
    likeliest = sorted(entries, key=lambda it: -it.attempt)[:_LOOKED_AT_MAX]
    tasks = [task for task in (facts.task(it.task) for it in likeliest) if task]
    tried = [it for it in tasks if not it.reason.startswith(NOT_TRIED)]
    return min(tried or tasks, key=lambda it: it.finished_at or "~", default=None)


def _one_by_one(workflow: "Workflow", entry: "Entry") -> "Iterator[Entry]":
    """What waited for `entry` alone: the next in listed order, and what is behind edges."""
    operation = workflow.operations.get(entry.operation)
    if operation is not None and operation.plan.get("parallel") is False:
        yield from operation.entries[entry.index + 1 : entry.index + 2]
    for edge in workflow.edges_from(entry):
        yield from workflow.targets(edge)


def _opened_by(workflow: "Workflow", name: str) -> "Iterable[Operation]":
    """Operations that waited for `name`; through those without tasks to what waited for them."""
    stack, found = [name], {}
    while stack:
        wanted = stack.pop()
        for it in workflow.operations.values():
            if wanted in it.after and it.id not in found:
                found[it.id] = it
                if not it.entries:
                    stack.append(it.id)
    return found.values()
