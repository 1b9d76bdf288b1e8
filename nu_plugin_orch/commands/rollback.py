"""``orch rollback``: undo what a workflow did."""

from nu_plugin_orch.commands.shared import DATA_DIR, complete_by
from nu_plugin_orch.commands.steering import NOTE, STATUSES, asked_and_watchable, blame, workflow_of, workflows_in
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call, Later
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to roll back"

BLAME = blame("cannot be rolled back", "to")

SIGNATURE = signature(
    "orch rollback",
    "Undo what a workflow did, in the reverse order; what runs is stopped before.",
    output=record(
        {
            "workflow": "String",
            "status": "String",
            "tasks": "Int",
            "kept": "Int",
            "note": "String",
            "cursor": "String",
        }
    ),
    extra=(
        "`tasks` is the number of tasks to be undone; from `cursor` on `orch watch` shows what becomes of them. What "
        "cannot be undone stays, and its task says so; `kept` is the number of tasks that declare no way to undo them."
    ),
    required=[positional("id", "String", "The workflow; Tab offers those that can be rolled back")],
    flags=[
        flag("to", "t", "String", "Only what it did after this restore point (`checkpoints` of the workflow)"),
        DATA_DIR,
    ],
    search_terms=["workflow", "batch", "undo", "revert", "restore"],
    examples=[
        ("orch rollback wuji-4k7q0d", "Undo all of one"),
        ("orch rollback wuji-4k7q0d --to operations-5 | get tasks", "Undo what came after a restore point"),
    ],
)


def run(call: "Call") -> "Later":
    """A record of the daemon's answer."""
    return asked_and_watchable(call, "rollback", {"workflow": workflow_of(call), "to": call.text("to")})


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of the workflows that can be rolled back, and restore points of one."""
    if argument == 0:
        return workflows_in(data_dir, STATUSES["rollback"])
    return complete_by({0: "workflows", "to": "restore_points"}, data_dir, argument, typed)
