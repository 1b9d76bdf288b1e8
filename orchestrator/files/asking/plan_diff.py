"""What differs between two plans, and what that means for a workflow that goes on with the later one.

Theory of operation
-------------------
Plans are plain values here, as in ``plan.json``. What a task does is its operation's type, target, environment and
working directory, and its action. The result of a task is taken over if it succeeded, it still does the same, and so
do all that it needs, directly or not. That is the rule of the engine (`orchestrator.engine.continuation`), told in
advance. Everything else of an operation (timeout, retries, priority ...) can change without a result being lost.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    Document = dict[str, Any]

    #: (operation, item, provider).
    Place = tuple[str, str, str]

#: What becomes of an operation. A task that is new runs; one whose result no longer holds runs again.
RUNS, RUNS_AGAIN, RUNS_PARTLY = "runs", "runs again", "runs again in part"
TAKEN_OVER, STAYS = "result taken over", "its effects stay"

#: Parts of an operation that its id stands for, or that are told under another name.
_UNTOLD = frozenset({"id", "after"})

#: Of them: what a task does, beside its action.
_DOING = ("type", "target", "env", "working_dir")

#: Parts of a plan that are told by operation, or not at all.
_NOT_OF_THE_WORKFLOW = frozenset({"operations", "edges", "format"})

#: Unlike any value.
_ABSENT = object()


def differences(
    before: "Document", after: "Document", succeeded: "Collection[Place] | None" = None
) -> "list[dict[str, Any]]":
    """A row {operation, change, what, before, after, effect} for each difference, in the order of the later plan.

    ``change``: ``added``, ``removed``, ``changed``, or ``unchanged`` for the one row of an operation without a
    difference. ``what``: path of the attribute, "" for the operation as a whole. ``before``, ``after``: its values,
    None where there is none. ``effect``: one of the words above, the same in all rows of an operation; "" in rows of
    the workflow itself, whose ``operation`` is "".

    Args:
        before: the earlier plan.
        after: the later one.
        succeeded: the tasks that have, by (operation, item, provider); all of them if None.
    """
    old, new = _by_id(before), _by_id(after)
    old_edges, new_edges = _edges_by_target(before), _edges_by_target(after)
    kept = _taken_over(old, new, after, succeeded)
    rows = [_row("", "changed", *found, "") for found in _compare(_of_the_workflow(before), _of_the_workflow(after))]
    for name, operation in new.items():
        tasks = _tasks(operation)
        if name not in old:
            rows.append(_row(name, "added", "", None, _in_short(operation), RUNS))
            continue
        effect = _effect(tasks, frozenset(_tasks(old[name])), kept)
        found = _compare(_told(old[name], old_edges), _told(operation, new_edges))
        rows += [_row(name, "changed", *one, effect) for one in found]
        if not found:
            rows.append(_row(name, "unchanged", "", None, None, effect))
    gone = [operation for name, operation in old.items() if name not in new]
    return rows + [_row(one["id"], "removed", "", _in_short(one), None, STAYS) for one in gone]


def is_worth_telling(row: "dict[str, Any]") -> bool:
    """Whether a row tells more than that an operation stays as it was."""
    return bool(row["change"] != "unchanged" or row["effect"] != TAKEN_OVER)


def _row(operation: str, change: str, what: str, before: object, after: object, effect: str) -> "dict[str, Any]":
    return {
        "operation": operation,
        "change": change,
        "what": what,
        "before": before,
        "after": after,
        "effect": effect,
    }


def _effect(tasks: "list[Place]", known: "Collection[Place]", kept: "Collection[Place]") -> str:
    if all(task in kept for task in tasks):
        return TAKEN_OVER
    if any(task in kept for task in tasks):
        return RUNS_PARTLY
    return RUNS_AGAIN if any(task in known for task in tasks) else RUNS


def _by_id(plan: "Document") -> "dict[str, Document]":
    return {operation["id"]: operation for operation in plan["operations"]}


def _tasks(operation: "Document") -> "list[Place]":
    return [(operation["id"], item, provider) for item in operation["items"] for provider in operation["providers"]]


def _in_short(operation: "Document") -> str:
    """An operation in a line."""
    what = f"{operation['type']} {operation['target']} {', '.join(operation['items'])}"
    return f"{what} on {', '.join(operation['providers'])}"


# What is taken over


def _taken_over(
    old: "dict[str, Document]",
    new: "dict[str, Document]",
    plan: "Document",
    succeeded: "Collection[Place] | None",
) -> "set[Place]":
    """Tasks of the later plan whose results still hold."""
    same: set[Place] = set()
    for name, operation in new.items():
        earlier = old.get(name)
        if earlier is None or any(earlier.get(part) != operation.get(part) for part in _DOING):
            continue
        known = frozenset(_tasks(earlier))
        same.update(
            task
            for task in _tasks(operation)
            if task in known
            and (succeeded is None or task in succeeded)
            and _action(earlier, task) == _action(operation, task)
        )
    lost = [task for operation in new.values() for task in _tasks(operation) if task not in same]
    return same - _with_dependents(lost, new, plan)


def _action(operation: "Document", task: "Place") -> "Any":
    _, item, provider = task
    own = operation.get("item_actions") or {}
    return own[item] if item in own else operation["actions"].get(provider)


def _with_dependents(lost: "Iterable[Place]", new: "dict[str, Document]", plan: "Document") -> "set[Place]":
    """`lost`, and all tasks that need one of them, directly or not."""
    behind: dict[str, list[str]] = {}
    for name, operation in new.items():
        for needed in operation["after"]:
            behind.setdefault(needed, []).append(name)
    edges: dict[str, list[Document]] = {}
    for edge in plan.get("edges") or ():
        edges.setdefault(edge["source"]["operation"], []).append(edge)
    found: set[Place] = set()
    opened: set[str] = set()
    waiting = list(lost)
    while waiting:
        task = waiting.pop()
        if task in found:
            continue
        found.add(task)
        for edge in edges.get(task[0], ()):
            if _is_in(task, edge["source"]):
                target = new.get(edge["target"]["operation"])
                waiting += [other for other in _tasks(target or _NOTHING) if _is_in(other, edge["target"])]
        names = [task[0]]
        while names:
            needed = names.pop()
            if needed not in opened:
                opened.add(needed)
                for name in behind.get(needed, []):
                    waiting += _tasks(new[name])
                    if not _tasks(new[name]):  # what waits for it waits for what it waits for
                        names.append(name)
    return found


_NOTHING: "Document" = {"id": "", "items": (), "providers": ()}


def _is_in(task: "Place", place: "Document") -> bool:
    _, item, provider = task
    return place.get("item") in (None, item) and place.get("provider") in (None, provider)


# What differs


def _of_the_workflow(plan: "Document") -> "Document":
    return {key: value for key, value in plan.items() if key not in _NOT_OF_THE_WORKFLOW}


def _told(operation: "Document", edges: "dict[str, list[str]]") -> "Document":
    """An operation as it is compared: with all that it waits for."""
    told = {key: value for key, value in operation.items() if key not in _UNTOLD}
    return {**told, "depends_on": operation["after"], "edges": edges.get(operation["id"], [])}


def _edges_by_target(plan: "Document") -> "dict[str, list[str]]":
    """{operation: what its tasks wait for beside whole operations, a sentence each}."""
    found: dict[str, list[str]] = {}
    for edge in plan.get("edges") or ():
        condition = f" until {edge['condition']} ({edge['timeout_s']} s)" if edge.get("condition") else ""
        text = f"{_named(edge['target'])} waits for {_named(edge['source'])}{condition}, {edge['type']}"
        found.setdefault(edge["target"]["operation"], []).append(text)
    return found


def _named(place: "Document") -> str:
    parts = (place["operation"], place.get("provider"), place.get("item"))
    return ".".join(part for part in parts if part is not None)


def _compare(before: "Document", after: "Document", path: str = "") -> "list[tuple[str, Any, Any]]":
    """(path, value before, value after) wherever the values of two objects differ, inner objects included."""
    found: list[tuple[str, Any, Any]] = []
    pending: list[tuple[str, Any, Any]] = [(path, before, after)]
    while pending:
        where, old, new = pending.pop()
        if (old == new and type(old) is type(new)) or _is_empty_both(old, new):
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            names = [*new, *(name for name in old if name not in new)]
            inner = [(_below(where, name), old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in names]
            pending += reversed(inner)
        else:
            found.append((where, _plain(old), _plain(new)))
    return found


def _is_empty_both(old: object, new: object) -> bool:
    """Whether one is absent and the other says nothing: plans of earlier forms have fewer attributes."""
    return (old is _ABSENT and not new) or (new is _ABSENT and not old)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(value: object) -> object:
    return None if value is _ABSENT else value
