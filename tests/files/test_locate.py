"""Which data directory is meant."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.locate import check_directory, check_format, find_data_dir, is_ours
from orchestrator.model.errors import FormatTooNew
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.users import NOBODY

if TYPE_CHECKING:
    from pathlib import Path

HOME = {"HOME": "/home/someone"}


def test_the_flag_wins(tmp_path: Path) -> None:
    """What is said at the call counts before anything else."""
    env = {**HOME, "ORCH_DATA_DIR": "/from/env"}
    assert find_data_dir("/flag", env=env, cwd=str(tmp_path), configured="/configured") == "/flag"


def test_the_environment_comes_before_the_configuration(tmp_path: Path) -> None:
    """ORCH_DATA_DIR is for one session, the configuration for all."""
    env = {**HOME, "ORCH_DATA_DIR": "/from/env"}
    assert find_data_dir(None, env=env, cwd=str(tmp_path), configured="/configured") == "/from/env"
    assert find_data_dir(None, env=HOME, cwd=str(tmp_path), configured="/configured") == "/configured"


def test_an_empty_variable_says_nothing(tmp_path: Path) -> None:
    """An empty ORCH_DATA_DIR is as good as none."""
    env = {**HOME, "ORCH_DATA_DIR": ""}
    assert find_data_dir(None, env=env, cwd=str(tmp_path), configured="/configured") == "/configured"


def test_a_relative_path_starts_at_the_current_folder() -> None:
    """Paths are made absolute and folded."""
    assert find_data_dir("../x/./y", env=HOME, cwd="/a/b") == "/a/x/y"
    assert find_data_dir("~/x", env=HOME, cwd="/a/b") == os.path.expanduser("~/x")


def test_the_nearest_checkout_upwards_is_found(tmp_path: Path) -> None:
    """data/state of this folder or of one above it, the nearest first."""
    outer = OwnDirectory(tmp_path / "data" / "state").path
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_data_dir(None, env=HOME, cwd=str(deep)) == outer
    inner = OwnDirectory(tmp_path / "a" / "data" / "state").path
    assert find_data_dir(None, env=HOME, cwd=str(deep)) == inner


def test_a_checkout_that_is_not_ours_is_passed_over(tmp_path: Path) -> None:
    """A data/state that another program wrote, or that is no folder, is not picked up by standing near it."""
    make_foreign(tmp_path / "data" / "state")
    assert find_data_dir(None, env=HOME, cwd=str(tmp_path)).startswith("/home/someone")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_checkout_of_another_user_is_passed_over(tmp_path: Path) -> None:
    """Nobody can put a data directory in our way, in /tmp for example."""
    own = OwnDirectory(tmp_path / "data" / "state").path
    os.chown(own, NOBODY, NOBODY)
    assert find_data_dir(None, env=HOME, cwd=str(tmp_path)) != own


def test_the_default_lies_below_the_home_directory() -> None:
    """Without anything else it ends in orchestrator/data (requirement R2-06)."""
    assert find_data_dir(None, env=HOME, cwd="/") == "/home/someone/.local/share/orchestrator/data"


def test_tells_ours_from_foreign(tmp_path: Path) -> None:
    """Ours has a format.json of our kind."""
    assert is_ours(OwnDirectory(tmp_path / "own").path)
    assert not is_ours(make_foreign(tmp_path / "foreign"))
    assert not is_ours(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "1.0"}'])
def test_a_broken_format_file_counts_as_ours(tmp_path: Path, content: str) -> None:
    """Better to believe the lock than a flag."""
    (tmp_path / "format.json").write_text(content, encoding="utf-8")
    assert is_ours(str(tmp_path))


def test_a_format_file_of_another_program_is_foreign(tmp_path: Path) -> None:
    """Its kind says whose it is."""
    (tmp_path / "format.json").write_text(json.dumps({"format": "9.0", "kind": "a printer"}), encoding="utf-8")
    assert not check_directory(str(tmp_path))


@pytest.mark.parametrize("stated", [None, "1.0", "1.7", 1, "0.3", "what"])
def test_reads_a_newer_minor_version_and_one_that_states_none(stated: object) -> None:
    """Only a newer major version changes what is there (requirement R2-22)."""
    check_format(stated, "/d")


def test_refuses_a_newer_major_version(tmp_path: Path) -> None:
    """Politely: it says which version it is, which ones are read, and what to do."""
    (tmp_path / "format.json").write_text(json.dumps({"format": "2.1", "kind": "orchestrator"}), encoding="utf-8")
    with pytest.raises(FormatTooNew, match=r"format 2\.1; this version reads formats up to 1\.x") as refused:
        check_directory(str(tmp_path))
    assert "version" in refused.value.help
