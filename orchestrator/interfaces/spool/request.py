"""What a request file must be. The form is in ARCHITECTURE.md, "inbox/ and replies/"."""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrator.files.layout import FORMAT, FORMAT_MAJOR
from orchestrator.model.ids import is_safe_id
from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN
from orchestrator.model.times import parse_rfc3339

#: More than the longest id of a task; it is looked up, and never part of a path.
_TASK_LENGTH_MAX = 1000


class BadRequest(ValueError):
    """The file is not a request; the text says what is wrong with it."""


class SubmitArguments(msgspec.Struct, frozen=True):
    """Run the definition at `path` (absolute); `digest` is that of the file as the client saw it.

    `environment` and `layer` choose its values (`--env`, `--layer`). `check` runs its checks instead of its actions.
    `continues`: a workflow that is over, whose results are taken over where they still are what this definition asks.
    """

    path: str
    digest: str | None = None
    options: dict[str, object] = {}
    name: str | None = None
    priority: int | None = None
    environment: str | None = None
    layer: str | None = None
    check: bool = False
    continues: str | None = None


class CancelArguments(msgspec.Struct, frozen=True):
    """End `workflow`."""

    workflow: str


class PauseArguments(msgspec.Struct, frozen=True):
    """Start nothing new of `workflow`; with `now`, also stop what runs, to be begun again on resuming."""

    workflow: str
    now: bool = False


class ResumeArguments(msgspec.Struct, frozen=True):
    """Go on with a paused `workflow`."""

    workflow: str


class RetryArguments(msgspec.Struct, frozen=True):
    """Run tasks of `workflow` again; without more, all that have not succeeded.

    At most one of these: `operation`: it and all that depends on it. `tasks`: these task ids. `failed_only`: what
    failed or timed out itself. `everything`: successes, too.
    """

    workflow: str
    operation: str | None = None
    tasks: list[str] = []
    failed_only: bool = False
    everything: bool = False


class RollbackArguments(msgspec.Struct, frozen=True):
    """Undo what `workflow` did; with `to`, only what it did after that restore point."""

    workflow: str
    to: str | None = None


class ResolveArguments(msgspec.Struct, frozen=True):
    """Say how an ``unknown`` `task` ended: ``succeeded`` or ``failed``."""

    task: str
    outcome: Literal["succeeded", "failed"]


class StopArguments(msgspec.Struct, frozen=True):
    """End the daemon. `mode`: ``leave`` the children to be adopted, ``drain`` them, or ``kill`` them."""

    mode: str = "leave"


Arguments = (
    SubmitArguments
    | CancelArguments
    | PauseArguments
    | ResumeArguments
    | RetryArguments
    | RollbackArguments
    | ResolveArguments
    | StopArguments
)


class Request(msgspec.Struct, frozen=True):
    """A request that has the right form. `arguments` is one of the classes above."""

    key: str
    command: str
    by: str
    expires_us: int
    arguments: Arguments


class _Envelope(msgspec.Struct, frozen=True):
    key: str
    command: str
    expires_at: str
    arguments: msgspec.Raw
    by: str = ""
    format: str = FORMAT


_ARGUMENTS: dict[str, type[Arguments]] = {
    "submit": SubmitArguments,
    "cancel": CancelArguments,
    "pause": PauseArguments,
    "resume": ResumeArguments,
    "retry": RetryArguments,
    "rollback": RollbackArguments,
    "resolve": ResolveArguments,
    "stop": StopArguments,
}


def parse(content: bytes, key: str) -> Request:
    """The request in `content`, the file being named after `key`.

    Raises:
        BadRequest: it has another form, or says things that cannot be.
    """
    try:
        envelope = msgspec.json.decode(content, type=_Envelope)
        if envelope.format.split(".", 1)[0] != str(FORMAT_MAJOR):
            raise BadRequest(f"it has format {envelope.format}; this daemon knows {FORMAT}")
        kind = _ARGUMENTS.get(envelope.command)
        if kind is None:
            raise BadRequest(f"there is no command {envelope.command!r}; there are {', '.join(_ARGUMENTS)}")
        arguments = msgspec.json.decode(envelope.arguments, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(str(error)) from error
    try:
        expires_us = parse_rfc3339(envelope.expires_at)
    except ValueError as error:
        raise BadRequest(f"expires_at: {error}") from error
    if envelope.key != key:
        raise BadRequest(f"its key is {envelope.key!r}, its file is named {key!r}")
    _check(arguments)
    return Request(key, envelope.command, envelope.by[:100], expires_us, arguments)


def _check(arguments: Arguments) -> None:
    match arguments:
        case SubmitArguments():
            _check_submission(arguments)
        case StopArguments():
            if arguments.mode not in ("leave", "drain", "kill"):
                raise BadRequest("arguments.mode must be leave, drain or kill")
        case ResolveArguments():
            if not 0 < len(arguments.task) <= _TASK_LENGTH_MAX:
                raise BadRequest("arguments.task is not a task id")
        case _:
            if not is_safe_id(arguments.workflow):
                raise BadRequest("arguments.workflow is not a workflow id")
            if isinstance(arguments, RetryArguments):
                _check_retry(arguments)


def _check_submission(arguments: SubmitArguments) -> None:
    for path in (arguments.path, arguments.layer or "/"):
        if not path.startswith("/") or "\0" in path:
            raise BadRequest("arguments.path and arguments.layer must be absolute paths")
    if arguments.priority is not None and not PRIORITY_MIN <= arguments.priority <= PRIORITY_MAX:
        raise BadRequest(f"arguments.priority must lie between {PRIORITY_MIN} and {PRIORITY_MAX}")
    if arguments.continues is not None and not is_safe_id(arguments.continues):
        raise BadRequest("arguments.continues is not a workflow id")


def _check_retry(arguments: RetryArguments) -> None:
    chosen = (arguments.operation, arguments.tasks, arguments.failed_only, arguments.everything)
    if sum(map(bool, chosen)) > 1:
        raise BadRequest("of arguments.operation, tasks, failed_only and everything only one can be given")
