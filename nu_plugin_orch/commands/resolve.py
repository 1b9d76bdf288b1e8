"""``orch resolve``: say how a task ended whose attempt was lost."""

from nu_plugin_orch.call import WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, complete_by
from nu_plugin_orch.commands.steering import NOTE, asked
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature
from orchestrator.files.asking.steer import NoSuchPart
from orchestrator.model.errors import BadId, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call, Later
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to resolve"

BLAME = {BadId: (0, "not an id"), Refused: (0, "cannot be resolved"), NoSuchPart: (0, "not in this workflow")}

_OUTCOMES = ("succeeded", "failed")

SIGNATURE = signature(
    "orch resolve",
    "Say how a task ended that nobody knows the end of (status unknown).",
    output=record({"workflow": "String", "task": "String", "status": "String"}),
    extra=(
        "As succeeded what waits for it starts. As failed it is a failure like any other: the retry policy holds, then "
        "on_failure. An operation with at_most_once has one attempt, unless it has a retry_policy of its own."
    ),
    required=[positional("task", "String", "The task; Tab offers those whose end is unknown")],
    flags=[flag("as", None, "String", "How it ended: succeeded or failed", words=_OUTCOMES), DATA_DIR],
    search_terms=["workflow", "batch", "unknown", "lost", "decide"],
    examples=[("orch resolve wuji-4k7q0d.pay.local.order-17 --as succeeded", "Say that it was done")],
)


def run(call: "Call") -> "Later":
    """A record of the daemon's answer."""
    task, outcome = call.text(0) or "", call.text("as")
    if not task:
        raise BadId(f"{task!r} is no task id.", "`orch tasks --status unknown` lists those that can be meant.")
    if outcome is None:
        raise WrongArgument(0, "How did it end?", "ended how?", "Add --as succeeded, or --as failed.")
    if outcome not in _OUTCOMES:
        raise WrongArgument("as", f"{outcome!r} is no outcome.", "not an outcome", "Say succeeded or failed.")
    return asked(call, "resolve", {"task": task, "outcome": outcome})


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of the tasks whose end is unknown."""
    return complete_by({0: "unknown_tasks"}, data_dir, argument, typed)
