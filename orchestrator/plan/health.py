"""Health checks of task services: after a service is installed, and before what needs it (R1-52)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.plan.inserted import new_id
from orchestrator.plan.ir import Action, Edge, Operation, Place, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.plan.declarations import HealthCheck, TaskService
    from orchestrator.plan.ir import Plan

#: Seconds from one try to the next; they grow up to the second number.
_FIRST_DELAY_S, _LAST_DELAY_S = 5, 30


def with_health_checks(plan: Plan, declared: Mapping[str, TaskService]) -> Plan:
    """`plan` with an operation behind each that installs services whose health can be checked.

    Whatever waited for the installation waits for the health, too. Items with the same check share an operation.
    """
    taken = {operation.id for operation in plan.operations}
    checks: dict[str, list[Operation]] = {}
    for operation in plan.operations:
        if (operation.type, operation.target) == ("create", "taskserv"):
            checks[operation.id] = list(_checks(operation, declared, taken))
    if not any(checks.values()):
        return plan
    operations = []
    for operation in plan.operations:
        also = [check.id for needed in operation.after for check in checks.get(needed, ())]
        operations.append(msgspec.structs.replace(operation, after=(*operation.after, *also)))
        operations += checks.get(operation.id, ())
    edges = [*plan.edges, *(edge for edge in plan.edges for edge in _also(edge, checks))]
    edges += [
        Edge(Place(name, item, provider), Place(check.id, item, provider))
        for name, behind in checks.items()
        for check in behind
        for item in check.items
        for provider in check.providers
    ]
    return msgspec.structs.replace(plan, operations=tuple(operations), edges=tuple(edges))


def _checks(operation: Operation, declared: Mapping[str, TaskService], taken: set[str]) -> Iterable[Operation]:
    groups: dict[HealthCheck, list[str]] = {}
    for item in operation.items:
        check = declared[item].health_check if item in declared else None
        if check is not None:
            groups.setdefault(check, []).append(item)
    for check, items in groups.items():
        wanted = f"{operation.id}-health" if len(groups) == 1 else f"{operation.id}-{items[0]}-health"
        name = new_id(wanted, taken)
        taken.add(name)
        yield Operation(
            id=name,
            type="check",
            target="taskserv",
            items=tuple(items),
            providers=operation.providers,
            depends_on=(),
            after=(),
            parallel=True,
            timeout_s=check.timeout,
            on_failure=operation.on_failure,
            priority=operation.priority,
            retry=RetryPolicy(max(1, check.retries), "linear", _FIRST_DELAY_S, _LAST_DELAY_S),
            actions=dict.fromkeys(operation.providers, Action(check.command, "")),
            env=operation.env,
            working_dir=operation.working_dir,
            inserted=f"health check of {operation.id}",
        )


def _also(edge: Edge, checks: Mapping[str, list[Operation]]) -> Iterable[Edge]:
    """The same edge from the health checks of its source."""
    source = edge.source
    for check in checks.get(source.operation, ()):
        if source.item is None or source.item in check.items:
            place = Place(check.id, source.item, source.provider)
            yield msgspec.structs.replace(edge, source=place, condition="")
