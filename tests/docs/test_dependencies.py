"""docs/dependencies.md: its example is valid, its names are those that conditions see."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.engine import conditions
from orchestrator.expression import parse
from orchestrator.files.asking import validator
from orchestrator.plan.resources import CONDITION_FIELDS, CONDITION_NAMES
from tests.engine.run import Run
from tests.engine.test_edges import linked

PAGE = (Path(__file__).parents[2] / "docs" / "dependencies.md").read_text(encoding="utf-8")


def test_the_example_is_valid(tmp_path: Path) -> None:
    """As printed, with the plan it promises."""
    match = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert match
    definition = tmp_path / "site.k"
    definition.write_text(match[1], encoding="utf-8")
    report = validator.evaluate(str(definition), want_plan=True)
    assert report["errors"] == []
    assert report["plan"].count('"condition"') == 3


def test_the_table_of_names_is_true() -> None:
    """Every name in it is there, and every name there is in it."""
    told: set[str] = set()
    for row in re.findall(r"^\| (`(?:source|target|operations|workflow)\S.*?`) \|", PAGE, re.MULTILINE):
        names = re.findall(r"`([^`]+)`", row)
        head = names[0].rsplit(".", 1)[0]
        told |= {name if not name.startswith(".") else head + name for name in names}
    run = Run(linked(condition=" and ".join(f"exists({name})" for name in CONDITION_NAMES)))
    link = run.task("b.local.x").needs[0]
    condition = parse(link.edge.condition)
    values = conditions.values(run.world, run.task("b.local.x"), link, condition)
    operations = values.pop("operations")
    assert isinstance(operations, dict)
    values['operations["ID"]'] = operations["a"]
    seen = {f"{head}.{name}" for head, group in values.items() if isinstance(group, dict) for name in group}
    assert told == seen
    known = {f"{head}.{name}" for head, names in CONDITION_FIELDS.items() for name in names if head != "operations"}
    assert known | {f'operations["ID"].{name}' for name in CONDITION_FIELDS["operations"]} == seen
