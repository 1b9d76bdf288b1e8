"""Plans and events for tests of the engine and everything on it."""

from __future__ import annotations

from orchestrator.engine import flags
from orchestrator.engine.events import DaemonStarted, Moment, WorkflowSubmitted
from orchestrator.plan.ir import (
    Action,
    OnFailure,
    Operation,
    Plan,
    ProviderLimits,
    RetryPolicy,
    RollbackStrategy,
    WorkflowType,
    canonical,
    digest,
)

ONE_TRY = RetryPolicy(max_attempts=1, initial_delay=0)


def operation(
    name: str,
    items: tuple[str, ...] = ("x",),
    after: tuple[str, ...] = (),
    *,
    providers: tuple[str, ...] = ("local",),
    parallel: bool | int = True,
    timeout_s: int = 300,
    on_failure: OnFailure = "fail",
    priority: int = 0,
    retry: RetryPolicy = ONE_TRY,
    command: str = "true",
    undo: str | None = None,
) -> Operation:
    """An operation with the defaults that keep tests short."""
    actions = {provider: Action(command, undo) for provider in providers}
    return Operation(
        name,
        "create",
        "server",
        items,
        providers,
        after,
        after,
        parallel,
        timeout_s,
        on_failure,
        priority,
        retry,
        actions,
    )


def plan(
    *operations: Operation,
    kind: WorkflowType = "batch",
    rollback: RollbackStrategy = RollbackStrategy(),  # noqa: B008 - frozen
    batch_size: int | None = None,
    priority: int = 0,
) -> Plan:
    """A plan of `operations`; each provider has `batch_size`."""
    providers = {name: ProviderLimits(batch_size) for node in operations for name in node.providers}
    return Plan("test", kind, operations, rollback, providers, priority=priority)


def submitted(of: Plan, workflow: str = "w", key: str = "") -> WorkflowSubmitted:
    """The event that brings `workflow` into being."""
    return WorkflowSubmitted(
        workflow, digest(canonical(of)), "/d/w.k", key or f"key-{workflow}", "tester", of, flags=flags.CURRENT
    )


def started(max_running: int = 16, epoch: int = 1, boot_id: str = "boot", **limits: int) -> DaemonStarted:
    """The event that begins a daemon's life; `limits` are tasks at a time by provider."""
    return DaemonStarted(epoch, boot_id, 1, "test", max_running, "host", limits)


def at(seconds: float) -> Moment:
    """A moment, `seconds` after an arbitrary beginning."""
    micros = int(seconds * 1_000_000)
    return Moment(1_700_000_000_000_000 + micros, 5_000_000 + micros)
