"""Whether servers are large enough for the task services they get (R1-52, units by ruling A-18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.plan.declarations import Resources
from orchestrator.plan.fault import Fault
from orchestrator.plan.ir import COMMAND_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestrator.plan.declarations import Provider
    from orchestrator.plan.fault import Path, Raw
    from orchestrator.plan.ir import Plan

#: {attribute: (its unit, the largest number that is believed)}. What is larger was meant in bytes or KiB.
_UNITS = {"cpu": ("", 1 << 16), "memory": ("MiB", 1 << 26), "disk": ("GiB", 1 << 24)}

#: (server's name, how large it is, where that is said).
Server = tuple[str, Resources, "Path | None"]


def out_of_bounds(raw: Raw) -> Iterator[Fault]:
    """Sizes that no server has: KCL's own ``4Gi`` is a number of bytes."""
    places: list[tuple[Path, object]] = [
        (("operations", index, "resources"), one.get("resources")) for index, one in enumerate(raw["operations"])
    ]
    for name, service in (raw.get("taskservs") or {}).items():
        least = service.get("minimum_resources") if isinstance(service, dict) else None
        places.append((("taskservs", name, "minimum_resources"), least))
    for path, sizes in places:
        for key, (unit, most) in _UNITS.items():
            value = sizes.get(key) if isinstance(sizes, dict) else None
            if isinstance(value, int) and value > most:
                message = f"{key} {value} is more than any server has"
                yield Fault("WF146", (*path, key), message, f"Write a number of {unit or 'processors'}.")


def too_small(
    plan: Plan,
    raw: Raw,
    needs: Iterable[tuple[str, str, Resources, Path]],
    providers: Mapping[str, Provider],
    machine: Resources,
) -> Iterator[Fault]:
    """Servers that are smaller than a service needs. What nobody knows the size of is not judged.

    `needs` is (service, provider, what it needs, where it is installed). The servers of a provider are those that the
    plan creates there; where it does not say how large they are, the provider's file may, and `machine` is what the
    built-in provider has.
    """
    servers: dict[str, list[Server]] = {}
    for service, provider, least, path in needs:
        if provider not in servers:
            servers[provider] = list(_created(plan, raw, provider)) or list(_hosts(provider, providers, machine))
        for name, has, where in servers[provider]:
            lacks = list(_lacks(has, least))
            if lacks:
                said = ", ".join(lacks)
                yield Fault(
                    "WF143",
                    path,
                    f"{name} is too small for '{service}': {said}",
                    "Use larger servers (`resources` of the operation that creates them), or lower minimum_resources.",
                    related=() if where is None else ((f"the size of {name}", where),),
                )


def _created(plan: Plan, raw: Raw, provider: str) -> Iterator[Server]:
    """Servers that the plan creates on `provider`, where it says how large they are; one for each size."""
    at = {one["id"]: index for index, one in enumerate(raw["operations"])}
    for operation in plan.operations:
        is_create = (operation.type, operation.target) == ("create", "server")
        index = at.get(operation.id)
        if not is_create or provider not in operation.providers or index is None or not operation.items:
            continue
        size = _size(raw["operations"][index].get("resources"))
        if size is not None:
            more = f" (and {len(operation.items) - 1} more)" if len(operation.items) > 1 else ""
            yield f"server '{operation.items[0]}'{more}", size, ("operations", index, "resources")


def _hosts(provider: str, providers: Mapping[str, Provider], machine: Resources) -> Iterator[Server]:
    """What a provider's servers are like."""
    host = providers[provider].host if provider in providers else None
    if host is not None:
        yield f"a server of provider '{provider}'", host, None
    elif provider == COMMAND_PROVIDER:
        yield "this machine", machine, None


def _size(value: object) -> Resources | None:
    try:
        return msgspec.convert(value, Resources) if isinstance(value, dict) else None
    except msgspec.ValidationError:
        return None


def _lacks(has: Resources, least: Resources) -> Iterator[str]:
    for key, (unit, _) in _UNITS.items():
        there, needed = getattr(has, key), getattr(least, key)
        if there is not None and needed is not None and there < needed:
            blank = " " if unit else ""
            yield f"{key} {there}{blank}{unit}, and it needs {needed}{blank}{unit}"
