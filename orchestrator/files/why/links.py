"""What a link of the chain is: its fields, its kinds, and which of several things is followed first."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from orchestrator.files.why.facts import Entry, Facts, Task

    Link = dict[str, Any]
    #: ("task" or "operation" or "workflow", its id); "cause" is a workflow, too, if the way leads to what asked for
    #: its rollback and not to what came of that.
    Node = tuple[str, str]

#: Every kind of link. docs/why.md has an example of each.
KINDS = (
    *("lock", "disk", "drain", "pause"),
    *("dependency", "edge", "condition", "turn"),
    *("slot", "provider_limit", "batch", "rate"),
    *("retry_delay", "rollback", "unknown", "running", "ended"),
)

#: What is followed first: what cannot go on by itself, then what is furthest from its end.
_RANK = {
    **dict.fromkeys(("failed", "timed_out", "rollback_failed", "rejected"), 0),
    **dict.fromkeys(("upstream_failed", "cancelled", "skipped", "rolled_back"), 1),
    "unknown": 2,
    "waiting_retry": 3,
    "pending": 4,
    "rolling_back": 5,
    "running": 6,
    "succeeded": 8,
}
RANK_OF_OTHERS = 4

#: Task files that are read to choose among what is waited for. The first of the list are the likeliest.
LOOKED_AT_MAX = 50


def link(kind: str, what: str, unblocks: "str | None" = None, **fields: object) -> "Link":
    """A row. `fields` are some of ``workflow, operation, task, status, since, due_at, log``; others are None."""
    names = ("workflow", "operation", "task", "status")
    row: Link = {"kind": kind, "what": what, "unblocks": unblocks, "level": 0}
    return {
        **row,
        **{name: fields.get(name) for name in names},
        "count": 1,
        **{name: fields.get(name) for name in ("since", "due_at", "log")},
    }


def link_of(task: "Task", kind: str, what: str, unblocks: "str | None" = None, **fields: object) -> "Link":
    """A row about a task."""
    about = {"workflow": task.workflow or None, "operation": task.operation or None, "task": task.id}
    return link(kind, what, unblocks, **about, status=task.status or None, **fields)


def rank(entry: "Entry") -> int:
    """Its place among what is followed: the smallest first."""
    return _RANK.get(entry.status, RANK_OF_OTHERS)


def first_of(facts: "Facts", entries: "Sequence[Entry]") -> "Entry | None":
    """The one to follow. Those whose own file shows already that they have succeeded are passed over."""
    for entry in sorted(entries, key=rank)[:LOOKED_AT_MAX]:
        task = facts.task(entry.task)
        if task is None or task.status != "succeeded":
            return entry
    return None
