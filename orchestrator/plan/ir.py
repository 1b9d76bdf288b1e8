"""The intermediate representation every front-end compiles to.

A plan is immutable and complete: defaults are filled in, commands are resolved, edges are explicit. Nothing
outside it (no provider file, no source text) is needed to run it, so a pinned plan behaves the same for ever.
Its canonical bytes (`canonical`) are its identity.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

OperationType = Literal["create", "update", "delete", "check"]
OperationTarget = Literal["server", "taskserv", "cluster", "shared"]
OnFailure = Literal["fail", "continue", "rollback"]
WorkflowType = Literal["batch", "sequential", "parallel"]
Backoff = Literal["linear", "exponential"]
DependencyType = Literal["hard", "soft", "optional"]

#: The provider of an operation that brings its own command and names none.
COMMAND_PROVIDER = "local"

#: Version of the plan's own form.
PLAN_FORMAT = "1.1"


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and how soon a failed attempt is followed by another (ruling A-14).

    `max_attempts` includes the first try. Delays are seconds.
    """

    max_attempts: int = 3
    backoff: Backoff = "exponential"
    initial_delay: int = 5
    max_delay: int = 300


class RollbackStrategy(msgspec.Struct, frozen=True):
    """When what was done is undone again."""

    enabled: bool = True
    on_partial_failure: bool = True
    checkpoint_interval: int = 5
    preserve_successful: bool = False


class Action(msgspec.Struct, frozen=True):
    """What is run for one item on one provider.

    `command` and `undo` are shell text; the task at hand reaches them through the environment (``ORCH_ITEM``,
    ...), never by substitution into the text. `undo` is None where nothing can be undone, and "" where
    nothing needs to be.
    """

    command: str
    undo: str | None = None


class ProviderLimits(msgspec.Struct, frozen=True):
    """What a provider declares about itself, None where it has no limit of its own.

    `batch_size`: tasks at a time. `api_rate_limit`: attempts that may begin in any one second.
    """

    batch_size: int | None = None
    api_rate_limit: int | None = None


class Place(msgspec.Struct, frozen=True):
    """Some tasks of the plan: those of `operation`, of one `item` and one `provider` where these are given."""

    operation: str
    item: str | None = None
    provider: str | None = None


class Edge(msgspec.Struct, frozen=True):
    """Each task of `target` waits for all tasks of `source` (R1-22 to R1-24, ruling A-13).

    ``hard``: for their success; if that cannot come, the target is ``upstream_failed``. ``soft`` and ``optional``: for
    their end, however it is (an optional one whose source is not in the plan was left out of it).

    Attributes:
        condition: an expression (`orchestrator.expression`) that must hold as well; "" for none.
        timeout_s: seconds the condition may take from the moment when nothing else is waited for. After them the target
            of a hard edge is ``timed_out``, that of another starts all the same.
        why: for people, what the definition calls the source; "" where the planner added the edge.
    """

    source: Place
    target: Place
    type: DependencyType = "hard"
    condition: str = ""
    timeout_s: int = 300
    why: str = ""


class Operation(msgspec.Struct, frozen=True):
    """A node of the plan. Its tasks are `items` x `providers`, in that nesting (providers vary fastest).

    Attributes:
        id: unique in the plan, without a dot.
        items: what it is done to, in listed order; may be empty, then the operation succeeds at once.
        providers: ids, at least one; the declared ones, or all that are configured.
        depends_on: ids as written.
        after: ids of all operations that must have succeeded first: `depends_on`, and the predecessor in a
            sequential workflow. In the order of the plan, without repetition.
        parallel: True: all tasks together; False: one after another, in order; a number: so many at a time, in order.
        timeout_s: seconds, per attempt.
        priority: added to the workflow's; larger starts first.
        retry: the operation's own policy, or the workflow's.
        actions: {provider id: what to run there}.
        item_actions: {item: what to run for it instead}, where a template made a text of its own for each item.
        at_most_once: a lost attempt is not followed by another: the task is ``unknown`` until somebody decides.
        inserted: why the planner added this operation; "" for those of the definition.
        env: extra environment of each attempt.
        working_dir: absolute, or None for the directory of the definition.
    """

    id: str
    type: OperationType
    target: OperationTarget
    items: tuple[str, ...]
    providers: tuple[str, ...]
    depends_on: tuple[str, ...]
    after: tuple[str, ...]
    parallel: bool | int
    timeout_s: int
    on_failure: OnFailure
    priority: int
    retry: RetryPolicy
    actions: dict[str, Action]
    env: dict[str, str] = {}
    working_dir: str | None = None
    item_actions: dict[str, Action] = {}
    at_most_once: bool = False
    inserted: str = ""

    @property
    def width(self) -> int:
        """How many of its tasks may be at work at a time."""
        if self.parallel is True:
            return len(self.items) * len(self.providers)
        return max(1, int(self.parallel))


class Plan(msgspec.Struct, frozen=True):
    """A workflow as the engine runs it.

    Attributes:
        name: the workflow's name, as its author wrote it.
        operations: in listed order, which is also a topological order of nothing: use `after`.
        providers: {provider id: its limits}, for every provider any operation uses.
        edges: dependencies between tasks, beside those between operations.
        environment: what it was resolved for (``--env``); "" without one.
        settings: the blocks that are accepted, pinned and shown, but not acted upon by the engine
            (logging, monitoring, secrets, templates, ...), as plain JSON values.
    """

    name: str
    type: WorkflowType
    operations: tuple[Operation, ...]
    rollback: RollbackStrategy
    providers: dict[str, ProviderLimits]
    settings: dict[str, object] = {}
    priority: int = 0
    edges: tuple[Edge, ...] = ()
    environment: str = ""
    format: str = PLAN_FORMAT


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(Plan)


def canonical(plan: Plan) -> bytes:
    """The plan's bytes: the same for equal plans, on any machine and under any hash seed."""
    return _ENCODER.encode(plan)


def digest(plan_bytes: bytes) -> str:
    """``sha256:<64 hex digits>`` of canonical bytes."""
    return "sha256:" + hashlib.sha256(plan_bytes).hexdigest()


def decode(plan_bytes: bytes) -> Plan:
    """The plan of canonical bytes.

    Raises:
        msgspec.ValidationError: the bytes are not a plan of a form this version knows.
    """
    return _DECODER.decode(plan_bytes)
