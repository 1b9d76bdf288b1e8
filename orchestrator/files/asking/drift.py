"""What a check has found: what is there, held against what was declared.

A check is a workflow like any other, whose tasks change nothing (``submit`` with ``check``). A task that succeeded
found everything as it should be; what another wrote last says what it found instead.
"""

import time

from orchestrator.files import document
from orchestrator.files.layout import log_path, log_stem, task_path
from orchestrator.files.lock import is_held
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import NoDaemon, NotFound
from orchestrator.model.ids import file_stem, task_id
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: What is wanted, and what a row says of what is so.
DECLARED, AS_DECLARED = "as declared", "as it should be"

#: What a row says in one word: it is so, it is otherwise, nobody could tell.
OK, DRIFTED, UNKNOWN = "ok", "drifted", "unknown"

#: Of a log: so much of its end is read, and so many of the last lines are told.
_TAIL_BYTES, _LINES = 4096, 3

#: Between two looks at the state: at first, and when it takes longer.
_PAUSE_S, _PAUSE_MAX_S, _PAUSE_GROWTH = 0.005, 0.25, 1.3

#: Looks at a state that is not there before it is believed not to come.
_LOOKS_MAX = 200


def await_end(data_dir: str, workflow: str, pause: "Callable[[float], None]" = time.sleep) -> "dict[str, Any]":
    """The state of `workflow` once it is over.

    Raises:
        NoDaemon: nobody carries it on.
        NotFound: it is not there.
    """
    pause_s, looks = _PAUSE_S, 0
    while True:
        held = is_held(data_dir)
        try:
            state = read_workflow(data_dir, workflow)
        except NotFound:
            looks += 1
            if looks > _LOOKS_MAX:
                raise
        else:
            if state["status"] in WORKFLOW_FINAL:
                return state
        if not held:
            raise NoDaemon(
                f"No daemon runs on {data_dir}, and {workflow} is not over.",
                f"It goes on with the next one: orchestrator serve --data-dir {data_dir}",
            )
        pause(pause_s)
        pause_s = min(pause_s * _PAUSE_GROWTH, _PAUSE_MAX_S)


def rows(data_dir: str, state: "dict[str, Any]") -> "list[dict[str, Any]]":
    """A row {operation, item, provider, should, is, state} for each task of a check that is over."""
    workflow = state["id"]
    return [
        {
            "operation": operation["id"],
            "item": entry["item"],
            "provider": entry["provider"],
            "should": DECLARED,
            **_found(data_dir, workflow, operation["id"], entry),
        }
        for operation in state["operations"]
        for entry in operation["items"]
    ]


def is_drift(row: "dict[str, Any]") -> bool:
    """Whether a row tells of something that is not as it should be."""
    return bool(row["state"] != OK)


def _found(data_dir: str, workflow: str, operation: str, entry: "dict[str, Any]") -> "dict[str, str]":
    """``is`` and ``state`` of a row."""
    status = entry["status"]
    if status == "succeeded":
        return {"is": AS_DECLARED, "state": OK}
    if not entry["attempt"]:
        return {"is": f"not checked: {status}", "state": UNKNOWN}
    stem = log_stem(operation, entry["provider"], entry["item"], entry["attempt"])
    said = next(
        filter(None, (_last_lines(log_path(data_dir, workflow, stem, stream)) for stream in ("err", "out"))), ""
    )
    if said and status == "failed":
        return {"is": said, "state": DRIFTED}
    why = _error(data_dir, task_id(workflow, operation, entry["provider"], entry["item"])) or status
    return {"is": f"the check did not succeed ({why})" + (f": {said}" if said else ""), "state": UNKNOWN}


def _error(data_dir: str, task: str) -> "str | None":
    """What the task's file says went wrong."""
    try:
        error = document.load(task_path(data_dir, file_stem(task)), SMALL_FILE_BYTES_MAX).get("error")
    except (OSError, document.Malformed):
        return None
    return error if isinstance(error, str) else None


def _last_lines(path: str) -> str:
    """The last lines of a log as one, "" if it has none."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    return " / ".join([line.strip() for line in text.splitlines() if line.strip()][-_LINES:])
