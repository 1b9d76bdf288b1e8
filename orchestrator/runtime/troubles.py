"""What the disk does not take at the moment, told when it begins, now and then while it lasts, and when it ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.model.errors import DiskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.runtime.clock import Clock

#: A trouble that lasts is told again after this long.
REMIND_US = 60_000_000


class Troubles:
    """{what cannot be written: why}, as a person is told of it."""

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say
        self._lasting: dict[str, DiskFailed] = {}
        self._told_us: dict[str, int] = {}

    @property
    def worst(self) -> str | None:
        """A sentence about one that lasts, for status.json; None without any."""
        return next((f"{what}: {error.message}" for what, error in self._lasting.items()), None)

    def has(self, what: str) -> bool:
        """Whether `what` could not be written when it was tried last."""
        return what in self._lasting

    def note(self, what: str, error: DiskFailed | None) -> None:
        """`what` (such as "the journal") could not be written because of `error`, or could (None)."""
        if error is None:
            if self._lasting.pop(what, None) is not None:
                del self._told_us[what]
                self._say(f"{what}: all is well again")
            return
        self._lasting[what] = error
        now_us = self._clock.now().mono_us
        if now_us >= self._told_us.get(what, now_us):
            self._told_us[what] = now_us + REMIND_US
            self._say(f"{what}: {error.message}; trying again until it works. {error.help}".rstrip())

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Do something that can be done later as well."""
        try:
            yield
        except DiskFailed as error:
            self.note(what, error)
        else:
            self.note(what, None)
