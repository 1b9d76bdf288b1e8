"""A daemon whose directory holds one workflow of each kind, and a Nushell that looks at it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import LiveDaemon
from tests.support.nushell import NEWEST, run_nu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

DEFINITION = """
import workflows

work = workflows.WorkflowDef {{
    name = "{name}"
    retry_policy = {{max_attempts = 1}}
    operations = [
        {{
            id = "first", type = "create", target = "server", items = ["beta", "alpha.1"]
            command = "{first}"
        }}
        {{
            id = "second", type = "create", target = "cluster", items = ["gamma"], depends_on = ["first"]
            command = "{second}", on_failure = "fail"
        }}
    ]
}}
"""

#: {name: what its two operations do}
COMMANDS = {
    "good": ("echo hello $ORCH_ITEM", r"printf '\\033[31mred\\033[0m\\n'; echo careful >&2"),
    "bad": ("true", "echo no route >&2; exit 3"),
    "slow": ("true", "exec sleep 600"),
    "lingering": ("true", "trap 'sleep 2; exit 3' TERM; sleep 600 & wait"),
    "stubborn": ("true", "trap '' TERM; echo begun; sleep 600"),
}


class Nushell:
    """`nulib` in a Nushell of one version, on one data directory."""

    def __init__(self, data_dir: str, home: Path, version: str = NEWEST) -> None:
        self.data_dir = data_dir
        self.home = home
        self.version = version

    def run(self, code: str) -> CompletedProcess[str]:
        """Run `code` as a script."""
        script = f"use nulib *\n{code}"
        return run_nu(script, home=self.home, version=self.version, ORCH_DATA_DIR=self.data_dir)

    def value(self, code: str) -> Any:
        """The value of the pipeline `code`."""
        result = self.run(f"{code} | to json --raw")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def error(self, code: str) -> str:
        """What Nushell says about the failing `code`, on one line, without the drawing."""
        result = self.run(code)
        assert result.returncode != 0, result.stdout
        return " ".join(word for word in result.stderr.split() if word != "|")


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Definitions: good, bad, slow (never ends), lingering (takes 2 s to stop), stubborn (has to be killed), wrong."""
    folder = tmp_path_factory.mktemp("definitions")
    for name, (first, second) in COMMANDS.items():
        text = DEFINITION.format(name=name, first=first, second=second)
        (folder / f"{name}.k").write_text(text, encoding="utf-8")
    wrong = DEFINITION.format(name="wrong", first="true", second="true").replace('["first"]', '["frist", "secnd"]')
    (folder / "wrong.k").write_text(wrong, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory, definitions: Path) -> Iterator[LiveDaemon]:
    """A daemon on a directory where bad.k and then good.k have run."""
    running = LiveDaemon(tmp_path_factory.mktemp("nu") / "data")
    with running:
        for name in ("bad", "good"):
            running.wait_until_over(running.submit(definitions / f"{name}.k"))
        yield running


@pytest.fixture
def nu(daemon: LiveDaemon, tmp_path: Path) -> Nushell:
    """The newest Nushell, on the daemon's directory."""
    return Nushell(daemon.data_dir, tmp_path)
