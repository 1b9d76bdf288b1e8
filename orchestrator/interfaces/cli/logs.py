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

from orchestrator.files.layout import log_path, log_stem
from orchestrator.files.read import LIVE, read_workflow
from orchestrator.interfaces.cli.arguments import positive
from orchestrator.interfaces.cli.output import data_dir, is_terminal
from orchestrator.interfaces.cli.transcript import Log, Transcript
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.ids import split_task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

#: Statuses of tasks whose output tells what went wrong.
_BAD = ("failed", "timed_out", "rollback_failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `logs` takes."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id")
    parser.add_argument("--operation", metavar="ID", help="only this operation")
    parser.add_argument("--item", metavar="ITEM", help="only this item")
    parser.add_argument("--attempt", type=positive, metavar="N", help="this attempt instead of all")
    parser.add_argument("--failed", action="store_true", help="only tasks that failed")
    parser.add_argument("--err", action="store_true", help="standard error only")
    parser.add_argument("--follow", action="store_true", help="go on until the workflow ends")
    parser.add_argument("--raw", action="store_true", help="pass control characters on to the terminal")


def run(options: argparse.Namespace) -> int:
    """Print the logs that are asked for, each under a heading."""
    directory = data_dir(options)
    transcript = Transcript(raw=options.raw or not is_terminal())
    if options.follow:
        if options.failed:
            raise UsageError("--follow cannot know what is going to fail.", "Leave out --follow or --failed.")
        _follow(directory, options, transcript)
        return 0
    found = False
    for log in _written(directory, options):
        found |= log.copy(transcript)
        log.close()
    transcript.end()
    if not found and (options.operation or options.item or options.attempt or options.failed or options.err):
        raise NotFound(
            f"{options.workflow} has no output of that kind.",
            f"`orchestrator tasks --workflow {options.workflow}` lists its tasks.",
        )
    return 0


def _written(directory: str, options: argparse.Namespace) -> Iterator[Log]:
    """The logs that are wanted, as the workflow's state tells of them."""
    state = read_workflow(directory, options.workflow)
    if "archived" in state:
        raise NotFound(f"{options.workflow} is archived, and its logs are gone.", f"What is kept: {state['archived']}")
    for operation in state["operations"]:
        for entry in operation["items"]:
            if options.failed and entry["status"] not in _BAD:
                continue
            for attempt in range(1, entry["attempt"] + 1):
                yield from _logs(directory, options, operation["id"], entry["provider"], entry["item"], attempt)


def _logs(
    directory: str, options: argparse.Namespace, operation: str, provider: str, item: str, attempt: int
) -> Iterator[Log]:
    """The logs of one attempt, none if it is not wanted."""
    wanted = ((options.operation, operation), (options.item, item), (options.attempt, attempt))
    if any(asked not in (None, there) for asked, there in wanted):
        return
    stem = log_stem(operation, provider, item, attempt)
    for stream in ("err",) if options.err else ("out", "err"):
        title = f"{operation} {item} on {provider}, attempt {attempt} ({stream})"
        yield Log(title, log_path(directory, options.workflow, stem, stream))


def _follow(directory: str, options: argparse.Namespace, transcript: Transcript) -> None:
    """Print each attempt from its beginning, those that run at the same time in turns, until the workflow ends."""
    from orchestrator.files.journal_tail import JournalTail
    from orchestrator.interfaces.cli.follow import hear_interrupts, pause, transitions

    hear_interrupts()
    writing: dict[tuple[str, int], list[Log]] = {}
    for row in transitions(directory, options.workflow, JournalTail(directory, from_start=True)):
        if row is not None:
            _take(directory, options, row, writing, transcript)
            continue
        logs = [log for attempt in writing.values() for log in attempt]
        wrote = [log.copy(transcript, whole_lines=True) for log in logs]
        if not any(wrote):
            transcript.end()
            pause()
    transcript.end()


def _take(
    directory: str,
    options: argparse.Namespace,
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
            writing[attempt] = list(_logs(directory, options, operation, provider, item, row["attempt"]))
        return
    for log in writing.pop(attempt, ()):
        log.copy(transcript)
        log.close()
