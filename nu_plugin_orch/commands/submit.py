"""``orch submit``: hand a definition to the daemon."""

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, ENVIRONMENT, LAYER, definition_path, layer_path, questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import drop
from orchestrator.files.asking.digest import definition_digest
from orchestrator.model.errors import DefinitionInvalid, NotFound
from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "questions", "run"]

PREFIX = "Failed to submit"

BLAME = {NotFound: (0, "cannot be read"), DefinitionInvalid: (0, "has errors")}

NOTE = "The request had been left already, and may still be carried out: `orch workflows` tells."

SIGNATURE = signature(
    "orch submit",
    "Hand a definition (KCL) to the daemon, which runs it.",
    output=record({"workflow": "String", "name": "String", "tasks": "Int", "plan": "String"}),
    required=[positional("file", "Filepath", "The definition")],
    flags=[
        flag("name", "n", "String", "Which workflow, if the file holds several"),
        flag("priority", "p", "Int", f"Instead of the definition's; {PRIORITY_MIN} to {PRIORITY_MAX}, larger first"),
        flag("options", "o", {"Record": []}, "Values for option() in the definition"),
        ENVIRONMENT,
        LAYER,
        DATA_DIR,
    ],
    search_terms=["workflow", "batch", "run", "start"],
    examples=[
        ("orch submit data/examples/wuji.k", "Run a definition"),
        ("orch submit data/examples/wuji.k --priority 10 | get workflow", "Run it soon; its id"),
    ],
)


def run(call: "Call") -> Later:
    """A record of the daemon's answer."""
    path = definition_path(call)
    arguments = {
        "path": path,
        "digest": definition_digest(path),
        "options": call.record("options"),
        "name": call.text("name"),
        "priority": _priority(call),
        "environment": call.text("env"),
        "layer": layer_path(call),
    }

    def work() -> "Wire":
        return Cells(call.values).record(drop.send(call.data_dir, "submit", arguments))

    return Later(work)


def _priority(call: "Call") -> "int | None":
    priority = call.integer("priority")
    if priority is not None and not PRIORITY_MIN <= priority <= PRIORITY_MAX:
        raise WrongArgument(
            "priority", f"Priorities go from {PRIORITY_MIN} to {PRIORITY_MAX}; {priority} is none.", "out of range"
        )
    return priority
