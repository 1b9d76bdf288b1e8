"""Asking the daemon for something about a workflow that is there, and saying what was meant if it is not."""

import time

from orchestrator.files.asking import drop
from orchestrator.files.lock import is_held
from orchestrator.files.near import near
from orchestrator.files.state.not_there import near_workflows, workflows_on_disk
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import NotFound, OrchestratorError, Refused
from orchestrator.model.ids import task_id
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: What to do instead where the state of a workflow does not allow it.
_STATE_CODE = "orch::workflow::state"
_INSTEAD = {
    "cancel": "Nothing of it is started any more. To undo what it did, roll it back.",
    "pause": "Nothing of it is started any more. To run again what did not succeed, retry it.",
    "resume": "Only a paused workflow goes on. To run again what did not succeed, retry it.",
}

#: Names among which near ones are looked for.
_NAMES_MAX = 5000

#: How long the end of a cancelled workflow is waited for: most processes end at once when they are told to.
END_WAIT_S = 2.0

#: Between two looks for it: at first, and when it takes longer.
_PAUSE_S, _PAUSE_MAX_S, _PAUSE_GROWTH = 0.002, 0.05, 1.3


class NoSuchPart(Refused):
    """The workflow is there; the operation, task or restore point that was named is not one of its."""

    code = NotFound.code


def ask(data_dir: str, command: str, arguments: "dict[str, Any]") -> "dict[str, Any]":
    """The daemon's answer to `command`, as ARCHITECTURE.md lists it.

    Raises:
        Refused: the daemon does not do it; its code, words and help, with near names for one that it does not know.
        NoSuchPart: the same, for a name inside the workflow.
        NoDaemon, NoReply, FormatTooNew: as `drop.send`.
    """
    try:
        return drop.send(data_dir, command, arguments)
    except Refused as error:
        if error.code != NotFound.code:
            if error.code == _STATE_CODE and not error.help:
                error.help = _INSTEAD.get(command, "")
            raise
        workflows = workflows_on_disk(data_dir)
        workflow = str(arguments.get("workflow") or arguments.get("task") or "").split(".", 1)[0]
        if workflow not in workflows:
            told = error.help or "`orch workflows` lists the workflows there are."
            error.help = near_workflows(data_dir, workflow) + told
            raise
        hint = next((near(given, known) for given, known in _parts(data_dir, workflow, arguments)), "")
        raise NoSuchPart(error.message, (hint + error.help).strip()) from error


def cancel(data_dir: str, workflow: str, wait_s: float = END_WAIT_S) -> "dict[str, Any]":
    """The daemon's answer to ``cancel``, with the status that the workflow has when what ran of it has been stopped.

    The daemon answers when the request is safe, and a workflow is cancelled when nothing of it runs any more: that is
    waited for, but no longer than `wait_s`. The status is then the one it still has.

    Raises:
        Refused, NoDaemon, NoReply, FormatTooNew: as `ask`.
    """
    answer = ask(data_dir, "cancel", {"workflow": workflow})
    end, pause_s = time.monotonic() + wait_s, _PAUSE_S
    while answer["status"] not in WORKFLOW_FINAL and time.monotonic() < end and is_held(data_dir):
        time.sleep(pause_s)
        pause_s = min(pause_s * _PAUSE_GROWTH, _PAUSE_MAX_S)
        try:
            answer = {**answer, "status": read_workflow(data_dir, workflow)["status"]}
        except OrchestratorError:  # its file comes a moment later, or cannot be read: the daemon's word stands
            continue
    return answer


def _parts(data_dir: str, workflow: str, arguments: "dict[str, Any]") -> "Iterator[tuple[str, list[str]]]":
    """(name, names there are) for each name in `arguments` that the workflow does not know."""
    try:
        state = read_workflow(data_dir, workflow)
    except OrchestratorError:
        return
    operations = [operation["id"] for operation in state["operations"]]
    points = [point["name"] for point in state["checkpoints"]]
    tasks = [
        task_id(workflow, operation["id"], entry["provider"], entry["item"])
        for operation in state["operations"]
        for entry in operation["items"]
    ][:_NAMES_MAX]
    given = [(arguments.get("operation"), operations), (arguments.get("to"), points), (arguments.get("task"), tasks)]
    given += [(task, tasks) for task in arguments.get("tasks", ())]
    for name, known in given:
        if name and name not in known:
            yield name, known
