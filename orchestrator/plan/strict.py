"""What is only worth a word under ``--strict``: a definition that is valid and will surprise somebody (ruling A-27).

As in `orchestrator.plan.check` the input is raw values, and a fault names its place by the path in them. What can be
seen in the text only (what is written and what is a default, what nothing refers to) is the front-end's part.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from orchestrator.expression import EvaluationFault, ExpressionFault, evaluate, parse
from orchestrator.plan.fault import Fault, Path, Raw
from orchestrator.plan.ir import COMMAND_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.plan.declarations import Provider

Operations = list[tuple[int, Raw]]


def check_strictly(raw: Raw, providers: Mapping[str, Provider]) -> list[Fault]:
    """Warnings about `raw`, in no order. Never raises for what it says."""
    listed = raw.get("operations")
    operations = [(index, one) for index, one in enumerate(listed or []) if isinstance(one, dict)]
    return [
        *_irreversible(operations, raw, providers),
        *_conditions(raw),
        *_never_reached(operations, raw),
        *_waiting_for_nothing(operations),
        *_limits(operations, raw, providers),
        *_near_providers(operations, providers),
        *_task_services(operations, raw),
    ]


def _warn(code: str, path: Path, message: str, help_text: str) -> Fault:
    return Fault(code, path, message, help_text, "warning")


def _irreversible(operations: Operations, raw: Raw, providers: Mapping[str, Provider]) -> Iterator[Fault]:
    """Operations without an undo, where their own failure or that of one that needs them asks for it."""
    if not (raw.get("rollback_strategy") or {}).get("enabled", True):
        return
    askers = _who_asks(operations)
    for index, one in operations:
        asker = askers.get(one.get("id"))
        lacks = _lacks_undo(one, providers)
        if asker is None or not lacks:
            continue
        if asker == one.get("id"):
            message = f"operation '{asker}' cannot be undone, and a failure asks for it"
            also = "or set on_failure to 'fail' or 'continue'."
        else:
            message = f"operation '{one.get('id')}' cannot be undone, and a failure of '{asker}' asks for it"
            also = f"or set on_failure of '{asker}' to 'fail' or 'continue'."
        yield _warn("WF301", ("operations", index), message, f"{lacks}, {also}")


def _who_asks(operations: Operations) -> dict[object, object]:
    """{operation: itself, or the operation that needs it, whose failure asks for its undo}."""
    askers = {one.get("id"): one.get("id") for _, one in operations if one.get("on_failure", "rollback") == "rollback"}
    needs = {one.get("id"): one.get("depends_on") or [] for _, one in operations}
    pending = list(askers)
    while pending:
        name = pending.pop()
        for needed in needs.get(name, []):
            if needed not in askers:
                askers[needed] = askers[name]
                pending.append(needed)
    return askers


def _lacks_undo(one: Raw, providers: Mapping[str, Provider]) -> str:
    """What would help an operation that cannot be undone; "" for one that can, or changes nothing."""
    if one.get("type") == "check":
        return ""
    if one.get("command"):
        return "" if one.get("rollback_command") else "Give it a rollback_command"
    if one.get("template"):
        return "" if one.get("rollback_template") else "Give it a rollback_template"
    kind = (str(one.get("type")), str(one.get("target")))
    for name in one.get("providers") or providers:
        action = providers[name].actions.get(kind) if name in providers else None
        if action is not None and action.undo is None:
            return f"Provider '{name}' declares no undo for it: give the operation a command and a rollback_command"
    return ""


def _conditions(raw: Raw) -> Iterator[Fault]:
    """Conditions of dependencies that can never hold."""
    for index, one in _dependencies(raw):
        if not _is_never(one.get("wait_condition")):
            continue
        if one.get("type", "hard") == "hard":
            message = f"this condition never holds, so '{one.get('target')}' can never start"
        else:
            message = f"this condition never holds; '{one.get('target')}' waits {one.get('timeout', 300)} s for nothing"
        help_text = "Write a condition that reads something, such as `source.attempt == 1`, or remove it."
        yield _warn("WF305", ("dependencies", index, "wait_condition"), message, help_text)


def _dependencies(raw: Raw) -> list[tuple[int, Raw]]:
    listed = raw.get("dependencies")
    return [(index, one) for index, one in enumerate(listed or []) if isinstance(one, dict)]


def _is_never(condition: object) -> bool:
    """Whether `condition` is false whatever happens. Not for one that cannot be read: that is a fault of its own."""
    if not isinstance(condition, str) or not condition.strip():
        return False
    try:
        expression = parse(condition)
        return expression.constant and evaluate(expression, {}) is False
    except (ExpressionFault, EvaluationFault):
        return False


def _never_reached(operations: Operations, raw: Raw) -> Iterator[Fault]:
    """Operations that wait, directly or through others, for a task that can never start."""
    blocked: dict[object, str] = {}
    for _, dependency in _dependencies(raw):
        if dependency.get("type", "hard") == "hard" and _is_never(dependency.get("wait_condition")):
            resource = str(dependency.get("target"))
            blocked.update({one.get("id"): resource for _, one in operations if _makes(one, resource)})
    sources = set(blocked)
    needed_by: dict[object, list[Raw]] = {}
    for needed, one in _edges(operations, raw):
        needed_by.setdefault(needed, []).append(one)
    pending = list(blocked)
    while pending:
        name = pending.pop()
        for one in needed_by.get(name, []):
            if one.get("id") not in blocked:
                blocked[one.get("id")] = blocked[name]
                pending.append(one.get("id"))
    for index, one in operations:
        if one.get("id") in blocked and one.get("id") not in sources:
            blocker = blocked[one.get("id")]
            message = f"operation '{one.get('id')}' can never start: it waits for '{blocker}', which cannot"
            yield _warn("WF305", ("operations", index), message, "Mend the condition of that dependency, or remove it.")


def _makes(one: Raw, resource: str) -> bool:
    """Whether a task of the operation makes `resource`, as dependencies write it (``target.item``)."""
    target, _, item = resource.partition(".")
    return one.get("type") == "create" and one.get("target") == target and item in (one.get("items") or [])


def _edges(operations: Operations, raw: Raw) -> Iterator[tuple[object, Raw]]:
    """(what is waited for, the operation that waits)."""
    before = None
    for _, one in operations:
        for needed in one.get("depends_on") or []:
            yield needed, one
        if before is not None and raw.get("type") == "sequential":
            yield before, one
        before = one.get("id")


def _waiting_for_nothing(operations: Operations) -> Iterator[Fault]:
    """Dependencies on operations without items: they look like an order and are none."""
    empty = {one.get("id") for _, one in operations if one.get("items") == []}
    for index, one in operations:
        for position, needed in enumerate(one.get("depends_on") or []):
            if needed in empty:
                yield _warn(
                    "WF305",
                    ("operations", index, "depends_on", position),
                    f"operation '{one.get('id')}' waits for '{needed}', which has no items and does nothing",
                    f"Give '{needed}' items, or remove it here.",
                )


def _limits(operations: Operations, raw: Raw, providers: Mapping[str, Provider]) -> Iterator[Fault]:
    """Numbers of tasks at a time that the providers' own limits make meaningless."""
    if raw.get("type") == "parallel":  # batch sizes do not count there
        return
    for index, one in operations:
        width = one.get("parallel")
        if isinstance(width, bool) or not isinstance(width, int):
            continue
        names = one.get("providers") or ([COMMAND_PROVIDER] if one.get("command") else list(providers))
        sizes = [providers[name].limits.batch_size if name in providers else None for name in names]
        limited = [size for size in sizes if size is not None]
        if len(limited) == len(sizes) and width > sum(limited):
            said = ", ".join(f"{size} of '{name}'" for name, size in zip(names, limited, strict=True))
            message = f"operation '{one.get('id')}' wants {width} tasks at a time, and batch sizes allow {said}"
            help_text = f"Set parallel to {sum(limited)} or less, or to True."
            yield _warn("WF309", ("operations", index, "parallel"), message, help_text)


