"""What changed with a record of the journal: a row for each of its transitions."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.journal.tail import Record
    from orchestrator.files.rows import Row


def rows(record: "Record") -> "list[Row]":
    """One row for each transition of `record`, as tables and streams show them.

    ``time, seq, workflow, task, previous_status, status, attempt, reason``; a row without a task is the workflow's
    own, and has no attempt. Equal statuses mean that only the reason changed.
    """
    transitions = record["transitions"]
    found = []
    for position, (task, previous, status, attempt, reason, *_) in enumerate(transitions):
        found.append(
            {
                "time": record["time"],
                "seq": record["seq"],
                "workflow": _owner(record, position),
                "task": task,
                "previous_status": previous,
                "status": status,
                "attempt": attempt if task is not None else None,
                "reason": reason or None,
            }
        )
    return found


def _owner(record: "Record", position: int) -> "str | None":
    """The workflow that a transition belongs to.

    That of the task; a workflow's own transition belongs to the workflow of the record. Except for one: a free slot
    may start the first task of any workflow, whose ``running`` then stands right before that task's.
    """
    transitions = record["transitions"]
    task, previous, status = transitions[position][:3]
    if task is None and (previous, status) == ("queued", "running") and position + 1 < len(transitions):
        task = transitions[position + 1][0]
    workflow: str | None = record["workflow"] if task is None else task.partition(".")[0]
    return workflow
