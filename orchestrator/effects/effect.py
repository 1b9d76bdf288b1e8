"""The contract between the runtime and whatever carries out attempts.

An effect starts an attempt and gives a `Child` for it: something with a descriptor to wait on and an end to
collect. After a daemon's death the next one asks what became of each attempt (`Effect.look_after`). Nothing here
blocks, owns a thread or reads a clock: the caller waits, and passes the time in.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from orchestrator.model.errors import StartError as StartError


class Launch(msgspec.Struct, frozen=True):
    """One attempt, ready to run: nothing has to be looked up any more.

    Attributes:
        task: the task's id.
        attempt: its number, from 1; a pair (task, attempt) is launched once in the life of a data directory.
        workflow: id of the task's workflow.
        log_stem: name of its logs without ending, unique in the workflow (`orchestrator.files.layout.log_stem`).
        command: shell text.
        env: all variables it gets besides the daemon's own, ``ORCH_...`` included.
        working_dir: absolute.
        data_dir: absolute path of the daemon's data directory.
    """

    task: str
    attempt: int
    workflow: str
    log_stem: str
    command: str
    env: dict[str, str]
    working_dir: str
    data_dir: str


class Exited(msgspec.Struct, frozen=True):
    """The attempt ended and left its exit code: 0 to 255, 128 + n after signal n."""

    exit_code: int


class Lost(msgspec.Struct, frozen=True):
    """The attempt is over, and how it ended is not known. `why` is for people.

    `has_begun` is False only if its command certainly never ran, and never will.
    """

    why: str
    has_begun: bool = True


Ended = Exited | Lost


@runtime_checkable
class Child(Protocol):
    """An attempt that runs. Its end is collected once."""

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group. For people: it decides nothing."""

    def fileno(self) -> int:
        """A descriptor that is readable when there is something to collect.

        It is closed by `collect`: stop watching it before.
        """

    def collect(self, now_us: int) -> Ended | None:
        """How the attempt ended; None if it is not over, then `fileno` is another descriptor to watch.

        Not over although something was to be collected means: the process in charge is gone, and the command
        outlived it. It has been told to end; the attempt is over when nothing of it is left.
        """

    def signal_group(self, number: int) -> None:
        """Send a signal to everything in the attempt's process group. Does nothing once it is over."""


class Effect(Protocol):
    """Carries out attempts."""

    def start(self, launch: Launch) -> Child:
        """Begin an attempt.

        Raises:
            StartError: it could not be started; its command did not run (or was killed at once) and will not.
        """

    def look_after(self, launch: Launch) -> Child | Ended:
        """What became of an attempt that an earlier daemon started, or meant to start.

        Afterwards the attempt runs under this daemon's eyes (a child), or is over and can never begin.
        """

    def end_strays(self) -> None:
        """Begin to end what earlier daemons' attempts left behind. To be called once, after every `look_after`."""

    def next_sweep_us(self) -> int | None:
        """When `sweep` is to be called at the latest, on the monotonic clock; None if nothing is to do."""

    def sweep(self, now_us: int) -> None:
        """Do what is due: end what ended attempts left behind, cut output that grew too large."""
