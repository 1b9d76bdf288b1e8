"""The service: accepts requests, forks a child for each, tells what became of it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.evaluator import child, rest, sandbox
from orchestrator.definitions.kcl import evaluate, frontend, lax, package_dir
from orchestrator.definitions.kcl.frontend import Wanted
from orchestrator.definitions.providers import load_providers
from orchestrator.definitions.shape import layers, loading
from orchestrator.definitions.taskservs import load_taskservs, machine
from orchestrator.model.errors import NotFound, OrchestratorError, UsageError
from orchestrator.model.limits import DEFINITION_BYTES_MAX, REQUEST_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

#: Without a request for so long, the service ends.
IDLE_S = 300.0

#: An evaluation may take so long.
WALL_S = 5.0

#: Time between two looks whether the socket is still there; without it nobody will ever ask again.
_LOOK_S = 5.0

_LENGTH = struct.Struct("!I")


class _Job:
    """A child at work for one client."""

    def __init__(self, client: socket.socket, request: dict[str, Any], digest: str) -> None:
        self.client = client
        self.request = request
        self.digest = digest
        self.began = time.monotonic()
        self.pid = 0
        self.output = b""
        self.timed_out = False
        #: What its child does, given the file descriptor to answer on.
        self.work: Callable[[int], object] = lambda _: None


class Service:
    """Listens at `path` until it has been idle for `idle_s`."""

    def __init__(self, path: str, idle_s: float = IDLE_S) -> None:
        self._path = path
        self._idle_s = idle_s
        self._selector: selectors.BaseSelector
        self._jobs: dict[int, _Job] = {}
        self._incoming: dict[socket.socket, bytes] = {}
        self._package = package_dir()
        self._lax = f"{path}.lax/workflows"
        self._busy = time.monotonic()

    def run(self) -> None:
        """Serve. Returns when idle, or at once if another service has the path.

        The process that was started ends as soon as requests are taken, and another goes on: whoever started it
        waits for its end, knows by its exit code whether it is ready, and has no child left to bury.
        """
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(os.path.dirname(self._lax), ignore_errors=True)
        os.mkdir(os.path.dirname(self._lax), 0o700)
        lax.write_package(self._package, self._lax)
        evaluate.warm_up()
        listener = self._listen()
        if os.fork():
            os._exit(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        place = os.stat(self._path)
        while self._jobs or self._incoming or time.monotonic() - self._busy < self._idle_s:
            self._turn()
            if not _is_still(self._path, place):
                return
        os.unlink(self._path)
        shutil.rmtree(os.path.dirname(self._lax), ignore_errors=True)

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        temporary = f"{self._path}.{os.getpid()}"
        listener.bind(temporary)
        listener.listen(64)
        os.rename(temporary, self._path)
        return listener

    def _turn(self) -> None:
        now = time.monotonic()
        due = [job.began + WALL_S for job in self._jobs.values() if not job.timed_out]
        wait = min([*due, self._busy + self._idle_s, now + _LOOK_S]) - now
        for key, _ in self._selector.select(max(0.0, wait)):
            key.data()
        for job in self._jobs.values():
            if not job.timed_out and time.monotonic() - job.began >= WALL_S:
                job.timed_out = True
                os.killpg(job.pid, signal.SIGKILL)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = listener.accept()
            client.setblocking(False)
            self._incoming[client] = b""
            self._selector.register(client, selectors.EVENT_READ, lambda: self._receive(client))

    def _receive(self, client: socket.socket) -> None:
        try:
            data = client.recv(1 << 16)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        content = self._incoming[client] + data
        whole = len(content) >= _LENGTH.size and len(content) >= _LENGTH.size + _LENGTH.unpack_from(content)[0]
        if not data or whole or len(content) > REQUEST_BYTES_MAX:
            self._selector.unregister(client)
            del self._incoming[client]
        if whole:
            self._begin(client, json.loads(content[_LENGTH.size :]))
        elif not data or len(content) > REQUEST_BYTES_MAX:
            client.close()
        else:
            self._incoming[client] = content

    def _begin(self, client: socket.socket, request: dict[str, Any]) -> None:
        self._busy = time.monotonic()
        if "remaining" in request:
            self._begin_remaining(client, request)
            return
        try:
            source = _read(request["path"])
            providers = load_providers(request["data_dir"])
            services = load_taskservs(request["data_dir"])
        except OrchestratorError as error:
            self._send(client, {"error": {"code": error.code, "message": error.message, "help": error.help}})
            return
        environment = request.get("environment") or ""
        wanted = Wanted(
            request["path"],
            source,
            self._package,
            self._lax,
            providers,
            request["options"],
            request["name"],
            request["strict"],
            request["want_plan"],
            request.get("simulate"),
            environment=environment,
            layer=layers.find(request["path"], environment, request.get("layer")),
            resolved=bool(request.get("resolved")),
            check=bool(request.get("check")),
            dry_run=bool(request.get("dry_run")),
            services=services,
            machine=machine.measure(request["data_dir"] or os.path.dirname(request["path"])),
        )
        job = _Job(client, request, _digest(source))
        job.work = lambda fd: child.run(lambda: frontend.report(wanted), fd, self._readable(request["path"]))
        self._fork(job)

    def _begin_remaining(self, client: socket.socket, request: dict[str, Any]) -> None:
        folder, told = request["path"], request["remaining"]
        job = _Job(client, request, "")
        job.work = lambda fd: child.run(
            lambda: rest.report(folder, told["assumptions"], told["elapsed_ms"]), fd, [folder]
        )
        self._fork(job)

    def _readable(self, path: str) -> list[str]:
        folder = os.path.dirname(path)
        root = folder
        while not os.path.exists(f"{root}/kcl.mod") and root != os.path.dirname(root):
            root = os.path.dirname(root)
        return [self._package, self._lax, root if os.path.exists(f"{root}/kcl.mod") else folder]

    def _fork(self, job: _Job) -> None:
        reader, writer = os.pipe()
        job.pid = os.fork()
        if job.pid == 0:
            os.close(reader)
            self._close_in_child()
            job.work(writer)
        os.close(writer)
        os.set_blocking(reader, False)
        self._jobs[reader] = job
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._collect(reader))

    def _close_in_child(self) -> None:
        """The child must not hold the sockets of others: they would not see this service end."""
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
        for job in self._jobs.values():
            job.client.detach()

    def _collect(self, reader: int) -> None:
        job = self._jobs[reader]
        try:
            data = os.read(reader, 1 << 20)
        except BlockingIOError:
            return
        if data:
            job.output += data
            return
        self._selector.unregister(reader)
        os.close(reader)
        del self._jobs[reader]
        _, status = os.waitpid(job.pid, 0)
        self._busy = time.monotonic()
        if job.output == child.NEEDS_ENGINE:
            loading.load()
            job.output = b""
            self._fork(job)
            return
        self._send(job.client, _finished(job, status))

    def _send(self, client: socket.socket, reply: dict[str, Any]) -> None:
        content = json.dumps(reply).encode()
        client.settimeout(WALL_S)
        with contextlib.suppress(OSError), client:  # a client that went away misses nothing
            client.sendall(_LENGTH.pack(len(content)) + content)


def _is_still(path: str, place: os.stat_result) -> bool:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (place.st_dev, place.st_ino)


def _read(path: str) -> bytes:
    """The definition, one byte more than allowed at most: what is too large is told as such later."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        help_text = "Check the path." if isinstance(error, FileNotFoundError) else "Check its mode and its owner."
        raise NotFound(f"Definition {path} cannot be read: {os.strerror(error.errno or 0)}.", help_text) from error
    try:
        with os.fdopen(fd, "rb") as file:
            return file.read(DEFINITION_BYTES_MAX + 1) or b""
    except OSError as error:
        raise NotFound(f"Definition {path} cannot be read: {os.strerror(error.errno or 0)}.") from error


