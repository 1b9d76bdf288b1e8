"""One definition from its text to a report: everything wrong with it, and the plan if nothing is.

Runs in the evaluator's child process. The strict schemas are evaluated first. What they refuse while compiling is all
told at once by KCL. What fails while being evaluated (KCL tells one problem and no place) is evaluated again without
demands, and the shared checks find all of it in the values, at the user's own lines.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.definitions import diagnostics, taskservs
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl import PACKAGE, evaluate, fields, guard, lint, messages, rules, secrets
from orchestrator.definitions.kcl.positions import Place, SourceMap, place_of, walk
from orchestrator.definitions.shape import environments, origins
from orchestrator.definitions.shape.places import Places
from orchestrator.definitions.shape.workflow import Shaping
from orchestrator.forecast import dry_run
from orchestrator.forecast import report as forecast
from orchestrator.plan import drift, graph, ir
from orchestrator.plan.build import build
from orchestrator.plan.check import check
from orchestrator.plan.declarations import Resources
from orchestrator.plan.fault import Fault, did_you_mean
from orchestrator.plan.services import Known, with_services
from orchestrator.plan.strict import check_strictly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.kcl.positions import Node
    from orchestrator.definitions.shape.layers import LayerFile
    from orchestrator.definitions.shape.workflow import Shaped
    from orchestrator.plan.declarations import Provider, TaskService

#: Where a file is said to lie if its own folder holds something that hides the schema package.
_ELSEWHERE = "/definition"

#: Syntax trees are as deep as their expressions; the sandbox gives the stack for this.
_RECURSION_MAX = 20_000

_WORKFLOW_TYPE = f"{PACKAGE}.WorkflowDef"

#: Origins of values that were chosen for this run, not written into the definition.
_CHOSEN = ("layer:", "option ")
_OPTION = re.compile(rb"\boption\s*\(")


class Wanted(msgspec.Struct, frozen=True):
    """What is asked about one definition.

    Attributes:
        path: absolute; `source` is what it holds.
        package, lax: folders of the schema package and of the one without demands.
        name: which workflow of several, by variable or by name.
        simulate: assumptions of a forecast (`orchestrator.forecast`), None for no forecast. Needs `want_plan`.
        dry_run: the forecast is that of a dry run, and values that were chosen from outside are told.
        services: task services that the installation knows.
        machine: how large it is.
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
    simulate: dict[str, Any] | None = None
    environment: str = ""
    layer: LayerFile | None = None
    resolved: bool = False
    check: bool = False
    dry_run: bool = False
    services: dict[str, TaskService] = {}
    machine: Resources = Resources()


