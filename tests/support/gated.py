"""A workflow that fails until its gate is open, for tests of what steers workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon


class Gated:
    """One that has failed. Its definition has ``{gate}`` where the path of the gate, a file, belongs."""

    def __init__(self, daemon: LiveDaemon, folder: Path, definition: str) -> None:
        self.daemon = daemon
        self.gate = folder / "gate"
        self.path = folder / "gated.k"
        self.path.write_text(definition.format(gate=self.gate), encoding="utf-8")
        self.id = daemon.submit(self.path)
        self.end()

    def end(self) -> dict[str, Any]:
        """Its state once it has ended."""
        return self.daemon.wait_until_over(self.id)

    def has_ended_as(self, status: str) -> dict[str, Any]:
        """Its state, once it is this one."""
        return self.daemon.wait_until_it_is(self.id, {status})

    def succeed(self) -> None:
        """Open the gate, and have it run again."""
        self.gate.touch()
        self.daemon.request("retry", {"workflow": self.id})
        self.has_ended_as("succeeded")

    def change(self, before: str, after: str) -> None:
        """Edit its definition."""
        text = self.path.read_text(encoding="utf-8")
        assert before in text
        self.path.write_text(text.replace(before, after), encoding="utf-8")

    def do_without_gate(self) -> None:
        """Edit its definition so that it needs no gate."""
        self.change(f"test -e {self.gate}", "true")
