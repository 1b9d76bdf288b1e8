"""``batch …`` as a person meets it: a Nushell at a terminal."""

from __future__ import annotations

import re
import time
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
    said = terminal.wait_for("To see it again: ")
    assert f"{found[0]} goes on." in said
    assert f"To see it again: batch monitor {found[0]}" in said
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


def test_tab_completes_an_environment(terminal: Terminal) -> None:
    """The one that lies beside the definition."""
    shown = terminal.run("batch submit data/examples/environments.k --dry-run --environment pr\t | get environment")
    assert "prod" in shown.splitlines()


def test_monitor_shows_a_workflow_until_it_ends(terminal: Terminal, definitions: Path) -> None:
    """It is redrawn in place, and the answer is how it ended."""
    shown = terminal.run(f"batch submit {definitions}/bad.k | batch monitor | $'it has ($in.status)'")
    assert "it has failed" in shown


def test_monitor_goes_away_and_the_workflow_goes_on(terminal: Terminal, daemon: LiveDaemon, definitions: Path) -> None:
    """Ctrl-C ends the display; the terminal is as it was, and so is the workflow."""
    workflow = daemon.submit(definitions / "slow.k")
    terminal.keys("batch monitor\r")
    terminal.wait_for(workflow)
    terminal.interrupt()
    assert "4" in terminal.run("2 + 2").splitlines()
    assert read_workflow(daemon.data_dir, workflow)["status"] == "running"
    shown = terminal.run(f"[{workflow}] | batch cancel | get error.0")
    assert "Error" not in shown
    assert daemon.wait_until_over(workflow)["status"] == "cancelled"


def test_monitor_prints_lines_where_nothing_can_be_redrawn(
    terminal: Terminal, daemon: LiveDaemon, definitions: Path
) -> None:
    """Of all workflows, each with its own name; Ctrl-C ends it without a word of the module."""
    terminal.keys("batch monitor --lines\r")
    terminal.wait_for("Ctrl-C ends it.")
    workflow = daemon.submit(definitions / "good.k")
    shown = terminal.wait_for("gamma")
    assert re.search(rf"(running|succeeded)\s+{workflow}\s+first\s+beta", shown)
    daemon.wait_until_over(workflow)
    time.sleep(0.5)  # so that no line is being printed when the key is pressed
    terminal.interrupt()
    said = terminal.wait_for("The workflows go on.").partition("Ctrl-C ends it.")[2]
    assert "nulib" not in said


def test_following_ends_with_ctrl_c(terminal: Terminal, daemon: LiveDaemon, definitions: Path) -> None:
    """No source of the module is shown, whether something had come by then or not."""
    workflow = daemon.submit(definitions / "slow.k")
    for number, code in enumerate(
        ("", " | each {|it| print $it.status }", " --format json", " | where status == failed")
    ):
        terminal.keys(f"print (1990 + {number} + 1); batch status {workflow} --follow{code}\r")
        terminal.wait_for(str(1991 + number))
        time.sleep(0.5)  # nothing is shown when the following begins
        before = len(terminal.wait_for(workflow))
        terminal.interrupt()
        said = terminal.wait_for(workflow)[before:]
        assert "internal/" not in said
        assert "commands/" not in said
    terminal.run(f"batch cancel {workflow}")
    assert daemon.wait_until_over(workflow)["status"] == "cancelled"
