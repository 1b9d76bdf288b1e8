"""What the commands that steer a workflow share."""

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.protocol.value import NotPlain, plain
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import steer
from orchestrator.model.errors import BadId, Refused
from orchestrator.model.ids import is_name_id
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from orchestrator.model.errors import OrchestratorError

NOTE = "The request had been left already, and may still be carried out: `orch workflows` tells."

#: {command: statuses of the workflows of which it can be asked}.
STATUSES = {
    "pause": frozenset({"queued", "running", "rolling_back"}),
    "resume": frozenset({"paused"}),
    "retry": WORKFLOW_FINAL | {"running"},
    "rollback": (WORKFLOW_FINAL | {"queued", "running", "paused"}) - {"rolled_back"},
}


def blame(label: str, part: str = "") -> "dict[type[OrchestratorError], tuple[str | int, str]]":
    """``BLAME`` of a command whose first argument is an id; the flag `part` names something inside the workflow."""
    found: dict[type[OrchestratorError], tuple[str | int, str]] = {BadId: (0, "not an id"), Refused: (0, label)}
    if part:
        found[steer.NoSuchPart] = (part, "not in this workflow")
    return found


def workflow_of(call: "Call") -> str:
    """The id that is the first argument. Raises BadId."""
    workflow = call.text(0) or ""
    if not is_name_id(workflow):
        raise BadId(f"{workflow!r} is no workflow id.", "`orch workflows` lists the workflows there are.")
    return workflow


def texts(call: "Call", name: str) -> "list[str]":
    """A list of strings that a flag gives, empty without it. Raises WrongArgument."""
    try:
        given = plain(call.arguments.named.get(name))
    except NotPlain:
        given = 0
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise WrongArgument(name, f"`--{name}` takes a list of strings.", "not a list of strings")
    return given


def asked(call: "Call", command: str, arguments: "dict[str, Any]") -> Later:
    """A record of the daemon's answer."""

    def work() -> "Wire":
        return Cells(call.values).record(steer.ask(call.data_dir, command, arguments))

    return Later(work)


def asked_and_watchable(call: "Call", command: str, arguments: "dict[str, Any]") -> Later:
    """As `asked`, and ``cursor``: behind it stands in the journal what comes of the request."""

    def work() -> "Wire":
        cursor = journal_end(call.data_dir)
        return Cells(call.values).record({**steer.ask(call.data_dir, command, arguments), "cursor": cursor})

    return Later(work)


def journal_end(data_dir: str) -> str:
    """A cursor behind everything there is now; status.json follows behind, and may show an earlier place."""
    from orchestrator.files.journal.tail import JournalTail

    tail = JournalTail(data_dir)
    tail.close()
    return tail.cursor


def workflows_in(data_dir: str, statuses: "Collection[str]") -> "list[tuple[str, str]]":
    """(id, description) of the workflows that stand so, newest first, for Tab; not those that others have continued."""
    from orchestrator.files.state.offers import Offers

    return Offers(data_dir).workflows(statuses, continued=False)
