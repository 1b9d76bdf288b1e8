"""What follows a workflow waits for the next daemon."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import LiveDaemon, wait_for
from tests.support.nushell import NEWEST, OLDEST, PLUGIN, ROOT, clean_environment, nushell

if TYPE_CHECKING:
    from pathlib import Path

#: Waits for a file.
WAITING = """
import workflows

wf = workflows.WorkflowDef {{
    name = "waiting"
    operations = [
        {{
            id = "wait", type = "create", target = "server", items = ["x"]
            command = "echo begun; until test -e {gate}; do sleep 0.01; done; echo done"
        }}
    ]
}}
"""


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("batch submit DEFINITION --watch | get status", "succeeded"),
        ("batch submit DEFINITION | get workflow | batch logs $in --follow | get line | last", "done"),
    ],
)
def test_a_restart_does_not_end_the_watching(version: str, code: str, last: str, tmp_path: Path) -> None:
    """That the next daemon is waited for is told, and the workflow's end comes."""
    definition, gate = tmp_path / "waiting.k", tmp_path / "gate"
    definition.write_text(WAITING.format(gate=gate), encoding="utf-8")
    with LiveDaemon(tmp_path / "data") as daemon:
        script = f"use nulib *\n{code.replace('DEFINITION', str(definition))}"
        command = [str(nushell(version)), "--no-config-file", "--no-std-lib", "--plugins", f"[{PLUGIN}]"]
        process = subprocess.Popen(
            [*command, "--commands", script],
            cwd=ROOT,
            env=clean_environment(tmp_path, ORCH_DATA_DIR=daemon.data_dir),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        told = b""
        workflows = f"{daemon.data_dir}/workflows"
        (workflow,) = wait_for(lambda: os.path.isdir(workflows) and os.listdir(workflows), "the workflow")
        daemon.wait_until_it_is(workflow, ["running"])
        wait_for(lambda: os.listdir(f"{workflows}/{workflow}/logs"), "the attempt")
        daemon.kill()
        while b"the daemon is gone" not in told:
            line = process.stderr.readline()
            assert line, told
            told += line
        assert f"Warning: the daemon is gone; {workflow} goes on with the next one" in told.decode()
        daemon.start()
        gate.touch()
        shown, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert shown.decode().split()[-1] == last
