"""``orch diff``: what changed between two moments."""

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, WORKFLOW_NAMED, complete_task_flags
from nu_plugin_orch.commands.shared import questions_of_workflow as questions
from nu_plugin_orch.protocol.signature import flag, positional, signature, table
from nu_plugin_orch.readers.positions import position
from nu_plugin_orch.readers.with_table import table as table_of
from orchestrator.files.past.diff import changes_between
from orchestrator.files.past.moment import NoSuchMoment, WrongOrder
from orchestrator.files.past.state import NotThereThen
from orchestrator.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.value import Encoded

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to compare"

BLAME = {
    WrongOrder: (1, "before the first"),
    NotThereThen: ("workflow", "not there then"),
    NotFound: ("workflow", "not known here"),
}

NOTE = "Nothing was changed."

SIGNATURE = signature(
    "orch diff",
    "Show what changed between two moments.",
    output=table(
        {
            "kind": "String",
            "id": "String",
            "workflow": "String",
            "change": "String",
            "previous_status": "String",
            "status": "String",
            "attempt": "Int",
            "reason": "String",
            "transitions": "Int",
            "first_at": "Date",
            "last_at": "Date",
        }
    ),
    extra=(
        "A row for each task and workflow whose status, attempt or reason is another than it was, in the order in "
        "which they began to change; `change` is appeared, changed (its status), attempt (tried again, and as it was), "
        "reason (only that) or archived, `transitions` is how many there were in between. What changed and changed "
        "back is left out: `orch watch --from` tells every step. Moments are those of `orch at`; without the second it "
        "is now."
    ),
    required=[positional("from", "Any", "The earlier moment: a datetime, a duration ago, a seq, a cursor, a text")],
    optional=[positional("to", "Any", "The later moment; without it now")],
    flags=[flag("workflow", "w", "String", f"Only this workflow and its tasks: {WORKFLOW_NAMED}"), DATA_DIR],
    search_terms=["history", "changes", "compare", "since", "between", "past"],
    examples=[
        ("orch diff 10min", "Show what changed in the last ten minutes"),
        ("orch diff yesterday today | where kind == workflow", "Show what became of workflows yesterday"),
        ("orch diff 2 4 | select id previous_status status", "Show what changed between two records"),
    ],
)


def run(call: "Call") -> Later:
    """A table of the changes."""
    since, until, workflow = position(call, 0), position(call, 1), call.text("workflow")

    def work() -> "Encoded":
        try:
            rows = changes_between(call.data_dir, since, until, workflow=workflow, cwd=call.cwd)
        except NoSuchMoment as error:  # its class does not tell which of the two it is
            raise WrongArgument.about(0 if error.position is since else 1, error, "not known") from error
        return table_of(call.values, rows)

    return Later(work)


complete = complete_task_flags
