"""What every reader of a workflow's state may rely on, whoever wrote the file (requirement F14).

A state whose fields are of other kinds is told as a file that cannot be read, once and here, and does not come to those
who look for tasks in its operations. Fields that nobody computes with may hold anything.
"""

from orchestrator.files.document import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TEXTS = ("name", "status", "definition")
_OPERATION_TEXTS = ("id", "status")
_ITEM_TEXTS = ("item", "provider", "status")


def check_state(state: "dict[str, Any]", workflow: str) -> None:
    """Return if `state` has the shape of a state.json of `workflow`. Raises Malformed, with the name of the field."""
    if state.get("id") != workflow:
        raise Malformed(f"its `id` is not {workflow}")
    _check_texts(state, _TEXTS, "its")
    for operation in _records(state, "operations", "its"):
        _check_texts(operation, _OPERATION_TEXTS, "an operation's")
        needed = operation.get("depends_on")
        if not isinstance(needed, list) or not all(isinstance(it, str) for it in needed):
            raise Malformed("an operation's `depends_on` is not a list of strings")
        for item in _records(operation, "items", "an operation's"):
            _check_texts(item, _ITEM_TEXTS, "an item's")
            if type(item.get("attempt")) is not int:
                raise Malformed("an item's `attempt` is not an integer")
    for point in _records(state, "checkpoints", "its"):
        _check_texts(point, ("name",), "a checkpoint's")


def _check_texts(record: "dict[str, Any]", names: "tuple[str, ...]", whose: str) -> None:
    for name in names:
        if not isinstance(record.get(name), str):
            raise Malformed(f"{whose} `{name}` is not a string")


def _records(record: "dict[str, Any]", name: str, whose: str) -> "list[dict[str, Any]]":
    found = record.get(name)
    if not isinstance(found, list) or not all(isinstance(it, dict) for it in found):
        raise Malformed(f"{whose} `{name}` is not a list of objects")
    return found
