"""One definition from its text to a report: everything wrong with it, and the plan if nothing is.

Runs in the evaluator's child process. The strict schemas are evaluated first. What they refuse while compiling is all
told at once by KCL. What fails while being evaluated (KCL tells one problem and no place) is evaluated again without
demands, and the shared checks find all of it in the values, at the user's own lines.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl import PACKAGE, evaluate, guard, messages, rules
from orchestrator.definitions.kcl.positions import SourceMap
from orchestrator.plan import graph, ir
from orchestrator.plan.build import build
from orchestrator.plan.check import check, check_strictly, did_you_mean

if TYPE_CHECKING:
    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.plan.check import Fault
    from orchestrator.plan.declarations import Provider

#: Where a file is said to lie if its own folder holds something that hides the schema package.
_ELSEWHERE = "/definition"

#: Literal operations without their schema from which evaluation becomes slow.
_UNTYPED_MAX = 500

#: Syntax trees are as deep as their expressions; the sandbox gives the stack for this.
_RECURSION_MAX = 20_000

_WORKFLOW_TYPE = f"{PACKAGE}.WorkflowDef"


class Wanted(msgspec.Struct, frozen=True):
    """What is asked about one definition.

    Attributes:
        path: absolute; `source` is what it holds.
        package, lax: folders of the schema package and of the one without demands.
        name: which workflow of several, by variable or by name.
    """

    path: str
    source: bytes
    package: str
    lax: str
    providers: dict[str, Provider]
    options: dict[str, Any]
    name: str | None
    strict: bool
    want_plan: bool


class Definition:
    """A definition being looked at. `found` gathers its diagnostics."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.found: list[Diagnostic] = []
        self.workflows: list[dict[str, Any]] = []
        self.plan: dict[str, Any] = {}
        self.sources: list[dict[str, str]] = []
        #: {path with ~: diagnostic to be told if there is no such file}; the child cannot look.
        self.files: dict[str, Diagnostic] = {}

    def look(self) -> None:
        """Do everything; never raises for what the definition says."""
        refused = guard.refusal(self.wanted.source)
        if refused is not None:
            code, message, help_text = refused
            self.found.append(diagnostics.make(code, message, Text(self.wanted.path, ""), help=help_text))
            return
        source = self.wanted.source.decode("utf-8")
        self.text = Text(self.wanted.path, source.removeprefix("\ufeff"))
        tree = evaluate.parse(self.wanted.path, source)
        self.map = SourceMap(tree)
        if self._obeys_rules(source, tree):
            self._evaluate(source)

    def _obeys_rules(self, source: str, tree: dict[str, Any]) -> bool:
        self.sources.append(self._source(self.wanted.path, source))
        self.found += rules.broken(tree, self.text)
        if rules.imports_own_packages(self.map) and not self.found:
            path, packages = self._where(self.wanted.package)
            trees = evaluate.parse_all(path, source, packages)
            self.found += rules.broken_in_packages(trees, self.text)
            self._pin_imported(trees)
        errors = bool(self.found)
        for key, place in self.map.doubled_keys():
            message = f"'{key}' is given twice in this block; the last one counts"
            self.found.append(diagnostics.make("WF005", message, self.text, place, severity="warning"))
        return not errors

    def _evaluate(self, source: str) -> None:
        path, packages = self._where(self.wanted.package)
        result = evaluate.evaluate(path, source, packages, self.wanted.options)
        if result.values is None and result.while_compiling:
            self.found += self._said(result.faults, path)
            return
        self._check_options(path, source, packages)
        values = result.values
        if values is None:
            values = evaluate.evaluate(*self._lax(source), self.wanted.options).values or {}
        before = len(self._errors())
        self._check_workflows(values, whole=result.values is not None)
        if result.values is None and len(self._errors()) == before:
            self.found += self._said(result.faults, path)

    def _lax(self, source: str) -> tuple[str, str, dict[str, str]]:
        path, packages = self._where(self.wanted.lax)
        return path, source, packages

    def _where(self, package: str) -> tuple[str, dict[str, str]]:
        """(path to evaluate under, {package: folder}).

        KCL refuses a package that is also found beside the file. Such a file is evaluated as if it lay elsewhere, with
        the folders beside it handed over one by one.
        """
        folder = os.path.dirname(self.wanted.path)
        packages = {PACKAGE: package}
        roots = [folder, _module_root(folder)]
        if not any(os.path.exists(f"{root}/{PACKAGE}{end}") for root in roots for end in (".k", "")):
            return self.wanted.path, packages
        for name in sorted(os.listdir(folder)):
            inner = f"{folder}/{name}"
            if name != PACKAGE and os.path.isdir(inner) and any(each.endswith(".k") for each in os.listdir(inner)):
                packages[name] = inner
        return f"{_ELSEWHERE}/{os.path.basename(self.wanted.path)}", packages

    def _said(self, faults: str, path: str) -> list[Diagnostic]:
        return messages.from_sarif(faults.replace(path, self.wanted.path), self.text)

    def _check_options(self, path: str, source: str, packages: dict[str, str]) -> None:
        if not self.wanted.options:
            return
        known = evaluate.options_of(path, source, packages)
        for name in self.wanted.options:
            if name not in known:
                message = f"the file does not ask for option '{name}'"
                help_text = did_you_mean(name, known)
                self.found.append(diagnostics.make("WF013", message, self.text, help=help_text, severity="warning"))

    def _check_workflows(self, values: dict[str, Any], *, whole: bool) -> None:
        found = {name: value for name, value in values.items() if _is_workflow(value)}
        if not found:
            if whole:
                self._no_workflow(list(values))
            return
        for variable, raw in found.items():
            self._check_workflow(variable, _without_types(raw))
        if self.wanted.strict:
            self._check_style()
        if self.wanted.want_plan and not self._errors():
            self._choose(found)

    def _check_workflow(self, variable: str, raw: dict[str, Any]) -> None:
        faults = check(raw, self.wanted.providers)
        if self.wanted.strict:
            faults += check_strictly(raw)
        self.found += [self._diagnostic(variable, fault) for fault in faults]
        entry: dict[str, Any] = {"name": raw.get("name"), "variable": variable}
        if any(fault.severity == "error" for fault in faults):
            entry |= {"operations": len(raw.get("operations") or []), "tasks": None, "digest": None}
        else:
            plan = self._build(raw)
            tasks = sum(len(operation.items) * len(operation.providers) for operation in plan.operations)
            digest = ir.digest(ir.canonical(plan))
            entry |= {"operations": len(plan.operations), "tasks": tasks, "digest": digest}
        self.workflows.append(entry)
        self._note_key_file(variable, raw)

    def _build(self, raw: dict[str, Any]) -> ir.Plan:
        return build(raw, self.wanted.providers, os.path.dirname(self.wanted.path))

    def _note_key_file(self, variable: str, raw: dict[str, Any]) -> None:
        path = ((raw.get("secrets") or {}).get("sops_config") or {}).get("age_key_file")
        if path:
            place = self.map.find((variable, "secrets", "sops_config", "age_key_file"))
            message = f"there is no key file {path}"
            self.files[path] = diagnostics.make("WF202", message, self.text, place, severity="warning")

    def _choose(self, found: dict[str, Any]) -> None:
        """The plan of the one workflow that is meant (ruling A-17)."""
        named = self.wanted.name
        chosen = [name for name, raw in found.items() if named in (None, name, raw.get("name"))]
        if len(chosen) != 1:
            listed = ", ".join(f"{name} ('{raw.get('name')}')" for name, raw in found.items())
            code = "WF011" if chosen else "WF012"
            message = "the file holds several workflows" if chosen else f"there is no workflow '{named}' in this file"
            help_text = f"Say which with --name. There are: {listed}."
            self.found.append(diagnostics.make(code, message, self.text, help=help_text))
            return
        plan = self._build(_without_types(found[chosen[0]]))
        encoded = ir.canonical(plan)
        by_id = {operation.id: operation for operation in plan.operations}
        self.plan = {
            "plan": encoded.decode(),
            "plan_digest": ir.digest(encoded),
            "waves": [[_shown(by_id[name]) for name in wave] for wave in graph.waves(plan)],
        }

    def _no_workflow(self, names: list[str]) -> None:
        listed = f"It defines {', '.join(names)}." if names else "It defines nothing."
        help_text = f"{listed} Assign a `{_WORKFLOW_TYPE} {{...}}` to a top-level variable."
        self.found.append(diagnostics.make("WF010", "there is no workflow in this file", self.text, help=help_text))

    def _check_style(self) -> None:
        used = self.wanted.source.decode("utf-8")
        for name, place in self.map.imports():
            word = name.split(".")[-1]
            if used.count(word) < 2:
                message = f"'{name}' is imported and not used"
                self.found.append(diagnostics.make("WF303", message, self.text, place, severity="warning"))
        if used.count("id =") > _UNTYPED_MAX and used.count("OperationDef") < _UNTYPED_MAX:
            message = f"more than {_UNTYPED_MAX} operations are written without their schema"
            help_text = f"Write `{PACKAGE}.OperationDef {{...}}`, or a comprehension: evaluation is linear then."
            self.found.append(diagnostics.make("WF302", message, self.text, help=help_text, severity="warning"))

    def _diagnostic(self, variable: str, fault: Fault) -> Diagnostic:
        return diagnostics.make(
            fault.code,
            fault.message,
            self.text,
            self.map.find((variable, *fault.path)),
            help=fault.help,
            severity=fault.severity,
            path=".".join(str(part) for part in (variable, *fault.path)),
            related=tuple((what, self.map.find((variable, *path))) for what, path in fault.related),
        )

    def _errors(self) -> list[Diagnostic]:
        return [one for one in self.found if one["severity"] == "error"]

    def _source(self, path: str, text: str) -> dict[str, str]:
        folder = os.path.dirname(self.wanted.path)
        return {"path": os.path.relpath(path, folder), "text": text}

    def _pin_imported(self, trees: dict[str, list[dict[str, Any]]]) -> None:
        folder = os.path.dirname(self.wanted.path)
        for package, modules in trees.items():
            for module in modules:
                path = module["filename"]
                if package not in ("__main__", PACKAGE) and path.startswith(f"{folder}/"):
                    with open(path, encoding="utf-8") as file:
                        self.sources.append(self._source(path, file.read()))


