"""What the tests of this folder share: definitions made of shell text, and looks at processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.effects.processes import command_line, read_process
from tests.support.attempts import processes_of_attempts
from tests.support.live import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Multiplier of everything that a soak does more often or with more of: ORCH_FAULT_RUNS=100.
RUNS = int(os.environ.get("ORCH_FAULT_RUNS", "1"))

#: For what promises to end within a grace, on a machine that does other things as well.
SLACK_S = 6.0

_DEFINITION = """
import workflows

wf = workflows.WorkflowDef {{
    name = "fault"
    retry_policy = {{max_attempts = 1, initial_delay = 0, max_delay = 0}}
    operations = [
{operations}
    ]
}}
"""


def operation(id: str, command: str, **fields: object) -> str:
    """An operation that does one item with a command; `fields` are more of `OperationDef`."""
    given = {"type": "create", "target": "server", "items": ["x"], "on_failure": "continue", **fields}
    assert "${" not in command, "KCL would fill that in"
    said = [f"id = {json.dumps(id)}", f"command = {json.dumps(command)}"]
    said += [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    return f"        {{{', '.join(said)}}}"


def define(path: Path, *operations: str) -> Path:
    """Write a definition of these operations; its path."""
    path.write_text(_DEFINITION.format(operations="\n".join(operations)), encoding="utf-8")
    return path


def serve(
    data_dir: Path | str, *arguments: str, env: Mapping[str, str] | None = None, below: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """``orchestrator serve`` as it is typed; what it says can be read from its standard error.

    `below`: a command that becomes the one that is appended to it.
    """
    command = [*below, sys.executable, "-m", "orchestrator", "serve", "--data-dir", str(data_dir), *arguments]
    return subprocess.Popen(
        command,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def task_row(data_dir: str, workflow: str, operation: str, item: str = "x") -> dict[str, Any]:
    """The task's file as it is."""
    with open(f"{data_dir}/tasks/{workflow}.{operation}.local.{item}.json", encoding="utf-8") as file:
        return dict(json.load(file))


def final_row(data_dir: str, workflow: str, operation: str, status: str) -> dict[str, Any]:
    """The task's file once it shows the status that it is to end with."""

    def row() -> dict[str, Any] | None:
        now = task_row(data_dir, workflow, operation)
        return now if now["finished_at"] else None

    found: dict[str, Any] = wait_for(row, f"the end of {operation}")
    assert found["status"] == status, found
    return found


def living_of(data_dir: str) -> list[str]:
    """What names an attempt of this data directory in its environment and lives, as ``<pid> <command line>``."""
    found = []
    for pid in processes_of_attempts(data_dir):
        process = read_process(pid)
        if process is not None and not process.is_dead:
            said = b" ".join(command_line(pid)).decode(errors="replace")[:100]
            found.append(f"{pid} {process.state} {said or 'gone'}")
    return found
