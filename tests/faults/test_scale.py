"""Very many tasks, and much that is at rest (F31, F32)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.commands import StartAttempt
from orchestrator.engine.events import AttemptExited
from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from tests.faults.common import RUNS, define, operation
from tests.support.live import LiveDaemon, wait_for
from tests.support.plans import at, plan, started, submitted
from tests.support.plans import operation as node
from tests.support.processes import memory_kib

if TYPE_CHECKING:
    from pathlib import Path

TASKS = 10_000 * RUNS

MEMORY_KIB_MAX = 500 << 10

#: Share of a core.
IDLE_MAX = 0.005

#: As idle as can be, to tell a slow machine from a busy daemon: wakes up as often as one at rest, looks into a folder,
#: replaces a file, and does nothing else.
PEER = """
import os, sys, time
folder = sys.argv[1]
while True:
    time.sleep(0.5)
    os.listdir(folder)
    with open(f"{folder}/.new", "w") as file:
        file.write("x" * 500)
    os.replace(f"{folder}/.new", f"{folder}/file")
"""


def calls_of_a_step(tasks: int) -> int:
    """Functions that are called for the end of one attempt among `tasks` tasks that are under way or wait."""
    world = World()
    step(world, started(8), at(0))
    commands = step(world, submitted(plan(node("a", tuple(f"i{n}" for n in range(tasks)))), "w"), at(1)).commands
    first, second = [command for command in commands if isinstance(command, StartAttempt)][:2]
    step(world, AttemptExited(first.task, 1, 0), at(2))
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    step(world, AttemptExited(second.task, 1, 0), at(3))
    sys.setprofile(None)
    return calls


@pytest.mark.fault("F31")
def test_an_event_costs_the_same_among_many_tasks_as_among_few() -> None:
    """What one event asks for depends on what it changes, not on how much there is."""
    assert calls_of_a_step(20_000) <= calls_of_a_step(200) + 5


@pytest.mark.fault("F31")
def test_a_wide_plan_and_a_restart_fit_into_little_memory(tmp_path: Path) -> None:
    """Ten operations of a tenth of the tasks each: all of them live, then found again by the next daemon."""
    items = f'["i${{i}}" for i in range({TASKS // 10})]'
    definition = tmp_path / "w.k"
    definition.write_text(
        'import workflows\n\nwf = workflows.WorkflowDef {\n    name = "wide"\n    operations = [\n'
        '        {id = "op${n}", type = "create", target = "server", command = "sleep 600", items = ' + items + "}\n"
        "        for n in range(10)\n    ]\n}\n",
        encoding="utf-8",
    )
    with LiveDaemon(tmp_path / "data", "--max-running", "2", "--stop-grace", "0") as daemon:
        daemon.submit(definition)
        tasks = tmp_path / "data" / "tasks"
        index = tmp_path / "data" / "index" / "tasks.jsonl"
        wait_for(lambda: len(os.listdir(tasks)) >= TASKS, "the task files", 60.0 * RUNS)
        wait_for(lambda: index.exists() and f'"tasks":{TASKS}'.encode() in index.read_bytes()[:300], "the index")
        assert daemon.process is not None
        assert memory_kib(daemon.process.pid) < MEMORY_KIB_MAX
        daemon.kill()
        daemon.start()
        assert memory_kib(daemon.process.pid) < MEMORY_KIB_MAX


@pytest.mark.fault("F32")
def test_a_daemon_at_rest_does_next_to_nothing(tmp_path: Path) -> None:
    """With many finished workflows, most of them archived, it takes less than half a percent of a core."""
    definition = define(tmp_path / "w.k", operation("a", "true"))
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700)
    (data_dir / "orchestrator.toml").write_text("retention_workflows = 20\n", encoding="utf-8")
    with LiveDaemon(data_dir) as daemon:
        for _ in range(60 * RUNS):
            daemon.submit(definition)
        wait_for(lambda: len(os.listdir(data_dir / "archive")) >= 60 * RUNS - 20, "the archive", 60.0 * RUNS)
        wait_for(lambda: len(os.listdir(data_dir / "workflows")) == 20, "bounded folders", 60.0 * RUNS)
        assert daemon.process is not None
        pid = daemon.process.pid
        (tmp_path / "peer").mkdir()
        with subprocess.Popen([sys.executable, "-c", PEER, str(tmp_path / "peer")]) as peer:
            # What remains to be measured is time itself.
            time.sleep(3)
            looks = []
            for _ in range(5):  # what else the machine does only adds: the best look counts
                before = [_cpu_ns(pid), _cpu_ns(peer.pid)]
                time.sleep(6)
                took, idle = ((_cpu_ns(it) - ns) / 6e9 for it, ns in zip((pid, peer.pid), before, strict=True))
                looks.append((took, idle))
                if took < idle and (took < IDLE_MAX or idle >= IDLE_MAX):
                    break
            peer.kill()
        assert any(took < idle and (took < IDLE_MAX or idle >= IDLE_MAX) for took, idle in looks), looks


def _cpu_ns(pid: int) -> int:
    """Nanoseconds of CPU that all threads of a process have had."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total
