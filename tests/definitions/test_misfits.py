"""Elements and values that are null, or not of their kind: told, never stumbled over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definitions.kcl.chosen import choose
from orchestrator.definitions.kcl.findings import Findings
from orchestrator.definitions.kcl.source import Source
from orchestrator.definitions.kcl.wanted import Wanted
from orchestrator.definitions.kcl.workflows import Workflows
from orchestrator.definitions.shape.places import Places
from orchestrator.definitions.shape.workflow import Shaped
from orchestrator.files.asking import validator
from orchestrator.plan import ir
from orchestrator.plan.build import build
from orchestrator.plan.check import check

if TYPE_CHECKING:
    from pathlib import Path

ONE = '{id = "a", type = "create", target = "server", items = ["x"], command = "true"%s}'
FINE = {"id": "a", "type": "create", "target": "server", "items": ["x"], "command": "true"}


def write(folder: Path, operations: str, attributes: str = "") -> str:
    """A definition: the first of the operations is in line 6."""
    path = folder / "w.k"
    head = f'import workflows\n\nw = workflows.WorkflowDef {{\n    name = "w"\n    {attributes}\n'
    path.write_text(f"{head}    operations = [\n{operations}\n    ]\n}}\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("operations", "attributes", "line", "message"),
    [
        ("None", "", 7, "operation number 1 is null"),
        (f"{ONE % ''}\nNone", "", 8, "operation number 2 is null"),
        (ONE % "", "dependencies = [None]", 5, "dependency number 1 is null"),
        (ONE % "", 'templates = ["w.k", None]', 5, "template number 2 is null"),
        (ONE % "", "assume_installed = [None]", 5, "assumed task service number 1 is null"),
    ],
)
@pytest.mark.parametrize("way", ["want_plan", "resolved", "dry_run", "check"])
def test_an_element_that_is_null(
    tmp_path: Path, operations: str, attributes: str, line: int, message: str, way: str
) -> None:
    """Whatever is asked for, and with a layer or without."""
    (tmp_path / "w.prod.yaml").write_text("priority: 2\n")
    path = write(tmp_path, operations, attributes)
    for environment in (None, "prod"):
        asked: dict[str, Any] = {"strict": True, "environment": environment, way: True}
        report = validator.evaluate(path, **asked)
        assert [(one["code"], one["line"], one["message"]) for one in report["errors"]] == [("WF101", line, message)]


def test_an_element_of_another_kind() -> None:
    """Values that are computed can be anything."""
    raw = {"name": "w", "operations": [FINE, "b", 7], "dependencies": [[]], "templates": [{}], "assume_installed": [1]}
    faults = check(raw, {})
    assert [(one.code, one.path, one.message) for one in faults] == [
        ("WF101", ("operations", 1), "operation number 2 is a text"),
        ("WF101", ("operations", 2), "operation number 3 is a number"),
        ("WF101", ("dependencies", 0), "dependency number 1 is a list"),
        ("WF101", ("templates", 0), "template number 1 is a block"),
        ("WF101", ("assume_installed", 0), "assumed task service number 1 is a number"),
    ]


def test_a_variable_without_a_text(tmp_path: Path) -> None:
    """The plan would be one that nobody can read back."""
    report = validator.evaluate(write(tmp_path, ONE % ', env = {"A" = "1", "B" = None}'), want_plan=True)
    (told,) = report["errors"]
    assert (told["code"], told["line"]) == ("WF118", 7)
    assert told["message"] == "operation 'a': the value of B is null, not a text"
    assert "plan" not in report


@pytest.mark.parametrize(
    ("extra", "attributes", "line"),
    [
        (", timeout = None", "", 7),
        (", resources = {cpu = None}", "", 7),
        ("", "logging = {retention_days = None}", 5),
        ("", "rollback_strategy = {checkpoint_interval = 0}", 3),
    ],
)
def test_what_a_schema_refuses_is_told_at_a_line_of_the_file(
    tmp_path: Path, extra: str, attributes: str, line: int
) -> None:
    """Not at one of the schema, which nobody can mend: where a null is written, or where the workflow begins."""
    path = write(tmp_path, ONE.replace("{id", "workflows.OperationDef {id") % extra, attributes)
    (told,) = validator.evaluate(path)["errors"]
    assert (told["code"], told["file"], told["line"]) == ("KCL-E3M38", path, line)
    assert told["snippet"]
    assert "It is the schema that asks for it: " in told["help"]


@pytest.mark.parametrize(("value", "codes"), [("1", []), (None, ["WF147"])])
def test_a_plan_that_cannot_be_read_back_is_not_handed_out(
    value: str | None, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should the checks have missed something, the daemon is not who finds it."""
    monkeypatch.setenv("KCL_PKG_PATH", "/dev/null/none")  # the library makes no folder in the home of this test run
    wanted = Wanted("/w.k", b"w = 1", "", "", {}, {}, None, strict=False, want_plan=True)
    source, found = Source(wanted.path, wanted.source), Findings()
    workflows = Workflows(wanted, source, found)
    raw = {"name": "w", "operations": [{**FINE, "env": {"A": value}}]}
    workflows.raw["w"] = raw
    workflows.shaped["w"] = Shaped(raw, Places("w", source.text, source.map))
    workflows.plans["w"] = build(raw, {}, "/")
    choose(workflows)
    assert [one["code"] for one in found.diagnostics] == codes
    assert ("plan" in found.plan) == (not codes)
    if not codes:
        assert ir.decode(found.plan["plan"].encode()) == workflows.plans["w"]
