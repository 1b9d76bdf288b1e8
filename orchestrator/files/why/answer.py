"""Why a task or a workflow does not go on, or how it ended, from plain files alone: with its daemon alive or dead.

The answer is a chain: what keeps the task, what keeps that, down to a root that waits for nothing else (a delay, a
taken slot, an attempt that runs, somebody's decision) or, of what has ended, to what failed first. What holds up
everything (no daemon, a disk that takes nothing, a daemon that drains, a paused workflow) stands before it. Files may
contradict each other for a moment, and damaged ones for ever: the walk never meets anything twice.
"""

import os
import time

from orchestrator.files.fields import instant, text, time_or_none
from orchestrator.files.layout import TASKS, WORKFLOWS
from orchestrator.files.near import near
from orchestrator.files.state.not_there import no_task, no_workflow
from orchestrator.files.why.ended import ended_task, ended_workflow
from orchestrator.files.why.facts import Facts, load_workflow
from orchestrator.files.why.links import link, rank
from orchestrator.files.why.undoing import not_undone
from orchestrator.files.why.waiting import explain_open, explain_operation, under_way
from orchestrator.files.why.words import quoted, sentence_of_chain, sentence_of_reasons, span
from orchestrator.model.errors import BadId, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.why.facts import Entry, Workflow
    from orchestrator.files.why.links import Link, Node

#: Links that are followed, and links that are shown: of a longer chain its two ends, with the numbers they have in it.
_FOLLOWED_MAX, _SHOWN_MAX = 1000, 40

#: Open tasks of a workflow that are asked, and different reasons that are shown.
_ASKED_MAX, _REASONS_MAX = 300, 5

#: Links from an open task of a workflow to what holds it up. What is first in its turn is rarely two links away.
_STEPS_MAX = 20

#: What holds up a workflow, the gravest first; kinds that are not here only follow from others.
_GRAVEST_FIRST = ("unknown", "ended", "condition", "retry_delay", "slot", "provider_limit", "batch", "rate", "rollback")

#: A heartbeat that is older tells of a daemon that hangs; it comes every two seconds.
_SILENCE_S = 30

#: Length of an id anybody gives; those of tasks hold four names.
_LENGTH_MAX = 1000

#: Names among which near ones are looked for.
_NAMES_MAX = 5000


