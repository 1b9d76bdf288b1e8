"""Leaving a request for the daemon and waiting for its answer: the only thing a client ever writes (ruling A-76)."""

import os
import time

from orchestrator.files import document, layout
from orchestrator.files.locate import check_directory
from orchestrator.files.lock import is_held
from orchestrator.files.permissions import explain
from orchestrator.files.users import user_name
from orchestrator.model.errors import BadId, DefinitionInvalid, NoDaemon, NoReply, Refused, UsageError
from orchestrator.model.ids import is_safe_id
from orchestrator.model.limits import FILE_BYTES_MAX, REQUEST_BYTES_MAX
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: How long an answer is waited for, and how long a request is good; an evaluation takes a few seconds at worst.
TIMEOUT_S = 60.0

#: Between two looks for the answer: at first, and when it takes longer.
_PAUSE_S = 0.001
_PAUSE_MAX_S = 0.02
_PAUSE_GROWTH = 1.2

#: Looks between two questions whether the daemon still lives.
_LOOKS_PER_QUESTION = 16


def send(
    data_dir: str,
    command: str,
    arguments: "dict[str, Any]",
    *,
    by: "str | None" = None,
    timeout_s: float = TIMEOUT_S,
    key: "str | None" = None,
) -> "dict[str, Any]":
    """The result of `command`, as ARCHITECTURE.md lists it.

    Args:
        data_dir: of the daemon that is asked.
        command: ``submit``, ``pause``, ``resume``, ``retry``, ``rollback``, ``resolve``, ``cancel`` or ``stop``.
        arguments: of the command.
        by: who asks; the user's name unless given.
        timeout_s: after it the request is void, and nobody waits for it.
        key: makes the request idempotent: sent again with the same key it is not done again. One that was refused
            is looked at anew: the definition may have been corrected.

    Raises:
        NoDaemon: nobody would read it; nothing was written.
        NoReply: no answer came in time, or the daemon went away; the request is good until it expires.
        Refused: the daemon does not do it; ``code`` is the daemon's.
        DefinitionInvalid: the definition has faults.
        FormatTooNew: a later version owns the directory.
    """
    _require_daemon(data_dir)
    key = key or f"{command}-{os.urandom(8).hex()}"
    if not is_safe_id(key):
        raise BadId(f"{key!r} cannot be the key of a request.", "Use letters, digits, hyphens; 120 at most.")
    now_us = time.time_ns() // 1000
    refused = _refusal(_reply_path(data_dir, key))
    _leave(data_dir, key, request_bytes(key, command, arguments, by or user_name(), now_us, timeout_s))
    return _result(_await_reply(data_dir, key, timeout_s, refused))


def request_bytes(key: str, command: str, arguments: "dict[str, Any]", by: str, now_us: int, timeout_s: float) -> bytes:
    """The content of a request file; it expires `timeout_s` after `now_us` (microseconds since 1970).

    Raises:
        UsageError: it is larger than a daemon accepts.
    """
    import json

    request = {
        "format": layout.FORMAT,
        "key": key,
        "command": command,
        "created_at": rfc3339(now_us),
        "expires_at": rfc3339(now_us + int(timeout_s * 1_000_000)),
        "by": by,
        "arguments": arguments,
    }
    content = json.dumps(request, indent=1).encode()
    if len(content) > REQUEST_BYTES_MAX:
        raise UsageError(f"A request of {len(content)} bytes is too large.", f"{REQUEST_BYTES_MAX} are accepted.")
    return content


def _require_daemon(data_dir: str) -> None:
    if not (check_directory(data_dir) and is_held(data_dir)):
        raise NoDaemon(f"No daemon runs on {data_dir}.", f"Start one: orchestrator serve --data-dir {data_dir}")


def _leave(data_dir: str, key: str, content: bytes) -> None:
    """Put the request into the inbox in one step, so that the daemon never sees half of it."""
    inbox = f"{data_dir}/{layout.INBOX}"
    temporary = f"{inbox}/.{key}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        fd = os.open(temporary, flags, layout.FILE_MODE)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
            os.rename(temporary, f"{inbox}/{key}.json")
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        why, remedy = explain(error, inbox)
        raise NoDaemon(f"The request cannot be left in {inbox}: {why}.", remedy) from error


def _reply_path(data_dir: str, key: str) -> str:
    return f"{data_dir}/{layout.REPLIES}/{key}.json"


def _refusal(path: str) -> "tuple[int, int] | None":
    """Which file at `path` is an earlier refusal, None if there is none."""
    try:
        found = os.stat(path)
        return None if document.load(path, FILE_BYTES_MAX).get("ok") else (found.st_ino, found.st_mtime_ns)
    except (OSError, document.Malformed):
        return None


def _has_come(path: str, refused: "tuple[int, int] | None") -> bool:
    """Whether there is an answer at `path` that is not the one `refused`."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return (found.st_ino, found.st_mtime_ns) != refused


def _await_reply(data_dir: str, key: str, timeout_s: float, refused: "tuple[int, int] | None") -> "dict[str, Any]":
    """The answer, once there is one that is not the file `refused`."""
    path = _reply_path(data_dir, key)
    end, pause, looks = time.monotonic() + timeout_s, _PAUSE_S, 0
    while True:
        try:
            if refused is None or _has_come(path, refused):
                return document.load(path, FILE_BYTES_MAX)
        except FileNotFoundError:
            pass
        except (OSError, document.Malformed) as error:
            raise NoReply(f"The daemon's answer {path} cannot be read: {error}.") from error
        looks += 1
        if time.monotonic() >= end:
            raise NoReply(
                f"The daemon of {data_dir} did not answer request {key} within {timeout_s:g} s.",
                "The request has expired and will not be carried out. See daemon.log.",
            )
        if looks % _LOOKS_PER_QUESTION == 0 and not is_held(data_dir) and not _has_come(path, refused):
            raise NoReply(
                f"The daemon of {data_dir} ended before it answered request {key}.",
                f"The next one will carry it out if it starts within {timeout_s:g} s of now.",
            )
        time.sleep(pause)
        pause = min(pause * _PAUSE_GROWTH, _PAUSE_MAX_S)


def _result(reply: "dict[str, Any]") -> "dict[str, Any]":
    if reply.get("ok"):
        return dict(reply["result"])
    error = reply["error"]
    if error["code"] == DefinitionInvalid.code:
        raise DefinitionInvalid(error["message"], error["help"], error["diagnostics"])
    refused = Refused(error["message"], error["help"])
    refused.code = error["code"]
    raise refused
