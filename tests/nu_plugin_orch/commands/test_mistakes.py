"""What people get wrong with any command: told at the word that is wrong, with what was meant and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nu_plugin_orch import commands, place
from nu_plugin_orch.commands.shared import complete_by
from tests.support.engine import ARGUMENT, HEAD, Engine, PluginError, wire
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.users import unprivileged

if TYPE_CHECKING:
    from pathlib import Path

#: Commands that read a directory, with an argument that is right in a directory that has it.
READING = [
    ("orch status",),
    ("orch tasks",),
    ("orch stats",),
    ("orch workflows",),
    ("orch workflow", "w"),
    ("orch why", "w"),
    ("orch why", "w.a.local.x"),
    ("orch logs", "w"),
    ("orch eta", "w"),
]

#: Commands that take the id of a workflow, and say themselves whether it is there.
ABOUT_ONE = ["orch workflow", "orch why", "orch logs", "orch eta"]


@pytest.mark.parametrize("call", READING, ids=" ".join)
def test_a_directory_that_may_not_be_read(engine: Engine, tmp_path: Path, call: tuple[str, ...]) -> None:
    """Names the user, the mode and the owner, and how to change it (requirement R2-30)."""
    folder = tmp_path / "data"
    OwnDirectory(folder).submit(plan(operation("a")), "w")
    with unprivileged(), pytest.raises(PluginError, match=r"may not read .* \(mode 0700, owner ") as told:
        engine.run(*call, data_dir=str(folder))
    assert "chmod" in told.value.told["help"]
    assert told.value.told["labels"][0]["span"] == ARGUMENT


@pytest.mark.parametrize("name", ABOUT_ONE)
def test_a_directory_that_is_not_there(engine: Engine, tmp_path: Path, name: str) -> None:
    """The label is on the directory, not on the id; a file is no directory."""
    (tmp_path / "file").touch()
    for path, what in (("nowhere", "There is no data directory"), ("file", "is not a directory")):
        with pytest.raises(PluginError, match=what) as told:
            engine.run(name, "w", data_dir=str(tmp_path / path))
        assert told.value.told["labels"] == [{"text": "this data directory", "span": ARGUMENT}]
        assert told.value.told["help"]


def test_a_command_that_there_is_not(engine: Engine) -> None:
    """`orch` alone is the help; with a word it says which commands there are."""
    engine.place["GetHelp"] = "all about it"
    assert engine.run("orch") == "all about it"
    with pytest.raises(PluginError, match="There is no command `orch statis`") as told:
        engine.run("orch", "statis")
    assert told.value.told["labels"] == [{"text": "not a command", "span": ARGUMENT}]
    assert "Did you mean stat" in told.value.told["help"]
    assert all(name.removeprefix("orch ") in told.value.told["help"] for name in commands.MODULES if name != "orch")


@pytest.mark.parametrize(
    ("place_of_it", "value", "message"),
    [
        ("GetEnvVar", ["a"], r"\$env.ORCH_DATA_DIR is a list, not a string"),
        ("GetEnvVar", 5, r"\$env.ORCH_DATA_DIR is an int, not a string"),
        ("GetPluginConfig", "text", r"plugins\.orch is a string, not a record"),
        ("GetPluginConfig", {"data_dir": 5}, r"plugins\.orch\.data_dir is an int, not a string"),
    ],
)
def test_a_setting_of_the_wrong_kind(engine: Engine, place_of_it: str, value: Any, message: str) -> None:
    """Is an error: silently another directory would be meant. A flag makes it unimportant."""
    engine.place[place_of_it] = value
    for name in ("orch status", "orch tasks", "orch stats"):
        with pytest.raises(PluginError, match=message) as told:
            engine.run(name)
        assert told.value.told["code"] == "orch::setting"
        assert told.value.told["labels"] == [{"text": "here", "span": HEAD}]
        assert told.value.told["help"]
    assert engine.run("orch tasks", data_dir="/nowhere") == []


def test_a_key_that_means_nothing_is_told_once(
    engine: Engine, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others count."""
    monkeypatch.setattr(place, "_told", set())
    own = OwnDirectory(tmp_path)
    engine.place["GetPluginConfig"] = {"data_dri": "x", "data_dir": own.path}
    for _ in range(3):
        assert engine.run("orch status")["data_dir"] == own.path
    (warning,) = capfd.readouterr().err.splitlines()
    assert "orch.data_dri means nothing; the only key is data_dir" in warning


def test_tab_passes_over_wrong_settings() -> None:
    """An error would be shown as nothing, in the middle of a line."""
    found, _ = place.resolve(None, {"cwd": wire("/tmp"), "config": wire([1]), "variable": wire(5)})
    assert found.startswith("/")


def test_tab_offers_no_files_where_none_are_meant(tmp_path: Path) -> None:
    """For a position that a command does not have, nothing; for a flag that may take a path, the engine's own."""
    assert complete_by({"limit": ""}, str(tmp_path), 3, {}) == []
    assert complete_by({"limit": ""}, str(tmp_path), "limit", {}) == []
    assert complete_by({"limit": ""}, str(tmp_path), "data-dir", {}) is None
