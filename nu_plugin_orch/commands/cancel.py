"""``orch cancel``: end a workflow."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, workflow_ids
from nu_plugin_orch.commands.steering import NOTE, blame, workflow_of
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import steer
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to cancel"

BLAME = blame("cannot be cancelled")

#: Of a workflow that is not over when the answer comes.
STOPPING = "what runs is still being stopped"

SIGNATURE = signature(
    "orch cancel",
    "End a workflow: nothing new is started, what runs is stopped.",
    output=record({"workflow": "String", "status": "String", "note": "String"}),
    extra=(
        "The answer comes when the workflow is cancelled, or after two seconds if what runs takes longer to stop: then "
        "`status` is what it still is, and `note` says so."
    ),
    required=[positional("id", "String", "The workflow; Tab offers those that are not over")],
    flags=[flag("no-wait", None, None, "Answer as soon as the daemon has taken the request"), DATA_DIR],
    search_terms=["workflow", "batch", "stop", "abort", "kill"],
    examples=[("orch cancel wuji-4k7q0d", "End one")],
)


def run(call: "Call") -> Later:
    """A record of how the workflow stands then."""
    workflow = workflow_of(call)
    wait_s = 0.0 if call.switch("no-wait") else steer.END_WAIT_S

    def work() -> "Wire":
        answer = steer.cancel(call.data_dir, workflow, wait_s)
        return Cells(call.values).record({**answer, "note": "" if answer["status"] in WORKFLOW_FINAL else STOPPING})

    return Later(work)


def complete(data_dir: str, argument: "str | int", _typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of the workflows that are not over."""
    return workflow_ids(data_dir, unfinished=True) if argument == 0 else None
