"""What docs/graph.md shows is what the commands give."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.graph.style import STATUS
from tests.support.nushell import run_nu

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "graph.md"
TEXT = PAGE.read_text(encoding="utf-8")


def shown(language: str, mark: str) -> Iterator[tuple[str, str]]:
    """(what is typed, what is shown) in the blocks of `language`, where `mark` begins what is typed."""
    for block in re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE):
        for entry in re.split(rf"^{re.escape(mark)}", block, flags=re.MULTILINE)[1:]:
            typed, _, output = entry.partition("\n")
            yield typed, output


SHELL, NUSHELL = list(shown("console", "$ ")), list(shown("nushell", "> "))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the definition of the page, and the sample."""
    (tmp_path / "data").symlink_to(ROOT / "data")
    definition = re.search(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert definition is not None
    (tmp_path / "site.k").write_text(definition[1], encoding="utf-8")
    return tmp_path


def test_there_is_something_to_compare() -> None:
    """A change of the marks does not make these tests empty."""
    assert (len(SHELL), len(NUSHELL)) == (3, 3)


@pytest.mark.parametrize(("typed", "output"), SHELL)
def test_the_shell_command_gives_what_is_shown(typed: str, output: str, folder: Path) -> None:
    """To the character."""
    program, *arguments = typed.split()
    assert program == "orchestrator"
    environment = {**os.environ, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "orchestrator", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == output


@pytest.mark.parametrize(("typed", "output"), NUSHELL)
def test_nushell_gives_what_is_shown(typed: str, output: str, folder: Path) -> None:
    """In the newest version, whose tables these are."""
    done = run_nu(typed, home=folder / "home", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.rstrip() == output.rstrip()


def test_every_sign_is_told() -> None:
    """In the order of the statuses."""
    rows = re.findall(r"^\| `(.)` \| `(.)` \| `(\w+)` \|$", TEXT, re.MULTILINE)
    assert rows == [(sign, ascii_sign, status) for status, (sign, ascii_sign, *_) in STATUS.items()]
