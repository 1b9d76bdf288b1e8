"""Submit a definition and follow it to its end; starts a daemon for that if none runs.

The exit code tells the outcome: 0 if the workflow succeeded. Ctrl-C stops following, not the workflow.

Examples:
  orchestrator run deploy.k && echo deployed
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from orchestrator.files.layout import DAEMON_LOG, STATUS_FILE
from orchestrator.files.lock import is_held
from orchestrator.interfaces.cli import submit
from orchestrator.interfaces.cli.output import data_dir, print_json, say
from orchestrator.model.errors import NoDaemon

if TYPE_CHECKING:
    import argparse

_START_S = 30.0
_POLL_S = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` takes."""
    submit.add_submission(parser)
    parser.add_argument("--json", action="store_true", help="print the final state instead of the progress")
    parser.add_argument("--max-running", type=int, metavar="N", help="of the daemon, if one is started")


def run(options: argparse.Namespace) -> int:
    """Start a daemon if there is none, submit, follow."""
    directory = data_dir(options)
    if not is_held(directory):
        start_daemon(directory, options.max_running)
    answer = submit.send(directory, options)
    if not options.json:
        workflow = answer["workflow"]
        say(f"workflow {workflow}, {answer['tasks']} tasks, files in {directory}/workflows/{workflow}")
        return submit.watch(directory, workflow)
    from orchestrator.interfaces.cli.follow import follow

    state = follow(directory, answer["workflow"], lambda _: None)
    print_json(state)
    return 0 if state["status"] == "succeeded" else 1


def start_daemon(directory: str, max_running: int | None) -> None:
    """Start a daemon on `directory` that ends when it is idle, and wait until it holds the directory.

    Raises:
        NoDaemon: it does not come up; its log says why.
    """
    command = [sys.executable, "-m", "orchestrator", "serve", "--data-dir", directory, "--until-idle"]
    if max_running is not None:
        command += ["--max-running", str(max_running)]
    os.makedirs(directory, mode=0o700, exist_ok=True)
    path = f"{directory}/{DAEMON_LOG}"
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
    os.close(log)
    os.close(null)
    end = time.monotonic() + _START_S
    while not (is_held(directory) and os.path.exists(f"{directory}/{STATUS_FILE}")):
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        if (ended and not is_held(directory)) or time.monotonic() > end:
            raise NoDaemon(f"The daemon of {directory} did not start.", f"Its log says why: {path}")
        time.sleep(_POLL_S)