class Definition:
    """A definition being looked at. `found` gathers its diagnostics."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.found: list[Diagnostic] = []
        self.workflows: list[dict[str, Any]] = []
        self.plan: dict[str, Any] = {}
        self.sources: list[dict[str, str]] = []
        #: {package of the user: syntax trees of its files}.
        self.imported: dict[str, list[dict[str, Any]]] = {}
        #: {path with ~: diagnostic to be told if there is no such file}; the child cannot look.
        self.files: dict[str, Diagnostic] = {}
        #: {variable: its workflow's values as they are checked and built}.
        self.shaped: dict[str, Shaped] = {}
        self.resolved: list[dict[str, Any]] = []
        #: {variable: the plan of its workflow}, of those without a fault.
        self.plans: dict[str, ir.Plan] = {}

    def look(self) -> None:
        """Do everything; never raises for what the definition says."""
        refused = guard.refusal(self.wanted.source)
        if refused is not None:
            code, message, help_text = refused
            self.found.append(diagnostics.make(code, message, Text(self.wanted.path, ""), help=help_text))
            return
        source = self.wanted.source.decode("utf-8")
        self.tree = evaluate.parse(self.wanted.path, source)
        self.map = SourceMap(self.tree)
        hidden = partial(secrets.hidden, self.tree, self.map)
        self.text = Text(self.wanted.path, source.removeprefix("\ufeff"), hidden)
        if self._obeys_rules(source, self.tree):
            self._evaluate(source)

    def _obeys_rules(self, source: str, tree: dict[str, Any]) -> bool:
        self.sources.append(self._source(self.wanted.path, source))
        self.found += rules.broken(tree, self.text)
        if rules.imports_own_packages(self.map) and not self.found:
            path, packages = self._where(self.wanted.package)
            trees = evaluate.parse_all(path, source, packages)
            self.found += rules.broken_in_packages(trees, self.text)
            self._pin_imported(trees)
            self.imported = trees
        errors = bool(self.found)
        for key, place in self.map.doubled_keys():
            message = f"'{key}' is given twice in this block; the last one counts"
            self.found.append(diagnostics.make("WF005", message, self.text, place, severity="warning"))
        return not errors

    def _evaluate(self, source: str) -> None:
        path, packages = self._where(self.wanted.package)
        self.options = self._options(path, source, packages)
        result = evaluate.evaluate(path, source, packages, self.options)
        if result.values is None and result.while_compiling:
            self.found += self._said(result.faults, path)
            return
        self._check_options(path, source, packages)
        values = result.values
        if values is None:
            values = evaluate.evaluate(*self._lax(source), self.options).values or {}
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
        told = messages.from_sarif(faults.replace(path, self.wanted.path), self.text)
        return [self._at_home(one) for one in told]

    def _at_home(self, told: Diagnostic) -> Diagnostic:
        """What KCL tells of a line of the schemas, at the line of this file that does not obey it.

        A value that is null is the usual reason, and KCL does not tell where it is written: the first is the place,
        else the workflow if there is only one.
        """
        if not told["file"].startswith((f"{self.wanted.package}/", f"{self.wanted.lax}/")):
            return told
        nulls = list(_nulls(self.tree)) if "None" in told["message"] else []
        workflows = [self.map.find((name,)) for name in self.shaped]
        place = nulls[0] if nulls else workflows[0] if len(workflows) == 1 else None
        related = tuple(("or this null", other) for other in nulls[1:6])
        help_text = f"It is the schema that asks for it: {os.path.basename(told['file'])}, line {told['line']}."
        if nulls:
            help_text = f"A null stands where a value has to. {help_text}"
        return diagnostics.make(told["code"], told["message"], self.text, place, help=help_text, related=related)

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
        shaping = self._shaping(values)
        for variable, raw in found.items():
            if not whole:
                self._check_fields(variable, raw)
            self._shape(shaping, variable, found, whole=whole)
            self._check_workflow(variable, self.shaped[variable].raw)
        if self.wanted.strict:
            self._lint(found)
        if self.wanted.want_plan and not self._errors():
            self._choose(found)

    def _check_workflow(self, variable: str, raw: dict[str, Any]) -> None:
        faults = check(raw, self.wanted.providers)
        if self.wanted.strict:
            faults += check_strictly(raw, self.wanted.providers)
        self.found += [self._diagnostic(variable, fault) for fault in faults]
        entry: dict[str, Any] = {"name": raw.get("name"), "variable": variable}
        plan = None
        if not any(fault.severity == "error" for fault in faults) and not self.shaped[variable].has_errors():
            plan = self._build(variable, raw)
        if plan is None:
            entry |= {"operations": len(raw.get("operations") or []), "tasks": None, "digest": None}
        else:
            tasks = sum(len(operation.items) * len(operation.providers) for operation in plan.operations)
            digest = ir.digest(ir.canonical(plan))
            entry |= {"operations": len(plan.operations), "tasks": tasks, "digest": digest}
        self.workflows.append(entry)
        self._note_key_file(variable, raw)

    def _build(self, variable: str, raw: dict[str, Any]) -> ir.Plan | None:
        """The plan of values that `check` found no error in; None if its task services are at fault, which is told."""
        plan = build(raw, self.wanted.providers, os.path.dirname(self.wanted.path))
        plan, faults = with_services(plan, raw, self._known)
        self.found += [self._diagnostic(variable, fault) for fault in faults]
        if not faults:
            self.plans[variable] = msgspec.structs.replace(plan, environment=self.wanted.environment)
        return self.plans.get(variable)

    @cached_property
    def _known(self) -> Known:
        """What is known of providers and task services; what is wrong with files beside the definition is told."""
        services, wrong = taskservs.beside(os.path.dirname(self.wanted.path))
        for path, content, fault in wrong:
            text = Text(path, content)
            line, column = fault.line or 0, (fault.column or 1) - 1
            place = Place(line, column, line, column + 1) if line else None
            self.found.append(diagnostics.make("WF140", fault.message, text, place, help=taskservs.HELP))
        return Known(self.wanted.providers, {**self.wanted.services, **services}, self.wanted.machine)

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
        shaped = self.shaped[chosen[0]]
        self.sources += [{"path": path, "text": text} for path, text in shaped.sources.items()]
        plan = self._to_be_run(chosen[0], self.plans[chosen[0]])
        encoded = ir.canonical(plan)
        try:
            ir.decode(encoded)  # whoever is handed the text decodes it, and has nobody to tell
        except msgspec.MsgspecError as error:
            message = f"the plan of '{plan.name}' cannot be written down: {error}"
            help_text = "A value is not of the kind that it should be, most likely null."
            place = self.map.find((chosen[0],))
            self.found.append(diagnostics.make("WF147", message, self.text, place, help=help_text))
            return
        by_id = {operation.id: operation for operation in plan.operations}
        self.plan = {
            "plan": encoded.decode(),
            "plan_digest": ir.digest(encoded),
            "waves": [[_shown(by_id[name]) for name in wave] for wave in graph.waves(plan)],
            **(dry_run if self.wanted.dry_run else forecast).answer(plan, self.wanted.simulate),
        }

    def _to_be_run(self, variable: str, plan: ir.Plan) -> ir.Plan:
        """`plan`, or that of its checks; what cannot be checked is told."""
        if not self.wanted.check:
            return plan
        checking, left = drift.checks(plan, self.wanted.providers)
        ids = [one.get("id") for one in self.shaped[variable].raw["operations"]]
        for one in left:
            where = ("operations", ids.index(one.operation)) if one.operation in ids else ()
            what = f"'{one.operation}'" + (f" on {one.provider}" if one.provider else "")
            fault = Fault("WF015", where, f"{what} is not checked: {one.why}", severity="warning")
            self.found.append(self._diagnostic(variable, fault))
        if not checking.operations:
            nothing = Fault("WF016", (), "nothing in this workflow can be checked", "The warnings say why.")
            self.found.append(self._diagnostic(variable, nothing))
        return checking

    def _no_workflow(self, names: list[str]) -> None:
        listed = f"It defines {', '.join(names)}." if names else "It defines nothing."
        help_text = f"{listed} Assign a `{_WORKFLOW_TYPE} {{...}}` to a top-level variable."
        self.found.append(diagnostics.make("WF010", "there is no workflow in this file", self.text, help=help_text))

    def _check_fields(self, variable: str, raw: dict[str, Any]) -> None:
        """Attributes that KCL's own words do not name: those of values that are computed."""
        for one in fields.unknown(raw, fields.attributes(self.wanted.package)):
            name = str(one.path[-1])
            fault = Fault("WF310", one.path, f"{one.schema} has no attribute '{name}'", did_you_mean(name, one.known))
            self.found.append(self._diagnostic(variable, fault))

    def _lint(self, found: dict[str, Any]) -> None:
        """What the text itself has that surprises somebody, that of the user's packages included."""
        source = self.wanted.source.decode("utf-8")
        self.found += lint.lint(lint.Linted(self.text, source, self.tree, self.map, found))
        for package, modules in self.imported.items():
            for module in modules if package not in ("__main__", PACKAGE) else ():
                with open(module["filename"], encoding="utf-8") as file:
                    content = file.read()
                map = SourceMap(module)
                text = Text(module["filename"], content, partial(secrets.hidden, module, map))
                self.found += secrets.in_clear_text(module, text, map)

    def _options(self, path: str, source: str, packages: dict[str, str]) -> dict[str, Any]:
        """Values for option() in the file, that of the environment among them if the file asks for it."""
        wanted = self.wanted
        if not wanted.environment:
            return wanted.options
        known = evaluate.options_of(path, source, packages)
        self.found += environments.faults(wanted.environment, wanted.options, known, wanted.layer, self.text)
        return {**wanted.options, "env": wanted.environment} if "env" in known else wanted.options

    def _shaping(self, values: dict[str, Any]) -> Shaping:
        wanted = self.wanted
        return Shaping(wanted.path, wanted.package, wanted.environment, wanted.layer, lambda: _without_types(values))

    def _shape(self, shaping: Shaping, variable: str, found: dict[str, Any], *, whole: bool) -> None:
        raw = found[variable]
        ids = frozenset(_ids(other for name, other in found.items() if name != variable))
        layered = self.wanted.name in (None, variable, raw.get("name"))
        places = Places(variable, self.text, self.map)
        shaped = shaping.shape(_without_types(raw), places, layered=layered, ids=ids, whole=whole)
        self.shaped[variable] = shaped
        self.found += shaped.found
        if layered:
            self.resolved += self._origins(shaped.raw, places, shaping.folder)

    def _origins(self, raw: dict[str, Any], places: Places, folder: str) -> list[dict[str, Any]]:
        """Where values come from: all if they are asked for, in a dry run those that were chosen from outside."""
        if self.wanted.resolved:
            return origins.resolved(raw, places, folder)
        if self.wanted.dry_run and (places.layer is not None or _OPTION.search(self.wanted.source)):
            return [row for row in origins.resolved(raw, places, folder) if row["origin"].startswith(_CHOSEN)]
        return []

    def _diagnostic(self, variable: str, fault: Fault) -> Diagnostic:
        if variable in self.shaped:
            return self.shaped[variable].places.diagnostic(fault)
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
    found = diagnostics.not_too_many(diagnostics.in_order(definition.found), Text(wanted.path, ""))
    return {
        "file": wanted.path,
        "workflows": definition.workflows,
        "diagnostics": found,
        "files": definition.files,
        "definition": wanted.path,
        "sources": definition.sources,
        **definition.plan,
        **({"resolved": definition.resolved} if wanted.resolved or wanted.dry_run else {}),
    }


def _nulls(tree: Node) -> Iterator[Place]:
    """Where null is written in a file."""
    for node in walk(tree["body"]):
        inner = node.get("node")
        if isinstance(inner, dict) and inner.get("type") == "NameConstantLit" and inner.get("value") == "None":
            yield place_of(node)


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


def _ids(workflows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in workflows:
        listed = [each for each in one.get("operations") or [] if isinstance(each, dict)]
        yield from (each["id"] for each in listed if isinstance(each.get("id"), str))


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
