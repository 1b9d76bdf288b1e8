"""The service: accepts requests, forks a child for each, tells what became of it.

Nobody's request, file or silence ends it or holds it up: what fails is answered to the one who asked, and noted in the
log beside the socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.definitions.evaluator import address, answers, child, request, rest
from orchestrator.definitions.evaluator.clients import Clients
from orchestrator.definitions.evaluator.job import Job
from orchestrator.definitions.evaluator.spare import SAMPLE, SAMPLE_PATH, Spare
from orchestrator.definitions.kcl import evaluate, frontend, lax, package_dir
from orchestrator.definitions.kcl.wanted import Wanted
from orchestrator.definitions.shape import loading
from orchestrator.model.errors import OrchestratorError

if TYPE_CHECKING:
    from orchestrator.definitions.evaluator.clients import Client

#: Without a request for so long, the service ends.
IDLE_S = 300.0

#: Time between two looks whether the socket is still there; without it nobody will ever ask again.
_LOOK_S = 5.0

#: Bytes of the log; what is older is forgotten.
_LOG_BYTES_MAX = 1 << 20

#: After a failure that nobody asked for (too many open files) it may be the same again at once.
_FAILED_S = 0.05

#: When no child can be made ready, it is tried again after so long.
_SPARE_AGAIN_S = 1.0


class Service:
    """Listens at `path` until it has been idle for `idle_s`."""

    def __init__(self, path: str, idle_s: float = IDLE_S) -> None:
        self._path = path
        self._idle_s = idle_s
        self._selector: selectors.BaseSelector
        self._jobs: dict[int, Job] = {}
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
        if not address.claim(self._path):
            return
        shutil.rmtree(os.path.dirname(self._lax), ignore_errors=True)
        os.mkdir(os.path.dirname(self._lax), 0o700)
        lax.write_package(self._package, self._lax)
        evaluate.warm_up()
        listener = address.Listener(self._path)
        if os.fork():
            os._exit(0)
        self._selector = selectors.DefaultSelector()
        self._clients = Clients(self._selector, self._receive)
        self._selector.register(listener.socket, selectors.EVENT_READ, lambda: self._clients.accept(listener.socket))
        while self._jobs or self._clients or time.monotonic() - self._busy < self._idle_s:
            self._turn()
            if not listener.is_there():
                return
        os.unlink(self._path)
        shutil.rmtree(os.path.dirname(self._lax), ignore_errors=True)

    def _turn(self) -> None:
        now = time.monotonic()
        due = [job.due_s for job in self._jobs.values() if not job.timed_out]
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
            job.check_time()

    def _receive(self, client: Client, content: bytes) -> None:
        try:
            self._begin(client, json.loads(content))
        except OrchestratorError as error:
            self._clients.answer(client, answers.refused(error))
        except Exception as error:  # noqa: BLE001 - whatever a request or a file does, it is its asker's
            self._clients.answer(client, self._failed(error))

    def _failed(self, error: Exception) -> dict[str, Any]:
        """What somebody is answered whose request this service could not deal with."""
        self._note(error)
        return answers.failed(f"{type(error).__name__}: {error}", f"What happened is in {self._path}.log.")

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

    def _begin(self, client: Client, asked: dict[str, Any]) -> None:
        self._busy = time.monotonic()
        if "remaining" in asked:
            self._begin_remaining(client, asked)
            return
        wanted = request.wanted_of(asked, self._package, self._lax)
        readable = request.readable(wanted)
        report = partial(frontend.report, wanted)
        job = Job(client, asked, request.digest_of(wanted), lambda fd: child.run(report, fd, readable))
        spare, self._spare = self._spare, None
        if spare is not None and spare.take(wanted, readable):
            self._attend(job, spare.pid, spare.reader)
        else:
            self._fork(job)

    def _begin_remaining(self, client: Client, asked: dict[str, Any]) -> None:
        folder, told = asked["path"], asked["remaining"]
        report = partial(rest.report, folder, told["assumptions"], told["elapsed_ms"])
        self._fork(Job(client, asked, "", lambda fd: child.run(report, fd, [folder])))

    def _make_spare(self) -> None:
        """Have a child ready for the next request (`orchestrator.definitions.evaluator.spare`)."""
        sample = Wanted(SAMPLE_PATH, SAMPLE, self._package, self._lax, {}, {}, None, False, True)
        try:
            self._spare = Spare(sample, self._close_in_child)
        except OSError:
            self._spare_due_s = time.monotonic() + _SPARE_AGAIN_S

    def _fork(self, job: Job) -> None:
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

    def _attend(self, job: Job, pid: int, reader: int) -> None:
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
            job.hear(data)
            return
        self._selector.unregister(reader)
        os.close(reader)
        del self._jobs[reader]
        status = 0
        if job.is_whole:  # its end is not waited for
            self._answered.append(job.pid)
        else:
            _, status = os.waitpid(job.pid, 0)
        self._busy = time.monotonic()
        try:
            self._finish(job, status)
        except Exception as error:  # noqa: BLE001 - as in _receive
            self._clients.answer(job.client, self._failed(error))

    def _finish(self, job: Job, status: int) -> None:
        if job.output == child.NEEDS_ENGINE:
            loading.load()
            if self._spare is not None:  # it could not render either
                self._spare.end()
                self._spare = None
            job.start_over()
            self._fork(job)
            return
        self._clients.answer(job.client, answers.finished(job, status))
