"""`orch at` equals what the files said then: they are copied while a daemon works, and compared at the end.

Real workflows fail, retry, are rolled back, paused, cancelled and run again; the daemon is killed and stopped; the
journal goes from segment to segment, with snapshots in between; finished workflows go into the archive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from orchestrator.files.moments import Position
from orchestrator.files.past.state import state_at
from tests.files.past_life import TASK_COLUMNS, WORKFLOW_COLUMNS
from tests.support.live import LiveDaemon, records, wait_for
from tests.support.nushell import NEWEST, OLDEST, run_nu

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_COUNTS = ("tasks_pending", "tasks_running", "tasks_completed", "tasks_failed", "limits", "live", "draining")

_DEFINITION = """
import workflows

wf = workflows.WorkflowDef {{
    name = "{name}"
    retry_policy = {{max_attempts = 2, initial_delay = {delay}, max_delay = 600}}
    operations = [
        {{
            id = "first", type = "create", target = "server", items = ["a", "b"], priority = 3
            command = "{first}", rollback_command = "true"
        }}
        {{
            id = "second", type = "create", target = "taskserv", items = ["c"], depends_on = ["first"]
            command = "{second}", rollback_command = "true", on_failure = "{on_failure}"
        }}
    ]
}}
"""

_WAIT = "while [ ! -e $GATE ]; do sleep 0.02; done"


class Recording(NamedTuple):
    """What the files said at a quiet moment, whose time is `time_us`."""

    said: dict[str, Any]
    time_us: int


class Recorder:
    """A daemon at work, and copies of what its files said."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.data_dir.mkdir(mode=0o700)
        settings = "segment_bytes = 4096\nretention_workflows = 2\n"
        (self.data_dir / "orchestrator.toml").write_text(settings, encoding="utf-8")
        self.gate = folder / "gate"
        self.daemon = LiveDaemon(self.data_dir, "--max-running", "2", env={"GATE": str(self.gate)})
        self.recordings: list[Recording] = []
        self._folder = folder

    def submit(
        self, name: str, *, first: str = "true", second: str = "true", delay: int = 0, on_failure: str = "fail"
    ) -> str:
        """A workflow whose three tasks run these commands."""
        path = self._folder / f"{name}.k"
        text = _DEFINITION.format(name=name, first=first, second=second, delay=delay, on_failure=on_failure)
        path.write_text(text, encoding="utf-8")
        return self.daemon.submit(path)

    def until(self, fact: Callable[[], Any], what: str) -> None:
        """Wait for it, let everything come to rest, and copy what the files say."""
        wait_for(fact, what)
        self.record()

    def until_task(self, task: str, status: str) -> None:
        """Until the task's file shows it so."""

        def fact() -> bool:
            try:
                return bool(self._load(f"tasks/{task}.json")["status"] == status)
            except FileNotFoundError:
                return False

        self.until(fact, f"{task} to be {status}")

    def until_over(self, workflow: str) -> None:
        """Until the workflow has ended."""
        self.daemon.wait_until_over(workflow)
        self.record()

    def record(self) -> None:
        """Copy what the files say once they say it all, and nothing happens any more."""

        def quiet() -> dict[str, Any] | None:
            before = self._said()
            time.sleep(0.1)
            after = self._said()
            newest = records(str(self.data_dir))[-1]["seq"]
            if before != after or after is None or after["seq"] != newest:
                return None
            return after if self._shows_all() else None

        self.recordings.append(Recording(wait_for(quiet, "a quiet moment"), time.time_ns() // 1000))

    def _shows_all(self) -> bool:
        """Whether each task's file shows its last record."""
        last = {task: record["seq"] for record in records(str(self.data_dir)) for task, *_ in record["transitions"]}
        rows = [self._load(f"tasks/{name}") for name in self._names("tasks") if name.endswith(".json")]
        return all(row["seq"] >= last.get(row["id"], 0) for row in rows)

    def _said(self) -> dict[str, Any] | None:
        """None while files come and go."""
        try:
            status = self._load("status.json")
            tasks = [self._load(f"tasks/{name}") for name in self._names("tasks") if name.endswith(".json")]
            workflows = [self._load(f"workflows/{name}/state.json") for name in self._names("workflows")]
        except FileNotFoundError:
            return None
        tasks.sort(key=lambda row: (-row["priority"], row["created_at"], row["id"]))
        workflows.sort(key=lambda row: row["created_at"], reverse=True)
        return {
            "seq": status["seq"],
            "cursor": f"{status['epoch']}:{status['seq']}",
            **{name: status[name] for name in _COUNTS},
            "workflows": [{name: row[name] for name in WORKFLOW_COLUMNS} for row in workflows],
            "tasks": [{name: row[name] for name in TASK_COLUMNS} for row in tasks],
        }

    def _load(self, path: str) -> dict[str, Any]:
        return dict(json.loads((self.data_dir / path).read_text(encoding="utf-8")))

    def _names(self, folder: str) -> list[str]:
        return [name for name in os.listdir(self.data_dir / folder) if name[0] != "."]


def live(recorder: Recorder) -> None:
    """All that may happen to a workflow, and to a daemon."""
    daemon = recorder.daemon
    recorder.record()
    good = recorder.submit("good", first=_WAIT)
    recorder.until_task(f"{good}.first.local.b", "running")
    recorder.gate.touch()
    recorder.until_over(good)
    bad = recorder.submit("bad", second="exit 3", on_failure="rollback")
    recorder.until_over(bad)
    slow = recorder.submit("slow", first="exit 4", delay=300)
    recorder.until_task(f"{slow}.first.local.b", "waiting_retry")
    daemon.request("pause", {"workflow": slow, "now": False})
    recorder.record()
    daemon.request("cancel", {"workflow": slow})
    recorder.until_over(slow)
    recorder.gate.unlink()
    lost = recorder.submit("lost", first=_WAIT)
    recorder.until_task(f"{lost}.first.local.b", "running")
    daemon.kill()
    daemon.start()
    recorder.record()
    daemon.terminate()
    recorder.gate.touch()
    daemon.start()
    recorder.until_over(lost)
    daemon.request("retry", {"workflow": slow, "operation": "first"})
    recorder.until_task(f"{slow}.first.local.a", "waiting_retry")
    daemon.request("rollback", {"workflow": lost, "to": None})
    recorder.until_over(lost)
    for number in range(4):
        recorder.until_over(recorder.submit(f"more{number}"))
    archive = recorder.data_dir / "archive"
    recorder.until(lambda: len(list(archive.iterdir())) >= 4, "the archive")
    daemon.request("cancel", {"workflow": slow})
    recorder.until_over(slow)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """A directory in which much has happened, and what its files said on the way. No daemon runs on it any more."""
    recorder = Recorder(tmp_path_factory.mktemp("at"))
    with recorder.daemon as daemon:
        live(recorder)
        daemon.terminate()
    return recorder


def without_time(state: dict[str, Any]) -> dict[str, Any]:
    """What `orch at` says, but for the time of the record."""
    return {name: value for name, value in state.items() if name != "time"}


def test_every_recording_is_told_again(recorder: Recorder) -> None:
    """By its seq, its cursor and its time; from snapshots, and with workflows that are in the archive by now."""
    journal = os.listdir(recorder.data_dir / "journal")
    assert sum(name.endswith(".snapshot.jsonl") for name in journal) >= 3
    statuses = {row["status"] for recording in recorder.recordings for row in recording.said["tasks"]}
    assert statuses >= {"pending", "running", "waiting_retry", "succeeded", "failed", "cancelled", "rolled_back"}
    archived = {name.removesuffix(".jsonl") for name in os.listdir(recorder.data_dir / "archive")}
    then = {row["id"] for recording in recorder.recordings for row in recording.said["workflows"]}
    assert len(archived & then) >= 4
    assert len(recorder.recordings) > 12
    for said, time_us in recorder.recordings:
        epoch = int(said["cursor"].partition(":")[0])
        for position in (Position(seq=said["seq"]), Position(seq=said["seq"], epoch=epoch), Position(time_us=time_us)):
            assert without_time(state_at(str(recorder.data_dir), position)) == said


def test_without_snapshots_the_same_is_told(recorder: Recorder, tmp_path: Path) -> None:
    """From record 1, and no plan is needed for the statuses."""
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", recorder.data_dir, copy], check=True)
    for name in os.listdir(copy / "journal"):
        if name.endswith(".snapshot.jsonl"):
            (copy / "journal" / name).unlink()
    for said, _ in recorder.recordings:
        assert without_time(state_at(str(copy), Position(seq=said["seq"]))) == said


def test_the_shell_command_tells_the_same(recorder: Recorder) -> None:
    """As JSON, in a process of its own."""
    said, _ = recorder.recordings[len(recorder.recordings) // 2]
    command = [sys.executable, "-m", "orchestrator", "at", str(said["seq"]), "--json"]
    done = subprocess.run(
        [*command, "--data-dir", str(recorder.data_dir)], capture_output=True, text=True, check=True, timeout=60
    )
    assert without_time(json.loads(done.stdout)) == said


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_nushell_tells_the_same(version: str, recorder: Recorder, tmp_path: Path) -> None:
    """Each recording by its time, as a datetime; the statuses and attempts of all tasks."""
    home = tmp_path / "home"
    home.mkdir()
    looks = [
        f"orch at (({time_us}000 | into datetime)) | get tasks | select id status attempt"
        for _, time_us in recorder.recordings
    ]
    code = f"[{', '.join(f'({look})' for look in looks)}] | to json"
    done = run_nu(code, home=home, version=version, ORCH_DATA_DIR=str(recorder.data_dir))
    assert done.returncode == 0, done.stderr
    names = ("id", "status", "attempt")
    expected = [[{name: row[name] for name in names} for row in said["tasks"]] for said, _ in recorder.recordings]
    assert json.loads(done.stdout) == expected
