"""``orch tasks``: the table of tasks."""

import os

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, FORMAT_FIELDS
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.layout import TASKS
from orchestrator.files.read import read_tasks
from orchestrator.files.rows import CORRUPT
from orchestrator.model.states import TASK_STATUS_ALIASES, TASK_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["NOTE", "PREFIX", "SIGNATURE", "questions", "run"]

PREFIX = "Failed to read tasks"

NOTE = "Nothing was changed."

#: Size of a folder (of its names, not of its files) from which reading it may take long enough to be interrupted: some
#: thousand files.
_LARGE_FOLDER_BYTES = 128 << 10

SIGNATURE = signature(
    "orch tasks",
    "List tasks: highest priority first, then oldest.",
    output=table({"id": "String", "status": "String", "created_at": "Date", "priority": "Int"}),
    extra="A file that cannot be read is left out with a warning; --all shows it as a row, --strict makes it an error.",
    flags=[
        flag("status", "s", "String", "Only tasks with exactly this status", words=TASK_STATUSES),
        flag("limit", "l", "Int", "At most so many"),
        flag("all", "a", None, "Also show files that cannot be read, with status `corrupt`"),
        flag("strict", None, None, "A file that cannot be read is an error"),
        DATA_DIR,
    ],
    search_terms=["workflow", "queue", "list", "pending", "failed"],
    examples=[
        ("orch tasks", "Show all tasks"),
        ("orch tasks --status failed --limit 5", "Show the five most urgent that failed"),
        ("orch tasks | group-by status", "Put them together by status"),
        ("orch tasks | where created_at > (date now) - 1day | select id status", "Show those of the last day"),
    ],
)


def run(call: "Call") -> "Wire | Later":
    """A table of the tasks."""
    limit, status, strict, all_rows = (
        call.integer("limit"),
        call.text("status"),
        call.switch("strict"),
        call.switch("all"),
    )
    if limit is not None and limit < 0:
        raise WrongArgument("limit", f"A limit of {limit} rows means nothing.", "less than none", "Give 0 or more.")

    def work() -> "Wire":
        statuses = None if status is None else (status,)
        rows, problems = read_tasks(call.data_dir, statuses=statuses, limit=limit, strict=strict, all_rows=all_rows)
        if problems:
            call.warn(_left_out(problems))
        if status is not None and not rows and limit != 0 and status not in (*TASK_STATUSES, CORRUPT):
            call.warn(_unknown(status))
        return Cells(call.values).table(rows, FORMAT_FIELDS)

    return Later(work) if _is_large(call.data_dir) else work()


def _is_large(data_dir: str) -> bool:
    try:
        return os.stat(f"{data_dir}/{TASKS}").st_size >= _LARGE_FOLDER_BYTES
    except OSError:
        return False


def _left_out(problems: "list[dict[str, Any]]") -> str:
    count = len(problems)
    what = "1 task file cannot" if count == 1 else f"{count} task files cannot"
    return f"{what} be read (`orch tasks --all` shows which). {problems[0]['message']}"


def _unknown(status: str) -> str:
    """What an empty table does not tell: nothing can have this status (ruling A-24)."""
    alias = TASK_STATUS_ALIASES.get(status.lower(), status.lower())
    if alias in TASK_STATUSES and alias != status:
        return f"no task has status `{status}`; the word here is `{alias}`."
    return f"no task has status `{status}`. Statuses are {', '.join(TASK_STATUSES)}."
