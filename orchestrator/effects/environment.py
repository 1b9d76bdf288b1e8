"""The environment of an attempt: what of the daemon's own it sees, and what it is told about itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The three variables by which a process is known to belong to an attempt.
TASK = "ORCH_TASK_ID"
ATTEMPT = "ORCH_ATTEMPT"
DATA_DIR = "ORCH_DATA_DIR"

#: Variables with this prefix are ours: those of the daemon itself (an attempt of another daemon may have started
#: it) say nothing about the attempts it starts.
_OWN_PREFIX = "ORCH_"

#: Settings of providers, which the operator gives to the daemon.
_PASSED_ON = frozenset({"ORCH_LOCAL_ROOT"})

#: What a service manager tells the daemon and nobody else: sockets, credentials, where to report.
_DAEMON_ONLY = frozenset(
    {
        "CREDENTIALS_DIRECTORY",
        "FDSTORE",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "LISTEN_FDNAMES",
        "LISTEN_FDS",
        "LISTEN_PID",
        "MAINPID",
        "MANAGERPID",
        "MEMORY_PRESSURE_WATCH",
        "MEMORY_PRESSURE_WRITE",
        "NOTIFY_SOCKET",
        "SYSTEMD_EXEC_PID",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
    }
)

_KEY_DIGITS = 32


def base_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What an attempt inherits of the daemon's environment."""
    return {
        name: value
        for name, value in environ.items()
        if name in _PASSED_ON or not (name.startswith(_OWN_PREFIX) or name in _DAEMON_ONLY)
    }


def idempotency_key(task: str, *, undo: bool) -> str:
    """32 hex digits, the same for all attempts of doing a task, and another for all attempts of undoing it (A-59)."""
    action = "undo" if undo else "do"
    return hashlib.sha256(f"{task}/{action}".encode("utf-8", "surrogatepass")).hexdigest()[:_KEY_DIGITS]


def attempt_environment(
    *,
    workflow: str,
    task: str,
    operation: str,
    type: str,
    target: str,
    item: str,
    provider: str,
    attempt: int,
    undo: bool,
    origin: str,
    data_dir: str,
    provider_dir: str,
    definition_dir: str,
) -> dict[str, str]:
    """The variables that tell a command which attempt it is.

    `provider_dir` holds the provider's own files, `definition_dir` is where the definition came from. `origin` is the
    workflow whose attempt did what this one undoes: another one if its results were taken over.
    """
    return {
        "ORCH_WORKFLOW_ID": workflow,
        "ORCH_ORIGIN_WORKFLOW_ID": origin,
        TASK: task,
        "ORCH_OPERATION": operation,
        "ORCH_TYPE": type,
        "ORCH_TARGET": target,
        "ORCH_ITEM": item,
        "ORCH_PROVIDER": provider,
        ATTEMPT: str(attempt),
        "ORCH_IDEMPOTENCY_KEY": idempotency_key(task, undo=undo),
        DATA_DIR: data_dir,
        "ORCH_PROVIDER_DIR": provider_dir,
        "ORCH_DEFINITION_DIR": definition_dir,
    }
