"""What a request file must be. The form is in ARCHITECTURE.md, "inbox/ and replies/"."""

from __future__ import annotations

import msgspec

from orchestrator.files.layout import FORMAT, FORMAT_MAJOR
from orchestrator.model.ids import is_safe_id
from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN
from orchestrator.model.times import parse_rfc3339


class BadRequest(ValueError):
    """The file is not a request; the text says what is wrong with it."""


class SubmitArguments(msgspec.Struct, frozen=True):
    """Run the definition at `path` (absolute); `digest` is that of the file as the client saw it."""

    path: str
    digest: str | None = None
    options: dict[str, object] = {}
    name: str | None = None
    priority: int | None = None


class CancelArguments(msgspec.Struct, frozen=True):
    """End `workflow`."""

    workflow: str


class StopArguments(msgspec.Struct, frozen=True):
    """End the daemon. `mode`: ``leave`` the children to be adopted, ``drain`` them, or ``kill`` them."""

    mode: str = "leave"


class Request(msgspec.Struct, frozen=True):
    """A request that has the right form. `arguments` is one of the classes above."""

    key: str
    command: str
    by: str
    expires_us: int
    arguments: SubmitArguments | CancelArguments | StopArguments


class _Envelope(msgspec.Struct, frozen=True):
    key: str
    command: str
    expires_at: str
    arguments: msgspec.Raw
    by: str = ""
    format: str = FORMAT


_ARGUMENTS: dict[str, type[SubmitArguments | CancelArguments | StopArguments]] = {
    "submit": SubmitArguments,
    "cancel": CancelArguments,
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


def _check(arguments: SubmitArguments | CancelArguments | StopArguments) -> None:
    match arguments:
        case SubmitArguments():
            if not arguments.path.startswith("/") or "\0" in arguments.path:
                raise BadRequest("arguments.path must be an absolute path")
            if arguments.priority is not None and not PRIORITY_MIN <= arguments.priority <= PRIORITY_MAX:
                raise BadRequest(f"arguments.priority must lie between {PRIORITY_MIN} and {PRIORITY_MAX}")
        case CancelArguments():
            if not is_safe_id(arguments.workflow):
                raise BadRequest("arguments.workflow is not a workflow id")
        case StopArguments():
            if arguments.mode not in ("leave", "drain", "kill"):
                raise BadRequest("arguments.mode must be leave, drain or kill")
