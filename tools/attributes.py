"""docs/attributes.md: every attribute of the KCL schemas, and the test that proves it.

Types, defaults and meanings are read from the schema package, so the page cannot drift from it;
tests/docs/attributes.py says which test proves which attribute.
"""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.definitions.kcl import evaluate, package_dir
from orchestrator.plan.check import paths_without_effect

ROOT = Path(__file__).resolve().parent.parent

#: The schema that everything else hangs on.
TOP = "WorkflowDef"

#: An attribute in a docstring: its name, then what it means, indented.
_DESCRIBED = re.compile(r"^ {4}(\w+) :.*\n((?: {8}.*\n)*)", re.MULTILINE)


class Attribute(NamedTuple):
    """`default`: as it is written, "" without one."""

    schema: str
    name: str
    type: str
    default: str
    optional: bool
    meaning: str

    @property
    def id(self) -> str:
        """``Schema.attribute``."""
        return f"{self.schema}.{self.name}"


def schemas() -> dict[str, str]:
    """{schema: its summary}, `TOP` and what hangs on it first."""
    return {name: node["doc"]["node"].strip('"').strip().split("\n")[0] for name, (node, _) in _statements().items()}


def attributes() -> list[Attribute]:
    """All of them, in the order of the package."""
    found = []
    for schema, (node, lines) in _statements().items():
        meanings = dict(_DESCRIBED.findall(node["doc"]["node"] + "\n"))
        for statement in node["body"]:
            inner = statement["node"]
            name = inner["name"]["node"] if inner["type"] == "SchemaAttr" else "_"
            if not name.startswith("_"):
                default = _written(inner["value"], lines) if inner["value"] else ""
                meaning = " ".join(meanings.get(name, "").split())
                kind = _written(inner["ty"], lines)
                found.append(Attribute(schema, name, kind, default, inner["is_optional"], meaning))
    return found


def later() -> set[str]:
    """Ids of the attributes that nothing acts upon in this version."""
    by_schema: dict[str, list[Attribute]] = {}
    for one in attributes():
        by_schema.setdefault(one.schema, []).append(one)
    found: set[str] = set()
    for path in paths_without_effect():
        schema = TOP
        for part in path:
            attribute = next(one for one in by_schema[schema] if one.name == part)
            schema = attribute.type
        found.add(attribute.id)
        pending = [schema]
        while pending:
            for one in by_schema.get(pending.pop(), []):
                found.add(one.id)
                pending.append(one.type)
    return found


def document(note: str) -> str:
    """The page. `note` says that it is generated."""
    proofs: dict[str, str] = runpy.run_path(str(ROOT / "tests" / "docs" / "attributes.py"))["PROOFS"]
    waiting = later()
    lines = [
        "# Attributes of a definition",
        note,
        "",
        "What `import workflows` brings: each schema with its attributes, and the test that proves what is said of it.",
        "*Later*: accepted and kept with the workflow, but nothing acts upon it in this version; whoever sets it is",
        "told so (`WF201`).",
    ]
    listed = attributes()
    for schema, summary in schemas().items():
        lines += ["", f"## {schema}", "", summary, "", "| attribute | type | default | meaning | proved by |"]
        lines.append("|---|---|---|---|---|")
        lines += [_row(one, proofs, waiting) for one in listed if one.schema == schema]
    return "\n".join([*lines, ""])


def _row(one: Attribute, proofs: dict[str, str], waiting: set[str]) -> str:
    default = f"`{one.default}`" if one.default else "" if one.optional else "required"
    meaning = f"*Later.* {one.meaning}".strip() if one.id in waiting else one.meaning
    proof = proofs.get(one.id, "")
    shown = f"`{proof}`" if proof else "nothing yet"
    cells = (f"`{one.name}`", f"`{one.type}`", default, meaning, shown)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _statements() -> dict[str, tuple[dict[str, Any], list[str]]]:
    """{schema: (its node, lines of its file)}."""
    os.environ.setdefault("KCL_PKG_PATH", "/dev/null/none")  # else the library makes a folder in the user's home
    found = {}
    for path in sorted(Path(package_dir()).glob("*.k"), reverse=True):
        if not path.name.endswith("_test.k"):
            text = path.read_text(encoding="utf-8")
            for statement in evaluate.parse(str(path), text)["body"]:
                if statement["node"]["type"] == "Schema":
                    found[statement["node"]["name"]["node"]] = (statement["node"], text.split("\n"))
    return found


def _written(node: dict[str, Any], lines: list[str]) -> str:
    """The text of a node that stands in one line."""
    return lines[node["line"] - 1][node["column"] : node["end_column"]]
