"""What a provider declares about itself: how it does each thing, and how much it can take.

A declaration comes from a provider file (ruling A-68). What a plan needs of it is copied into the plan, so that a
running workflow does not depend on the file any more.
"""

from __future__ import annotations

import msgspec

from orchestrator.plan.ir import Action, OperationTarget, OperationType, ProviderLimits


class ProviderAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one (type, target) is done, per item. The text is given to a shell; the task is in its environment."""

    type: OperationType
    target: OperationTarget
    command: str
    undo: str | None = None


class ProviderFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider file as it is written."""

    format: int
    provider: str
    actions: list[ProviderAction]
    description: str = ""
    batch_size: int | None = None


class Provider(msgspec.Struct, frozen=True):
    """A provider that can be used.

    Attributes:
        id: as operations name it.
        directory: where its file lies; its commands see it as ``ORCH_PROVIDER_DIR``.
        actions: {(type, target): how}.
    """

    id: str
    directory: str
    limits: ProviderLimits
    actions: dict[tuple[str, str], Action]


def declare(file: ProviderFile, directory: str) -> Provider:
    """The provider of a file; undos that it does not spell out follow from its other actions (ruling A-58).

    What creates is undone by what deletes; a check changes nothing, so there is nothing to undo; anything else cannot
    be undone.
    """
    commands = {(action.type, action.target): action for action in file.actions}
    actions: dict[tuple[str, str], Action] = {}
    for (kind, target), action in commands.items():
        undo = action.undo
        if undo is None and kind == "check":
            undo = ""
        elif undo is None and kind == "create" and ("delete", target) in commands:
            undo = commands["delete", target].command
        actions[kind, target] = Action(action.command, undo)
    return Provider(file.provider, directory, ProviderLimits(file.batch_size), actions)
