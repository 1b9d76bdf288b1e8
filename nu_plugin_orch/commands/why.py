"""``orch why``: what keeps a task or a workflow from going on, or how it ended."""

from nu_plugin_orch.commands.shared import DATA_DIR, complete_by
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import positional, record, signature, table
from orchestrator.files.directory import require_directory
from orchestrator.files.why.answer import why
from orchestrator.model.errors import (
    BadId,
    NotFound,
    TaskInvalid,
    TasksUnreadable,
    WorkflowUnreadable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.typed_line import Typed
    from nu_plugin_orch.protocol.value import Values

__all__ = ["BLAME", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to tell why"

BLAME = {
    BadId: (0, "not an id"),
    NotFound: (0, "not known here"),
    TaskInvalid: (0, "this task"),
    TasksUnreadable: (0, "this task"),
    WorkflowUnreadable: (0, "this workflow"),
}

#: Columns of the chain that hold times.
_TIMES = frozenset({"since", "due_at"})

_CHAIN = table({"kind": "String", "what": "String", "level": "Int"})

SIGNATURE = signature(
    "orch why",
    "Say why a task or a workflow does not go on, or how it ended.",
    output=record({"subject": "String", "status": "String", "sentence": "String", "chain": _CHAIN}),
    extra=(
        "Reads plain files only, with the daemon alive or dead. In `chain` each row waits for the next one, and the "
        "last is the root of it; for a workflow that is not over the rows are its reasons, with the number of tasks "
        "that each of them holds up."
    ),
    required=[
        positional("id", "String", "The workflow or the task; Tab offers workflows, and tasks that are not done")
    ],
    flags=[DATA_DIR],
    search_terms=["stuck", "blocked", "wait", "pending", "failed", "reason", "explain"],
    examples=[
        ("orch why reindex-e0w990 | get sentence", "Say it in a sentence"),
        (
            "orch why certificates-zfdpn5.install.local.lb-1 | get chain.kind",
            "Follow it to its root: no daemon, a dependency, and what that waits for",
            ["lock", "dependency", "dependency", "slot"],
        ),
        ("orch why reindex-e0w990 | get chain | last | get unblocks", "Show what to do about it"),
    ],
)


def run(call: "Call") -> "Wire":
    """A record of the subject, its status, a sentence and the chain."""
    require_directory(call.data_dir)
    answer = why(call.data_dir, call.text(0) or "")
    chain = call.values.list_of([_row(call.values, row) for row in answer["chain"]])
    told = {name: call.values.string(answer[name]) for name in ("subject", "status", "sentence")}
    return call.values.record({**told, "chain": chain})


def _row(values: "Values", row: "dict[str, Any]") -> "Wire":
    """A link as a record. Its times are none by their names, as those of files are (`readers.cells`)."""
    fields: dict[str, Wire] = {}
    for name, value in row.items():
        if value is None:
            fields[name] = values.nothing()
        elif isinstance(value, int):
            fields[name] = values.integer(value)
        else:
            fields[name] = values.date(value) if name in _TIMES else values.string(value)
    return values.record(fields)


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of workflows, newest first, and of tasks that are not done."""
    return complete_by({0: "subjects"}, data_dir, argument, typed)
