"""Show what the tasks of a workflow wrote: its operations in the order of the plan, each task's attempts in order.

On a terminal what would act upon it (colours, cursor movements) is made visible; --raw passes it on. With --follow it
is shown in the order in which it came, goes on as tasks write, and ends with the workflow.

Examples:
  orchestrator logs deploy-4k7q0d
  orchestrator logs deploy-4k7q0d --failed
  orchestrator logs deploy-4k7q0d --operation install-base --item os --err
  orchestrator logs deploy-4k7q0d --tail 20 --follow
"""

from __future__ import annotations

import os
import time

from orchestrator.files.layout import workflow_dir
from orchestrator.files.logs.selection import STREAMS, Selection
from orchestrator.files.state.tasks import LIVE
from orchestrator.interfaces.cli.arguments import positive, tail
from orchestrator.interfaces.cli.output import data_dir, is_terminal
from orchestrator.interfaces.cli.transcript import Log, Transcript
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.ids import is_name_id, split_task_id, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from orchestrator.files.logs.selection import Place

#: Statuses of tasks whose output tells what went wrong.
_BAD = ("failed", "timed_out", "rollback_failed")


#: How long is waited for the state of a workflow whose folder is there.
_PATIENCE_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `logs` takes."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id, or that of one of its tasks")
    parser.add_argument("--operation", metavar="ID", help="only this operation")
    parser.add_argument("--item", metavar="ITEM", help="only this item")
    parser.add_argument("--provider", metavar="ID", help="only this provider")
    parser.add_argument("--attempt", type=positive, metavar="N", help="this attempt instead of all")
    parser.add_argument("--failed", action="store_true", help="only tasks that failed")
    parser.add_argument("--out", action="store_true", help="standard output only")
    parser.add_argument("--err", action="store_true", help="standard error only")
    parser.add_argument("--follow", action="store_true", help="go on until the workflow ends")
    parser.add_argument("--tail", type=tail, metavar="N", help="only the last N lines of each log")
    parser.add_argument("--raw", action="store_true", help="pass control characters on to the terminal")


def run(options: argparse.Namespace) -> int:
    """Print the logs that are asked for, each under a heading."""
    transcript = Transcript(raw=options.raw or not is_terminal())
    if options.follow and options.failed:
        raise UsageError("--follow cannot know what is going to fail.", "Leave out --follow or --failed.")
    directory = data_dir(options)
    if options.follow:
        _await_state(directory, options.workflow)
    chosen = Selection(
        directory,
        options.workflow,
        operation=options.operation,
        item=options.item,
        provider=options.provider,
        attempt=options.attempt,
        streams=[name for name in STREAMS if getattr(options, name)] or STREAMS,
        statuses=_BAD if options.failed else None,
        may_come=options.follow,
    )
    if options.follow:
        _follow(chosen, transcript, options.tail)
        return 0
    found = False
    for place, attempt, _, undo in chosen.attempts():
        for log in _logs(chosen, place, attempt, options.tail, undo=undo):
            found |= log.copy(transcript)
            log.close()
    transcript.end()
    narrowed = options.operation or options.item or options.attempt or options.failed or options.out or options.err
    if not found and narrowed and options.tail != 0:
        raise NotFound(
            f"{options.workflow} has no output of that kind.",
            f"`orchestrator tasks --workflow {chosen.workflow}` lists its tasks.",
        )
    return 0


def _await_state(directory: str, subject: str) -> None:
    """Wait a moment for the state of a workflow that has been submitted just now."""
    from orchestrator.interfaces.cli.settle import state_path

    workflow = subject.partition(".")[0]
    end = time.monotonic() + _PATIENCE_S
    if is_name_id(workflow) and os.path.isdir(workflow_dir(directory, workflow)):
        while not os.path.exists(state_path(directory, workflow)) and time.monotonic() < end:
            time.sleep(0.005)


def _logs(chosen: Selection, place: Place, attempt: int, last: int | None, *, undo: bool) -> list[Log]:
    """The logs of one attempt, none if it is not wanted."""
    if not chosen.wants(place, attempt):
        return []
    which = f"attempt {attempt}, to undo it" if undo else f"attempt {attempt}"
    return [
        Log(f"{log.operation} {log.item} on {log.provider}, {which} ({log.stream})", log.path, last)
        for log in chosen.logs_of(place, attempt, undo=undo)
    ]


def _follow(chosen: Selection, transcript: Transcript, last: int | None) -> None:
    """Print each attempt, those that run at the same time in turns, until the workflow ends.

    From its beginning, or of those that there are now the `last` lines and what follows.
    """
    from orchestrator.files.journal.tail import JournalTail
    from orchestrator.interfaces.cli.follow import hear_interrupts, pause, transitions

    hear_interrupts()
    attempts = _Attempts(chosen, last)
    for row in transitions(chosen.data_dir, chosen.workflow, JournalTail(chosen.data_dir, from_start=True)):
        if row is not None:
            if row["task"] is not None:
                attempts.heard(row, transcript)
            continue
        logs = [log for attempt in attempts.writing.values() for log in attempt]
        wrote = [log.copy(transcript, whole_lines=True) for log in logs]
        if not any(wrote):
            transcript.end()
            pause()
    transcript.end()


class _Attempts:
    """Attempts as the journal tells of them. `writing`: the logs of those that run."""

    def __init__(self, chosen: Selection, last: int | None) -> None:
        """Of attempts that there are by now, `last` lines are wanted."""
        self.writing: dict[tuple[str, int], list[Log]] = {}
        self._chosen, self._last = chosen, last
        #: {attempt that there is by now: whether it undoes}
        self._known = {
            (task_id(chosen.workflow, *place), attempt): undo for place, attempt, _, undo in chosen.attempts()
        }
        self._begun: set[tuple[str, int]] = set()

    def heard(self, row: dict[str, Any], transcript: Transcript) -> None:
        """Open the logs of an attempt that begins; finish those of one that is over."""
        attempt = (row["task"], row["attempt"])
        if row["status"] in LIVE:
            # What is to be undone is `rolling_back` a while with the number of what did it: that begins once.
            if attempt not in self._begun:
                self._begun.add(attempt)
                self.writing[attempt] = self._open(row, attempt)
            return
        for log in self.writing.pop(attempt, ()):
            log.copy(transcript)
            log.close()

    def _open(self, row: dict[str, Any], attempt: tuple[str, int]) -> list[Log]:
        _, operation, provider, item = split_task_id(row["task"])
        undo = self._known.get(attempt, row["status"] == "rolling_back")
        last = self._last if attempt in self._known else None
        return _logs(self._chosen, (operation, provider, item), row["attempt"], last, undo=undo)
