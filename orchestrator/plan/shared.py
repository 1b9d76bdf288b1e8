"""Resources that all servers of a provider share: made once, before its servers (R1-49).

A provider's file says what they are and what makes them. They become operations of the plan like any other, with edges
to the servers, so that they are retried, shown and rolled back as those are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.model.limits import ID_LENGTH_MAX
from orchestrator.plan.ir import Edge, Operation, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orchestrator.plan.declarations import Provider, SharedResource
    from orchestrator.plan.ir import RetryPolicy


def shared_operations(
    operations: Sequence[Operation], providers: Mapping[str, Provider], retry: RetryPolicy
) -> tuple[list[Operation], list[Edge]]:
    """What makes the shared resources of the providers that `operations` create servers on, and what waits for them.

    `retry` is the workflow's policy.
    """
    made: list[Operation] = []
    edges: list[Edge] = []
    taken = {operation.id for operation in operations}
    for name, servers in _creating(operations).items():
        for resource in providers[name].shared if name in providers else ():
            operation = _operation(resource, name, servers[0], retry, taken)
            taken.add(operation.id)
            made.append(operation)
            edges += _edges(operation, resource, name, servers)
    return made, edges


def _creating(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """{provider: operations that create servers on it}, in the order of the plan."""
    found: dict[str, list[Operation]] = {}
    for operation in operations:
        if (operation.type, operation.target) == ("create", "server") and operation.items:
            for name in operation.providers:
                found.setdefault(name, []).append(operation)
    return found


def _operation(
    resource: SharedResource, provider: str, first: Operation, retry: RetryPolicy, taken: set[str]
) -> Operation:
    return Operation(
        id=new_id(f"{provider}-{resource.name}", taken),
        type="create",
        target="shared",
        items=(resource.name,),
        providers=(provider,),
        depends_on=(),
        after=(),
        parallel=True,
        timeout_s=first.timeout_s,
        on_failure=first.on_failure,
        priority=first.priority,
        retry=retry,
        actions={provider: resource.action},
        inserted=f"shared resource of {provider}",
    )


def _edges(made: Operation, resource: SharedResource, provider: str, servers: Iterable[Operation]) -> Iterator[Edge]:
    if resource.before_servers:
        for operation in servers:
            yield Edge(Place(made.id), Place(operation.id, None, provider))


def new_id(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or something like it that is an operation's id and not among `taken`, also not in another case."""
    known = {name.casefold() for name in taken}
    base = "".join(each if each.isascii() and (each.isalnum() or each in "_-") else "-" for each in wanted)
    base = base if base[:1].isalnum() else f"x{base}"
    found, number = base[:ID_LENGTH_MAX], 2
    while found.casefold() in known:
        end = f"-{number}"
        found, number = base[: ID_LENGTH_MAX - len(end)] + end, number + 1
    return found
