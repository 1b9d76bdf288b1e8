"""Data directories and effects for the tests beside this file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.effects.local import LocalEffect
from tests.support.attempts import BOOT_ID, kill_attempts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory; no process of an attempt in it survives the test."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    yield path
    kill_attempts(path)


@pytest.fixture
def effect(data_dir: Path) -> LocalEffect:
    """The effect of a daemon on `data_dir`."""
    return LocalEffect(str(data_dir), BOOT_ID)
