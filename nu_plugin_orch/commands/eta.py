"""``orch eta``: how long a workflow still takes."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, workflow_ids
from nu_plugin_orch.commands.simulate import ASSUME, answer_last, assumed, times_first
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import positional, record, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import validator
from orchestrator.files.asking.foresight import underway
from orchestrator.files.directory import require_directory
from orchestrator.files.layout import workflow_dir
from orchestrator.files.state.workflows import read_workflow
from orchestrator.files.why.words import until_resolved
from orchestrator.model.errors import BadId, NotFound, WorkflowUnreadable
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to look ahead"

BLAME = {BadId: (0, "not an id"), NotFound: (0, "not known here"), WorkflowUnreadable: (0, "this workflow")}

NOTE = "Nothing was changed."

#: What stands at the end of the record: the path before it may be long.
_ANSWER = ("unknown", "note", "workflow", "status", "tasks", "confidence", "remaining_ms")

#: Of a workflow that is over.
_NOTHING_LEFT = {"remaining_ms": 0, "tasks": 0, "recorded": 0, "similar": 0, "confidence": 1.0, "critical_path": []}
_NOBODY_WAITS: "dict[str, Any]" = {"unknown": [], "note": None}

SIGNATURE = signature(
    "orch eta",
    "Say how long a workflow still takes, as far as can be known.",
    output=record(
        {
            "workflow": "String",
            "status": "String",
            "remaining": "Duration",
            "tasks": "Int",
            "confidence": "Float",
            "critical_path": table({}),
            "unknown": {"List": "String"},
            "note": "Any",
        }
    ),
    extra=(
        "Reads files only, with the daemon alive or dead. What runs takes what is left of its usual time, the rest its "
        "usual time, and nothing else fails. `tasks` are those that are not over, `confidence` is the share of these "
        "of which earlier runs are recorded. `unknown` are those that wait for `batch resolve`: what stands behind "
        "them does not go on before that, which `note` says, and `remaining` does not know when it comes."
    ),
    required=[positional("id", "String", "The workflow; Tab offers those that have not ended")],
    flags=[ASSUME, DATA_DIR],
    search_terms=["remaining", "left", "estimate", "forecast", "progress", "when"],
    examples=[
        ("orch eta reindex-e0w990 | get tasks", "Show how many tasks are not over", 2),
        ("orch eta reindex-e0w990 --assume 30sec | get remaining", "Show how long it still takes"),
        ("orch eta reindex-e0w990 | (date now) + $in.remaining", "Show when it will be over"),
    ],
)


def run(call: "Call") -> "Later | Wire":
    """A record of what is left."""
    directory, workflow = call.data_dir, call.text(0) or ""
    wanted = assumed(call)
    require_directory(directory)
    state = read_workflow(directory, workflow)
    cells = Cells(call.values)
    if state["status"] in WORKFLOW_FINAL:
        over = {"workflow": workflow, "status": state["status"], **_NOTHING_LEFT, **_NOBODY_WAITS}
        return cells.record(answer_last(over, _ANSWER))

    def work() -> "Wire":
        left = validator.remaining(workflow_dir(directory, workflow), *underway(directory, workflow, state, wanted))
        note = until_resolved("batch", left["unknown"]) or None
        return cells.record(answer_last({"workflow": workflow, **times_first(left), "note": note}, _ANSWER))

    return Later(work)


def complete(data_dir: str, argument: "str | int", _typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of workflows that have not ended."""
    return workflow_ids(data_dir, unfinished=True) if argument == 0 else None
