"""From checked raw values to a plan: defaults filled in, edges and commands made explicit."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.plan import resources
from orchestrator.plan.ir import (
    COMMAND_PROVIDER,
    Action,
    Operation,
    Plan,
    ProviderLimits,
    RetryPolicy,
    RollbackStrategy,
)
from orchestrator.plan.shared import shared_operations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.plan.declarations import Provider

#: Of an operation that may run at most once, unless it says otherwise: nothing is repeated that it has not asked for.
ONCE = RetryPolicy(max_attempts=1)

#: Blocks that are pinned as they are, for features to come.
_SETTINGS = ("logging", "monitoring", "secrets", "templates")


def build(raw: Mapping[str, Any], providers: Mapping[str, Provider], folder: str) -> Plan:
    """The plan of `raw`, which `orchestrator.plan.check.check` found no error in.

    `folder` is the absolute directory of the definition: relative working directories start there.
    """
    kind = raw.get("type", "batch")
    retry = _retry(raw.get("retry_policy"), RetryPolicy())
    operations: list[Operation] = []
    for one in raw["operations"]:
        before = operations[-1].id if kind == "sequential" and operations else None
        operations.append(_operation(one, before, retry, providers, folder))
    shared, before_servers = shared_operations(operations, providers, retry)
    operations = shared + operations
    order = {operation.id: index for index, operation in enumerate(operations)}
    return Plan(
        name=raw["name"],
        type=kind,
        operations=tuple(_sorted_edges(operation, order) for operation in operations),
        rollback=_known(RollbackStrategy, raw.get("rollback_strategy")),
        providers=_limits(operations, providers),
        settings={key: raw[key] for key in _SETTINGS if raw.get(key)},
        priority=raw.get("priority", 0),
        edges=(*resources.edges(raw), *before_servers),
    )


def _operation(
    one: Mapping[str, Any], before: str | None, retry: RetryPolicy, providers: Mapping[str, Provider], folder: str
) -> Operation:
    depends_on = tuple(one.get("depends_on") or ())
    actions = _actions(one, providers)
    working_dir = one.get("working_dir")
    return Operation(
        id=one["id"],
        type=one["type"],
        target=one["target"],
        items=tuple(one["items"]),
        providers=tuple(actions),
        depends_on=depends_on,
        after=depends_on if before is None or before in depends_on else (*depends_on, before),
        parallel=one.get("parallel", True),
        timeout_s=one.get("timeout", 300),
        on_failure=one.get("on_failure", "rollback"),
        priority=one.get("priority", 0),
        retry=_retry(one.get("retry_policy"), ONCE if one.get("at_most_once") else retry),
        actions=actions,
        env=dict(one.get("env") or {}),
        working_dir=None if not working_dir else posixpath.normpath(posixpath.join(folder, working_dir)),
        at_most_once=one.get("at_most_once", False),
        item_actions={
            item: Action(each["command"], "" if one["type"] == "check" else each.get("rollback_command"))
            for item, each in (one.get("item_commands") or {}).items()
        },
    )


def _actions(one: Mapping[str, Any], providers: Mapping[str, Provider]) -> dict[str, Action]:
    """{provider: what to run there}. An own command is run once, unless providers are named (R1-16)."""
    named = one.get("providers") or []
    command = one.get("command")
    if command:
        undo = "" if one["type"] == "check" else one.get("rollback_command")
        return dict.fromkeys(named or [COMMAND_PROVIDER], Action(command, undo))
    return {name: providers[name].actions[one["type"], one["target"]] for name in named or providers}


def _retry(raw: Mapping[str, Any] | None, default: RetryPolicy) -> RetryPolicy:
    return default if raw is None else _known(RetryPolicy, raw)


def _known(kind: Any, raw: Mapping[str, Any] | None) -> Any:
    """A struct of `kind` from those of `raw` that it knows; its own defaults for the rest."""
    return kind(**{key: value for key, value in (raw or {}).items() if key in kind.__struct_fields__})


def _sorted_edges(operation: Operation, order: Mapping[str, int]) -> Operation:
    after = tuple(sorted(dict.fromkeys(operation.after), key=order.__getitem__))
    return operation if after == operation.after else msgspec.structs.replace(operation, after=after)


def _limits(operations: list[Operation], providers: Mapping[str, Provider]) -> dict[str, ProviderLimits]:
    used = sorted({name for operation in operations for name in operation.providers})
    return {name: providers[name].limits if name in providers else ProviderLimits() for name in used}
