"""``use nulib *`` before and after the plugin is there, as somebody does it who has just installed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.nushell import EVERY, PLUGIN, ROOT, clean_environment, nushell
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon

every_version = pytest.mark.parametrize("version", EVERY)


@every_version
def test_the_order_does_not_matter_at_a_prompt(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """Loaded too early, the module says what is missing; then it can be loaded in the same Nushell."""
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    with Terminal([str(nushell(version))], cwd=ROOT, env=environment) as terminal:
        terminal.run(f"plugin add {PLUGIN}")
        told = terminal.run("use nulib *")
        assert "The plugin `orch` is not loaded. Type `plugin use orch`, then this again." in told
        assert "`plugin add .venv/bin/nu_plugin_orch`" in told
        terminal.run("plugin use orch")
        assert "Error" not in terminal.run("use nulib *")
        shown = terminal.run("batch list | get status | str join ' '")
        assert "succeeded failed" in shown


@every_version
def test_both_lines_at_once(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """As they stand in config.nu, or on one line: what is registered is there from the start."""
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=daemon.data_dir)
    with Terminal([str(nushell(version))], cwd=ROOT, env=environment) as terminal:
        terminal.run(f"plugin add {PLUGIN}")
    config = tmp_path / ".config" / "nushell" / "config.nu"
    config.write_text(f"plugin use orch\nuse {ROOT}/nulib *\n", encoding="utf-8")
    with Terminal([str(nushell(version))], cwd=ROOT, env=environment) as terminal:
        assert "succeeded failed" in terminal.run("batch list | get status | str join ' '")
    config.write_text("", encoding="utf-8")
    with Terminal([str(nushell(version))], cwd=ROOT, env=environment) as terminal:
        assert "Error" not in terminal.run("plugin use orch; use nulib *")
        assert "succeeded failed" in terminal.run("batch list | get status | str join ' '")
