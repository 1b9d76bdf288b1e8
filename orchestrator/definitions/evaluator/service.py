"""The service: accepts requests, forks a child for each, tells what became of it.

Nobody's request, file or silence ends it or holds it up: what fails is answered to the one who asked, and noted in the
log beside the socket.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import time
import traceback
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics, regular_file
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.evaluator import child, rest, sandbox
from orchestrator.definitions.evaluator.clients import Clients
from orchestrator.definitions.evaluator.spare import SAMPLE, SAMPLE_PATH, Spare
from orchestrator.definitions.kcl import evaluate, frontend, lax, package_dir
from orchestrator.definitions.kcl.frontend import Wanted
from orchestrator.definitions.providers import load_providers
from orchestrator.definitions.shape import layers, loading
from orchestrator.definitions.taskservs import load_taskservs, machine
from orchestrator.model.errors import NotFound, OrchestratorError, UsageError
from orchestrator.model.limits import DEFINITION_BYTES_MAX, FILE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.definitions.evaluator.clients import Client

#: Without a request for so long, the service ends.
IDLE_S = 300.0

#: An evaluation may take so long.
WALL_S = 5.0

#: Time between two looks whether the socket is still there; without it nobody will ever ask again.
_LOOK_S = 5.0

#: Bytes of an answer of a child; it holds a plan and the sources, which are bounded likewise.
_REPORT_BYTES_MAX = FILE_BYTES_MAX

#: What a failure of this program's own is called.
_BUG = "orch::validate::bug"

#: Bytes of the log; what is older is forgotten.
_LOG_BYTES_MAX = 1 << 20

#: After a failure that nobody asked for (too many open files) it may be the same again at once.
_FAILED_S = 0.05

#: When no child can be made ready, it is tried again after so long.
_SPARE_AGAIN_S = 1.0


class _Job:
    """A child at work for one client."""

    def __init__(self, client: Client, request: dict[str, Any], digest: str) -> None:
        self.client = client
        self.request = request
        self.digest = digest
        self.began = time.monotonic()
        self.pid = 0
        self.output: list[bytes] = []
        self.size = 0
        self.timed_out = False
        self.too_large = False
        #: What its child does, given the file descriptor to answer on.
        self.work: Callable[[int], object] = lambda _: None


class Service:
    """Listens at `path` until it has been idle for `idle_s`."""

    def __init__(self, path: str, idle_s: float = IDLE_S) -> None:
        self._path = path
        self._idle_s = idle_s
        self._selector: selectors.BaseSelector
        self._jobs: dict[int, _Job] = {}
        self._clients: Clients
        self._package = package_dir()
        self._lax = f"{path}.lax/workflows"
        self._busy = time.monotonic()
        self._spare: Spare | None = None
        self._spare_due_s = 0.0
        self._answered: list[int] = []

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
        self._clients = Clients(self._selector, self._receive)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._clients.accept(listener))
        place = os.stat(self._path)
        while self._jobs or self._clients or time.monotonic() - self._busy < self._idle_s:
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
        wants_spare = self._spare is None and not self._jobs and now >= self._spare_due_s
        events = self._selector.select(0.0 if wants_spare else max(0.0, wait))
        if wants_spare and not events:
            self._make_spare()
        for key, _ in events:
            try:
                key.data()
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are still to be served
                self._note(error)
                time.sleep(_FAILED_S)
        self._clients.give_up_idle()
        self._answered = [pid for pid in self._answered if not os.waitpid(pid, os.WNOHANG)[0]]
        for job in self._jobs.values():
            if not job.timed_out and time.monotonic() - job.began >= WALL_S:
                job.timed_out = True
                _end(job)

    def _receive(self, client: Client, content: bytes) -> None:
        try:
            self._begin(client, json.loads(content))
        except OrchestratorError as error:
            self._clients.answer(client, {"error": _told(error)})
        except Exception as error:  # noqa: BLE001 - whatever a request or a file does, it is its asker's
            self._clients.answer(client, self._failed(error))

    def _failed(self, error: Exception) -> dict[str, Any]:
        """What somebody is answered whose request this service could not deal with."""
        self._note(error)
        message = f"{type(error).__name__}: {error}"
        return {"error": {"code": _BUG, "message": message, "help": f"What happened is in {self._path}.log."}}

    def _note(self, error: Exception) -> None:
        """Write down in the log what failed."""
        text = "".join(traceback.format_exception(error))
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(f"{self._path}.log", flags, 0o600)
            try:
                if os.fstat(fd).st_size > _LOG_BYTES_MAX:
                    os.ftruncate(fd, 0)
                os.write(fd, f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n".encode("utf-8", "backslashreplace"))
            finally:
                os.close(fd)

    def _begin(self, client: Client, request: dict[str, Any]) -> None:
        self._busy = time.monotonic()
        if "remaining" in request:
            self._begin_remaining(client, request)
            return
        source = _read(request["path"])
        providers = load_providers(request["data_dir"])
        services = load_taskservs(request["data_dir"])
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
        readable = self._readable(request["path"])
        job.work = lambda fd: child.run(lambda: frontend.report(wanted), fd, readable)
        spare, self._spare = self._spare, None
        if spare is not None and spare.take(wanted, readable):
            self._attend(job, spare.pid, spare.reader)
        else:
            self._fork(job)

    def _begin_remaining(self, client: Client, request: dict[str, Any]) -> None:
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

    def _make_spare(self) -> None:
        """Have a child ready for the next request (`orchestrator.definitions.evaluator.spare`)."""
        sample = Wanted(SAMPLE_PATH, SAMPLE, self._package, self._lax, {}, {}, None, False, True)
        try:
            self._spare = Spare(sample, self._close_in_child)
        except OSError:
            self._spare_due_s = time.monotonic() + _SPARE_AGAIN_S

    def _fork(self, job: _Job) -> None:
        reader, writer = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        if pid == 0:
            try:
                os.close(reader)
                self._close_in_child()
                job.work(writer)
            finally:
                os._exit(child.BUG)  # nothing of what follows is the child's
        os.close(writer)
        self._attend(job, pid, reader)

    def _attend(self, job: _Job, pid: int, reader: int) -> None:
        """A child is at work: wait for its answer."""
        job.pid = pid
        os.set_blocking(reader, False)
        self._jobs[reader] = job
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._collect(reader))

    def _close_in_child(self) -> None:
        """The child must not hold the sockets of others: they would not see this service end."""
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
        for job in self._jobs.values():
            job.client.connection.detach()
        if self._spare is not None:
            self._spare.close()

    def _collect(self, reader: int) -> None:
        job = self._jobs[reader]
        try:
            data = os.read(reader, 1 << 20)
        except BlockingIOError:
            return
        if data:
            job.size += len(data)
            job.too_large = job.too_large or job.size > _REPORT_BYTES_MAX
            if job.too_large:
                job.output.clear()
                _end(job)
            else:
                job.output.append(data)
            return
        self._selector.unregister(reader)
        os.close(reader)
        del self._jobs[reader]
        status = 0
        if b"".join(job.output[-1:]).endswith(child.END):  # its end is not waited for
            self._answered.append(job.pid)
        else:
            _, status = os.waitpid(job.pid, 0)
        self._busy = time.monotonic()
        try:
            self._finish(job, status)
        except Exception as error:  # noqa: BLE001 - as in _receive
            self._clients.answer(job.client, self._failed(error))

    def _finish(self, job: _Job, status: int) -> None:
        if b"".join(job.output[:1]) == child.NEEDS_ENGINE:
            loading.load()
            if self._spare is not None:  # it could not render either
                self._spare.end()
                self._spare = None
            job.output.clear()
            job.size = 0
            self._fork(job)
            return
        self._clients.answer(job.client, _finished(job, status))


def _end(job: _Job) -> None:
    """End a child and whatever it has started."""
    try:
        os.killpg(job.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has not come so far as to have a group of its own
        with contextlib.suppress(ProcessLookupError):
            os.kill(job.pid, signal.SIGKILL)


def _told(error: OrchestratorError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "help": error.help}


def _is_still(path: str, place: os.stat_result) -> bool:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (place.st_dev, place.st_ino)


def _read(path: str) -> bytes:
    """The definition, one byte more than allowed at most: what is too large is told as such later."""
    try:
        return regular_file.read(path, DEFINITION_BYTES_MAX)
    except OSError as error:
        help_text = "Check the path." if isinstance(error, FileNotFoundError) else "Check its mode and its owner."
        raise NotFound(f"Definition {path} cannot be read: {error.strerror}.", help_text) from error


def _digest(source: bytes) -> str:
    import hashlib

    return "sha256:" + hashlib.sha256(source).hexdigest()


def _finished(job: _Job, status: int) -> dict[str, Any]:
    elapsed_ms = round((time.monotonic() - job.began) * 1000, 3)
    report = _report_of(job, status)
    if "bug" in report:
        return {"error": {"code": _BUG, "message": report["bug"], "help": ""}}
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
        return dict(json.loads(b"".join(job.output)))
    text = Text(job.request["path"], "")
    if job.too_large:
        most = _REPORT_BYTES_MAX >> 20
        told = diagnostics.make("WF092", f"the report is larger than {most} MiB", text, help="Compute less.")
    elif job.timed_out or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
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
