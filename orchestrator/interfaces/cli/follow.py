"""Following a workflow by the journal, with the daemon alive or dead."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from orchestrator.files.journal_tail import JournalTail, rows
from orchestrator.files.lock import is_held
from orchestrator.files.read import read_workflow
from orchestrator.model.errors import NoDaemon
from orchestrator.model.states import WORKFLOW_FINAL

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_S = 0.005

#: Polls between two looks whether a daemon still runs.
_LOOK_EVERY = 200


def follow(data_dir: str, workflow: str, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Give `show` every transition of `workflow` from its beginning until it ends; its final state then.

    Raises:
        NoDaemon: the daemon is gone and the workflow is not over; it goes on with the next daemon.
    """
    tail = JournalTail(data_dir, from_start=True)
    polls = 0
    while True:
        records = tail.poll()
        for record in records:
            for row in rows(record):
                if row["workflow"] == workflow:
                    show(row)
                    if row["task"] is None and row["status"] in WORKFLOW_FINAL:
                        return _state(data_dir, workflow, str(row["status"]))
        polls += 1
        if not records and polls % _LOOK_EVERY == 0 and not is_held(data_dir):
            raise NoDaemon(
                f"The daemon of {data_dir} has ended, and {workflow} is not over.",
                f"It goes on with the next one: orchestrator serve --data-dir {data_dir}",
            )
        if not records:
            time.sleep(_POLL_S)


def _state(data_dir: str, workflow: str, status: str) -> dict[str, Any]:
    """The public state once it shows the end, which the journal knows a moment earlier."""
    end = time.monotonic() + 10.0
    while True:
        state = read_workflow(data_dir, workflow)
        if state["status"] == status or time.monotonic() > end:
            return {**state, "status": status}
        time.sleep(_POLL_S)
