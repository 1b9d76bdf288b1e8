"""docs/templates.md shows files that work, and what they give."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import validator
from orchestrator.plan import ir

if TYPE_CHECKING:
    from tests.definitions.shape.conftest import Folder

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")


def marked(kind: str) -> list[tuple[str, str]]:
    """(what the mark says, text of the block) of the blocks marked as `kind`."""
    return re.findall(rf"<!-- {kind}: (.*?) -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture
def files(folder: Folder) -> Folder:
    """The folder with all files of the document."""
    for name, text in marked("file"):
        folder.write(name, text)
    return folder


def test_there_is_something_to_look_at() -> None:
    """A change of the marks does not make these tests empty."""
    assert [len(marked(kind)) for kind in ("file", "command of", "shown by")] == [5, 1, 2]


def test_the_command_is_the_one_that_is_shown(files: Folder) -> None:
    """Without an environment."""
    report = validator.evaluate(str(files.path / "deploy.k"), want_plan=True)
    actions = ir.decode(report["plan"].encode()).operations[0].item_actions
    for item, text in marked("command of"):
        assert actions[item].command + "\n" == text


@pytest.mark.parametrize(("command", "expected"), marked("shown by"))
def test_what_is_shown_is_what_is_said(files: Folder, command: str, expected: str) -> None:
    """As somebody in the folder sees it; the folder itself is left out."""
    program = Path(sys.executable).parent / "orchestrator"
    line = command.replace("orchestrator", str(program), 1)
    said = subprocess.run(["sh", "-c", line], cwd=files.path, capture_output=True, text=True, check=False, timeout=60)
    assert _words(said.stdout.replace(f"{files.path}/", "")) == _words(expected)


def _words(text: str) -> list[list[str]]:
    """Of each line: how wide a column is depends on rows that are not shown."""
    return [line.split() for line in text.splitlines()]


def test_the_table_of_names_is_true(folder: Folder) -> None:
    """Each row of it."""
    rows = re.findall(r"^\| `(items = .*?)` \| (.*?) \|$", DOCUMENT, re.MULTILINE)
    assert len(rows) == 5
    for number, (written, names) in enumerate(rows):
        attributes = written.replace("\\|", "|")
        operation = f'{{id = "a", type = "create", target = "server", command = "true", {attributes}}}'
        workflow = f'w = workflows.WorkflowDef {{name = "rollout", operations = [{operation}]}}'
        path = folder.write(f"w{number}.k", f'import workflows\nregion = "fsn"\n{workflow}\n')
        report = validator.evaluate(str(path), want_plan=True)
        assert ", ".join(ir.decode(report["plan"].encode()).operations[0].items) == names


@pytest.mark.parametrize(("environment", "tasks"), [(None, 2), ("prod", 4)])
def test_the_example_is_valid(environment: str | None, tasks: int) -> None:
    """With and without its environment, and strictly but for the undo that an installation has not."""
    report = validator.evaluate(str(ROOT / "data" / "examples" / "environments.k"), environment=environment)
    assert (report["valid"], report["warnings"]) == (True, [])
    assert report["workflows"][0]["tasks"] == tasks
