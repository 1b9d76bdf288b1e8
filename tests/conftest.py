"""What every test run needs: an evaluator of its own, so that none of an earlier run answers with older code."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.support.faults"]


@pytest.fixture(scope="session", autouse=True)
def own_runtime_folder() -> Iterator[None]:
    """XDG_RUNTIME_DIR and HOME of this run; ORCH_DATA_DIR of the caller is not seen."""
    with tempfile.TemporaryDirectory(prefix="orch-", ignore_cleanup_errors=True) as folder:
        patch = pytest.MonkeyPatch()
        for name in ("run", "home"):
            os.mkdir(f"{folder}/{name}", 0o700)
        patch.setenv("XDG_RUNTIME_DIR", f"{folder}/run")
        patch.setenv("HOME", f"{folder}/home")
        patch.delenv("ORCH_DATA_DIR", raising=False)
        yield
        patch.undo()
