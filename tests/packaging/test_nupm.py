"""nupm.nuon, held against what nupm does with it: look for three keys, copy the folder of that name."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from orchestrator import __version__
from tests.support.nushell import NEWEST, OLDEST, ROOT, run_nu
from tests.support.sample import SAMPLE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_it_installs_the_module(version: str, tmp_path: Path) -> None:
    """`nupm install --path .`: required keys, a folder with mod.nu, copied to where `use` finds it."""
    told = run_nu("open nupm.nuon | to json --raw", home=tmp_path, version=version, plugin=False)
    package = json.loads(told.stdout)
    assert {"name", "type", "version"} <= package.keys()
    assert (package["type"], package["version"]) == ("module", __version__)
    assert (ROOT / package["name"] / "mod.nu").is_file()
    shutil.copytree(ROOT / package["name"], tmp_path / "modules" / package["name"])
    code = f"const NU_LIB_DIRS = [{tmp_path}/modules]; use {package['name']} *; batch list --data-dir {SAMPLE} | length"
    used = run_nu(code, home=tmp_path, version=version, cwd=tmp_path)
    assert (used.returncode, used.stdout.strip()) == (0, "10"), used.stderr
