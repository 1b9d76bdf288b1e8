"""Why something that is not over stands where it stands, and what to look at next.

It follows from the structure (what the plan says must come first, and what of that is not done), and from the engine's
own words (the task's ``reason``) where the structure says nothing or cannot be read.
"""

from orchestrator.files.fields import instant, mapping, whole
from orchestrator.files.why.links import LOOKED_AT_MAX, RANK_OF_OTHERS, first_of, link, link_of, rank
from orchestrator.files.why.undoing import ahead_of
from orchestrator.files.why.words import clock, colon, count, moment, span
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.files.why.facts import Entry, Facts, Operation, Task, Workflow
    from orchestrator.files.why.links import Link, Node

#: The engine's own words (`orchestrator.engine`).
_SLOT, _CONDITION, _TURN, _NEEDS = "waits for a free slot", "waits until ", "waits for the one before it", "waits for "


def explain_open(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "tuple[Link, Node | None]":
    """(why `task` is not over, what is behind that)."""
    if task.is_live:
        return _running(facts, workflow, task), None
    if task.status == "unknown":
        words = f"waits for somebody's word: {task.reason or f'nobody knows how attempt {task.attempt} ended'}"
        resolve = f"{facts.verb} resolve {task.id} --as succeeded (or --as failed)"
        return link_of(task, "unknown", words, resolve, since=task.finished_at or task.started_at), None
    if task.status == "waiting_retry" or (task.status == "rolling_back" and _waits_for_a_try(task)):
        return _retry(facts, workflow, task), None
    if task.status == "rolling_back":
        return _undoing(facts, workflow, task)
    if task.status == "pending":
        return _pending(facts, workflow, task)
    words = f"is {task.status or 'of no status'}{colon(task.reason)}"
    return link_of(task, "unknown", words, "ask the program that writes the directory"), None


# What is under way


def _running(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "Link":
    own = f"attempt {task.attempt} is running"
    said = "" if task.reason in ("", own) else f" ({task.reason})"
    verb = "is being undone" if task.status == "rolling_back" else "is running"
    since = f" since {clock(task.started_at, facts.now_us)}" if task.started_at else ""
    words = f"{verb}, attempt {task.attempt}{since}{said}"
    if facts.is_held is False:
        words = f"was {verb.removeprefix('is ')} when the daemon ended, attempt {task.attempt}{since}"
        return link_of(task, "running", words, "the next daemon looks after it", since=task.started_at)
    operation = workflow.operations.get(task.operation) if workflow else None
    timeout_s = whole(operation.plan.get("timeout_s")) if operation else None
    begun = instant(task.started_at)
    due_at = task.due_at
    if due_at is None and timeout_s is not None and begun is not None and 0 < timeout_s < 1 << 31:
        due_at = rfc3339(begun + timeout_s * 1_000_000)
    until = f": it may take until {moment(due_at, facts.now_us)} (its timeout)" if due_at else ""
    return link_of(task, "running", words, f"nothing to do{until}", since=task.started_at, due_at=due_at)


def _retry(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "Link":
    before = task.reason.partition("; next in ")[0] or task.error
    again = "to undo it" if task.status == "rolling_back" else ""
    words = f"waits for its next try{f' {again}' if again else ''}{colon(before)}"
    if task.due_at is not None:
        wait = f"wait: next try at {moment(task.due_at, facts.now_us)}"
    elif workflow is not None and workflow.status == "paused":
        wait = "its delay goes on when the workflow does"
    else:
        wait = "wait: the next try comes by itself"
    return link_of(task, "retry_delay", words, wait, since=task.finished_at, due_at=task.due_at)


def under_way(facts: "Facts", workflow: "Workflow") -> "Link":
    """A workflow that is not over."""
    about = {"workflow": workflow.id, "status": workflow.status or None}
    said = colon(workflow.reason)
    if workflow.status == "rolling_back":
        return link("rollback", f"is being rolled back{said}", "wait until it is", **about)
    if workflow.status == "paused":
        by = workflow.reason if workflow.reason.startswith("paused") else f"paused{said}"
        return link("pause", f"is {by}; nothing new of it starts", f"{facts.verb} resume {workflow.id}", **about)
    words = f"is {workflow.status or 'of no status'}{said}"
    return link("running", words, "wait: what runs has to end first", **about)


def _undoing(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "tuple[Link, Node | None]":
    if task.reason == _SLOT or task.reason.startswith("attempt "):
        return _slot(facts, workflow, task), None
    own = workflow.entries.get(task.id) if workflow else None
    if workflow is None or own is None:
        words = f"waits to be undone{colon(task.reason)}"
        return link_of(task, "rollback", words, "wait: what came after it is undone first"), None
    before = ahead_of(workflow, own)
    first = _at_work(facts, before) or (facts.task(before[0].task) if before else None)
    if first is not None:
        others = f" and {count(len(before) - 1, 'other')}" if len(before) > 1 else ""
        words = f"is undone after {first.id}{others}{colon(task.reason)}"
        return link_of(task, "rollback", words, f"{first.id} has to be undone"), ("task", first.id)
    ahead = [it for it in workflow.entries.values() if it.status == "rolling_back" and it.task != task.id]
    other = _at_work(facts, ahead)
    row = link_of(
        task, "rollback", f"waits to be undone{colon(task.reason)}", "wait: what came after it is undone first"
    )
    return row, ("task", other.id) if other else None


def _at_work(facts: "Facts", entries: "Sequence[Entry]") -> "Task | None":
    """The first of `entries` that is being undone, or waits for nothing but its next try or a slot."""
    tasks = (facts.task(it.task) for it in entries[:LOOKED_AT_MAX])
    return next((it for it in tasks if it and (it.is_live or _waits_for_a_try(it) or it.reason == _SLOT)), None)


def _waits_for_a_try(task: "Task") -> bool:
    """Whether a task that is being undone has failed, and waits for its next try. A pause takes its time away."""
    return task.due_at is not None or "; next in " in task.reason


# What waits for its turn


def _pending(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "tuple[Link, Node | None]":
    if task.reason.startswith(_CONDITION):
        return _condition(facts, workflow, task), None
    if task.reason != _SLOT and workflow is not None:
        found = _needs(facts, workflow, task) or _turn(facts, workflow, task)
        if found is not None:
            return found
    if task.reason == _TURN:
        return link_of(task, "turn", task.reason, "wait: the one before it has to end"), None
    if task.reason.startswith(_NEEDS) and task.reason != _SLOT:
        done = "; what its workflow's files show of that is done: they follow a moment behind" if workflow else ""
        return link_of(task, "dependency", f"{task.reason}{done}", "wait: that has to be done first"), None
    if task.reason or workflow is not None:
        return _slot(facts, workflow, task), None
    words = "is pending, and its file does not say why"
    return link_of(task, "unknown", words, "ask the program that writes the directory"), None


def _needs(facts: "Facts", workflow: "Workflow", task: "Task") -> "tuple[Link, Node | None] | None":
    """What has to come first and is not done; None if all is, as far as the files show it."""
    found: list[tuple[int, Link, Node]] = []
    operation = workflow.operations.get(task.operation)
    for name in operation.after if operation else ():
        needed = workflow.operations.get(name)
        if needed is not None and not needed.has_succeeded:
            worst = min((rank(it) for it in needed.entries), default=RANK_OF_OTHERS)
            words = f"waits for operation {name} ({_progress(needed.entries)})"
            row = link_of(task, "dependency", words, f"operation {name} has to succeed")
            found.append((worst, row, ("operation", name)))
    for edge in workflow.edges_to(task):
        sources = workflow.sources(edge)
        unmet = [it for it in sources if (it.status != "succeeded" if edge.is_hard else not it.is_over)]
        first = first_of(facts, unmet)
        if first is not None:
            words = f"waits for {edge.label} ({_progress(sources)})"
            wanted = "to succeed" if edge.is_hard else "to end, however it does"
            found.append(
                (rank(first), link_of(task, "edge", words, f"{edge.label} has {wanted}"), ("task", first.task))
            )
    if not found:
        return None
    _, row, behind = min(found, key=lambda it: it[0])
    if len(found) > 1:
        row["what"] += f", and for {count(len(found) - 1, 'other')}"
    return row, behind


def _turn(facts: "Facts", workflow: "Workflow", task: "Task") -> "tuple[Link, Node | None] | None":
    """What is before `task` in an operation that does not do all at once; None if it has had its turn."""
    operation = workflow.operations.get(task.operation)
    if operation is None or operation.width is None or task.entry is None:
        return None
    before = [it for it in operation.entries[: task.entry.index] if not it.is_over]
    at_work = before[: operation.width]
    first = first_of(facts, at_work) if len(at_work) == operation.width else None
    if first is None:
        return None
    how = "one task after another" if operation.width == 1 else f"{operation.width} tasks at a time"
    words = f"waits for its turn: operation {operation.id} does {how}, and {count(len(before), 'task')} before it "
    words += "is not over" if len(before) == 1 else "are not over"
    return link_of(task, "turn", words, f"{first.task} has to end"), ("task", first.task)


def _condition(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "Link":
    asked = task.reason.removeprefix(_CONDITION)
    edges = workflow.edges_to(task) if workflow else []
    edge = next((it for it in edges if it.condition and asked.startswith(it.condition)), None)
    wait = f"`{edge.condition if edge else asked}` has to become true"
    if edge is not None and edge.timeout_s is not None:
        then = "the task is timed_out" if edge.is_hard else "it starts all the same"
        wait += f"; after {span(edge.timeout_s)} {then}"
    if task.due_at is not None:
        wait += f" (next decided at {moment(task.due_at, facts.now_us)})"
    return link_of(task, "condition", task.reason, wait, due_at=task.due_at)


def _slot(facts: "Facts", workflow: "Workflow | None", task: "Task") -> "Link":
    """What keeps a task that waits for nothing else: all slots, those of its provider, or how often it may be asked."""
    interrupted = f" ({task.reason})" if task.reason not in ("", _SLOT) else ""
    if workflow is not None and workflow.status == "paused":
        begin, begins = ("be undone", "is undone") if task.status == "rolling_back" else ("start", "starts")
        return link_of(task, "slot", f"is ready to {begin}{interrupted}", f"it {begins} when the workflow goes on")
    if not facts.is_held:  # the figures are of another time
        return link_of(task, "slot", f"waits for a free slot{interrupted}", "another task has to end")
    provider = task.provider
    limits, live = mapping(facts.status.get("limits")), mapping(facts.status.get("live"))
    total = whole(live.get("total"))
    total = whole(facts.status.get("tasks_running")) if total is None else total
    most = whole(limits.get("max_running"))
    if most is None or total is None or total >= most:
        taken = f": {total} of {most} are taken" if most is not None and total is not None else ""
        remedy = "another task has to end; or raise --max-running" + (f" ({most})" if most is not None else "")
        return link_of(task, "slot", f"waits for a free slot{taken}{interrupted}", remedy)
    taken_there = whole(mapping(live.get("providers")).get(provider)) or 0
    limit = whole(mapping(limits.get("providers")).get(provider))
    if limit is not None and taken_there >= limit:
        words = f"waits for a free slot of provider {provider}: {taken_there} of {limit} are taken{interrupted}"
        remedy = f"another task on {provider} has to end; or raise --provider-limit {provider}={limit}"
        return link_of(task, "provider_limit", words, remedy)
    declared = mapping(workflow.providers.get(provider)) if workflow else {}
    batch = whole(declared.get("batch_size")) or 0
    if workflow is not None and workflow.type != "parallel" and 0 < batch <= taken_there:
        words = f"waits for provider {provider}, which takes {batch} tasks at a time (batch_size){interrupted}"
        return link_of(task, "batch", words, f"another task on {provider} has to end; or raise its batch_size")
    rate = whole(declared.get("api_rate_limit")) or 0
    if rate > 0:
        words = f"waits for provider {provider}, where {rate} attempts may begin a second (api_rate_limit){interrupted}"
        return link_of(task, "rate", words, "wait: a second at most, for each that is before it")
    words = f"can start: {total} of {most} slots are taken{interrupted}"
    return link_of(task, "slot", words, "wait: it starts in a moment (files follow a little behind)")


def explain_operation(facts: "Facts", workflow: "Workflow", operation: "Operation") -> "tuple[Link, Node | None]":
    """What of an operation is not done, the worst of it first."""
    about = {"workflow": workflow.id, "operation": operation.id, "status": operation.status}
    unmet = [it for it in operation.entries if it.status != "succeeded"]
    first = first_of(facts, unmet)
    if first is not None:
        others = f" ({len(unmet)} tasks in all are not done)" if len(unmet) > 1 else ""
        words = f"is not done: {_name(first)} is {first.status}{others}"
        return link("dependency", words, f"{first.task} has to succeed", **about), ("task", first.task)
    for name in operation.after:
        needed = workflow.operations.get(name)
        if needed is not None and not needed.has_succeeded:
            words = f"waits for operation {name} ({_progress(needed.entries)})"
            return link("dependency", words, f"operation {name} has to succeed", **about), ("operation", name)
    words = "is done, as far as the files show: they follow a moment behind"
    return link("dependency", words, "wait a moment, and ask again", **about), None


def _progress(entries: "Sequence[Entry]") -> str:
    return f"{sum(it.status == 'succeeded' for it in entries)} of {count(len(entries), 'task')} done"


def _name(entry: "Entry") -> str:
    return f"{entry.item} on {entry.provider}"
