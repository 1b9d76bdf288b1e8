"""``orch status``: how the daemon and its tasks stand."""

from nu_plugin_orch.commands.shared import DATA_DIR, complete_task_flags
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import record, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.state.status import read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to read status"

#: Of a directory whose daemon was killed.
_STALE = {"running": False, "stale": True}

SIGNATURE = signature(
    "orch status",
    "Show how a data directory's daemon and tasks stand.",
    output=record({"running": "Bool", "tasks_pending": "Int", "tasks_running": "Int", "last_check": "Date"}),
    extra=(
        "`running` is what the daemon's lock says, not what the file says; without a daemon `stale` is true: nobody "
        "keeps the figures current. In a directory that another program writes, its own flag is believed."
    ),
    flags=[DATA_DIR],
    search_terms=["workflow", "daemon", "queue", "heartbeat"],
    examples=[
        ("orch status", "Show the status"),
        ("orch status | get tasks_running", "How many tasks run", 4),
        ("orch status | if $in.running { 'up' } else { 'down' }", "Whether a daemon runs", "down"),
        ("orch status | select running stale", "Whether somebody keeps the figures current", _STALE),
    ],
)

#: The order people look for; what else the file says comes behind (ruling A-21).
_FIRST = (
    "running",
    "tasks_pending",
    "tasks_running",
    "last_check",
    "tasks_completed",
    "tasks_failed",
    "data_dir",
    "version",
    "heartbeat_age_ms",
    "stale",
)


def run(call: "Call") -> "Wire":
    """A record of the fields of status.json."""
    status = read_status(call.data_dir)
    first = {name: status[name] for name in _FIRST if name in status}
    return Cells(call.values).record({**first, **status})


complete = complete_task_flags
