"""The plan of the one workflow that is meant, and what is told with it: its waves, its forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.definitions import diagnostics
from orchestrator.forecast import dry_run
from orchestrator.forecast import report as forecast
from orchestrator.plan import drift, graph, ir
from orchestrator.plan.fault import Fault

if TYPE_CHECKING:
    from orchestrator.definitions.kcl.workflows import Workflows


def choose(workflows: Workflows) -> None:
    """Add the plan to what was found (ruling A-17). To be called where nothing is wrong with any of `workflows`."""
    variable = _chosen(workflows)
    if variable is None:
        return
    wanted, found, source = workflows.wanted, workflows.found, workflows.source
    found.sources += [{"path": path, "text": text} for path, text in workflows.shaped[variable].sources.items()]
    plan = _to_be_run(workflows, variable)
    encoded = ir.canonical(plan)
    try:
        ir.decode(encoded)  # whoever is handed the text decodes it, and has nobody to tell
    except msgspec.MsgspecError as error:
        message = f"the plan of '{plan.name}' cannot be written down: {error}"
        help_text = "A value is not of the kind that it should be, most likely null."
        place = source.map.find((variable,))
        found.diagnostics.append(diagnostics.make("WF147", message, source.text, place, help=help_text))
        return
    by_id = {operation.id: operation for operation in plan.operations}
    found.plan = {
        "plan": encoded.decode(),
        "plan_digest": ir.digest(encoded),
        "waves": [[_shown(by_id[name]) for name in wave] for wave in graph.waves(plan)],
        **(dry_run if wanted.dry_run else forecast).answer(plan, wanted.simulate),
    }


def _chosen(workflows: Workflows) -> str | None:
    """The variable of the workflow that is meant; None if that is not one, which is told."""
    named = workflows.wanted.name
    chosen = [name for name, raw in workflows.raw.items() if named in (None, name, raw.get("name"))]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(f"{name} ('{raw.get('name')}')" for name, raw in workflows.raw.items())
    code = "WF011" if chosen else "WF012"
    message = "the file holds several workflows" if chosen else f"there is no workflow '{named}' in this file"
    help_text = f"Say which with --name. There are: {listed}."
    workflows.found.diagnostics.append(diagnostics.make(code, message, workflows.source.text, help=help_text))
    return None


def _to_be_run(workflows: Workflows, variable: str) -> ir.Plan:
    """The plan, or that of its checks; what cannot be checked is told."""
    plan = workflows.plans[variable]
    if not workflows.wanted.check:
        return plan
    checking, left = drift.checks(plan, workflows.wanted.providers)
    ids = [one.get("id") for one in workflows.shaped[variable].raw["operations"]]
    for one in left:
        where = ("operations", ids.index(one.operation)) if one.operation in ids else ()
        what = f"'{one.operation}'" + (f" on {one.provider}" if one.provider else "")
        workflows.tell(variable, Fault("WF015", where, f"{what} is not checked: {one.why}", severity="warning"))
    if not checking.operations:
        message = "nothing in this workflow can be checked"
        workflows.tell(variable, Fault("WF016", (), message, "The warnings say why."))
    return checking


def _shown(operation: ir.Operation) -> dict[str, Any]:
    return {
        "id": operation.id,
        "type": operation.type,
        "target": operation.target,
        "items": operation.items,
        "providers": operation.providers,
        "tasks": len(operation.items) * len(operation.providers),
    }