def report(wanted: Wanted) -> dict[str, Any]:
    """What there is to say about a definition, as plain values: the keys of ``orch validate``, and `files`."""
    definition = Definition(wanted)
    sys.setrecursionlimit(_RECURSION_MAX)
    try:
        definition.look()
    except RecursionError:
        told = diagnostics.make("WF003", "an expression is nested too deeply", Text(wanted.path, ""), help="Split it.")
        definition.found.append(told)
    found = diagnostics.in_order(definition.found)
    return {
        "file": wanted.path,
        "workflows": definition.workflows,
        "diagnostics": found,
        "files": definition.files,
        "definition": wanted.path,
        "sources": definition.sources,
        **definition.plan,
    }


def _module_root(folder: str) -> str:
    """The nearest folder upwards with a kcl.mod, else `folder`."""
    root = folder
    while not os.path.exists(f"{root}/kcl.mod"):
        parent = os.path.dirname(root)
        if parent == root:
            return folder
        root = parent
    return root


def _is_workflow(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("_type") == _WORKFLOW_TYPE or {"operations", "rollback_strategy", "retry_policy"} <= value.keys()


def _without_types(value: Any) -> Any:
    """`value` without the type names that the evaluation was asked to add."""
    if isinstance(value, dict):
        return {key: _without_types(inner) for key, inner in value.items() if key != "_type"}
    return [_without_types(inner) for inner in value] if isinstance(value, list) else value


def _shown(operation: ir.Operation) -> dict[str, Any]:
    return {
        "id": operation.id,
        "type": operation.type,
        "target": operation.target,
        "items": operation.items,
        "providers": operation.providers,
        "tasks": len(operation.items) * len(operation.providers),
    }
