"""Asking the evaluator process what it thinks of a definition; starting the process if nobody has.

Whoever calls this never evaluates anything itself: a definition can crash, hang or fill the process it is
evaluated in. The process is described in `orchestrator.definitions.evaluator`.
"""

import os
import sys
import time

from orchestrator import __version__
from orchestrator.model.errors import NotFound, UsageError, ValidatorUnavailable, WorkflowUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: How long a start of the process may take; it is a fraction of a second when the machine has nothing else to do.
_START_S = 20.0
_POLL_S = 0.005

#: Longer than an evaluation may take, with the wait for others.
TIMEOUT_S = 30.0


def evaluate(
    path: str,
    *,
    strict: bool = False,
    options: "Mapping[str, Any] | None" = None,
    name: "str | None" = None,
    data_dir: "str | None" = None,
    digest: "str | None" = None,
    want_plan: bool = False,
    simulate: "Mapping[str, Any] | None" = None,
    environment: "str | None" = None,
    layer: "str | None" = None,
    resolved: bool = False,
    check: bool = False,
    dry_run: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> "dict[str, Any]":
    """The report about the definition at `path` (absolute): see ARCHITECTURE.md, "Reports".

    Bad definitions are no errors here; the report says what is wrong with them.

    Args:
        path: of the file.
        strict: warnings make it invalid, and more is warned about.
        options: {name: value} for the file's ``option()`` calls.
        name: which workflow of several, by variable or name; only matters with `want_plan`.
        data_dir: whose provider files count beside the built-in ones.
        digest: of the file as the asker saw it, ``sha256:...``; another file is an error in the report.
        want_plan: also give the plan, its waves and the sources to pin.
        simulate: also give ``forecast``, how it would run under these assumptions (`orchestrator.forecast`; the
            same names, as plain values). Includes `want_plan`.
        environment: what its values are for (``--env``): ``<definition>.<environment>.yaml`` is laid over them.
        layer: path of the file to be laid over them instead.
        resolved: also give ``resolved``, where each value comes from: a list of {path, value, origin}.
        check: the plan is that of its checks (`orchestrator.plan.drift`); only matters with `want_plan`.
        dry_run: instead of ``forecast`` give ``dry_run``, what there is to know before it runs (docs/simulate.md), and
            of ``resolved`` at least what comes from an option, an environment or a layer. Includes `simulate`.
        timeout_s: seconds to wait for an answer.

    Raises:
        NotFound: there is no such file, or it cannot be read.
        UsageError: a provider file is wrong, or an assumption of `simulate`.
        ValidatorUnavailable: the process cannot be started or does not answer.
    """
    request = {
        "path": os.path.abspath(path),
        "strict": strict,
        "options": dict(options or {}),
        "name": name,
        "data_dir": data_dir,
        "digest": digest,
        "want_plan": want_plan or dry_run or simulate is not None,
        "simulate": None if simulate is None else dict(simulate),
        "environment": environment,
        "layer": None if layer is None else os.path.abspath(layer),
        "resolved": resolved,
        "check": check,
        "dry_run": dry_run,
    }
    return _answered(_ask(request, timeout_s))


def remaining(
    folder: str, assumptions: "Mapping[str, Any]", elapsed_ms: "Mapping[str, int]", *, timeout_s: float = TIMEOUT_S
) -> "dict[str, Any]":
    """How long the workflow whose files lie in `folder` (absolute) still takes: `orchestrator.forecast.Remaining`.

    Args:
        folder: with its plan and its state.
        assumptions: as of `evaluate`.
        elapsed_ms: {"operation/provider/item": milliseconds since the attempt of a running task began, or since the
            last attempt ended of one that waits for its next}.
        timeout_s: seconds to wait for an answer.

    Raises:
        UsageError: an assumption means nothing.
        WorkflowUnreadable: its files cannot be read.
        ValidatorUnavailable: the process cannot be started or does not answer.
    """
    request = {"path": folder, "remaining": {"assumptions": dict(assumptions), "elapsed_ms": dict(elapsed_ms)}}
    reply = _answered(_ask(request, timeout_s))
    if "remaining" not in reply:
        raise ValidatorUnavailable("The evaluator could not look that far ahead.", "Is the workflow very large?")
    return dict(reply["remaining"])


def _answered(reply: "dict[str, Any]") -> "dict[str, Any]":
    """The reply, unless it is an error, which is raised."""
    error = reply.get("error")
    if error is None:
        return reply
    for kind in (NotFound, UsageError, WorkflowUnreadable):
        if error["code"] == kind.code:
            raise kind(error["message"], error["help"])
    raise ValidatorUnavailable(f"The evaluator failed: {error['message']}", error["help"])


def socket_path() -> str:
    """Where the evaluator of this user and installation listens."""
    import zlib

    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = f"{base}/orchestrator" if base and os.path.isdir(base) else f"/tmp/orchestrator-{os.geteuid()}"  # noqa: S108
    package = os.path.dirname(__file__)
    own = zlib.crc32(f"{sys.prefix}:{package}:{os.stat(package).st_ino}:{__version__}".encode())
    return f"{folder}/evaluator-{own:08x}.sock"


def _ask(request: "dict[str, Any]", timeout_s: float) -> "dict[str, Any]":
    import json
    import struct

    content = json.dumps(request).encode()
    path = socket_path()
    for _ in range(2):  # a second time if the process ended, idle, just as it was asked
        connection = _connect(path)
        try:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack("!I", len(content)) + content)
            head = _receive(connection, 4)
            return dict(json.loads(_receive(connection, struct.unpack("!I", head)[0])))
        except TimeoutError:
            raise ValidatorUnavailable(f"The evaluator did not answer within {timeout_s:g} s.") from None
        except (ConnectionError, EOFError):
            continue
        finally:
            connection.close()
    raise ValidatorUnavailable("The evaluator ended without an answer, twice.", "Is the machine out of memory?")


def _receive(connection: "Any", size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _connect(path: str) -> "Any":
    import socket

    started = False
    end = time.monotonic() + _START_S
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _check_owner(path)
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
        else:
            return connection
        if not started:
            _start(path)
            started = True
        elif time.monotonic() >= end:
            raise ValidatorUnavailable(f"The evaluator did not start within {_START_S:g} s.", _how_to_see(path))
        else:  # another one was quicker, and is not ready yet
            time.sleep(_POLL_S)


def _check_owner(path: str) -> None:
    found = os.lstat(os.path.dirname(path))
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ValidatorUnavailable(
            f"{os.path.dirname(path)} is not a private folder of this user.", "Remove it, or set XDG_RUNTIME_DIR."
        )


def _start(path: str) -> None:
    """Start the process in a session of its own, and wait until it takes requests."""
    command = [sys.executable, "-m", "orchestrator.definitions.evaluator", path]
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
        pid = os.posix_spawn(sys.executable, command, environment, file_actions=actions, setsid=True)
        _, status = os.waitpid(pid, 0)
    except OSError as error:
        raise ValidatorUnavailable(
            f"The evaluator cannot be started with {sys.executable}: {os.strerror(error.errno or 0)}.",
            "Is the installation complete? Try: python -m orchestrator.definitions.evaluator",
        ) from error
    finally:
        os.close(null)
    if status != 0:
        raise ValidatorUnavailable(
            "The evaluator does not start; is kcl-lib installed for this Python?", _how_to_see(path)
        )


def _how_to_see(path: str) -> str:
    return f"See why: {sys.executable} -m orchestrator.definitions.evaluator {path}"
