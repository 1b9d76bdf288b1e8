"""Changes of a data directory as rows, whoever writes it.

A directory of ours is followed by its journal: nothing is missed, every change has a seq. A foreign one is looked
through again and again: what changed twice between two looks is seen once. (The alternative, file notifications by
watchdog, takes 37 ms to import and two threads, loses events in bursts, and is silent on network file systems.)
"""

import os
import time

from orchestrator.files import document
from orchestrator.files.identity import identity, once_read
from orchestrator.files.journal.since import TELL_EPOCH, Beginning
from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.journal.transitions import rows
from orchestrator.files.layout import TASKS
from orchestrator.files.locate import check_directory, is_ours
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from orchestrator.files.identity import Identity
    from orchestrator.files.rows import Row

    #: Called with the id of a workflow and the path of its definition.
    Heard = Callable[[str, str], None]

#: Between two looks at a journal: right after something has happened, and when nothing has for a while. A look costs
#: some microseconds, waking up for it rather more: with the longer pause a waiting stream takes a hundredth of a core.
_JOURNAL_PAUSE_S = 0.001
_JOURNAL_PAUSE_MAX_S = 0.006
_JOURNAL_PAUSE_GROWTH = 1.02

#: Between two looks through a foreign directory at least; and the share of the time they may take.
_FOLDER_PAUSE_S = 0.05
_FOLDER_SHARE = 0.1


def follow(
    data_dir: str, cursor: "str | None" = None, *, from_start: bool = False, since_us: "int | None" = None
) -> "JournalChanges | FolderChanges":
    """Something whose `poll` gives the rows that came since, and whose `pause_s` says when to ask again.

    Rows are those of `orchestrator.files.journal.tail.rows` with a ``cursor``: what is followed from there begins with
    the next row. `from_start` is that of `JournalTail`; `cursor` is one of its, or that of a row. With `since_us` the
    first rows are those of the first record of that time or later.

    Raises:
        NotFound: there is no such directory.
        UsageError: a beginning for a foreign directory, which has no journal; or something that is no cursor.
        CursorLost, JournalUnreadable, FormatTooNew: as `JournalTail` and `check_directory` say.
    """
    if check_directory(data_dir):
        if since_us is not None:
            since = rfc3339(max(since_us, 0))
            begin = Beginning(data_dir, since)
            changes = JournalChanges(JournalTail(data_dir, begin.cursor, from_start=begin.cursor is None), since=since)
            changes.oldest = begin.oldest
            return changes
        if cursor is not None and "." in cursor:
            return JournalChanges(*_amid_record(data_dir, cursor))
        return JournalChanges(JournalTail(data_dir, cursor, from_start))
    if not os.path.isdir(data_dir):
        raise NotFound(f"There is no data directory {data_dir}.", "Start a daemon on it: orchestrator serve")
    if cursor is not None or from_start or since_us is not None:
        raise UsageError(f"{data_dir} has no journal: nobody knows what happened there before now.", "")
    return FolderChanges(data_dir)


class JournalChanges:
    """The changes of a directory of ours.

    A record may hold many rows, and whoever reads them may stop between two. So the cursor of a row is
    ``<epoch>:<seq>.<n>``, behind the first n rows of that record; that of its last row is the record's own.

    Attributes:
        pause_s: how long the next `poll` may wait.
        moved: whether the last `poll` met records, with rows to show or not.
        seq: of the last record.
        cursor: behind everything that `poll` has given.
        oldest: the time of the oldest record there is, if more was asked for.
        heard: told of each workflow that is submitted, before its first row is given.
    """

    oldest: "str | None" = None
    heard: "Heard | None" = None

    def __init__(self, tail: JournalTail, passed: int = 0, since: str = "") -> None:
        """Begin where `tail` stands, behind `passed` rows of its first record, with the first record from `since`."""
        self.pause_s = _JOURNAL_PAUSE_S
        self.moved = False
        self.cursor = tail.cursor
        epoch, _, seq = self.cursor.partition(":")
        self.seq = int(seq)
        self._epoch = int(epoch)
        self._tail = tail
        self._passed = passed
        self._since = since

    def poll(self) -> "list[Row]":
        """The rows of the next records; where there were any, there may be more. Raises as `JournalTail.poll` does."""
        records = self._tail.poll()
        self.moved = bool(records)
        if not records:
            self.pause_s = min(self.pause_s * _JOURNAL_PAUSE_GROWTH, _JOURNAL_PAUSE_MAX_S)
            return []
        self.pause_s = _JOURNAL_PAUSE_S
        found = [row for record in records for row in self._rows(record)]
        self.cursor = f"{self._epoch}:{self.seq}"
        return found

    def close(self) -> None:
        """Give the open file back."""
        self._tail.close()

    def _rows(self, record: "dict[str, Any]") -> "list[Row]":
        self.seq = record["seq"]
        if record["event"] in TELL_EPOCH:
            self._epoch = record["data"]["epoch"]
        if self.heard is not None and record["event"] == "WorkflowSubmitted":
            self._tell(record["data"])
        if self._since:
            if record["time"] < self._since:
                return []
            self._since = ""  # a clock that was put back makes nothing vanish that came later
        found = rows(record)
        place = f"{self._epoch}:{self.seq}"
        for number, row in enumerate(found, 1):
            row["cursor"] = f"{place}.{number}"
        if found:
            found[-1]["cursor"] = place
        passed, self._passed = self._passed, 0
        return found[passed:]

    def _tell(self, submitted: "dict[str, Any]") -> None:
        workflow, definition = submitted.get("workflow"), submitted.get("definition")
        if self.heard is not None and isinstance(workflow, str) and isinstance(definition, str):
            self.heard(workflow, definition)


