"""Something else lies where a file of ours belongs: it is not followed, not written to, not waited at (F16)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from orchestrator.files.asking import drop
from orchestrator.files.journal import changes
from orchestrator.files.layout import segment_name, segment_number
from orchestrator.files.lock import is_held
from orchestrator.files.state import workflows
from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import read_tasks
from orchestrator.model.errors import OrchestratorError
from tests.faults.common import define, operation, serve
from tests.support.hostile import plant_socket
from tests.support.live import FINAL, PATIENCE_S, LiveDaemon, read_workflow, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.fault("F16")

PRECIOUS = b"somebody else's, and precious\n"

#: No reader of small files takes longer; at a FIFO it would wait for ever.
READING_S = 10

#: A daemon that cannot be notified looks for requests every two seconds.
ANSWERING_S = 3.0


KINDS: dict[str, Callable[[Path, Path], None]] = {
    "symlink": lambda path, victim: path.symlink_to(victim),
    "hard link": lambda path, victim: path.hardlink_to(victim),
    "fifo": lambda path, _: os.mkfifo(path),
    "directory": lambda path, _: path.mkdir(),
    "socket": lambda path, _: plant_socket(path),
}

#: {group: paths below the data directory}
PLACES = {
    "requests": ("inbox/x.json", "replies/x.json"),
    "public files": ("status.json", "tasks/{task}.json", "workflows/{workflow}/state.json"),
    "temporary files": (".status.json.tmp", "tasks/.{task}.json.tmp", "workflows/{workflow}/.state.json.tmp"),
    "journal": ("journal/{next}",),
    "lock": ("daemon.lock",),
    "settings": ("orchestrator.toml",),
}

CASES = [(group, kind) for group in PLACES for kind in KINDS]


class Finished(NamedTuple):
    """A data directory in which one workflow of one task has ended, and no daemon runs."""

    dir: Path
    workflow: str

    def places(self, group: str) -> list[Path]:
        """Where the files of a group are, or would be."""
        newest = max(segment_number(name) or 0 for name in os.listdir(self.dir / "journal"))
        names = {
            "workflow": self.workflow,
            "task": f"{self.workflow}.first.local.x",
            "next": segment_name(newest + 1),
        }
        return [self.dir / place.format(**names) for place in PLACES[group]]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """To be copied by each test."""
    folder = tmp_path_factory.mktemp("original")
    with LiveDaemon(folder / "data") as daemon:
        workflow = daemon.submit(define(folder / "w.k", operation("first", "true")))
        daemon.wait_until_over(workflow)
        assert daemon.terminate() == 0
    return Finished(folder / "data", workflow)


@pytest.fixture
def finished(original: Finished, tmp_path: Path) -> Finished:
    """A directory of the test's own."""
    shutil.copytree(original.dir, tmp_path / "data")
    (tmp_path / "data").chmod(0o700)
    return Finished(tmp_path / "data", original.workflow)


