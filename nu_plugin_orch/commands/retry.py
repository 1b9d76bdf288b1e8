"""``orch retry``: run tasks of a workflow again."""

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, LAYER, complete_by, layer_path, questions
from nu_plugin_orch.commands.steering import (
    NOTE,
    STATUSES,
    asked_and_watchable,
    blame,
    journal_end,
    texts,
    workflow_of,
    workflows_in,
)
from nu_plugin_orch.protocol.signature import flag, positional, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import drop
from orchestrator.model.errors import DefinitionInvalid, NotFound, WorkflowUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to retry"

BLAME = {
    **blame("cannot be retried", "from"),
    NotFound: (0, "not known here"),
    WorkflowUnreadable: (0, "this workflow"),
    DefinitionInvalid: (0, "its definition has errors"),
}

#: Flags that mean nothing for the plan that was submitted.
_OF_LATEST = ("digest", "options", "layer")

#: Flags that say what is run again; one at most.
_CHOICES = ("from", "tasks", "failed", "all", "with-latest", "diff")

SIGNATURE = signature(
    "orch retry",
    "Run tasks of a workflow again; without more all that have not succeeded.",
    output="Any",
    extra=(
        "The pinned plan is run, and what succeeded stays done. With --with-latest the definition is read anew, and a "
        "new workflow goes on from there: it takes over the results that still hold. --diff gives a table of what "
        "would differ, and does nothing. From `cursor` of the answer on `orch watch` shows what becomes of it."
    ),
    required=[positional("id", "String", "The workflow; Tab offers those that can be retried")],
    flags=[
        flag("from", "f", "String", "This operation and all that depends on it"),
        flag("tasks", "t", {"List": "String"}, "These tasks, by their ids"),
        flag("failed", None, None, "Only what failed or timed out itself"),
        flag("all", "a", None, "Everything, successes too"),
        flag("with-latest", None, None, "Go on by the definition as it is now"),
        flag("diff", None, None, "Only show what the definition as it is now would change"),
        flag("digest", None, "String", "With --with-latest: only if the definition is still this (sha256:...)"),
        flag("options", "o", {"Record": []}, "With --with-latest: values for option() in the definition"),
        LAYER,
        DATA_DIR,
    ],
    search_terms=["workflow", "batch", "again", "rerun", "restart", "repeat"],
    examples=[
        ("orch retry wuji-4k7q0d", "Run again what did not succeed"),
        ("orch retry wuji-4k7q0d --from b | get tasks", "Run an operation again, and what depends on it"),
    ],
)


def run(call: "Call") -> Later:
    """A record of the daemon's answer, or with ``--diff`` a table of differences."""
    workflow, operation, tasks = workflow_of(call), call.text("from"), texts(call, "tasks")
    given = {"from": operation, "tasks": tasks, **{name: call.switch(name) for name in _CHOICES[2:]}}
    chosen = [name for name in _CHOICES if given[name]]
    if len(chosen) > 1:
        both = f"--{chosen[0]} and --{chosen[1]} say different things."
        raise WrongArgument(chosen[1], both, "one too many", "Give one of them.")
    if given["with-latest"] or given["diff"]:
        return _with_latest(call, workflow, only_diff=bool(given["diff"]))
    for name in _OF_LATEST:
        if call.text(name) if name != "options" else call.record(name):
            told = f"`--{name}` needs --with-latest."
            raise WrongArgument(name, told, "needs --with-latest", "Otherwise the plan is run that was submitted.")
    arguments = {
        "workflow": workflow,
        "operation": operation,
        "tasks": tasks,
        "failed_only": given["failed"],
        "everything": given["all"],
    }
    return asked_and_watchable(call, "retry", arguments)


def _with_latest(call: "Call", workflow: str, *, only_diff: bool) -> Later:
    digest, options, layer = call.text("digest"), call.record("options"), layer_path(call)

    def work() -> "Wire":
        from orchestrator.files.asking import latest

        found = latest.look(call.data_dir, workflow, options=options, layer=layer)
        if only_diff:
            return Cells(call.values).table(found.rows)
        request: dict[str, Any] = {**found.request, "digest": digest or found.request["digest"]}
        cursor = journal_end(call.data_dir)
        return Cells(call.values).record({**drop.send(call.data_dir, "submit", request), "cursor": cursor})

    return Later(work)


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of the workflows that can be retried, and what is inside of one."""
    if argument == 0:
        return workflows_in(data_dir, STATUSES["retry"])
    return complete_by({0: "workflows", "operation": "operations", "tasks": "tasks"}, data_dir, argument, typed)
