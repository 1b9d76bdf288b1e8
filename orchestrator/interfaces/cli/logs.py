"""Show what the tasks of a workflow wrote: its operations in the order of the plan, each task's attempts in order.

On a terminal what would act upon it (colours, cursor movements) is made visible; --raw passes it on. With --follow it
is shown in the order in which it came, goes on as tasks write, and ends with the workflow.

Examples:
  orchestrator logs deploy-4k7q0d
  orchestrator logs deploy-4k7q0d --failed
  orchestrator logs deploy-4k7q0d --operation install-base --item os --err
  orchestrator logs deploy-4k7q0d --follow
"""

from __future__ import annotations

import os
import time

from orchestrator.files.layout import workflow_dir
from orchestrator.files.logs import STREAMS, Selection
from orchestrator.files.read import LIVE
from orchestrator.interfaces.cli.arguments import positive
from orchestrator.interfaces.cli.output import data_dir, is_terminal
from orchestrator.interfaces.cli.transcript import Log, Transcript
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.ids import is_name_id, split_task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from orchestrator.files.logs import Place

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
    parser.add_argument("--err", action="store_true", help="standard error only")
    parser.add_argument("--follow", action="store_true", help="go on until the workflow ends")
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
        streams=("err",) if options.err else STREAMS,
        statuses=_BAD if options.failed else None,
        may_come=options.follow,
    )
    if options.follow:
        _follow(chosen, transcript)
        return 0
    found = False
    for place, attempt, _ in chosen.attempts():
        for log in _logs(chosen, place, attempt):
            found |= log.copy(transcript)
            log.close()
    transcript.end()
    if not found and (options.operation or options.item or options.attempt or options.failed or options.err):
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


def _logs(chosen: Selection, place: Place, attempt: int) -> list[Log]:
    """The logs of one attempt, none if it is not wanted."""
    if not chosen.wants(place, attempt):
        return []
    return [
        Log(f"{log.operation} {log.item} on {log.provider}, attempt {attempt} ({log.stream})", log.path)
        for log in chosen.logs_of(place, attempt)
    ]


def _follow(chosen: Selection, transcript: Transcript) -> None:
    """Print each attempt from its beginning, those that run at the same time in turns, until the workflow ends."""
    from orchestrator.files.journal_tail import JournalTail
    from orchestrator.interfaces.cli.follow import hear_interrupts, pause, transitions

    hear_interrupts()
    writing: dict[tuple[str, int], list[Log]] = {}
    for row in transitions(chosen.data_dir, chosen.workflow, JournalTail(chosen.data_dir, from_start=True)):
        if row is not None:
            _take(chosen, row, writing, transcript)
            continue
        logs = [log for attempt in writing.values() for log in attempt]
        wrote = [log.copy(transcript, whole_lines=True) for log in logs]
        if not any(wrote):
            transcript.end()
            pause()
    transcript.end()


def _take(
    chosen: Selection,
    row: dict[str, Any],
    writing: dict[tuple[str, int], list[Log]],
    transcript: Transcript,
) -> None:
    """Open the logs of an attempt that begins; finish those of one that is over."""
    if row["task"] is None:
        return
    attempt = (row["task"], row["attempt"])
    if row["status"] in LIVE:
        if attempt not in writing:
            _, operation, provider, item = split_task_id(row["task"])
            writing[attempt] = _logs(chosen, (operation, provider, item), row["attempt"])
        return
    for log in writing.pop(attempt, ()):
        log.copy(transcript)
        log.close()
