"""Following a workflow to its end by the journal, with whatever daemon runs meanwhile."""

from __future__ import annotations

import signal
import time

from orchestrator.files.journal.changes import JournalChanges
from orchestrator.files.layout import status_path, task_path
from orchestrator.files.state.next_daemon import NextDaemon
from orchestrator.files.state.workflows import read_workflow
from orchestrator.interfaces.cli.output import print_json, say
from orchestrator.interfaces.cli.progress import print_row, progress
from orchestrator.interfaces.cli.settle import await_files, seq_of, state_path
from orchestrator.model.errors import CursorLost, NoDaemon, NotFound, WorkflowFailed
from orchestrator.model.ids import file_stem
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from orchestrator.files.journal.tail import JournalTail

    Row = dict[str, Any]

_POLL_S = 0.005

#: One for each Ctrl-C that was heard.
_interrupts: list[None] = []

#: Polls without a record after which a workflow that was not met is not there. (One is not enough: a segment of a
#: daemon that died as it began is empty, and others may follow.)
_SURE_AFTER = 20


def to_the_end(
    data_dir: str,
    workflow: str,
    tail: JournalTail,
    *,
    lines: bool = False,
    state: bool = False,
    expected: str = "succeeded",
    known: bool = False,
) -> int:
    """Show the transitions of `workflow` until it ends; 0 if as `expected`. Ctrl-C stops following, not the workflow.

    Args:
        data_dir: where it runs.
        workflow: its id.
        tail: stands before the workflow's first record.
        lines: show each transition as a line of JSON.
        state: show nothing but the final state, as JSON.
        expected: the status it should end with.
        known: it is there, even if nothing of it comes for a while.

    Raises:
        WorkflowFailed: it ended otherwise than `expected`.
        NotFound: the journal does not know it.
        NoDaemon: the daemon is gone, no other has come for a while, and the workflow is not over.
    """
    hear_interrupts()
    try:
        found = transitions(data_dir, workflow, tail, known=known)
        last = _show(data_dir, workflow, found, lines=lines, state=state)
    except KeyboardInterrupt:
        say(f"{workflow} goes on.")
        say(f"  to see it again: orchestrator watch {workflow} --until-done {_where(data_dir)}")
        say(f"  to end it:       orchestrator cancel {workflow} {_where(data_dir)}")
        raise
    if last["status"] == expected:
        return 0
    reason = f": {last['reason']}" if last["reason"] else ""
    failed = "" if last["status"] == "cancelled" else "--failed "
    raise WorkflowFailed(
        f"Workflow {workflow} ended as {last['status']}{reason}.",
        f"What its tasks wrote: orchestrator logs {workflow} {failed}{_where(data_dir)}",
    )


def transitions(data_dir: str, workflow: str, tail: JournalTail, *, known: bool = False) -> Iterator[Row | None]:
    """Every transition of `workflow`, the last of which ends it; None whenever there is no other yet.

    Raises:
        NotFound, NoDaemon: as `to_the_end`.
    """
    idle = 0
    ended = False
    changes = JournalChanges(tail)
    again = f"orchestrator watch {workflow} --until-done {_where(data_dir)}"
    daemon = NextDaemon(data_dir, workflow, again, lambda told: say(f"warning: {told}"))
    while True:
        found = _of(workflow, changes)
        if found:
            yield from found
            ended = _is_end(found[-1])
        if ended:
            if found is None:
                return
            continue  # there may be more in the journal: it was retried, or rolled back
        known = known or bool(found)
        if found is None:
            idle += 1
            if not known and idle >= _SURE_AFTER:
                raise _unknown(data_dir, workflow)
            if daemon.is_given_up():
                raise daemon.failure()
            yield None


def pause() -> None:
    """Let a moment pass before the journal is asked again. Raises KeyboardInterrupt, also for a Ctrl-C of before."""
    if _interrupts:
        raise KeyboardInterrupt
    time.sleep(_POLL_S)


def hear_interrupts() -> None:
    """Remember a Ctrl-C: Python drops the exception when it comes while a callback of its own is run."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(_number: int, _frame: object) -> None:
    _interrupts.append(None)
    raise KeyboardInterrupt


def _show(data_dir: str, workflow: str, changes: Iterator[Row | None], *, lines: bool, state: bool) -> Row:
    """The last transition, once the files show it too: what is asked next must not know less."""
    shown: dict[str, int] = {}
    found = _noted(changes, data_dir, shown)
    if state:
        last = _last(found, lambda _: None)
    elif lines:
        last = _last(found, print_row)
    else:
        with progress(data_dir, workflow) as show:
            last = _last(found, show)
    for path in (status_path(data_dir), state_path(data_dir, last["workflow"])):
        shown[path] = last["seq"]
    await_files(data_dir, shown)
    if state:
        print_json(_state(data_dir, last))
    return last


def _noted(found: Iterator[Row | None], data_dir: str, shown: dict[str, int]) -> Iterator[Row | None]:
    """`found` as it is; `shown` becomes {path of a task's file: the seq it has to show}."""
    for row in found:
        if row is not None and row["task"] is not None:
            shown[task_path(data_dir, file_stem(row["task"]))] = row["seq"]
        yield row


def _last(found: Iterator[Row | None], show: Callable[[Row], None]) -> Row:
    last: Row = {}
    for row in found:
        if row is None:
            pause()
        else:
            show(row)
            last = row
    return last


def _of(workflow: str, changes: JournalChanges) -> list[Row] | None:
    """The workflow's transitions among the next records; None if there are no records yet."""
    try:
        found = changes.poll()
    except CursorLost:  # an earlier daemon took back what it had not acknowledged; the tail goes on behind that
        return []
    if not changes.moved:
        return None
    return [row for row in found if row["workflow"] == workflow]


def _is_end(row: Row) -> bool:
    return row["task"] is None and row["status"] in WORKFLOW_FINAL


def _unknown(data_dir: str, workflow: str) -> NotFound:
    return NotFound(
        f"There is no workflow {workflow} in {data_dir}.",
        f"To see which there are: orchestrator workflows {_where(data_dir)}",
    )


def _where(data_dir: str) -> str:
    """The option that finds the directory again, wherever the next command is typed."""
    from shlex import quote

    return f"--data-dir {quote(data_dir)}"


def _state(data_dir: str, last: Row) -> Row:
    if seq_of(state_path(data_dir, last["workflow"])) < last["seq"]:
        raise NoDaemon(
            f"{last['workflow']} ended as {last['status']}; the daemon was gone before it had written the state.",
            f"The next one writes it: orchestrator serve {_where(data_dir)}",
        )
    return read_workflow(data_dir, last["workflow"])
