"""Which word was meant: what KCL suggests, put in order and without what is no remedy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl.messages import from_sarif
from orchestrator.files.asking import validator

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = """import workflows

w = workflows.WorkflowDef {
    name = "w"
    operations = [{id = "a", type = "create", target = "server", items = ["x"], command = "true"%s}]
}
"""


def told(message: str) -> str:
    """The help that becomes of a message of KCL."""
    document = {"runs": [{"results": [{"ruleId": "E2L23", "message": {"text": message}, "locations": []}]}]}
    (one,) = from_sarif(json.dumps(document), Text("w.k", ""))
    return str(one["help"])


def errors(path: Path, text: str) -> list[dict[str, Any]]:
    """What the evaluator says about a definition."""
    path.write_text(text, encoding="utf-8")
    found: list[dict[str, Any]] = validator.evaluate(str(path))["errors"]
    return found


def test_the_nearest_word_comes_first() -> None:
    """KCL gives them in any order."""
    for listed in ('"rollback_template", "rollback_command"', '"rollback_command", "rollback_template"'):
        message = f"Cannot add member 'rolback_command' to schema 'OperationDef', did you mean '[{listed}]'?"
        assert told(message) == "Did you mean 'rollback_command', 'rollback_template'?"


def test_what_is_no_name_is_no_remedy() -> None:
    """A key with a blank cannot be written in its place."""
    assert told("""name 'three' is not defined, did you mean '["three x", "threes"]'?""") == "Did you mean 'threes'?"
    assert told("""name 'three' is not defined, did you mean '["three x"]'?""") == ""


def test_a_misspelt_attribute_of_a_real_definition(tmp_path: Path) -> None:
    """With the evaluator."""
    (fault,) = errors(tmp_path / "w.k", WORKFLOW % ', rolback_command = "true"')
    assert fault["help"].startswith("Did you mean 'rollback_command'")


def test_a_misspelt_import_is_mended_where_it_stands(tmp_path: Path) -> None:
    """Not at the use, which is right: there KCL suggests the name that is not there."""
    faults = errors(tmp_path / "w.k", (WORKFLOW % "").replace("import workflows", "import workflow"))
    assert [(fault["line"], fault["help"]) for fault in faults] == [(1, "Did you mean `import workflows`?"), (3, "")]
    (other, *_) = errors(tmp_path / "w.k", (WORKFLOW % "").replace("import workflows", "import schemas_of_mine"))
    assert (other["line"], other["help"]) == (1, "")
