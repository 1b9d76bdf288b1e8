"""What is asked of a simulated daemon: random plans, and clients that want them run."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from orchestrator.files.asking.drop import request_bytes
from orchestrator.plan import ir
from orchestrator.plan.ir import OnFailure, RetryPolicy, RollbackStrategy, WorkflowType
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from orchestrator.plan.ir import Plan
    from tests.simulation.machine import Machine

DATA_DIR = "/srv/data"

#: Some hold at once, some later, some never.
CONDITIONS = ("", "", "source.running == 0", "workflow.elapsed_s >= 3", "source.attempt > 2", "target.item < 1")

_SECOND = 1_000_000


def random_plan(fate: random.Random) -> Plan:
    """A small plan that uses everything the engine has."""
    operations: list[ir.Operation] = []
    for number in range(fate.randint(1, 4)):
        earlier = [other.id for other in operations]
        one = operation(
            f"op{number}",
            tuple(f"i{item}" for item in range(fate.randint(1, 3))),
            tuple(name for name in earlier if fate.random() < 0.5),
            providers=fate.choice((("local",), ("local",), ("local", "other"))),
            parallel=fate.choice((True, True, False, 2)),
            timeout_s=fate.choice((2, 10, 300)),
            on_failure=fate.choice(get_args(OnFailure)),
            priority=fate.choice((0, 0, 5)),
            retry=RetryPolicy(max_attempts=fate.randint(1, 3), initial_delay=fate.choice((0, 1, 3))),
            undo=fate.choice((None, "undo")),
        )
        operations.append(msgspec.structs.replace(one, at_most_once=fate.random() < 0.25))
    strategy = RollbackStrategy(
        enabled=fate.random() < 0.9,
        on_partial_failure=fate.random() < 0.7,
        checkpoint_interval=fate.choice((1, 2, 5)),
        preserve_successful=fate.random() < 0.3,
    )
    kind = fate.choice(get_args(WorkflowType))
    made = plan(*operations, kind=kind, rollback=strategy)
    limits = {
        name: ir.ProviderLimits(fate.choice((None, 1, 2)), fate.choice((None, None, 2))) for name in made.providers
    }
    settings: dict[str, object] = {"monitoring": {"checkpoint_frequency": fate.choice((1, 10))}}
    return msgspec.structs.replace(made, providers=limits, edges=random_edges(fate, operations), settings=settings)


def random_edges(fate: random.Random, operations: list[ir.Operation]) -> tuple[ir.Edge, ...]:
    """A few edges between items, from earlier operations to later ones; some with conditions."""
    edges = []
    for number, later in enumerate(operations):
        if number and fate.random() < 0.3:
            earlier = fate.choice(operations[:number])
            edges.append(
                ir.Edge(
                    ir.Place(earlier.id, fate.choice(earlier.items)),
                    ir.Place(later.id, fate.choice((None, later.items[0]))),
                    fate.choice(get_args(ir.DependencyType)),
                    fate.choice(CONDITIONS),
                    fate.choice((1, 20)),
                )
            )
    return tuple(edges)


class Definitions:
    """The evaluator of a simulation: {path: plan}; what has no plan is invalid."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}

    def add(self, plan: Plan) -> str:
        """A path at which `plan` is found."""
        path = f"/deploy/w{len(self.plans)}.k"
        self.plans[path] = plan
        return path

    def report(self, path: str) -> dict[str, Any]:
        """As `orchestrator.files.asking.validator.evaluate` would answer."""
        if path not in self.plans:
            fault = {"severity": "error", "code": "X", "message": "there is nothing", "file": path}
            return {"valid": False, "errors": [fault], "warnings": []}
        return {
            "valid": True,
            "errors": [],
            "warnings": [],
            "definition": path,
            "plan": ir.canonical(self.plans[path]).decode(),
            "sources": [{"path": "w.k", "text": "source"}, {"path": "lib/x.k", "text": "more"}],
        }


class Client:
    """Somebody who asks for one thing until it is answered, whatever happens to machine and daemon.

    Attributes:
        answer: the reply, once one was read; what it says has been promised.
        is_done: there is nothing more to wait for.
    """

    def __init__(
        self, machine: Machine, key: str, command: str, arguments: dict[str, object], promised: Callable[[Client], None]
    ) -> None:
        """`promised` is told of each answer that is read."""
        self.key = key
        self.command = command
        self.arguments = arguments
        self.answer: dict[str, Any] | None = None
        self.is_done = False
        self._machine = machine
        self._promised = promised
        self._patience = 0

    def ask(self) -> None:
        """Leave the request, for the first time or again, and look for the answer."""
        content = request_bytes(self.key, self.command, self.arguments, "sim", self._machine.wall_us, 100_000.0)
        with suppress(FileNotFoundError):  # the directory has not been made yet, or the power cut took it
            self._machine.files.put(f"{DATA_DIR}/inbox/{self.key}.json", content)
        self._patience = 20
        self._machine.after(100_000, self.look)

    def look(self) -> None:
        """Read the answer if it is there; ask again when it takes too long."""
        content = self._machine.files.content(f"{DATA_DIR}/replies/{self.key}.json")
        if content:
            self._read(content)
            return
        self._patience -= 1
        self._machine.after(*((500_000, self.look) if self._patience else (0, self.ask)))

    def _read(self, content: bytes) -> None:
        try:
            answer = json.loads(content)
        except ValueError:
            assert self._machine.boots > 1, f"a torn reply without a power cut: {content!r}"
            self._machine.files.put(f"{DATA_DIR}/replies/{self.key}.json", b"")
            self._machine.after(_SECOND, self.ask)
            return
        repeated = self.answer
        self.answer = answer
        if repeated is not None and answer["ok"] and repeated["ok"] and self.command == "submit":
            assert answer["result"]["workflow"] == repeated["result"]["workflow"], "one key, two workflows"
        self._promised(self)
        if repeated is None and self._machine.fate.random() < 0.2:  # the same again, as scripts do
            self._machine.files.put(f"{DATA_DIR}/replies/{self.key}.json", b"")
            self._machine.after(self._machine.fate.randint(0, 3 * _SECOND), self.ask)
        else:
            self.is_done = True
