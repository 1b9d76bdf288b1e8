"""``orch logs`` in real Nushells, with a daemon whose tasks write."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.nu.conftest import DEFINITION
from tests.support.live import wait_for
from tests.support.nushell import NEWEST, OLDEST, PLUGIN, ROOT, VERSIONS, clean_environment, nushell, run_nu
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon

#: What the tasks of the followed workflow do: a line every 50 ms, and an end without a line end.
TALK = r"for n in 1 2 3 4 5 6; do echo line $n of $ORCH_ITEM; sleep 0.05; done; printf 'no end of %s' $ORCH_ITEM"


@pytest.mark.parametrize("version", VERSIONS)
def test_following_to_the_end(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Begun while the workflow runs: every line once, in the order of each log, and then the stream is over."""
    path = tmp_path / "talk.k"
    path.write_text(DEFINITION.format(name="talk", first=TALK, second=TALK), encoding="utf-8")
    workflow = daemon.submit(path)
    wait_for((path_of(daemon, workflow) / "state.json").exists, "its state")
    code = f"orch logs {workflow} --follow | select item line | to json --raw"
    result = run_nu(code, home=tmp_path, version=version, ORCH_DATA_DIR=daemon.data_dir)
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    for item in ("beta", "alpha.1", "gamma"):
        lines = [row["line"] for row in rows if row["item"] == item]
        assert lines == [*(f"line {n} of {item}" for n in range(1, 7)), f"no end of {item}"]
    assert len(rows) == 21
    again = run_nu(f"orch logs {workflow} | length", home=tmp_path, version=version, ORCH_DATA_DIR=daemon.data_dir)
    assert again.stdout.strip() == "21"


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_ctrl_c_gives_the_prompt_back(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Within a tenth of a second, while nothing comes; the workflow goes on, and the next command works."""
    path = tmp_path / "waits.k"
    work = "echo ready; exec sleep 600"
    path.write_text(DEFINITION.format(name="waits", first=work, second="true"), encoding="utf-8")
    workflow = daemon.submit(path)
    wait_for((path_of(daemon, workflow) / "state.json").exists, "its state")
    command = [str(nushell(version)), "--no-std-lib", "--plugins", f"[{PLUGIN}]"]
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    with Terminal(command, cwd=ROOT, env=environment) as terminal:
        terminal.run("orch status | get running")
        taken = []
        for number in range(3):
            terminal.keys(f"orch logs {workflow} --follow | each {{|it| print $'got ({number} + 10) ($it.line)' }}\r")
            terminal.wait_for(f"got {number + 10} ready")
            began = time.monotonic()
            terminal.interrupt()
            taken.append(time.monotonic() - began)
        assert min(taken) < 0.1, taken
        assert "running" in terminal.run(f"orch workflow {workflow} | get status")
    daemon.request("cancel", {"workflow": workflow})
    daemon.wait_until_over(workflow)


def path_of(daemon: LiveDaemon, workflow: str) -> Path:
    """The workflow's folder."""
    from pathlib import Path

    return Path(daemon.data_dir, "workflows", workflow)
