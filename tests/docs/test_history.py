"""What docs/history.md shows is what the sample directory gives; its other lines run there, too."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.docs.test_readme import ROOT
from tests.support.nushell import NEWEST, VERSIONS, run_nu
from tests.support.shell import call

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
SAMPLE = str(ROOT / "data" / "sample")

IN_A_SHELL = re.findall(r"```\n\$ orchestrator (.*)\n([^`]*)```", PAGE)
IN_NUSHELL = re.findall(r"```\n> (.*)\n([^`]*)```", PAGE)
LINES = [line for block in re.findall(r"```nushell\n([^`]*)```", PAGE) for line in block.splitlines()]


def test_there_is_something_to_run() -> None:
    """A change of the form does not make these tests empty."""
    assert (len(IN_A_SHELL), len(IN_NUSHELL), len(LINES)) == (2, 3, 6)


@pytest.mark.parametrize(("line", "shown"), IN_A_SHELL)
def test_the_shell_command_prints_what_the_page_shows(line: str, shown: str) -> None:
    """To the letter."""
    result = call(*shlex.split(line), env={"ORCH_DATA_DIR": SAMPLE})
    assert (result.returncode, result.stdout, result.stderr) == (0, shown, "")


@pytest.mark.parametrize(("line", "shown"), IN_NUSHELL)
def test_nushell_shows_what_the_page_shows(line: str, shown: str, tmp_path: Path) -> None:
    """To the letter, in the newest."""
    result = run_nu(line, home=tmp_path, version=NEWEST, ORCH_DATA_DIR=SAMPLE)
    assert (result.stdout, result.stderr) == (shown, "")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_line_runs(version: str, tmp_path: Path) -> None:
    """In every supported Nushell."""
    code = "\n".join(f"{line} | ignore" for line in LINES)
    result = run_nu(code, home=tmp_path, version=version, ORCH_DATA_DIR=SAMPLE, PATH=os.environ["PATH"])
    assert (result.returncode, result.stderr) == (0, "")
