"""Asking the daemon for something about a workflow that is there, and saying what was meant if it is not."""

import os

from orchestrator.files import drop
from orchestrator.files.layout import WORKFLOWS
from orchestrator.files.read import read_workflow
from orchestrator.model.errors import NotFound, OrchestratorError, Refused
from orchestrator.model.ids import is_name_id, task_id

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

#: From which on they are near; ids of tasks of one workflow are all a little alike.
_LIKENESS = 0.8


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
        workflows = _workflows(data_dir)
        workflow = str(arguments.get("workflow") or arguments.get("task") or "").split(".", 1)[0]
        if workflow not in workflows:
            error.help = near(workflow, workflows) + (error.help or "`orch workflows` lists the workflows there are.")
            raise
        hint = next((near(given, known) for given, known in _parts(data_dir, workflow, arguments)), "")
        raise NoSuchPart(error.message, (hint + error.help).strip()) from error


def near(given: str, known: "list[str]") -> str:
    """A sentence and a blank that name what of `known` may be meant by `given`; "" if nothing is near."""
    from difflib import get_close_matches

    found = [name for name in known if name.startswith(given)][:3] or get_close_matches(given, known, 3, _LIKENESS)
    return f"Did you mean {' or '.join(found)}? " if found else ""


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


def _workflows(data_dir: str) -> "list[str]":
    try:
        return sorted(name for name in os.listdir(f"{data_dir}/{WORKFLOWS}") if is_name_id(name))[:_NAMES_MAX]
    except OSError:
        return []
