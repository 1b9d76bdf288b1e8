"""Readers beside a working daemon: never half a file, and never a trace of having read (F13, I9)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.journal import changes
from orchestrator.files.lock import is_held
from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.state.workflows import list_workflows, read_workflow
from tests.faults.common import RUNS, define, operation
from tests.support.live import PATIENCE_S, LiveDaemon

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.fault("F13")

READERS = 8
TASKS = 150 * RUNS

#: Reads again and again until it is told to end by the end of its standard input; says what it has met, as JSON.
READER = r"""
import json, os, select, sys
from orchestrator.files.state.status import read_status
from orchestrator.files.state.tasks import read_tasks
from orchestrator.files.state.workflows import list_workflows, read_workflow
from orchestrator.model.errors import OrchestratorError

data_dir, way = sys.argv[1:]
reads = fields = 0
faults = []

def ours():
    global fields
    status = read_status(data_dir)
    rows, problems = read_tasks(data_dir, all_rows=True)
    faults.extend(problem["message"] for problem in problems)
    faults.extend(str(row) for row in rows if row["status"] == "corrupt")
    for row in list_workflows(data_dir):
        if row["status"] == "corrupt":
            faults.append(str(row))
    fields += len(status) + len(rows)
    return 1 + len(rows)

def plain():
    global fields
    names = [f"{data_dir}/tasks/{name}" for name in os.listdir(f"{data_dir}/tasks") if not name.startswith(".")]
    for path in [f"{data_dir}/status.json", *names]:
        with open(path, encoding="utf-8") as file:
            fields += len(json.load(file))
    return 1 + len(names)

while not select.select([0], [], [], 0)[0]:
    try:
        reads += {"ours": ours, "plain": plain}[way]()
    except (ValueError, OSError, OrchestratorError) as error:
        faults.append(f"{type(error).__name__}: {error}")
print(json.dumps({"reads": reads, "fields": fields, "faults": faults[:5]}))
"""


def start_reader(data_dir: str, way: str) -> subprocess.Popen[str]:
    """A reader in a process of its own."""
    command = [sys.executable, "-c", READER, data_dir, way]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def result_of(reader: subprocess.Popen[str]) -> dict[str, Any]:
    """Tell the reader to end, and take what it has met."""
    said = reader.communicate(timeout=PATIENCE_S)[0]
    assert reader.returncode == 0, said
    return dict(json.loads(said))


def test_readers_never_meet_half_a_file(tmp_path: Path) -> None:
    """Eight processes read status and tasks while hundreds of tasks come and go: every read is of a whole file."""
    items = [f"i{number}" for number in range(TASKS)]
    definition = define(
        tmp_path / "w.k", operation("first", "true", items=items), operation("second", "true", items=items)
    )
    with LiveDaemon(tmp_path / "data") as daemon:
        readers = [start_reader(daemon.data_dir, "ours" if number % 2 else "plain") for number in range(READERS)]
        try:
            workflow = daemon.submit(definition)
            assert daemon.wait_until_over(workflow)["status"] == "succeeded", daemon.log()
            results = [result_of(reader) for reader in readers]
        finally:
            for reader in readers:
                reader.kill()
                reader.communicate()
    assert [fault for result in results for fault in result["faults"]] == []
    assert min(result["reads"] for result in results) > 0
    assert min(result["fields"] for result in results) > 0


def marks_of_everything(folder: str) -> dict[str, tuple[int, ...]]:
    """{path: what must not change by reading} of the folder and all below."""
    marks: dict[str, tuple[int, ...]] = {}
    for place, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            found = os.lstat(f"{place}/{name}")
            marks[f"{place}/{name}"] = (
                found.st_ino,
                found.st_size,
                found.st_mtime_ns,
                found.st_ctime_ns,
                found.st_mode,
            )
    return marks


def commands(workflow: str) -> list[list[str]]:
    """Every command of the shell that only looks."""
    looks = [["status"], ["tasks"], ["workflows"], ["logs", workflow], ["verify"]]
    return [*looks, ["tasks", "--json"], ["status", "--json"]]


def test_readers_leave_everything_as_it_is(tmp_path: Path) -> None:
    """Every way of reading a directory without a daemon leaves inode, size, times and names as they were (I9)."""
    with LiveDaemon(tmp_path / "data") as daemon:
        definition = define(tmp_path / "w.k", operation("first", "echo hello; exit 1"), operation("second", "true"))
        workflow = daemon.submit(definition)
        daemon.wait_until_over(workflow)
        assert daemon.terminate() == 0
    data_dir = daemon.data_dir
    before = marks_of_everything(data_dir)
    read_status(data_dir)
    read_tasks(data_dir, all_rows=True)
    list_workflows(data_dir)
    read_workflow(data_dir, workflow)
    following = changes.follow(data_dir, from_start=True)
    assert following.poll()
    following.close()
    assert not is_held(data_dir)
    for arguments in commands(workflow):
        command = [sys.executable, "-m", "orchestrator", *arguments]
        environment = {**os.environ, "ORCH_DATA_DIR": data_dir}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
        assert ended.returncode == 0, f"{arguments}: {ended.stderr}"
    assert marks_of_everything(data_dir) == before
