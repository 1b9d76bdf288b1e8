"""What providers and task services declare about themselves.

A declaration comes from a file (ruling A-68) or from the definition. What a plan needs of it is copied into it, so
that a running workflow does not depend on the file any more. The keys are those of the KCL schemas
``ProviderDependencies`` and ``TaskservDependencies``, and so are the defaults of what a block leaves out.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from orchestrator.model.ids import is_name_id
from orchestrator.plan.ir import Action, OperationTarget, OperationType, ProviderLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

Positive = Annotated[int, msgspec.Meta(ge=1)]

#: What the schema says of a `dependencies` block that does not mention its batch size.
_BATCH_SIZE = 5

#: A key of a declaration: names and positions from the top.
Key = tuple[str | int, ...]

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")

#: {unit: bytes}. Decimal units are known so that the message can say why they are refused.
_UNITS = {
    **{f"{letter}i{b}": 1 << 10 * power for power, letter in enumerate("KMGT", 1) for b in ("B", "")},
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
}


class MiB(int):
    """Mebibytes: how memory is counted."""


class GiB(int):
    """Gibibytes: how disks are counted."""


class Resources(msgspec.Struct, frozen=True):
    """How large a server is. None: nobody says."""

    cpu: int | None = None
    memory: int | None = None
    disk: int | None = None


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large a provider's servers are, as its file says it."""

    cpu: Positive | None = None
    memory: MiB | None = None
    disk: GiB | None = None


class MinimumResources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The smallest server a task service runs on."""

    cpu: Positive = 1
    memory: MiB = MiB(512)
    disk: GiB = GiB(1)


class HealthCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to find out whether a task service works: a shell text, seconds for each try, and how many tries."""

    command: Annotated[str, msgspec.Meta(min_length=1)]
    timeout: Positive = 60
    retries: Annotated[int, msgspec.Meta(ge=0)] = 5


