"""The plan of a plan's checks: is everything still as it was declared (drift)?

Each operation that makes or changes something becomes the check action of its provider, on the same items. Nothing is
made, changed or undone, and nothing depends on anything: every check is run, whatever the others say.

What cannot be checked is left out and told. That is what no provider has a check for; what a command of the
definition's own made, unless the operation names the provider that knows of it (the one that runs such commands by
default knows only what it made itself); and what is deleted, because a check that fails does not say that the thing is
gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.plan.ir import COMMAND_PROVIDER, RetryPolicy, RollbackStrategy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.plan.declarations import Provider
    from orchestrator.plan.ir import Action, Operation, Plan

#: What a target is called, where its own word is none that people use.
_SAID = {"shared": "shared resource", "taskserv": "task service"}

_ONE_TRY = RetryPolicy(max_attempts=1)
_NO_ROLLBACK = RollbackStrategy(enabled=False)


class Unchecked(msgspec.Struct, frozen=True):
    """What of `operation` is left out: all of it, or with `provider` only what is done there. `why`: a clause."""

    operation: str
    why: str
    provider: str = ""


def checks(plan: Plan, providers: Mapping[str, Provider]) -> tuple[Plan, list[Unchecked]]:
    """The plan of the checks of `plan`, and what it leaves out. It has no operation if nothing can be checked."""
    left: list[Unchecked] = []
    kept = [checked for one in plan.operations for checked in _operation(one, providers, left)]
    used = {name for operation in kept for name in operation.providers}
    checking = msgspec.structs.replace(
        plan,
        name=f"{plan.name} (check)",
        type="batch",
        operations=tuple(kept),
        rollback=_NO_ROLLBACK,
        providers={name: limits for name, limits in plan.providers.items() if name in used},
        edges=(),
    )
    return checking, left


def _operation(one: Operation, providers: Mapping[str, Provider], left: list[Unchecked]) -> Iterator[Operation]:
    """The check of `one`, or nothing."""
    if one.type == "check":
        yield _alone(one)
        return
    if one.type == "delete":
        left.append(Unchecked(one.id, "whether something is gone cannot be told from a check"))
        return
    actions: dict[str, Action] = {}
    for name in one.providers:
        action, why = _check_action(one, name, providers)
        if action is None:
            left.append(Unchecked(one.id, why, name if len(one.providers) > 1 else ""))
        else:
            actions[name] = action
    if actions:
        checked = msgspec.structs.replace(one, type="check", providers=tuple(actions), actions=actions, item_actions={})
        yield _alone(checked)


def _check_action(one: Operation, name: str, providers: Mapping[str, Provider]) -> tuple[Action | None, str]:
    """(how `name` checks what `one` makes there, None if it cannot; why not)."""
    provider = providers.get(name)
    declared = provider.actions.get((one.type, one.target)) if provider else None
    is_own = bool(one.item_actions) or one.actions.get(name) != declared
    if is_own and name == COMMAND_PROVIDER:
        return None, "it runs a command of its own, and nothing says how to check what that makes"
    action = provider.actions.get(("check", one.target)) if provider else None
    return action, f"provider {name} has no action that checks a {_SAID.get(one.target, one.target)}"


def _alone(one: Operation) -> Operation:
    """`one` as something that changes nothing, and waits for nothing."""
    return msgspec.structs.replace(
        one,
        actions={name: msgspec.structs.replace(action, undo=None) for name, action in one.actions.items()},
        item_actions={item: msgspec.structs.replace(action, undo=None) for item, action in one.item_actions.items()},
        depends_on=(),
        after=(),
        parallel=True,
        on_failure="continue",
        retry=_ONE_TRY,
        at_most_once=False,
    )
