"""``orch check``: whether everything is still as a definition declares it."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, ENVIRONMENT, LAYER, definition_path, layer_path, questions
from nu_plugin_orch.protocol.signature import flag, positional, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import drift, drop
from orchestrator.files.asking.digest import definition_digest
from orchestrator.model.errors import DefinitionInvalid, NotFound, WorkflowFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "questions", "run"]

PREFIX = "Failed to check"

BLAME = {NotFound: (0, "cannot be read"), DefinitionInvalid: (0, "cannot be checked"), WorkflowFailed: (0, "this one")}

NOTE = "The check goes on: `orch workflows` shows it, `orch cancel` ends it."

SIGNATURE = signature(
    "orch check",
    "Look whether everything is still as a definition declares it (drift). Nothing is changed.",
    output=table(dict.fromkeys(("operation", "item", "provider", "should", "is", "state"), "String")),
    extra=(
        "`state` is ok, drifted, or unknown if the check did not come to an end; `is` says what was found. "
        "The daemon runs the check of each item's provider in place of what would make it. What nothing knows how to "
        "check is left out with a warning."
    ),
    required=[positional("file", "Filepath", "The definition")],
    flags=[
        flag("name", "n", "String", "Which workflow, if the file holds several"),
        flag("options", "o", {"Record": []}, "Values for option() in the definition"),
        ENVIRONMENT,
        LAYER,
        DATA_DIR,
    ],
    search_terms=["workflow", "batch", "drift", "verify", "audit"],
    examples=[
        ("orch check data/examples/wuji.k", "Hold what there is against a definition"),
        ("orch check data/examples/wuji.k | where state != ok | length", "Count what is not as declared"),
    ],
)


def run(call: "Call") -> Later:
    """A table of what was found, when all checks have ended."""
    path = definition_path(call)
    arguments = {
        "path": path,
        "digest": definition_digest(path),
        "options": call.record("options"),
        "name": call.text("name"),
        "environment": call.text("env"),
        "layer": layer_path(call),
        "check": True,
    }

    def work() -> "Wire":
        answer = drop.send(call.data_dir, "submit", arguments)
        for warning in answer["warnings"]:
            call.warn(str(warning["message"]))
        state = drift.await_end(call.data_dir, answer["workflow"])
        if state["status"] == "cancelled":
            raise WorkflowFailed(f"The check {answer['workflow']} was cancelled.", "Ask again.")
        return Cells(call.values).table(drift.rows(call.data_dir, state))

    return Later(work)