@contextmanager
def no_waiting() -> Iterator[None]:
    """What is done inside takes its time and no more.

    Raises:
        TimeoutError: it stands at a FIFO.
    """

    def stuck(*_: object) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(READING_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def plant(path: Path, kind: str, victim: Path) -> None:
    """Put something in the file's place; what links can point to is `victim`."""
    path.unlink(missing_ok=True)
    KINDS[kind](path, victim)


def victims(folder: Path, count: int) -> list[Path]:
    """Files that are nobody's business, each with content of its own."""
    found = [folder / f"victim{number}" for number in range(count)]
    for path in found:
        path.write_bytes(PRECIOUS)
        path.chmod(0o600)
    return found


def read_everything(data_dir: str, workflow: str) -> None:
    """Every way of reading; a told failure is an answer too."""
    ways: list[Callable[[], object]] = [
        lambda: read_status(data_dir),
        lambda: read_tasks(data_dir),
        lambda: read_tasks(data_dir, all_rows=True),
        lambda: workflows.list_workflows(data_dir),
        lambda: workflows.read_workflow(data_dir, workflow),
        lambda: changes.follow(data_dir, from_start=True).poll(),
        lambda: is_held(data_dir),
    ]
    for way in ways:
        try:
            with no_waiting():
                way()
        except OrchestratorError as error:
            told = error.message
            assert told


def leave_request(data_dir: Path, key: str) -> Path:
    """A request that is refused, but answered; where the answer will be."""
    content = drop.request_bytes(key, "cancel", {"workflow": "none"}, "test", time.time_ns() // 1000, PATIENCE_S)
    temporary = data_dir / f"inbox/.{key}.tmp"
    temporary.write_bytes(content)
    temporary.rename(data_dir / f"inbox/{key}.json")
    return data_dir / f"replies/{key}.json"


def is_regular(path: Path) -> bool:
    """Whether a file of its own lies there, which nobody else has a name for."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1


@pytest.mark.parametrize(("group", "kind"), CASES)
def test_what_is_planted_is_not_believed(finished: Finished, tmp_path: Path, group: str, kind: str) -> None:
    """The next daemon works on or says what is in its way; readers do not wait; link targets keep their content."""
    places = finished.places(group)
    found = victims(tmp_path, len(places))
    for place, victim in zip(places, found, strict=True):
        plant(place, kind, victim)
    read_everything(str(finished.dir), finished.workflow)
    process = serve(finished.dir)
    try:
        lives = answers(process, finished.dir)
        read_everything(str(finished.dir), finished.workflow)
        if lives and group == "public files" and kind != "directory":
            wait_for(lambda: all(map(is_regular, places)), "the files to be themselves again")
        if lives:
            process.terminate()
        said = process.communicate(timeout=PATIENCE_S)[1]
    finally:
        process.kill()
        process.communicate()
    check_end(process, said, lives=lives)
    assert [victim.name for victim in found if victim.read_bytes() != PRECIOUS] == []


def answers(process: subprocess.Popen[str], data_dir: Path) -> bool:
    """Whether the daemon lives and answers requests; False if it has ended, and nothing else is accepted."""
    for key in ("after", "later"):
        reply = leave_request(data_dir, key)
        wait_for(partial(is_over_or_there, process, reply), "an answer, or the daemon's end", ANSWERING_S)
    return process.poll() is None


def is_over_or_there(process: subprocess.Popen[str], path: Path) -> bool:
    """Whether the process has ended or the file exists."""
    return process.poll() is not None or path.exists()


def check_end(process: subprocess.Popen[str], said: str, *, lives: bool) -> None:
    """A daemon that did not work on has said why, in words, and its exit code tells it too."""
    assert "Traceback" not in said, said
    if lives:
        assert process.returncode == 0, said
    else:
        assert process.returncode > 0, said
        assert said.strip()


@pytest.mark.parametrize(
    "kind",
    KINDS,
)
def test_what_is_planted_under_a_daemon_is_not_believed(tmp_path: Path, kind: str) -> None:
    """While a daemon works: its next status, answers and task files neither follow nor wait, and work goes on."""
    daemon = LiveDaemon(tmp_path / "data")
    daemon.start()
    try:
        data_dir = Path(daemon.data_dir)
        places = [data_dir / "inbox/x.json", data_dir / "status.json"]
        if kind != "directory":  # that case is `requests` above
            places.append(data_dir / "replies/x.json")
        found = victims(tmp_path, len(places))
        for place, victim in zip(places, found, strict=True):
            plant(place, kind, victim)
        for key in ("a", "z"):
            wait_for(leave_request(data_dir, key).exists, "an answer", ANSWERING_S)
        workflow = daemon.submit(define(tmp_path / "w.k", operation("first", "true")))
        wait_for(lambda: read_workflow(daemon.data_dir, workflow)["status"] in FINAL, "its end", ANSWERING_S)
        assert read_workflow(daemon.data_dir, workflow)["status"] == "succeeded", daemon.log()
        read_everything(daemon.data_dir, workflow)
        if kind != "directory":
            wait_for(lambda: is_regular(data_dir / "status.json"), "a status again")
        assert [victim.name for victim in found if victim.read_bytes() != PRECIOUS] == []
        assert daemon.terminate() == 0
    finally:
        daemon.kill()


@pytest.mark.parametrize("kind", ["symlink", "directory"])
def test_a_request_behind_a_link_is_not_carried_out(tmp_path: Path, kind: str) -> None:
    """A proper request to stop, met through a symbolic link to it or to its folder, does not stop the daemon."""
    aside = tmp_path / "aside"
    aside.mkdir()
    content = drop.request_bytes("x", "stop", {"mode": "leave"}, "test", time.time_ns() // 1000, PATIENCE_S)
    (aside / "x.json").write_bytes(content)
    with LiveDaemon(tmp_path / "data") as daemon:
        data_dir = Path(daemon.data_dir)
        (data_dir / "inbox/.x.tmp").symlink_to(aside / "x.json" if kind == "symlink" else aside)
        (data_dir / "inbox/.x.tmp").rename(data_dir / "inbox/x.json")
        reply = data_dir / "replies/x.json"
        wait_for(reply.exists, "the answer to what is no request")
        assert json.loads(reply.read_bytes())["error"]["code"] == "orch::request::bad"
        assert daemon.process is not None
        assert daemon.process.poll() is None
        assert (aside / "x.json").read_bytes() == content
