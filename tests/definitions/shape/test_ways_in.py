"""``--env``, ``--layer`` and ``--resolved`` of the shell command and of the plugin."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.interfaces.cli import main, submit
from orchestrator.interfaces.cli.parser import Parser
from orchestrator.interfaces.cli.submission import submission
from tests.definitions.shape.conftest import operation
from tests.nu_plugin_orch.conftest import plugin_and_engine

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tests.definitions.shape.conftest import Folder
    from tests.support.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A plugin that knows every command, and the engine at its other end."""
    with plugin_and_engine() as opened:
        opened.greet()
        yield opened


@pytest.fixture
def layered(folder: Folder) -> Folder:
    """A definition with a layer for prod."""
    folder.workflow(operation())
    folder.write("w.prod.yaml", "priority: 5\n")
    return folder


def test_the_shell_command_gives_origins(layered: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    """As a list in the report, and as a table."""
    command = ["validate", str(layered.path / "w.k"), "--env", "prod", "--resolved"]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["resolved"]
    assert {"path": "w.priority", "value": 5, "origin": "layer:w.prod.yaml:1"} in rows
    assert main(command) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["w.priority", "layer:w.prod.yaml:1", "5"] in lines
    assert ["w.name", "file:3", '"w"'] in lines


def test_a_submission_says_for_what_it_is(layered: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a layer is absolute: the daemon is elsewhere."""
    monkeypatch.chdir(layered.path)
    wanted: dict[str, Any] = submission(_parsed("w.k", "--env", "prod", "--layer", "w.prod.yaml"))
    assert (wanted["environment"], wanted["layer"]) == ("prod", os.path.realpath(layered.path / "w.prod.yaml"))
    assert submission(_parsed("w.k"))["layer"] is None


def _parsed(*arguments: str) -> argparse.Namespace:
    parser = Parser("submit", None)
    submit.add_arguments(parser)
    return parser.parse_args(list(arguments))


def test_the_plugin_gives_origins(layered: Folder, engine: Engine) -> None:
    """A relative layer is looked for where the caller is."""
    engine.place["GetCurrentDir"] = str(layered.path)
    path, data_dir = str(layered.path / "w.k"), str(layered.path)
    report = engine.run("orch validate", path, data_dir=data_dir, layer="w.prod.yaml", resolved=...)
    assert [row["origin"] for row in report["resolved"] if row["path"] == "w.priority"] == ["layer:w.prod.yaml:1"]
    assert engine.run("orch validate", path, data_dir=data_dir, env="stage")["valid"] is False
