"""Follow every change as it happens, with the daemon alive or dead. Ends on Ctrl-C.

A line is: time, new status, task (or workflow), why. With --json each line is an object that also has the previous
status, the seq of its record and its cursor; --from CURSOR goes on there, so that nothing is lost or repeated, also by
another daemon. 0:0 is before everything.

A workflow is named by its id, or by its definition (the path, or the end of it): that is every workflow of it, also one
that is submitted later. With --live progress is drawn in place, of one workflow or of all. With --until-done one
workflow is shown from its beginning to its end, and the exit code is 0 only if it succeeded.

Examples:
  orchestrator watch
  orchestrator watch --live
  orchestrator watch deploy-4k7q0d --until-done
  orchestrator watch deploy.k --status failed
  orchestrator watch --since 10min --status failed --status timed_out
  orchestrator watch --json --heartbeat 5s | jq -c 'select(.status == "failed")'
"""

from __future__ import annotations

import os
import sys
import time

from orchestrator.interfaces.cli.output import data_dir, is_terminal, print_json, say
from orchestrator.interfaces.cli.progress import line
from orchestrator.model.errors import CursorLost, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from orchestrator.files.displays.watching import Watching
    from orchestrator.files.journal.changes import FolderChanges, JournalChanges

#: A heartbeat is no shorter.
_HEARTBEAT_S_MIN = 0.01

#: What narrows the lines; what shows all of a workflow does not take it.
_NARROWING = ("operation", "item", "task", "status", "reasons", "since", "heartbeat")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `watch` takes."""
    parser.add_argument("subject", metavar="WORKFLOW", nargs="?", help="only this workflow; its id or its definition")
    parser.add_argument("--workflow", metavar="ID", action="append", help="the same; may be repeated")
    parser.add_argument("--operation", metavar="ID", action="append", help="only tasks of it; may be repeated")
    parser.add_argument("--item", metavar="ITEM", action="append", help="only tasks on it; may be repeated")
    parser.add_argument("--task", metavar="ID", action="append", help="only this task; may be repeated")
    parser.add_argument("--status", metavar="STATUS", action="append", help="only changes to it; may be repeated")
    parser.add_argument("--reasons", action="store_true", help="also when only the reason changed")
    parser.add_argument("--live", action="store_true", help="draw progress in place, of one workflow or of all")
    parser.add_argument("--until-done", action="store_true", help="from its beginning to its end; needs a workflow")
    parser.add_argument("--from", dest="cursor", metavar="CURSOR", help="begin behind it, for example EPOCH:SEQ")
    parser.add_argument("--since", metavar="MOMENT", help="begin there: a time, or how long ago, such as 10min")
    parser.add_argument("--heartbeat", metavar="LENGTH", help="also a line when nothing came for so long, such as 5s")
    parser.add_argument("--json", action="store_true", help="an object a line")


def run(options: argparse.Namespace) -> int:
    """Follow until Ctrl-C, or until the workflow is over."""
    if options.subject is not None:
        options.workflow = [options.subject, *(options.workflow or ())]
    if options.live:
        return _live(options)
    if options.until_done:
        return _until_done(options)
    from orchestrator.files.displays.watch_asked import Asked
    from orchestrator.files.displays.watching import Watching
    from orchestrator.files.tables.table import TaskTable

    directory = data_dir(options)
    changes = _follow(options, directory)
    asked = Asked(
        directory,
        os.getcwd(),
        workflows=options.workflow or (),
        operations=options.operation or (),
        items=options.item or (),
        tasks=options.task or (),
        statuses=options.status or (),
        reasons=options.reasons,
    )
    wanted, _ = asked.look_up(changes, lambda: TaskTable(directory))
    for told in asked.warnings:
        say(f"warning: {told}")
    return _print(options, Watching(changes, changes, wanted, directory, _heartbeat_s(options)))


def _print(options: argparse.Namespace, watching: Watching) -> int:
    while True:
        try:
            found = watching.poll()
        except CursorLost as lost:  # told, because what was shown before is not so; the next poll goes on behind it
            say(f"warning: {lost.message}")
            continue
        for row in found:
            if options.json:
                print_json(row, indent=None)
            else:
                sys.stdout.write(line(row) + "\n")
        if found:
            sys.stdout.flush()
        if watching.pause_s:
            time.sleep(watching.pause_s)


def _follow(options: argparse.Namespace, directory: str) -> JournalChanges | FolderChanges:
    from orchestrator.files.journal.changes import follow
    from orchestrator.files.moments import parse_moment

    if options.since is None:
        return follow(directory, options.cursor)
    if options.cursor is not None:
        raise UsageError("--from and --since both say where to begin.", "A cursor is exact; leave --since out.")
    now_us = time.time_ns() // 1000
    since_us = parse_moment(options.since, now_us)
    if since_us > now_us:
        raise UsageError("--since lies in the future.", "Leave it out to begin now.")
    changes = follow(directory, since_us=since_us)
    if changes.oldest is not None:
        say(f"warning: the journal is kept from {changes.oldest} on; what happened before is not told.")
    return changes


def _heartbeat_s(options: argparse.Namespace) -> float | None:
    from orchestrator.files.moments import duration_us

    if options.heartbeat is None:
        return None
    length_us = duration_us(options.heartbeat)
    if length_us is None or length_us < _HEARTBEAT_S_MIN * 1e6:
        raise UsageError(f"{options.heartbeat!r} is no length of time from 10ms on.", "For example: --heartbeat 5s")
    return length_us / 1e6


def _until_done(options: argparse.Namespace) -> int:
    from orchestrator.files.directory import require_directory
    from orchestrator.files.displays.watched import only_one
    from orchestrator.files.journal.tail import JournalTail
    from orchestrator.files.state.known import require_workflow
    from orchestrator.interfaces.cli.follow import to_the_end

    if not options.workflow:
        raise UsageError("--until-done needs --workflow.", "`orchestrator workflows` lists the workflows there are.")
    if len(options.workflow) > 1:
        raise UsageError("--until-done ends with one workflow.", "Name one.")
    if options.cursor:
        raise UsageError("--until-done begins at the beginning.", "Leave --from out.")
    _refuse_narrowing(options, "--until-done")
    directory = data_dir(options)
    require_directory(directory)
    tail = JournalTail(directory, from_start=True)
    workflow = only_one(directory, options.workflow[0], os.getcwd())
    require_workflow(directory, workflow)
    return to_the_end(directory, workflow, tail, lines=options.json)


def _live(options: argparse.Namespace) -> int:
    if not is_terminal() or options.json:
        raise UsageError("--live draws on a terminal.", "Without it there is a line for each change, with --json too.")
    _refuse_narrowing(options, "--live")
    if options.workflow:
        return _until_done(options)
    if options.cursor or options.until_done:
        raise UsageError("--live begins with what there is.", "Leave --from and --until-done out.")
    from orchestrator.interfaces.cli.watch_all import watch_all

    return watch_all(data_dir(options))


def _refuse_narrowing(options: argparse.Namespace, with_what: str) -> None:
    given = next((name for name in _NARROWING if getattr(options, name)), None)
    if given is not None:
        raise UsageError(f"{with_what} shows all of a workflow.", f"Leave --{given} out.")
