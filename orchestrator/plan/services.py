"""Task services as a plan installs them: what they need, what they cannot stand, in which order (R1-03, R1-52).

What each service declares comes from the definition itself, from beside it, or from the installation. Everything here
looks at the plan that was built: only there it is known which service is installed on which provider.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from orchestrator.plan import sizes, unmet
from orchestrator.plan.declarations import Resources, TaskService, faults_of_service, from_text
from orchestrator.plan.fault import Fault
from orchestrator.plan.health import with_health_checks
from orchestrator.plan.ir import Operation, ProviderLimits
from orchestrator.plan.pulled import pulled_operations
from orchestrator.plan.required_order import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.plan.declarations import Provider
    from orchestrator.plan.fault import Path, Raw
    from orchestrator.plan.ir import Plan

#: Keys and indexes in the place that `msgspec` tells.
_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")

#: (service, provider): where a service is installed.
Spot = tuple[str, str]


class Known(msgspec.Struct, frozen=True):
    """What is known beside the definition: providers, task services, and how large this machine is."""

    providers: Mapping[str, Provider]
    services: Mapping[str, TaskService] = {}
    machine: Resources = Resources()


def with_services(plan: Plan, raw: Raw, known: Known) -> tuple[Plan, list[Fault]]:
    """`plan` with what its task services ask for, and everything that is wrong with them.

    `raw` are the values `plan` was built of. With an error among the faults, the plan is as it was.
    """
    own, faults = _own(raw)
    faults += sizes.out_of_bounds(raw)
    work = _Services(plan, raw, known, {**known.services, **own})
    if not faults and any(_installs(operation) for operation in plan.operations):
        faults += work.look()
    return (plan if faults else work.plan), faults


def _own(raw: Raw) -> tuple[dict[str, TaskService], list[Fault]]:
    """What the definition itself declares, and what is wrong with it."""
    found: dict[str, TaskService] = {}
    faults: list[Fault] = []
    for name, value in (raw.get("taskservs") or {}).items():
        path: Path = ("taskservs", name)
        try:
            found[name] = msgspec.convert(value, TaskService, dec_hook=from_text)
        except msgspec.ValidationError as error:
            said, _, at = str(error).partition(" - at `$")
            inner: Path = tuple(name or int(index) for name, index in _STEP.findall(at))
            message = f"task service '{name}'{at.rstrip('`')}: {said}"
            faults.append(Fault("WF140", (*path, *inner), message, "See docs/providers.md."))
            continue
        for key, message in faults_of_service(name, found[name]):
            faults.append(Fault("WF140", (*path, *key), f"task service '{name}': {message}", "Remove one of them."))
    return found, faults


def _installs(operation: Operation) -> bool:
    return (operation.type, operation.target) == ("create", "taskserv")


class _Services:
    """The services of one plan. `plan` is what becomes of it."""

    def __init__(self, plan: Plan, raw: Raw, known: Known, declared: Mapping[str, TaskService]) -> None:
        self.plan = plan
        self._raw = raw
        self._known = known
        self._declared = declared
        self._assumed = set(raw.get("assume_installed") or [])
        #: {operation of the definition: its place in the list}.
        self._listed = {one["id"]: index for index, one in enumerate(raw["operations"])}
        self._index()

    def _index(self) -> None:
        self._operations = {operation.id: operation for operation in self.plan.operations}
        #: {where: ids of the operations that install it there, in the order of the plan}.
        self._installers: dict[Spot, list[str]] = {}
        for operation in filter(_installs, self.plan.operations):
            for item in operation.items:
                for provider in operation.providers:
                    self._installers.setdefault((item, provider), []).append(operation.id)

    def look(self) -> list[Fault]:
        """Do everything that can be done; what is wrong comes back."""
        if self._raw.get("pull_requirements"):
            faults = list(self._pull())
            if faults:
                return faults
        there = unmet.Installed(
            list(self._tasks()), self._installers, self._path, self._raw.get("assume_installed") or []
        )
        faults = [*unmet.missing(there, self._requires), *unmet.conflicts(there, self._declared)]
        faults += sizes.too_small(self.plan, self._raw, self._needs(), self._known.providers, self._known.machine)
        if not faults:
            edges, faults = in_order(self.plan, self._installers, self._requires, self._path)
            self.plan = msgspec.structs.replace(self.plan, edges=(*self.plan.edges, *edges))
        if not faults:
            self.plan = with_health_checks(self.plan, self._declared)
        return faults

    def _requires(self, service: str) -> list[str]:
        """What `service` needs that is not assumed to be there."""
        declared = self._declared.get(service)
        return [] if declared is None else [name for name in declared.requires if name not in (service, *self._assumed)]

    def _tasks(self) -> Iterator[tuple[Operation, str]]:
        """(operation, item) of everything that is installed."""
        return ((operation, item) for operation in filter(_installs, self.plan.operations) for item in operation.items)

    def _path(self, operation: str, item: str | None = None) -> Path:
        """Where the definition has an item; the nearest thing there is for one that it has not."""
        index = self._listed.get(operation)
        if index is None:
            return ("pull_requirements",)
        items = self._raw["operations"][index]["items"]
        return ("operations", index, "items", items.index(item)) if item in items else ("operations", index)

    def _pull(self) -> Iterator[Fault]:
        """Install what is required and not installed, before whatever requires it."""
        wanted = self._wanted()
        for (service, provider), (operation, item) in wanted.items():
            of = self._known.providers.get(provider)
            if of is None or ("create", "taskserv") not in of.actions:
                message = f"'{item}' requires '{service}', and provider '{provider}' has no action that installs it"
                help_text = "Add an operation with a command that does, or list it in assume_installed."
                yield Fault("WF145", self._path(operation, item), message, help_text)
                return
        pulled, edges = pulled_operations(self.plan, wanted, self._requires, self._known.providers)
        operations = list(self.plan.operations)
        for one in pulled:
            first = min(operations.index(self._operations[name]) for name in one.needed_by)
            operations.insert(first, one.operation)
        limits = {name: of.limits for name, of in self._known.providers.items()}
        used = {name for operation in operations for name in operation.providers}
        self.plan = msgspec.structs.replace(
            self.plan,
            operations=tuple(operations),
            edges=(*self.plan.edges, *edges),
            providers={name: limits.get(name, ProviderLimits()) for name in sorted(used)},
        )
        self._index()

    def _wanted(self) -> dict[Spot, tuple[str, str]]:
        """{what is to be installed where: (operation, item) that requires it, directly or through others}."""
        found: dict[Spot, tuple[str, str]] = {}
        for operation, item in self._tasks():
            pending = [(item, provider) for provider in operation.providers]
            for service, provider in pending:
                for needed in self._requires(service):
                    if (needed, provider) not in self._installers and (needed, provider) not in found:
                        found[needed, provider] = (operation.id, item)
                        pending.append((needed, provider))
        return found

    def _needs(self) -> Iterator[tuple[str, str, Resources, Path]]:
        """(service, provider, what it needs, where it is installed)."""
        for operation, item in self._tasks():
            least = self._declared[item].minimum_resources if item in self._declared else None
            if least is not None:
                resources = Resources(least.cpu, least.memory, least.disk)
                for provider in operation.providers:
                    yield item, provider, resources, self._path(operation.id, item)
