"""What the README shows is run, as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import validator
from orchestrator.model import errors
from tests.support.live import LiveDaemon
from tests.support.nushell import VERSIONS, clean_environment, nushell
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
NU = ROOT / ".tools" / "bin" / "nu"


def marked(language: str) -> list[str]:
    """The blocks that are marked to be run in `language`."""
    return re.findall(rf"<!-- run: {language} -->\n```\w+\n(.*?)```", README, re.DOTALL)


def told(text: str) -> list[str]:
    """The changes that progress lines tell, without their times, in an order that does not depend on chance."""
    return sorted(" ".join(line.split()[2:5]) for line in text.splitlines() if "/10 " in line)


def test_there_is_something_to_run() -> None:
    """A change of the marks does not make these tests empty."""
    assert [len(marked(language)) for language in ("prompt, once", "prompt", "nu", "bash")] == [1, 1, 1, 1]
    assert len(told(README)) == 20


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lines_for_the_prompt_make_the_commands_known(version: str, tmp_path: Path) -> None:
    """Registered by one shell, used by the next, typed at a terminal (R2-33)."""
    environment = clean_environment(tmp_path)
    for block, command in (("prompt, once", "plugin list"), ("prompt", "batch list --data-dir data/sample")):
        with Terminal([str(nushell(version))], cwd=ROOT, env=environment) as shell:
            for line in marked(block)[0].splitlines():
                assert "Error" not in shell.run(line)
            assert "Error" not in shell.run(command)


@pytest.mark.parametrize("line", marked("nu")[0].splitlines())
def test_a_line_for_nushell_runs(line: str, sample: LiveDaemon) -> None:
    """Each line by itself, in a Nushell with the plugin and the module, on a directory where the sample ran."""
    script = f"use nulib *\n{line}\n"
    command = [str(NU), "-n", "--plugins", f"[{BIN / 'nu_plugin_orch'}]", "-c", script]
    environment = {**os.environ, "ORCH_DATA_DIR": sample.data_dir}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
    if line.endswith("--watch"):
        assert told(result.stderr) == told(README)


SHOWN = [
    (typed, output)
    for block in re.findall(r"<!-- shown: nu, on data/sample -->\n```nu\n(.*?)```", README, re.DOTALL)
    for typed, _, output in (entry.partition("\n") for entry in re.split(r"^> ", block, flags=re.MULTILINE)[1:])
]


def test_there_is_something_shown() -> None:
    """As above."""
    assert len(SHOWN) >= 8


@pytest.mark.parametrize(("typed", "output"), SHOWN, ids=[typed for typed, _ in SHOWN])
def test_nushell_shows_what_is_shown(typed: str, output: str) -> None:
    """To the character, on the sample directory."""
    # A pipe has no width of its own, and what Nushell takes for it depends on the machine.
    script = f"let shown = {typed}\nif ($shown | describe) == string {{ $shown }} else {{ $shown | table --width 100 }}"
    command = [str(NU), "-n", "--no-std-lib", "--plugins", f"[{BIN / 'nu_plugin_orch'}]", "-c", script]
    environment = {**os.environ, "ORCH_DATA_DIR": "data/sample"}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.rstrip("\n") == output.rstrip("\n")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDaemon]:
    """A daemon on a directory where the sample has run."""
    daemon = LiveDaemon(tmp_path_factory.mktemp("readme") / "data")
    with daemon:
        daemon.wait_until_over(daemon.submit(ROOT / "data" / "examples" / "wuji.k"))
        yield daemon


def test_the_lines_for_a_shell_run(tmp_path: Path) -> None:
    """All lines in one shell that stops at the first failure."""
    environment = {**os.environ, "ORCH_DATA_DIR": str(tmp_path / "data"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    script = "set -euo pipefail\n" + marked("bash")[0]
    result = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert "all as the journal says" in result.stdout


def test_the_definition_that_is_shown_is_valid(tmp_path: Path) -> None:
    """The KCL of the README means what it says."""
    block = re.search(r"```python\n(import workflows.*?)```", README, re.DOTALL)
    assert block is not None
    (tmp_path / "deploy.k").write_text(block[1], encoding="utf-8")
    report = validator.evaluate(str(tmp_path / "deploy.k"))
    assert (report["errors"], report["warnings"]) == ([], [])


def test_every_exit_code_is_listed() -> None:
    """The README names each exit code that an error class has."""
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    listed = re.search(r"Exit codes: (.*?)\n\n", README, re.DOTALL)
    assert listed is not None
    assert codes <= {int(number) for number in re.findall(r"\b\d+\b", listed[1])}
