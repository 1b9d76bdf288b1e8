"""The repository holds what it promises to hold, and nothing of the machine it was written on."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: The home folder of whoever runs this, and this checkout: neither may stand in a file of it.
MACHINE_PATHS = (pwd.getpwuid(os.geteuid()).pw_dir.encode() + b"/", str(ROOT).encode())


def files_of_the_repository() -> list[Path]:
    """Every file that is, or is about to be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "data/README.md",
        "data/examples/wuji.k",
        "nu_plugin_orch/main.py",
        "nulib/mod.nu",
        "orchestrator/daemon.py",
        "pyproject.toml",
        "tests",
        "uv.lock",
    ],
)
def test_the_tree_holds(name: str) -> None:
    """The layout of requirement RX-01 and of ARCHITECTURE.md is there."""
    assert (ROOT / name).exists()


def test_every_package_of_the_code_map_exists_and_every_package_is_on_it() -> None:
    """ARCHITECTURE.md's code map and the folders of `orchestrator` are the same list."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition("## Code map")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `orchestrator/(\w+)", section, re.MULTILINE))
    present = {path.parent.name for path in (ROOT / "orchestrator").glob("*/__init__.py")} | {"daemon", "serve"}
    assert named == present


def test_the_commands_are_installed_as_scripts() -> None:
    """The package offers the shell command and the plugin's executable (R2-44)."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert set(scripts) == {"orchestrator", "nu_plugin_orch"}


def test_no_file_names_a_machine() -> None:
    """No committed file holds a path of the machine that it is on."""
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.decode(errors='replace').strip()[:100]}"
        for file in files_of_the_repository()
        for number, line in enumerate(file.read_bytes().splitlines(), start=1)
        if any(path in line for path in MACHINE_PATHS)
    ]
    assert found == []
