"""What task services of a plan miss, and what they cannot stand (R1-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.plan.fault import Fault, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from orchestrator.plan.declarations import TaskService
    from orchestrator.plan.fault import Path
    from orchestrator.plan.ir import Operation

#: Services of a chain that are named.
_CHAIN_MAX = 20

#: Unknown names for which a near one is looked up, in all services together.
_SUGGESTIONS_MAX = 20


class Installed(msgspec.Struct, frozen=True):
    """What a plan installs.

    Attributes:
        tasks: (operation, item) of everything that is installed.
        installers: {(service, provider): ids of the operations that install it there}.
        path: where the definition has an operation's item.
        assumed: what is assumed to be installed, in listed order.
    """

    tasks: Sequence[tuple[Operation, str]]
    installers: Mapping[tuple[str, str], list[str]]
    path: Callable[[str, str | None], Path]
    assumed: Sequence[str]


def missing(there: Installed, requires: Callable[[str], list[str]]) -> Iterator[Fault]:
    """Requirements that nothing installs, each with a chain that leads to it."""
    services = {service for service, _ in there.installers}
    suggestions: dict[tuple[str, str], str] = {}
    for operation, item in there.tasks:
        for chain, provider in _chains(there, operation, item, requires):
            needed = chain[1]
            is_elsewhere = needed in services
            if not is_elsewhere and (item, needed) not in suggestions and len(suggestions) < _SUGGESTIONS_MAX:
                suggestions[item, needed] = did_you_mean(needed, sorted(services - {item}), only_near=True)
            near = suggestions.get((item, needed), "")
            help_text = "Install it, set pull_requirements = True, or list it in assume_installed."
            where = f" on provider '{provider}'" if is_elsewhere else ""
            yield Fault(
                "WF141",
                there.path(operation.id, item),
                f"'{item}' requires '{needed}', which nothing installs{where}: {' -> '.join(_told(chain))}",
                f"{near} {help_text}".strip(),
            )


def _chains(
    there: Installed, operation: Operation, item: str, requires: Callable[[str], list[str]]
) -> Iterator[tuple[list[str], str]]:
    """(item -> ... -> something missing, provider), so that everything `item` misses is in one of them.

    Each is a shortest one to its end: a service is met once, however many ways lead to it. What was told for one
    provider is not told for another.
    """
    told: set[str] = set()
    for provider in operation.providers:
        via: dict[str, str] = {item: ""}
        needing = [item]
        for service in needing:
            for needed in requires(service):
                if needed not in via and (needed, provider) not in there.installers:
                    via[needed] = service
                    needing.append(needed)
        inner = set(via.values())
        for service in _in_listed_order(via):
            if service not in inner and service not in told and service != item:
                chain = [service]
                while via[chain[-1]]:
                    chain.append(via[chain[-1]])
                told.update(chain)
                yield chain[::-1], provider


def _in_listed_order(via: Mapping[str, str]) -> Iterator[str]:
    """The services of a tree, {service: its parent}, each behind its parent and with what is below it."""
    children: dict[str, list[str]] = {}
    for service, parent in via.items():
        children.setdefault(parent, []).append(service)
    pending = [""]
    while pending:
        service = pending.pop()
        pending += reversed(children.get(service, []))
        if service:
            yield service


def _told(chain: Sequence[str]) -> list[str]:
    if len(chain) <= _CHAIN_MAX:
        return list(chain)
    return [*chain[: _CHAIN_MAX - 2], f"({len(chain) - _CHAIN_MAX + 1} more)", chain[-1]]


def conflicts(there: Installed, declared: Mapping[str, TaskService]) -> Iterator[Fault]:
    """Services that cannot stand each other, on the same provider."""
    told: set[frozenset[str]] = set()
    for operation, item in there.tasks:
        own = declared.get(item)
        for other in own.conflicts_with if own else ():
            pair = frozenset((item, other))
            shared = [name for name in operation.providers if (other, name) in there.installers]
            if pair in told or not (shared or other in there.assumed):
                continue
            told.add(pair)
            where = f" on provider '{shared[0]}'" if shared else ""
            place: Path
            if shared:
                place = there.path(there.installers[other, shared[0]][0], other)
            else:
                place = ("assume_installed", list(there.assumed).index(other))
            message = f"'{item}' conflicts with '{other}', and both are installed{where}"
            related = ((f"'{other}'", place),)
            yield Fault("WF142", there.path(operation.id, item), message, "Remove one of them.", related=related)
