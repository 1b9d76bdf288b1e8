"""Submit a definition and follow it to its end; starts a daemon for that if none runs.

The exit code tells the outcome: 0 only if the workflow succeeded. Ctrl-C stops following, not the workflow. A daemon
that was started here ends when nothing is left to do; what it says is in daemon.log of the data directory.

Examples:
  orchestrator run deploy.k && echo deployed
  orchestrator run deploy.k --data-dir /tmp/try --max-running 4
  orchestrator run deploy.k --json | jq -r .metrics.retries
"""

from __future__ import annotations

import os
import sys
import time

from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.layout import DAEMON_LOG, FILE_MODE, STATUS_FILE
from orchestrator.files.lock import is_held
from orchestrator.interfaces.cli.arguments import positive
from orchestrator.interfaces.cli.output import data_dir
from orchestrator.interfaces.cli.submission import add_submission, announce, send, submission
from orchestrator.model.errors import NoDaemon, NoReply

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

#: A start replays the whole journal.
_START_S = 60.0
_POLL_S = 0.01

#: Daemons that may end, idle, just as they are asked, before that is no accident any more.
_DAEMONS_MAX = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `run` takes."""
    add_submission(parser)
    parser.add_argument("--json", action="store_true", help="print the final state instead of the progress")
    parser.add_argument("--max-running", type=positive, metavar="N", help="tasks at a time, if a daemon is started")


def run(options: argparse.Namespace) -> int:
    """Start a daemon if there is none, submit, follow."""
    from orchestrator.interfaces.cli.follow import to_the_end

    directory, wanted = data_dir(options), submission(options)
    tail = JournalTail(directory)
    answer = _hand_in(directory, wanted, options.max_running)
    announce(directory, answer)
    return to_the_end(directory, answer["workflow"], tail, state=options.json)


def start_daemon(directory: str, max_running: int | None = None) -> None:
    """Start a daemon on `directory` that ends when it is idle, and wait until one holds the directory.

    Raises:
        NoDaemon: it does not come up; the message holds its last words.
        UsageError, FormatTooNew: the directory is no place for it; nothing was started.
    """
    from orchestrator.store.directory import prepare
    from orchestrator.store.realdisk import RealDisk

    prepare(RealDisk(), directory)
    command = [sys.executable, "-m", "orchestrator", "serve", "--data-dir", directory, "--until-idle"]
    if max_running is not None:
        command += ["--max-running", str(max_running)]
    path = f"{directory}/{DAEMON_LOG}"
    log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    try:
        begin = os.fstat(log).st_size
        pid = _spawn(command, log)
        if not _is_up(directory, pid):
            words = os.pread(log, 4096, begin).decode("utf-8", "replace").strip().split("\n")
            raise NoDaemon(f"The daemon of {directory} did not start: {' / '.join(words)[-1000:]}", f"See {path}")
    finally:
        os.close(log)


def _hand_in(directory: str, wanted: dict[str, Any], max_running: int | None) -> dict[str, Any]:
    """The answer to the submission. A daemon that ends just as it is asked is followed by another, asked the same."""
    key = f"run-{os.urandom(8).hex()}"
    for _ in range(_DAEMONS_MAX):
        if not is_held(directory):
            start_daemon(directory, max_running)
        try:
            return send(directory, wanted, key)
        except (NoDaemon, NoReply):
            if is_held(directory):
                raise
    raise NoDaemon(f"{_DAEMONS_MAX} daemons of {directory} ended before they answered.", "daemon.log says why.")


def _spawn(command: list[str], log: int) -> int:
    """Its process id. It has a session of its own: Ctrl-C here is not for it."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        return os.posix_spawn(sys.executable, command, os.environ, file_actions=actions, setsid=True)
    finally:
        os.close(null)


def _is_up(directory: str, pid: int) -> bool:
    """Wait until a daemon holds `directory`, this one or another that was quicker; False if none comes."""
    end = time.monotonic() + _START_S
    ended = False
    while not (is_held(directory) and os.path.exists(f"{directory}/{STATUS_FILE}")):
        if (ended and not is_held(directory)) or time.monotonic() > end:
            return False
        ended = ended or os.waitpid(pid, os.WNOHANG)[0] == pid
        time.sleep(_POLL_S)
    return True
