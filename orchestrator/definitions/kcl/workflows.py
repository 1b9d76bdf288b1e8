"""The workflows that a definition's values hold: shaped, checked, and built as far as nothing is wrong with them."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.definitions import diagnostics, taskservs
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl import PACKAGE, fields
from orchestrator.definitions.kcl.positions import Place
from orchestrator.definitions.shape import origins
from orchestrator.definitions.shape.places import Places
from orchestrator.definitions.shape.workflow import Shaping
from orchestrator.plan import ir
from orchestrator.plan.build import build
from orchestrator.plan.check import check
from orchestrator.plan.fault import Fault, did_you_mean
from orchestrator.plan.services import Known, with_services
from orchestrator.plan.strict import check_strictly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from orchestrator.definitions.kcl.findings import Findings
    from orchestrator.definitions.kcl.source import Source
    from orchestrator.definitions.kcl.wanted import Wanted
    from orchestrator.definitions.shape.workflow import Shaped

_TYPE = f"{PACKAGE}.WorkflowDef"

#: Origins of values that were chosen for this run, not written into the definition.
_CHOSEN = ("layer:", "option ")
_OPTION = re.compile(rb"\boption\s*\(")


class Workflows:
    """Of one definition. What is wrong with them goes to `found`.

    Attributes:
        raw: {variable: values of a workflow as they were evaluated}.
        shaped: {variable: the values as they are checked and built}.
        plans: {variable: the plan}, of those without a fault.
    """

    def __init__(self, wanted: Wanted, source: Source, found: Findings) -> None:
        self.wanted = wanted
        self.source = source
        self.found = found
        self.raw: dict[str, dict[str, Any]] = {}
        self.shaped: dict[str, Shaped] = {}
        self.plans: dict[str, ir.Plan] = {}

    def look(self, values: dict[str, Any], *, whole: bool) -> None:
        """Look at all of them. `values`: of the top-level variables. `whole`: they obey the schemas."""
        self.raw = {name: value for name, value in values.items() if _is_workflow(value)}
        if not self.raw and whole:
            self._tell_there_is_none(list(values))
        wanted = self.wanted
        shaping = Shaping(wanted.path, wanted.package, wanted.environment, wanted.layer, lambda: _without_types(values))
        for variable, raw in self.raw.items():
            places = Places(variable, self.source.text, self.source.map)
            if not whole:
                self._check_fields(places, raw)
            self._shape(shaping, places, whole=whole)
            self._check(variable, self.shaped[variable].raw)

    def tell(self, variable: str, fault: Fault) -> None:
        """Something is wrong with a workflow."""
        self.found.diagnostics.append(self.shaped[variable].places.diagnostic(fault))

    def _tell_there_is_none(self, names: list[str]) -> None:
        listed = f"It defines {', '.join(names)}." if names else "It defines nothing."
        help_text = f"{listed} Assign a `{_TYPE} {{...}}` to a top-level variable."
        told = diagnostics.make("WF010", "there is no workflow in this file", self.source.text, help=help_text)
        self.found.diagnostics.append(told)

    def _check_fields(self, places: Places, raw: dict[str, Any]) -> None:
        """Attributes that KCL's own words do not name: those of values that are computed."""
        for one in fields.unknown(raw, fields.attributes(self.wanted.package)):
            name = str(one.path[-1])
            fault = Fault("WF310", one.path, f"{one.schema} has no attribute '{name}'", did_you_mean(name, one.known))
            self.found.diagnostics.append(places.diagnostic(fault))

    def _shape(self, shaping: Shaping, places: Places, *, whole: bool) -> None:
        variable = places.variable
        raw = self.raw[variable]
        ids = frozenset(_ids(other for name, other in self.raw.items() if name != variable))
        layered = self.wanted.name in (None, variable, raw.get("name"))
        shaped = shaping.shape(_without_types(raw), places, layered=layered, ids=ids, whole=whole)
        self.shaped[variable] = shaped
        self.found.diagnostics += shaped.found
        if layered:
            self.found.resolved += self._origins(shaped.raw, places, shaping.folder)

    def _origins(self, raw: dict[str, Any], places: Places, folder: str) -> list[dict[str, Any]]:
        """Where values come from: all if they are asked for, in a dry run those that were chosen from outside."""
        if self.wanted.resolved:
            return origins.resolved(raw, places, folder)
        if self.wanted.dry_run and (places.layer is not None or _OPTION.search(self.wanted.source)):
            return [row for row in origins.resolved(raw, places, folder) if row["origin"].startswith(_CHOSEN)]
        return []

    def _check(self, variable: str, raw: dict[str, Any]) -> None:
        faults = check(raw, self.wanted.providers)
        if self.wanted.strict:
            faults += check_strictly(raw, self.wanted.providers)
        for fault in faults:
            self.tell(variable, fault)
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
        self.found.workflows.append(entry)
        self._note_key_file(variable, raw)

    def _build(self, variable: str, raw: dict[str, Any]) -> ir.Plan | None:
        """The plan of values that `check` found no error in; None if its task services are at fault, which is told."""
        plan = build(raw, self.wanted.providers, os.path.dirname(self.wanted.path))
        plan, faults = with_services(plan, raw, self._known)
        for fault in faults:
            self.tell(variable, fault)
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
            told = diagnostics.make("WF140", fault.message, text, place, help=taskservs.HELP)
            self.found.diagnostics.append(told)
        return Known(self.wanted.providers, {**self.wanted.services, **services}, self.wanted.machine)

    def _note_key_file(self, variable: str, raw: dict[str, Any]) -> None:
        path = ((raw.get("secrets") or {}).get("sops_config") or {}).get("age_key_file")
        if path:
            place = self.source.map.find((variable, "secrets", "sops_config", "age_key_file"))
            message = f"there is no key file {path}"
            told = diagnostics.make("WF202", message, self.source.text, place, severity="warning")
            self.found.files[path] = told


def _is_workflow(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("_type") == _TYPE or {"operations", "rollback_strategy", "retry_policy"} <= value.keys()


def _ids(workflows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in workflows:
        listed = [each for each in one.get("operations") or [] if isinstance(each, dict)]
        yield from (each["id"] for each in listed if isinstance(each.get("id"), str))


def _without_types(value: Any) -> Any:
    """`value` without the type names that the evaluation was asked to add."""
    if isinstance(value, dict):
        return {key: _without_types(inner) for key, inner in value.items() if key != "_type"}
    return [_without_types(inner) for inner in value] if isinstance(value, list) else value
