"""``make demo`` as a person runs it: every step works and shows something, and nothing stays behind."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.nushell import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short: the demo has a socket in it, and the kernel takes some 100 characters."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def test_the_demo_runs_to_its_end(folder: Path) -> None:
    """Each step of tools/demo.nu prints its title, what would be typed, and what that gives."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "NU_"))}
    process = subprocess.Popen(
        [str(ROOT / "tools" / "demo")],
        env={**kept, "TMPDIR": str(folder), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        shown, told = process.communicate(timeout=120)
    finally:
        process.terminate()  # it ends its daemon itself
        process.wait(timeout=30)
    assert process.returncode == 0, shown + told
    written = (ROOT / "tools" / "demo.nu").read_text(encoding="utf-8")
    titles = re.findall(r'step "([^"]+)"', written)
    steps = re.split(r"^# ", shown, flags=re.MULTILINE)[1:]
    assert [step.splitlines()[0] for step in steps] == titles
    for step in steps:
        assert step.splitlines()[1].startswith("> ")
        assert len(step.split("\n", 2)[2].strip()) > 20, step
    plan = next(step for step in steps if step.startswith("In which order"))
    assert "rook-ceph" in plan
    assert "succeeded" in told
    assert list(folder.iterdir()) == []
