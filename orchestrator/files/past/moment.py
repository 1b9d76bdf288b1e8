"""The state of a data directory as of an earlier moment, from plain files.

Theory of operation
-------------------
The newest snapshot that is not later than the moment gives the world before its segment; the records behind it are
folded in up to the moment. Without such a snapshot everything begins at record 1, if that is still kept. A snapshot
that cannot be used (damaged, or a plan is gone) is passed over for an older one: that takes longer, and gives the same.

A moment is a seq, a cursor or a time. *The state at a time is the one behind the last record whose time is not after
it.* Clocks are set back now and then, so the times of records do not only grow: of a time that was twice, the second
counts; and whoever asks for now gets the newest record, whatever its time. Before the first record there was nothing;
what is older than the oldest record that is kept cannot be told, and the error says what can.

The daemon goes on meanwhile: a segment that is removed under the reader is met by beginning again.
"""

import time

from orchestrator.files.directory import require_directory
from orchestrator.files.journal import segments
from orchestrator.files.journal.record_shape import parse_record, seq_of
from orchestrator.files.locate import check_directory
from orchestrator.files.moments import Position, time_of_day_meant
from orchestrator.files.past.snapshot import Unusable, read_snapshot, time_us
from orchestrator.files.past.world import PastWorld
from orchestrator.model.errors import JournalDamaged, JournalUnreadable, NotFound, UsageError
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from orchestrator.files.past.world import Record

    T = TypeVar("T")


class NoSuchMoment(NotFound):
    """Nothing can be told of a moment: there is no such record yet, or any more. `position`: the moment."""

    def __init__(self, position: Position, message: str, help: str) -> None:
        super().__init__(message, help)
        self.position = position


class WrongOrder(UsageError):
    """The second of two moments is before the first."""


class _Gap(JournalDamaged):
    """The records that should come first are not there: they have just been removed, or are lost."""


#: How often a reader begins anew because what it reads is removed.
_TRIES = 5


def world_at(data_dir: str, position: Position) -> PastWorld:
    """The world as it was at `position`.

    Raises:
        NoSuchMoment: there is no such record yet, it is not kept any more, or another took its place.
        NotFound: there is no such directory.
        UsageError: the directory is foreign and has no journal.
        JournalUnreadable, JournalDamaged, FormatTooNew: of the journal, of the directory.
    """
    check_journal(data_dir)
    return again(lambda: _world_at(data_dir, position))


def worlds_between(data_dir: str, since: Position, until: Position) -> "tuple[PastWorld, Iterator[Record], int | None]":
    """The world at `since`, the records behind it, and the seq of the last that counts; None for all there are.

    What is archived on the way is kept in the world. For use, to the last record, in a function given to `again`.

    Raises:
        WrongOrder: `until` is before `since`.
        NoSuchMoment, NotFound, UsageError, ...: as `world_at`.
        FileNotFoundError, _Gap: what is read is being removed; the iterator, too.
    """
    check_journal(data_dir)
    if since.time_us is not None and until.time_us is not None and until.time_us < since.time_us:
        raise WrongOrder("The second moment is before the first one.", "Give the earlier first.")
    end = _seq_at(data_dir, until)
    world = _world_at(data_dir, since)
    if end is not None and end < world.seq:
        raise WrongOrder(
            f"The second moment (record {end}) is before the first one (record {world.seq}).", "Give the earlier first."
        )
    world.keeps_gone = True
    return world, _records_behind(data_dir, world.seq), end


def check_journal(data_dir: str) -> None:
    """Return if `data_dir` is one of ours. Raises NotFound, UsageError, FormatTooNew."""
    require_directory(data_dir)
    if check_directory(data_dir):
        return
    raise UsageError(
        f"{data_dir} has no journal: nobody knows what was there before now.",
        "Only a daemon's directory remembers; `tasks` shows what is there now.",
    )


def check_reached(data_dir: str, world: PastWorld, position: Position, end: "int | None") -> None:
    """Return if `world` is the one of `position`, whose last record is `end`. Raises NoSuchMoment."""
    if end is not None and world.seq < end:
        raise NoSuchMoment(
            position,
            f"There is no record {end} in {data_dir} yet: the newest is {world.seq}.",
            "`now` is the newest state." + time_of_day_meant(position),
        )
    if position.epoch is not None and not world.epoch <= position.epoch <= world.epoch + 1:
        raise NoSuchMoment(
            position,
            f"Record {position.epoch}:{position.seq} is not in {data_dir}: {world.seq} is one of epoch {world.epoch}.",
            f"{world.seq} alone names what stands in its place." + time_of_day_meant(position),
        )