def _near_providers(operations: Operations, providers: Mapping[str, Provider]) -> Iterator[Fault]:
    """Providers of commands, which need not exist, that are nearly the name of one that does."""
    for index, one in operations:
        for position, name in enumerate((one.get("providers") or []) if one.get("command") else []):
            near = difflib.get_close_matches(str(name), providers, 1) if name not in providers else []
            if near:
                message = f"there is no provider '{name}'; the command will run under that name, without limits"
                help_text = f"Did you mean '{near[0]}'?"
                yield _warn("WF309", ("operations", index, "providers", position), message, help_text)


def _task_services(operations: Operations, raw: Raw) -> Iterator[Fault]:
    """What is declared of task services and servers, and contradicts the operations or is read by none."""
    installing: dict[Any, Any] = {}
    for index, one in operations:
        is_create = one.get("type") == "create"
        if is_create and one.get("target") == "taskserv":
            installing |= {item: one.get("id") for item in one.get("items") or []}
        if one.get("resources") and not (is_create and one.get("target") == "server"):
            message = f"operation '{one.get('id')}' creates no servers; its resources mean nothing"
            help_text = "Set them where the servers are created; what a task service needs is its minimum_resources."
            yield _warn("WF309", ("operations", index, "resources"), message, help_text)
    for position, name in enumerate(raw.get("assume_installed") or []):
        if name in installing:
            message = f"'{name}' is assumed to be installed, and operation '{installing[name]}' installs it"
            yield _warn("WF309", ("assume_installed", position), message, "Remove it from one of the two.")
    declared = raw.get("taskservs") or {}
    required = {name for one in declared.values() for name in (one or {}).get("requires") or []}
    for name in declared:
        if name not in installing and name not in required and not raw.get("pull_requirements"):
            message = f"task service '{name}' is declared here, and no operation installs it"
            yield _warn("WF309", ("taskservs", name), message, "Install it, or remove the declaration.")