class TaskService(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a task service needs beside it, and what it cannot stand. `minimum_resources` None: any server will do."""

    requires: list[str] = []
    conflicts_with: list[str] = []
    minimum_resources: MinimumResources | None = None
    health_check: HealthCheck | None = None
    description: str = ""


class ProviderAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one (type, target) is done, per item. The text is given to a shell; the task is in its environment."""

    type: OperationType
    target: OperationTarget
    command: str
    undo: str | None = None


class SharedAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes a shared resource, and what takes it away again."""

    command: Annotated[str, msgspec.Meta(min_length=1)]
    undo: str | None = None


class Dependencies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider needs before it makes servers, and how much it can take. None: no limit."""

    requires_network: bool = True
    network_before_servers: bool = True
    shared_resources: list[str] = msgspec.field(default_factory=lambda: ["private_network", "security_group"])
    api_rate_limit: Positive | None = 10
    batch_size: Positive | msgspec.UnsetType | None = msgspec.UNSET


class ProviderFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider file as it is written."""

    format: int
    provider: str
    actions: list[ProviderAction]
    description: str = ""
    batch_size: Positive | None = None
    dependencies: Dependencies | None = None
    shared: dict[str, SharedAction] = {}
    host: Host | None = None


class SharedResource(msgspec.Struct, frozen=True):
    """Something that all servers of a provider use, and that is made once.

    `before_servers`: servers wait for it.
    """

    name: str
    action: Action
    before_servers: bool = True


class Provider(msgspec.Struct, frozen=True):
    """A provider that can be used.

    Attributes:
        id: as operations name it.
        directory: where its file lies; its commands see it as ``ORCH_PROVIDER_DIR``.
        actions: {(type, target): how}.
        shared: what must be there beside its servers, in the order of the file.
        host: how large its servers are, where an operation does not say it.
    """

    id: str
    directory: str
    limits: ProviderLimits
    actions: dict[tuple[str, str], Action]
    shared: tuple[SharedResource, ...] = ()
    host: Resources | None = None


def from_text(kind: type, value: Any) -> Any:
    """A size from a number or a text such as "4GiB"; for `msgspec.convert` as its `dec_hook`.

    Raises:
        ValueError: it is not a size, or not a whole number of the unit that counts.
    """
    unit, bytes_of_unit = ("MiB", 1 << 20) if kind is MiB else ("GiB", 1 << 30)
    if isinstance(value, int) and not isinstance(value, bool):
        count = Fraction(value)
    else:
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        known = {name.casefold(): size for name, size in _UNITS.items()}
        if match is None or match[2].casefold() not in known:
            raise ValueError(f"{value!r} is not a size; write a number of {unit}, or a text such as '4GiB'")
        count = Fraction(match[1]) * known[match[2].casefold()] / bytes_of_unit
    if count.denominator != 1:
        near = -(-count.numerator // count.denominator)
        raise ValueError(f"{value!r} is not a whole number of {unit}; write {near}, which is the next larger one")
    if count < 1:
        raise ValueError(f"{value!r} is too small; at least 1 {unit}")
    return kind(count.numerator)


def faults_of_provider(file: ProviderFile) -> Iterator[tuple[Key, str]]:
    """(key, what is wrong with it) of a file whose kinds are right."""
    if not is_name_id(file.provider):
        yield ("provider",), f"{file.provider!r} cannot be a provider's id"
    seen: set[tuple[str, str]] = set()
    for index, action in enumerate(file.actions):
        if (action.type, action.target) in seen:
            yield ("actions", index), f"there are two actions that {action.type} a {action.target}"
        if action.target == "shared":
            yield ("actions", index, "target"), "shared resources are made by the entries of `shared`"
        seen.add((action.type, action.target))
    needs = file.dependencies
    if needs is None:
        for name in file.shared:
            yield ("shared", name), f"nothing asks for '{name}'; add it to dependencies.shared_resources"
        return
    if needs.batch_size is not msgspec.UNSET and file.batch_size is not None:
        yield ("dependencies", "batch_size"), "batch_size is given twice; leave the other one out"
    yield from _faults_of_shared(file, needs)


def _faults_of_shared(file: ProviderFile, needs: Dependencies) -> Iterator[tuple[Key, str]]:
    place: Key = ("dependencies", "shared_resources")
    for index, name in enumerate(needs.shared_resources):
        if not is_name_id(name):
            yield (*place, index), f"{name!r} cannot be a resource's name; use letters, digits, hyphens, underscores"
        elif name in needs.shared_resources[:index]:
            yield (*place, index), f"'{name}' is listed twice"
        elif name not in file.shared:
            remedy = f"add `shared: {{{name}: {{command: ...}}}}`, or set shared_resources to what there is"
            yield (*place, index), f"nothing says how to make '{name}'; {remedy}"
    if needs.requires_network and not any(is_network(name) for name in needs.shared_resources):
        remedy = "list one, or set requires_network: false"
        yield ("dependencies", "requires_network"), f"no shared resource has 'network' in its name; {remedy}"
    for name in file.shared:
        if name not in needs.shared_resources:
            yield ("shared", name), f"nothing asks for '{name}'; add it to dependencies.shared_resources"


def faults_of_service(name: str, declared: TaskService) -> Iterator[tuple[Key, str]]:
    """(key, what is wrong with it) of a task service's declaration."""
    for key, names in (("requires", declared.requires), ("conflicts_with", declared.conflicts_with)):
        for index, other in enumerate(names):
            if other == name:
                yield (key, index), f"'{name}' names itself"
            elif other in names[:index]:
                yield (key, index), f"'{other}' is listed twice"
    for other in set(declared.requires) & set(declared.conflicts_with):
        yield ("conflicts_with", declared.conflicts_with.index(other)), f"'{other}' is required, too"
    if declared.health_check is not None and not declared.health_check.command.strip():
        yield ("health_check", "command"), "the command is empty"


def is_network(resource: str) -> bool:
    """Whether a shared resource is a network: its name says so."""
    return "network" in resource.casefold()


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
    host = None if file.host is None else Resources(file.host.cpu, file.host.memory, file.host.disk)
    return Provider(file.provider, directory, _limits(file), actions, tuple(_shared(file)), host)


def _limits(file: ProviderFile) -> ProviderLimits:
    needs = file.dependencies
    if needs is None:
        return ProviderLimits(file.batch_size)
    of_block = _BATCH_SIZE if isinstance(needs.batch_size, msgspec.UnsetType) else needs.batch_size
    return ProviderLimits(file.batch_size or of_block, needs.api_rate_limit)


def _shared(file: ProviderFile) -> Iterator[SharedResource]:
    needs = file.dependencies
    if needs is None:
        return
    for name in needs.shared_resources:
        if needs.requires_network or not is_network(name):
            action = Action(file.shared[name].command, file.shared[name].undo)
            yield SharedResource(name, action, needs.network_before_servers or not is_network(name))
