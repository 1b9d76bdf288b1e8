"""What the engine asks for. Performed only after the record of their cause is on disk."""

from __future__ import annotations

from typing import Literal

import msgspec

StopReason = Literal["timeout", "cancel", "shutdown", "pause", "rollback"]


class StartAttempt(msgspec.Struct, frozen=True, tag=True):
    """Run a task's command (`undo` False) or what undoes it (`undo` True), as attempt number `attempt`.

    Attempts are numbered from 1 through the whole life of the task, undoing included.
    """

    task: str
    attempt: int
    undo: bool


class StopAttempt(msgspec.Struct, frozen=True, tag=True):
    """End a running attempt: TERM to its process group, KILL after the grace. Its end is still an event."""

    task: str
    attempt: int
    why: StopReason


class Refuse(msgspec.Struct, frozen=True, tag=True):
    """The event asks for something that cannot be; nothing changed.

    Attributes:
        code: stable, as in the list of error codes.
        message: what cannot be done and why.
        help: what to do instead; may be empty.
    """

    code: str
    message: str
    help: str = ""


Command = StartAttempt | StopAttempt | Refuse