def why(data_dir: str, identifier: str, *, verb: str = "batch", now_us: "int | None" = None) -> "dict[str, Any]":
    """``{subject, status, sentence, chain}`` for the task or workflow `identifier`.

    `chain` is a list of records, the root last: ``kind``, ``what``, ``unblocks``, ``level`` (from 1), ``workflow``,
    ``operation``, ``task``, ``status``, ``count`` (of tasks it speaks for), ``since``, ``due_at``, ``log``; what does
    not apply is None. docs/why.md has a table of the kinds. A chain of more than 40 links is shown without its middle.
    For a workflow that is not over the links are its reasons, side by side, at most five, each with the number of its
    tasks that it holds up (of the first 300 that could go on).

    Args:
        data_dir: may be foreign; then it is only told what the task's row says.
        identifier: of a workflow or a task. A workflow's is looked for first.
        verb: what the commands that the reader has begin with, ``batch`` or ``orchestrator``.
        now_us: the time to which delays are told, microseconds since 1970; now without.

    Raises:
        BadId: `identifier` can be no id; nothing was looked up.
        NotFound: there is nothing of that id; near ones are named.
        WorkflowUnreadable, TasksUnreadable, TaskInvalid: there is, and nothing can be read of it.
        FormatTooNew: a later major version wrote the directory or the file.
    """
    if not _is_id(identifier):
        raise BadId(f"{identifier[:80]!r} is no id of a workflow or a task.", _WHERE_TO_LOOK)
    facts = Facts(data_dir, time.time_ns() // 1000 if now_us is None else now_us, verb)
    workflow = load_workflow(data_dir, identifier)
    if workflow is not None:
        return _about_workflow(facts, workflow)
    task = facts.load_task(identifier)
    if task is None:
        raise _not_found(facts, identifier)
    workflow = facts.workflow(task.workflow)
    chain = [] if task.is_over else _held_up(facts, workflow, live=task.is_live)
    before = len(chain)
    chain += _follow(facts, workflow, ("task", task.id), _FOLLOWED_MAX)
    sentence = sentence_of_chain(facts, chain[:before], chain[before:])
    return {"subject": task.id, "status": task.status, "sentence": sentence, "chain": _numbered(chain)}


_WHERE_TO_LOOK = "`orch workflows` lists the workflows there are, `orch tasks` the tasks."


def _about_workflow(facts: Facts, workflow: "Workflow") -> "dict[str, Any]":
    answer = {"subject": workflow.id, "status": workflow.status}
    node: Node = ("workflow", workflow.id)
    if workflow.is_archived or workflow.is_over:
        chain = _follow(facts, workflow, node, _FOLLOWED_MAX)
        return {**answer, "sentence": sentence_of_chain(facts, [], chain), "chain": _numbered(chain)}
    front = _held_up(facts, workflow, live=False)
    about = {"workflow": workflow.id, "status": workflow.status or None}
    if workflow.status == "rolling_back":
        front.append(under_way(facts, workflow))
    reasons = _reasons(facts, workflow)
    if not reasons and not front:
        words = f"is {workflow.status or 'of no status'}, and none of its tasks is open"
        reasons = [link("unknown", words, "ask again in a moment: files follow a little behind", **about)]
    shown = reasons[:_REASONS_MAX]
    told = sentence_of_reasons(facts, workflow.id, front, shown, len(reasons) - len(shown))
    for level, row in enumerate([*front, *shown], start=1):
        row["level"] = min(level, len(front) + 1)
    return {**answer, "sentence": told, "chain": [*front, *shown]}


# What holds up everything


def _held_up(facts: Facts, workflow: "Workflow | None", *, live: bool) -> "list[Link]":
    """Links for whatever keeps all tasks from going on; with `live`, even one that runs."""
    found: list[Link] = []
    if facts.is_held is False:
        serve = f"orchestrator serve --data-dir {quoted(facts.data_dir)}"
        last = time_or_none(facts.status.get("last_check"))
        found.append(link("lock", f"no daemon runs on {facts.data_dir}: nothing goes on", serve, since=last))
    elif facts.is_held:
        found += _trouble(facts)
        if facts.status.get("draining") is True and not live:
            words = "the daemon ends: it starts nothing new, and waits for what runs"
            serve = f"when it has ended: orchestrator serve --data-dir {quoted(facts.data_dir)}"
            found.append(link("drain", words, serve))
    if workflow is not None and workflow.status == "paused" and not live:
        found.append(under_way(facts, workflow))
    return found


def _trouble(facts: Facts) -> "list[Link]":
    """What ails a daemon that holds its directory."""
    degraded = text(facts.status.get("degraded"))
    if degraded:
        return [link("disk", f"the daemon waits for its disk: {degraded}", "make room, or mend what the message names")]
    last = time_or_none(facts.status.get("last_check"))
    beat_us = instant(last)
    silent_s = 0 if beat_us is None else (facts.now_us - beat_us) // 1_000_000
    if silent_s > _SILENCE_S:
        words = f"the daemon has said nothing for {span(silent_s)}: it hangs, is stopped, or cannot write status.json"
        return [link("lock", words, f"look at {facts.data_dir}/daemon.log and at its process", since=last)]
    return []


# The walk


def _follow(facts: Facts, workflow: "Workflow | None", node: "Node | None", links_max: int) -> "list[Link]":
    chain: list[Link] = []
    seen: set[Node] = set()
    while node is not None and len(chain) < links_max:
        if node in seen:
            chain[-1]["what"] += " (they wait for each other: the files contradict themselves)"
            break
        seen.add(node)
        row, node = _explain(facts, workflow, node)
        chain.append(row)
    return chain


def _explain(facts: Facts, workflow: "Workflow | None", node: "Node") -> "tuple[Link, Node | None]":
    """(what is to be said of `node`, what is behind that)."""
    kind, identifier = node
    if kind == "task":
        task = facts.task(identifier)
        if task is not None:
            return ended_task(facts, workflow, task) if task.is_over else explain_open(facts, workflow, task)
        return link("unknown", "cannot be read: its file is not there, or damaged", task=identifier), None
    if workflow is None:
        return link("unknown", "cannot be read", workflow=identifier), None
    if kind == "operation":
        return explain_operation(facts, workflow, workflow.operations[identifier])
    if workflow.is_over:
        return ended_workflow(facts, workflow, after="cause" if kind == "cause" else "end")
    return under_way(facts, workflow), None


def _reasons(facts: Facts, workflow: "Workflow") -> "list[Link]":
    """The roots of the tasks that could be next, those that are alike put together; the gravest first.

    Of what is to be undone the order is the answer, so each tells what it comes after; and what could not be undone
    is told, although it is over.
    """
    gravity = {kind: number for number, kind in enumerate(_GRAVEST_FIRST)}
    groups: dict[tuple[object, ...], Link] = {}
    for entry in _frontier(workflow):
        steps_max = 1 if entry.status == "rolling_back" else _STEPS_MAX
        row = _follow(facts, workflow, ("task", entry.task), steps_max)[-1]
        kind = row["kind"]
        by_provider = kind in ("provider_limit", "batch", "rate")
        key = (kind, None if kind == "slot" else entry.provider if by_provider else row["operation"])
        if key in groups:
            groups[key]["count"] += 1
        else:
            groups[key] = row
    failed = sum(it.status == "rollback_failed" for it in workflow.entries.values())
    stuck = not_undone(facts, workflow) if failed else None
    if stuck is not None:
        groups["not undone",] = {**_explain(facts, workflow, ("task", stuck.id))[0], "count": failed}
    return sorted(groups.values(), key=lambda row: gravity.get(row["kind"], len(gravity)))


def _frontier(workflow: "Workflow") -> "list[Entry]":
    """Tasks that are not over and wait for no operation; one that does if there are none, in damaged files."""
    going_on: list[Entry] = []
    waiting: list[Entry] = []
    behind: list[Entry] = []
    for operation in workflow.operations.values():
        needed = (workflow.operations[it] for it in operation.after if it in workflow.operations)
        is_open = all(it.has_succeeded for it in needed)
        for entry in operation.entries:
            if entry.status != "pending":
                going_on += [] if entry.is_over else [entry]
            else:
                (waiting if is_open else behind).append(entry)
    if any(it.status == "rolling_back" for it in going_on):
        going_on.reverse()  # the last is undone first
    return (sorted(going_on, key=rank) + waiting)[:_ASKED_MAX] or behind[:1]


def _numbered(chain: "list[Link]") -> "list[Link]":
    """`chain` with its levels, and without its middle if it is very long."""
    for level, row in enumerate(chain, start=1):
        row["level"] = level
    half = _SHOWN_MAX // 2
    return chain if len(chain) <= _SHOWN_MAX else chain[:half] + chain[-half:]


# Ids


def _is_id(identifier: str) -> bool:
    """Whether something may have that id. Items may hold what a file's name may; files are found by `file_stem`."""
    return 0 < len(identifier) <= _LENGTH_MAX and identifier.isprintable() and "/" not in identifier


def _not_found(facts: Facts, identifier: str) -> NotFound:
    if not os.path.isdir(f"{facts.data_dir}/{WORKFLOWS}"):  # another program's: there are tasks, of any name
        files = (it[:-5] for it in _listed(f"{facts.data_dir}/{TASKS}") if it.endswith(".json") and it[0] != ".")
        told = near(identifier, list(files)[:_NAMES_MAX])
        return NotFound(f"There is no task {identifier} in {facts.data_dir}.", f"{told}`orch tasks` lists the tasks.")
    owner, is_of_workflow, _ = identifier.partition(".")
    workflow = facts.workflow(owner) if is_of_workflow else None
    if workflow is None:
        return no_workflow(facts.data_dir, owner)
    return no_task(facts.data_dir, identifier, list(workflow.entries))


def _listed(folder: str) -> "list[str]":
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
