"""What several commands tell and take."""

import os

from nu_plugin_orch import place
from nu_plugin_orch.place import FLAG
from nu_plugin_orch.protocol.signature import flag
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Arguments

DATA_DIR = flag(
    FLAG, "d", "Directory", "Data directory; without it the one of the environment, the checkout or the user"
)

ENVIRONMENT = flag("env", "e", "String", "What its values are for: DEFINITION.NAME.yaml is laid over them")
LAYER = flag("layer", "l", "Filepath", "Lay this YAML file over its values instead")

#: Fields of public files that say nothing about what they describe.
FORMAT_FIELDS = ("format",)


def questions(arguments: "Arguments") -> "dict[str, str | dict[str, Any]]":
    """What to ask the engine for a command with `LAYER`: the current folder if that is relative."""
    asked = place.questions(arguments)
    return asked or ({"cwd": "GetCurrentDir"} if LAYER["long"] in arguments.named else {})


def layer_path(call: "Call") -> "str | None":
    """The absolute path that `LAYER` names, None without it. Raises WrongArgument."""
    text = call.text(LAYER["long"])
    return None if text is None else os.path.normpath(os.path.join(call.cwd, os.path.expanduser(text)))


def workflow_ids(data_dir: str, *, unfinished: bool = False) -> "list[tuple[str, str]]":
    """(id, description) of the workflows, newest first, for Tab."""
    from orchestrator.files.read import list_workflows

    return [
        (row["id"], f"{row['status']}, {row.get('name', '')}".removesuffix(", "))
        for row in list_workflows(data_dir)
        if not (unfinished and row["status"] in WORKFLOW_FINAL)
    ]
