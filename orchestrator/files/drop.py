"""Leaving a request for the daemon and waiting for its answer: the only thing a client ever writes."""

import os
import time

from orchestrator.files import layout
from orchestrator.files.locate import is_ours
from orchestrator.files.lock import is_held
from orchestrator.model.errors import DefinitionInvalid, NoDaemon, NoReply, Refused
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_POLL_S = 0.001
_POLL_MAX_S = 0.02


def send(
    data_dir: str,
    command: str,
    arguments: "dict[str, Any]",
    *,
    by: "str | None" = None,
    timeout_s: float = 30.0,
    key: "str | None" = None,
) -> "dict[str, Any]":
    """The result of `command`, as ARCHITECTURE.md lists it.

    Raises:
        NoDaemon: nobody would read it; nothing was written.
        NoReply: no answer came in time; the request expires by itself.
        Refused, DefinitionInvalid: the daemon's answer.
    """
    if not (is_ours(data_dir) and is_held(data_dir)):
        raise NoDaemon(
            f"No daemon runs on {data_dir}.", f"Start one: orchestrator serve --data-dir {data_dir} (or use `run`)."
        )
    key = key or f"{command}-{os.urandom(8).hex()}"
    content = request_bytes(key, command, arguments, by or _user(), time.time_ns() // 1000, timeout_s)
    inbox = f"{data_dir}/{layout.INBOX}"
    fd = os.open(f"{inbox}/.{key}.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, layout.FILE_MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    os.rename(f"{inbox}/.{key}.tmp", f"{inbox}/{key}.json")
    return _result(_await_reply(data_dir, key, timeout_s))


def request_bytes(
    key: str, command: str, arguments: "dict[str, Any]", by: str, now_us: int, timeout_s: float
) -> bytes:
    """The content of a request file; it expires `timeout_s` after `now_us` (microseconds since 1970)."""
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
    return json.dumps(request).encode()


def _await_reply(data_dir: str, key: str, timeout_s: float) -> "dict[str, Any]":
    import json

    path = f"{data_dir}/{layout.REPLIES}/{key}.json"
    end, pause = time.monotonic() + timeout_s, _POLL_S
    while True:
        try:
            with open(path, "rb") as file:
                return dict(json.load(file))
        except FileNotFoundError:
            if time.monotonic() >= end:
                raise NoReply(f"The daemon of {data_dir} did not answer within {timeout_s:g} s.") from None
        time.sleep(pause)
        pause = min(pause * 1.2, _POLL_MAX_S)


def _result(reply: "dict[str, Any]") -> "dict[str, Any]":
    if reply["ok"]:
        return dict(reply["result"])
    error = reply["error"]
    if error["code"] == DefinitionInvalid.code:
        raise DefinitionInvalid(error["message"], error["help"], error["diagnostics"])
    raise Refused(error["message"], error["help"])


def _user() -> str:
    return os.environ.get("USER") or f"uid {os.getuid()}"
