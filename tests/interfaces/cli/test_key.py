"""``submit --key``: a request that may be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.live import LiveDaemon
from tests.support.shell import call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEFINITION = """
import workflows

work = workflows.WorkflowDef {{
    name = "work"
    retry_policy = {{max_attempts = 1}}
    operations = [
        {{id = "a", type = "create", target = "server", items = ["x"], command = "{command}", on_failure = "fail"}}
    ]
}}
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A daemon's."""
    with LiveDaemon(tmp_path_factory.mktemp("key") / "data") as daemon:
        yield daemon.data_dir


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("false", 1)])
def test_the_same_key_is_the_same_workflow(command: str, code: int, data_dir: str, tmp_path: Path) -> None:
    """Asked again it is followed to the same end, also when that was long ago and the file has changed since."""
    file = tmp_path / "work.k"
    file.write_text(DEFINITION.format(command=command), encoding="utf-8")
    first = call("submit", file, "--key", f"key-{command}", "--watch", data_dir=data_dir)
    file.write_text(DEFINITION.format(command="exit 7"), encoding="utf-8")
    again = call("submit", file, "--key", f"key-{command}", "--watch", data_dir=data_dir)
    assert (first.returncode, again.returncode) == (code, code), again.stderr
    one = call("submit", file, "--key", f"key-{command}", data_dir=data_dir).stdout
    assert one.strip() in first.stderr
    assert one == call("submit", file, "--key", f"key-{command}", data_dir=data_dir).stdout
    assert call("workflows", "--json", data_dir=data_dir).stdout.count(f'"id": "{one.strip()}"') == 1


def test_what_was_refused_can_be_put_right(data_dir: str, tmp_path: Path) -> None:
    """The key of a request that was not done is still free."""
    file = tmp_path / "work.k"
    file.write_text("import workflows\nwork = ", encoding="utf-8")
    assert call("submit", file, "--key", "later", data_dir=data_dir).returncode == 65
    file.write_text(DEFINITION.format(command="true"), encoding="utf-8")
    told = call("submit", file, "--key", "later", data_dir=data_dir)
    assert (told.returncode, told.stderr) == (0, "")


def test_a_key_that_is_none_is_told(data_dir: str, tmp_path: Path) -> None:
    """It becomes a file name."""
    file = tmp_path / "work.k"
    file.write_text(DEFINITION.format(command="true"), encoding="utf-8")
    told = call("submit", file, "--key", "a b", data_dir=data_dir)
    assert (told.returncode, "cannot be the key of a request" in told.stderr) == (65, True)
