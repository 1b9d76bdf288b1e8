"""``orch logs``: what the tasks of a workflow wrote."""

from nu_plugin_orch.call import Stream, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, TASK_FLAGS, complete_by
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, signature, table
from nu_plugin_orch.readers.log_lines import LogStream
from orchestrator.files.logs.selection import STREAMS, NoSuchPart, Selection, Written, check_tail
from orchestrator.model.errors import BadId, NotFound, UsageError, WorkflowUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.typed_line import Typed

__all__ = ["BLAME", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to read logs"

BLAME = {
    BadId: (0, "not an id"),
    NotFound: (0, "not known here"),
    WorkflowUnreadable: (0, "this workflow"),
}

SIGNATURE = signature(
    "orch logs",
    "Show what the tasks of a workflow wrote, a row for each line.",
    output=table(
        {
            "operation": "String",
            "item": "String",
            "provider": "String",
            "attempt": "Int",
            "undo": "Bool",
            "stream": "String",
            "line": "String",
        }
    ),
    extra=(
        "In the order of the plan, each task's attempts one after another, out before err; with --follow in the order "
        "in which lines come, until the workflow (or the task) is over or somebody presses Ctrl-C. What could act on "
        "the terminal (colours, cursor movements) is taken out; --raw leaves it in. What is not UTF-8 is replaced. A "
        "line of more than 64 KiB comes in pieces. `undo` tells the attempts that undo a task from those that do it. "
        "The logs of an archived workflow are gone."
    ),
    required=[positional("id", "String", "The workflow or the task; Tab offers both")],
    flags=[
        flag("operation", "o", "String", "Only this operation"),
        flag("item", "i", "String", "Only this item"),
        flag("provider", "p", "String", "Only this provider"),
        flag("attempt", "a", "Int", "Only this attempt of each task, counted from 1"),
        flag("out", None, None, "Only standard output"),
        flag("err", "e", None, "Only standard error"),
        flag("follow", "f", None, "Go on until it is over"),
        flag("tail", "t", "Int", "Only the last so many lines of each log"),
        flag("raw", "r", None, "Leave control characters in"),
        DATA_DIR,
    ],
    search_terms=["output", "stdout", "stderr", "print", "tail", "follow"],
    examples=[
        (
            "orch logs cluster-upgrade-x4j0jw --err | select item attempt line | first 1",
            "Show what went to standard error",
            [{"item": "node-2", "attempt": 1, "line": "node-2: kubelet did not come back"}],
        ),
        (
            "orch logs certificates-h3fsrg --operation renew | get line | str join (char nl)",
            "Show the text of an operation",
        ),
        ("orch logs certificates-h3fsrg.renew.local.git.example | length", "Count the lines of a task", 1),
        ("orch logs certificates-h3fsrg --tail 5 | group-by item", "Show how each item ended"),
        ("orch logs certificates-h3fsrg --follow | each {|it| print $it.line } | ignore", "Print lines as they come"),
    ],
)

#: {argument: what Tab offers}
_OFFERS: "dict[Any, str]" = {**TASK_FLAGS, 0: "subjects"}


def run(call: "Call") -> Stream:
    """A stream of the lines."""
    tail, attempt = call.integer("tail"), call.integer("attempt")
    try:
        check_tail(tail)
    except UsageError as error:
        raise WrongArgument.about("tail", error, "less than none") from error
    streams = [name for name in STREAMS if call.switch(name)] or STREAMS
    is_followed = call.switch("follow")
    names = {name: call.text(name) for name in ("operation", "item", "provider")}
    try:
        chosen = Selection(
            call.data_dir, call.text(0) or "", **names, attempt=attempt, streams=streams, may_come=is_followed
        )
    except NoSuchPart as error:
        raise WrongArgument.about(error.part, error, "not in this workflow") from error
    if is_followed:
        from orchestrator.files.logs.follow import Followed

        return Stream(LogStream(Followed(chosen, raw=call.switch("raw"), tail=tail), call.values, call.warn))
    return Stream(LogStream(Written(chosen, raw=call.switch("raw"), tail=tail), call.values, call.warn))


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of workflows and tasks, and names inside them."""
    return complete_by(_OFFERS, data_dir, argument, typed)
