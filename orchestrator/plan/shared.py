"""Resources that all servers of a provider share: made once, before its servers (R1-49).

A provider's file says what they are and what makes them. They become operations of the plan like any other, with edges
to the servers, so that they are retried, shown and rolled back as those are. They come after what all of these servers
come after: where a check before the servers fails, nothing is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan.inserted import after_all, new_id
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
    by_id = {operation.id: operation for operation in operations}
    taken = set(by_id)
    for name, servers in _creating(operations).items():
        shared = providers[name].shared if name in providers else ()
        after = after_all(by_id, [one.id for one in servers]) if shared else ()
        for resource in shared:
            operation = _operation(resource, name, servers[0], retry, new_id(f"{name}-{resource.name}", taken), after)
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
    resource: SharedResource, provider: str, first: Operation, retry: RetryPolicy, name: str, after: tuple[str, ...]
) -> Operation:
    return Operation(
        id=name,
        type="create",
        target="shared",
        items=(resource.name,),
        providers=(provider,),
        depends_on=(),
        after=after,
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
