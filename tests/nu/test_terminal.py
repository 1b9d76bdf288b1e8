"""``batch …`` as a person meets it: a Nushell at a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.live import read_workflow
from tests.support.nushell import PLUGIN, ROOT, VERSIONS, clean_environment, nushell
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.live import LiveDaemon


@pytest.fixture(params=VERSIONS)
def terminal(request: pytest.FixtureRequest, daemon: LiveDaemon, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with the plugin and the module loaded, in the checkout."""
    command = [str(nushell(request.param)), "--no-config-file", "--plugins", f"[{PLUGIN}]"]
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    with Terminal(command, cwd=ROOT, env=environment) as opened:
        assert "Error" not in opened.run("use nulib *")
        yield opened


def test_a_person_sees_how_it_ended_instead_of_an_error(terminal: Terminal, definitions: Path) -> None:
    """A failed workflow is a value at the prompt: lines while it runs, then its state."""
    shown = terminal.run(f"batch submit {definitions}/bad.k --watch")
    assert "Ctrl-C ends the watching only" in shown
    assert "exit code 3" in shown
    assert "Error" not in shown
    assert "failed" in shown.partition("exit code 3")[2]


def test_ctrl_c_ends_the_watching_and_not_the_workflow(
    terminal: Terminal, daemon: LiveDaemon, definitions: Path
) -> None:
    """The prompt is back, the plugin still answers, and the workflow goes on until it is cancelled."""
    terminal.keys(f"batch submit {definitions}/slow.k --watch\r")
    shown = terminal.wait_for("second            gamma")
    found = re.search(r"slow-\w{6}", shown)
    assert found is not None
    terminal.interrupt()
    said = terminal.wait_for("--follow")
    assert f"{found[0]} goes on." in said
    assert f"To see it again: batch status {found[0]} --follow" in said
    assert "nulib" not in said.rpartition("gamma")[2]
    state = read_workflow(daemon.data_dir, found[0])
    assert state["status"] == "running"
    terminal.run(f"batch cancel {found[0]}")
    assert daemon.wait_until_over(found[0])["status"] == "cancelled"


def test_tab_completes_a_status(terminal: Terminal) -> None:
    """What Tab puts into the line is run as if it had been typed."""
    shown = terminal.run("batch list --status rolled_b\t | length")
    assert "rolled_back" in shown
    assert "0" in shown.splitlines()