def fold(world: PastWorld, record: "Record", data_dir: str) -> None:
    """Fold `record`, which has to be the next one, into `world`. Raises JournalDamaged."""
    try:
        world.apply(record)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JournalDamaged(
            f"Record {record.get('seq')} of {data_dir} does not follow from those before it "
            f"({type(error).__name__}: {error}).",
            "orchestrator verify tells more.",
        ) from error


def _world_at(data_dir: str, position: Position) -> PastWorld:
    """Raises FileNotFoundError, _Gap where what is read is being removed."""
    end = _seq_at(data_dir, position)
    world = _start(data_dir, position, end)
    if end is None or world.seq < end:
        for record in _records_behind(data_dir, world.seq):
            fold(world, record, data_dir)
            if world.seq == end:
                break
    check_reached(data_dir, world, position, end)
    return world


def _seq_at(data_dir: str, position: Position) -> "int | None":
    """The last record that counts; 0 for none; None for all there are. Raises as `_world_at`."""
    if position.time_us is None:
        return position.seq
    if position.time_us >= time.time_ns() // 1000:
        return None
    numbers, snapshots = segments.numbers(data_dir)
    if position.time_us >= 0:
        text = rfc3339(position.time_us)
        for number in reversed(numbers):
            seq = segments.last_at(data_dir, number, text)
            if seq is not None:
                return seq
    for number in snapshots[:1]:
        try:
            seq, since_us = time_us(data_dir, number)
        except Unusable:
            break
        if since_us <= position.time_us:
            return seq
    if not numbers or segments.first_seq(data_dir, numbers[0]) in (1, None):
        return 0
    raise _too_old(data_dir, position, rfc3339(position.time_us) if position.time_us >= 0 else "That time")


def _start(data_dir: str, position: Position, end: "int | None") -> PastWorld:
    """The latest world that is known without replaying, and not later than record `end`. Raises as `_world_at`."""
    numbers, snapshots = segments.numbers(data_dir)
    for number in reversed(snapshots):
        first = segments.first_seq(data_dir, number) if number in numbers else None
        if first is not None and end is not None and first > end + 1:
            continue
        try:
            world = read_snapshot(data_dir, number)
        except Unusable:
            continue
        if end is None or world.seq <= end:
            return world
    if not numbers or segments.first_seq(data_dir, numbers[0]) in (1, None):
        return PastWorld()
    raise _too_old(data_dir, position, "What leads to the newest state" if end is None else f"Record {end}")


def _too_old(data_dir: str, position: Position, what: str) -> NoSuchMoment:
    """What is told when nothing that is kept reaches back to a moment."""
    for number in segments.numbers(data_dir)[1]:
        try:
            world = read_snapshot(data_dir, number)
        except Unusable:
            continue
        oldest = f"The oldest state that can be told is that of record {world.seq}, of {world.time}"
        break
    else:
        oldest = "No snapshot in there can be used (`orchestrator verify` tells more)"
    return NoSuchMoment(
        position,
        f"{what} is older than what the journal of {data_dir} keeps. {oldest}.",
        "`journal_keep_bytes` in orchestrator.toml says how much is kept for looking back.",
    )


def _records_behind(data_dir: str, seq: int) -> "Iterator[Record]":
    """The records behind record `seq`, in order, to the end. Raises JournalDamaged, _Gap, FileNotFoundError."""
    began = seq
    for number in _segments_behind(data_dir, seq):
        for line in segments.lines(data_dir, number):
            found = seq_of(line)
            if found <= seq:
                continue
            if found != seq + 1:
                raise (_Gap if seq == began else JournalDamaged)(
                    f"{data_dir}: records {seq + 1} to {found - 1} are missing before segment {number}.",
                    "orchestrator verify tells more.",
                )
            seq = found
            yield parse_record(line)


def _segments_behind(data_dir: str, seq: int) -> "list[int]":
    """The segments that hold what is behind record `seq`. Older ones, which may be removed any time, are not opened."""
    found: list[int] = []
    for number in reversed(segments.numbers(data_dir)[0]):
        found.insert(0, number)
        first = segments.first_seq(data_dir, number)
        if first is not None and first <= seq + 1:
            break
    return found


def again(read: "Callable[[], T]") -> "T":
    """What `read` gives when nothing is removed under it. Raises JournalUnreadable, JournalDamaged."""
    for _ in range(_TRIES):
        try:
            return read()
        except (FileNotFoundError, _Gap) as error:
            gone = error
    if isinstance(gone, _Gap):
        raise gone
    raise JournalUnreadable(f"The journal changes faster than it can be read: {gone}", "Try again.")
