"""The loop: event -> step -> record -> sync -> commands, replies, public files (DESIGN section 5, point 1).

Theory of operation
-------------------
`offer` steps an event in memory and appends its record. `turn`, called when nothing more is at hand, writes what
was appended and asks for a sync, unless one is under way. `synced` says how far the disk is; only then are the
commands of those records performed, the askers answered and the files marked. What arrives during a sync waits in
memory and shares the next one. A disk that is full or read-only is waited for; one that fails is not believed again.

The loop calls nothing that blocks and owns no thread: syncs are asked for and reported, time is asked from a
clock that is given to it. So a simulation drives it without changing a line.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.engine import timers
from orchestrator.engine.commands import Command, Refuse
from orchestrator.engine.events import JournalContinued
from orchestrator.engine.machine import Step, step
from orchestrator.model.errors import DiskFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.engine.events import Event
    from orchestrator.engine.world import World
    from orchestrator.runtime.clock import Clock
    from orchestrator.store.journal import Journal

#: Time between two tries of a write that the disk did not take.
RETRY_US = 1_000_000


class _Waiting(NamedTuple):
    """A step whose record is not known to be on the disk. `seq` is the record it waits for."""

    seq: int
    step: Step
    refusal: Refuse | None
    answer: Callable[[Step | Refuse], None] | None


class Loop:
    """Owns the world and the order of everything.

    Attributes:
        world: changed by `offer` only.
        synced_seq: the last record that is known to be on the disk.
        trouble: why the journal cannot be written at the moment; None when it can.
    """

    def __init__(
        self,
        world: World,
        journal: Journal,
        clock: Clock,
        mark: Callable[[Step], None],
        perform: Callable[[Command], None],
        request_sync: Callable[[], None],
        rotated: Callable[[bytes, int], None] = lambda _sum, _number: None,
    ) -> None:
        """Know the ways out.

        Args:
            world: recovered.
            journal: behind its last record.
            clock: tells each event's moment.
            mark: is told of each step whose record is durable: its files are late.
            perform: carries a command out.
            request_sync: must lead to a call of `synced` with the journal's `synced_seq`, later.
            rotated: is told (checksum of the last record, number of the segment that begins), while the world is what
                the records before that segment make it.
        """
        self.world = world
        self.synced_seq = world.seq
        self._journal = journal
        self._clock = clock
        self._mark = mark
        self._perform = perform
        self._request_sync = request_sync
        self._rotated = rotated
        self._waiting: deque[_Waiting] = deque()
        self._syncing = False
        self.trouble: DiskFailed | None = None
        self._retry_us = 0

    def offer(self, event: Event, answer: Callable[[Step | Refuse], None] | None = None) -> None:
        """Step `event` now. `answer` is called when its outcome, and everything it rests on, is durable.

        Raises:
            EngineBug: the daemon must end; the journal holds nothing of this event.
        """
        at = self._clock.now()
        result = step(self.world, event, at)
        if result.seq == 0:
            refusal = result.commands[0]
            assert isinstance(refusal, Refuse)  # noqa: S101 - the engine's promise, and what the type says
            self._waiting.append(_Waiting(self.world.seq, result, refusal, answer))
            return
        self._journal.append(result.seq, event, at, result.transitions)
        self._waiting.append(_Waiting(result.seq, result, None, answer))

    def once_durable(self, tell: Callable[[], None]) -> None:
        """Call `tell` when everything that was stepped so far is on the disk; soon, if it is."""
        self._waiting.append(_Waiting(self.world.seq, Step(0, [], [], [], []), None, lambda _: tell()))

    def fire_timers(self) -> None:
        """Offer the event of each timer whose time has come."""
        while event := timers.due_event(self.world, self._clock.now().mono_us):
            self.offer(event)

    def turn(self) -> None:
        """Write and sync what has gathered.

        While the disk takes nothing and that may pass (`trouble`), everything waits in memory, nothing is
        acknowledged or performed, and the same is tried again every `RETRY_US`.

        Raises:
            DiskFailed: it does not pass; the daemon must end.
        """
        self._release(self.synced_seq)
        if self._journal.is_full and not self._syncing and not self._journal.has_unwritten:
            self._rotate()
        if not self._journal.has_unwritten or self._syncing:
            return
        now_us = self._clock.now().mono_us
        if self.trouble is not None and now_us < self._retry_us:
            return
        try:
            self._journal.flush()
        except DiskFailed as error:
            if not error.may_pass:
                raise
            self.trouble, self._retry_us = error, now_us + RETRY_US
            return
        self.trouble = None
        self._syncing = True
        self._request_sync()

    def _rotate(self) -> None:
        """Go on in a new segment, which begins with the epoch and before which there may be a snapshot."""
        last_sum = self._journal.last_sum
        try:
            self._journal.rotate()
        except DiskFailed as error:
            if not error.may_pass:
                raise
            return  # the old segment goes on; the next record tries again
        self._rotated(last_sum, self._journal.segment)
        self.offer(JournalContinued(self.world.epoch))

    def next_due_us(self) -> int | None:
        """When `turn` has something to try again, on the monotonic clock."""
        return None if self.trouble is None else self._retry_us

    def synced(self, seq: int) -> None:
        """Records up to `seq` are on the disk."""
        self._syncing = False
        self.synced_seq = seq
        self._release(seq)

    @property
    def is_settled(self) -> bool:
        """Whether everything offered so far is durable and carried out."""
        return not self._waiting and not self._syncing and not self._journal.has_unwritten

    def _release(self, seq: int) -> None:
        while self._waiting and self._waiting[0].seq <= seq:
            _, result, refusal, answer = self._waiting.popleft()
            if refusal is None:
                self._mark(result)
                for command in result.commands:
                    self._perform(command)
            if answer is not None:
                answer(refusal or result)