def _amid_record(data_dir: str, cursor: str) -> "tuple[JournalTail, int]":
    """(tail before the record of `cursor`, rows of it that have been seen). Raises as `JournalTail` does."""
    record, _, count = cursor.partition(".")
    epoch, _, seq = record.partition(":")
    if not count.isdecimal() or seq == "0":
        raise UsageError(f"{cursor!r} is no cursor.", "A cursor is <epoch>:<seq>, or what the column `cursor` shows.")
    JournalTail(data_dir, record).close()  # the record itself still has to be there, and not another in its place
    return JournalTail(data_dir, f"{epoch}:{int(seq) - 1}"), int(count)


class FolderChanges:
    """The changes of a foreign directory. A file that cannot be read is left out until it can.

    One that is empty may become a daemon's: from then on these are the changes that its journal tells, from the first.

    Attributes are those of `JournalChanges`; there is no place to go on from. `definitions` are those of the workflows
    that tasks have named so far.
    """

    seq: "int | None" = None
    cursor: "str | None" = None
    oldest: "str | None" = None
    heard: "Heard | None" = None

    def __init__(self, data_dir: str) -> None:
        self.pause_s = _FOLDER_PAUSE_S
        self.moved = False
        self._data_dir = data_dir
        self._journal: JournalChanges | None = None
        self._folder = f"{data_dir}/{TASKS}"
        self._met: dict[str, Identity] = {}
        self._statuses: dict[str, str] = {}
        self.definitions: dict[str, str] = {}
        self.poll()

    def poll(self) -> "list[Row]":
        """A row for each task whose status is another than at the last look, in the order of their times."""
        if self._journal is None and not self._met and is_ours(self._data_dir):
            self._journal = JournalChanges(JournalTail(self._data_dir, from_start=True))
        if self._journal is not None:
            return self._told_by(self._journal)
        began = time.monotonic()
        changed = [row for entry in self._entries() if (row := self._look(entry)) is not None]
        self.pause_s = max(_FOLDER_PAUSE_S, (time.monotonic() - began) / _FOLDER_SHARE)
        self.moved = bool(changed)
        return sorted(changed, key=lambda row: (row["time"], row["task"]))

    def close(self) -> None:
        """Give the journal back, if there is one by now."""
        if self._journal is not None:
            self._journal.close()

    def _told_by(self, journal: JournalChanges) -> "list[Row]":
        journal.heard = self.heard
        found = journal.poll()
        self.pause_s, self.moved, self.seq, self.cursor = journal.pause_s, journal.moved, journal.seq, journal.cursor
        return found

    def _entries(self) -> "list[os.DirEntry[str]]":
        try:
            with os.scandir(self._folder) as found:
                entries = [entry for entry in found if entry.name.endswith(".json") and entry.name[0] != "."]
        except OSError:
            return []
        names = {entry.name for entry in entries}
        for gone in [name for name in self._met if name not in names]:
            del self._met[gone]
            self._statuses.pop(gone, None)
        return entries

    def _look(self, entry: "os.DirEntry[str]") -> "Row | None":
        try:
            found = entry.stat(follow_symlinks=False)
            version = identity(found)
            if self._met.get(entry.name) == version:
                return None
            content = document.load(entry.path, SMALL_FILE_BYTES_MAX)
        except (OSError, document.Malformed):
            return None
        self._met[entry.name] = once_read(version)
        self._note(content.get("workflow"), content.get("definition"))
        status, previous = content.get("status"), self._statuses.get(entry.name)
        if not isinstance(status, str) or status == previous:
            return None
        self._statuses[entry.name] = status
        return {
            "time": rfc3339(found.st_mtime_ns // 1000),
            "seq": None,
            "workflow": content.get("workflow"),
            "task": str(content.get("id", entry.name.removesuffix(".json"))),
            "previous_status": previous,
            "status": status,
            "attempt": content.get("attempt"),
            "reason": content.get("reason"),
            "cursor": None,
        }

    def _note(self, workflow: object, definition: object) -> None:
        """Remember whose definition that is; tell it if it is another than before."""
        if isinstance(workflow, str) and isinstance(definition, str) and self.definitions.get(workflow) != definition:
            self.definitions[workflow] = definition
            if self.heard is not None:
                self.heard(workflow, definition)
