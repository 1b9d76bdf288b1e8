"""The schemas without demands are made from the strict ones, and differ in nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from orchestrator.definitions.codes import CODES
from orchestrator.definitions.kcl import package_dir
from orchestrator.definitions.kcl.lax import without_demands

STRICT = {path.name: path.read_text(encoding="utf-8") for path in Path(package_dir()).glob("*s.k")}
ATTRIBUTE = re.compile(r"^    (\w+)(\??): ([^=\n]+?)(?: = .*)?$", re.MULTILINE)


def attributes(source: str) -> list[tuple[str, str]]:
    """(name, type) of every attribute of every schema, in order; those only checks use are left out."""
    code = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    return [(name, kind) for name, _, kind in ATTRIBUTE.findall(code) if not name.startswith("_")]


def test_both_have_the_same_attributes_of_the_same_types() -> None:
    """Nothing is lost or added."""
    for source in STRICT.values():
        assert attributes(without_demands(source)) == attributes(source)
        assert len(attributes(source)) > 10


def test_nothing_is_demanded_any_more() -> None:
    """No checks, and every attribute is optional or has a default."""
    for source in STRICT.values():
        lax = re.sub(r'""".*?"""', "", without_demands(source), flags=re.DOTALL)
        assert "check:" not in lax
        assert not re.search(r"^    \w+: [^=\n]+$", lax, re.MULTILINE)


def test_every_code_that_is_used_is_listed() -> None:
    """Codes in the code and codes in the table are the same."""
    root = Path(__file__).parents[2] / "orchestrator"
    used = set()
    for path in [*root.glob("definitions/**/*.py"), *root.glob("plan/*.py")]:
        if path.name != "codes.py":
            used |= set(re.findall(r'"(WF\d{3})"', path.read_text(encoding="utf-8")))
    assert used == set(CODES)
