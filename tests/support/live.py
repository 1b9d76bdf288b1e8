"""Real daemons for tests and benchmarks: real processes on real directories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from orchestrator.files.asking import drop
from orchestrator.files.layout import JOURNAL, segment_number
from orchestrator.files.lock import is_held
from orchestrator.files.state.status import read_status
from orchestrator.model.errors import StatusInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from pathlib import Path
    from types import TracebackType
    from typing import Self

#: How long a fact is waited for before the test gives up; far more than any of them takes.
PATIENCE_S = 60.0

FINAL = ("succeeded", "failed", "cancelled", "rolled_back", "rollback_failed")


def wait_for(fact: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first true value of `fact`, which is asked every few milliseconds.

    Raises:
        AssertionError: it did not become true in time.
    """
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        value = fact()
        if value:
            return value
        time.sleep(0.002)
    raise AssertionError(f"waited {patience_s} s in vain for {what}")


class LiveDaemon:
    """``orchestrator serve`` as a process of its own, in a context; it and its children are gone afterwards."""

    def __init__(
        self, data_dir: Path | str, *arguments: str, env: dict[str, str] | None = None, below: tuple[str, ...] = ()
    ) -> None:
        """`below`: a command that runs the daemon as its child, such as strace."""
        self.below = below
        self.data_dir = str(data_dir)
        self.arguments = arguments
        self.env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            if is_held(self.data_dir):
                self.request("stop", {"mode": "kill"})
            self.process.wait(PATIENCE_S)

    def start(self) -> None:
        """Start it and wait until it holds the directory and has said so in status.json."""
        own = [sys.executable, "-m", "orchestrator", "serve", "--data-dir", self.data_dir, *self.arguments]
        command = [*self.below, *own]
        os.makedirs(self.data_dir, mode=0o700, exist_ok=True)
        with open(f"{self.data_dir}/daemon.log", "ab") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(self._is_up, f"the daemon of {self.data_dir}: {self.log()}")

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        status = f"{self.data_dir}/status.json"
        if not is_held(self.data_dir) or not os.path.exists(status):
            return False
        try:
            pid = read_status(self.data_dir)["pid"]
            return bool(self.below or pid == self.process.pid)
        except StatusInvalid:  # what a power cut has left of the last daemon's
            return False

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def request(self, command: str, arguments: dict[str, object]) -> dict[str, Any]:
        """Send a request through the inbox and return its result."""
        return dict(drop.send(self.data_dir, command, arguments, timeout_s=PATIENCE_S))

    def submit(self, path: Path | str, **arguments: object) -> str:
        """Submit a definition; the workflow's id."""
        return str(self.request("submit", {"path": str(path), **arguments})["workflow"])

    def wait_until_over(self, workflow: str) -> dict[str, Any]:
        """The workflow's state once it has ended."""
        return self.wait_until_it_is(workflow, FINAL)

    def wait_until_it_is(self, workflow: str, statuses: Container[str]) -> dict[str, Any]:
        """The workflow's state once it has one of `statuses`; not one from before what the journal tells already."""

        def state_now() -> dict[str, Any] | None:
            state = read_workflow(self.data_dir, workflow)
            if state.get("status") not in statuses or state["seq"] < last_change(self.data_dir, workflow):
                return None
            return state

        return dict(wait_for(state_now, f"{workflow} to be one of {statuses}"))

    def log(self) -> str:
        """What the daemon has said so far."""
        try:
            with open(f"{self.data_dir}/daemon.log", encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def read_workflow(data_dir: str, workflow: str) -> dict[str, Any]:
    """state.json of a workflow, {} while there is none."""
    try:
        with open(f"{data_dir}/workflows/{workflow}/state.json", encoding="utf-8") as file:
            return dict(json.load(file))
    except FileNotFoundError:
        return {}


def records(data_dir: str) -> list[dict[str, Any]]:
    """Every whole record of the journal, in order."""
    found = []
    for name in sorted(filter(segment_number, os.listdir(f"{data_dir}/{JOURNAL}"))):
        with open(f"{data_dir}/{JOURNAL}/{name}", "rb") as file:
            content = file.read()  # at once: a line may just be being written
        found += [json.loads(line) for line in content.splitlines() if line.endswith(b'"}')]
    return found


def last_change(data_dir: str, workflow: str) -> int:
    """The seq of the last record in which the workflow itself changed its status; 0 without any."""
    changes = (
        record["seq"]
        for record in reversed(records(data_dir))
        if record["workflow"] == workflow and any(task is None for task, *_ in record["transitions"])
    )
    return next(changes, 0)