def _digest(source: bytes) -> str:
    import hashlib

    return "sha256:" + hashlib.sha256(source).hexdigest()


def _finished(job: _Job, status: int) -> dict[str, Any]:
    elapsed_ms = round((time.monotonic() - job.began) * 1000, 3)
    report = _report_of(job, status)
    if "bug" in report:
        return {"error": {"code": "orch::validate::bug", "message": report["bug"], "help": ""}}
    if "refused" in report:
        return {"error": report["refused"]}
    if "remaining" in report:
        return report
    found = report.pop("diagnostics") + _missing_files(report.pop("files"))
    if job.request["digest"] not in (None, job.digest):
        message = "the file has changed since it was submitted"
        found.append(diagnostics.make("WF014", message, Text(job.request["path"], ""), help="Submit it again."))
    found = diagnostics.in_order(found)
    errors = [one for one in found if one["severity"] == "error"]
    warnings = [one for one in found if one["severity"] == "warning"]
    return {
        "format": "1.0",
        "valid": not errors and not (job.request["strict"] and warnings),
        "errors": errors,
        "warnings": warnings,
        "elapsed_ms": elapsed_ms,
        "digest": job.digest,
        **report,
    }


def _report_of(job: _Job, status: int) -> dict[str, Any]:
    if os.WIFEXITED(status) and job.output:
        return dict(json.loads(job.output))
    text = Text(job.request["path"], "")
    if job.timed_out or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        told = diagnostics.make(
            "WF090", f"evaluation was ended after {WALL_S:g} s", text, help="Is there a loop over too much?"
        )
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGABRT:
        name = signal.Signals(os.WTERMSIG(status)).name
        told = diagnostics.make(
            "WF091", f"evaluation ended itself ({name})", text, help="Most likely a recursion that goes too deep."
        )
    else:
        most = sandbox.MEMORY_BYTES >> 20
        told = diagnostics.make("WF092", f"evaluation needed more than {most} MiB", text, help="Compute less.")
    return {
        "file": job.request["path"],
        "workflows": [],
        "diagnostics": [told],
        "files": {},
        "definition": job.request["path"],
        "sources": [],
    }


def _missing_files(files: dict[str, Any]) -> list[Any]:
    return [told for path, told in files.items() if not os.path.exists(os.path.expanduser(path))]


def check_folder(path: str) -> None:
    """Make sure that the folder of the socket is this user's alone.

    Raises:
        UsageError: somebody else could reach into it.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid != os.geteuid() or found.st_mode & 0o077 or not os.path.isdir(folder) or os.path.islink(folder):
        raise UsageError(f"{folder} is not a private folder of this user.", "Remove it, or set XDG_RUNTIME_DIR.")
