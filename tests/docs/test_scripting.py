"""docs/scripting.md is run from top to bottom, as it is written, and prints what it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.docs.test_readme import BIN, ROOT
from tests.support.live import LiveDaemon
from tests.support.nushell import NEWEST, OLDEST, run_nu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")

#: (what runs it, the script, what it prints or nothing), in order.
BLOCKS = re.findall(r"<!-- run: ([\w, ]+) -->\n```\w+\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, re.DOTALL)
SHELLS = [(kind, script, shown) for kind, script, shown in BLOCKS if kind != "nu"]
TABLES = [(script, shown) for kind, script, shown in BLOCKS if kind == "nu"]

#: What begins a block: its line in the page.
NAMES = [f"line {PAGE[: PAGE.index(script)].count(chr(10)) + 1}" for _, script, _ in BLOCKS]


def same(text: str) -> str:
    """`text` with the same end for all ids, without the space around it."""
    return re.sub(r"\b(works|fails)-[0-9a-z]{6}\b", r"\1-4k7q0d", text).strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """(the folder in which all is run, a daemon's directory); the page's first block has been run."""
    folder = tmp_path_factory.mktemp("scripting")
    with LiveDaemon(tmp_path_factory.mktemp("data") / "data") as daemon:
        in_bash(SHELLS[0][1], folder, daemon.data_dir)
        yield folder, daemon.data_dir


def in_bash(script: str, folder: Path, data_dir: str) -> subprocess.CompletedProcess[str]:
    """Run a script for bash."""
    environment = {**os.environ, "ORCH_DATA_DIR": data_dir, "PATH": f"{BIN}:{os.environ['PATH']}"}
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_there_is_something_to_run() -> None:
    """A change of the marks does not make these tests empty; every block of a script is run."""
    assert (len(SHELLS), len(TABLES)) == (9, 6)
    assert len(re.findall(r"```(?:bash|nu)\n", PAGE)) == len(BLOCKS)


@pytest.mark.parametrize(("kind", "script", "shown"), SHELLS, ids=NAMES[: len(SHELLS)])
def test_a_block_for_bash_prints_what_is_shown(kind: str, script: str, shown: str, place: tuple[Path, str]) -> None:
    """On standard output; it ends well, and is what shellcheck has nothing against."""
    if kind.endswith("jq") and shutil.which("jq") is None:
        pytest.skip("jq is not installed here (Debian: apt-get install jq)")
    told = in_bash(script, *place)
    assert told.returncode == 0, told.stderr
    assert same(told.stdout) == same(shown)
    checked = subprocess.run(
        [BIN / "shellcheck", "--shell=bash", "-"], input=script, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(("script", "shown"), TABLES, ids=NAMES[len(SHELLS) :])
def test_a_block_for_nushell_prints_what_is_shown(
    script: str, shown: str, version: str, place: tuple[Path, str], tmp_path: Path
) -> None:
    """On standard output, where something is shown."""
    folder, data_dir = place
    code = f"use {ROOT}/nulib *\n{script}"
    told = run_nu(code, home=tmp_path, version=version, cwd=folder, ORCH_DATA_DIR=data_dir)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()
    assert not shown or same(told.stdout) == same(shown)


def test_the_exit_codes_are_those_of_the_command() -> None:
    """The table names every one."""
    from orchestrator.interfaces.cli import EXIT_CODES

    table = PAGE[PAGE.index("| code |") : PAGE.index("### Submit and wait")]
    cells = [row.split("|")[1] for row in table.splitlines()[2:] if row.startswith("|")]
    named = {int(number) for cell in cells for number in re.findall(r"\d+", cell)}
    assert named == set(EXIT_CODES)
