"""Changes of a data directory as rows, whoever writes it.

A directory of ours is followed by its journal: nothing is missed, every change has a seq. A foreign one is looked
through again and again: what changed twice between two looks is seen once. (The alternative, file notifications by
watchdog, takes 37 ms to import and two threads, loses events in bursts, and is silent on network file systems.)
"""

import os
import time

from orchestrator.files import document
from orchestrator.files.journal_tail import JournalTail, rows
from orchestrator.files.layout import TASKS
from orchestrator.files.locate import check_directory
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.rows import Row

    Identity = tuple[int, int, int]

#: Between two looks at a journal: right after something has happened, and when nothing has for a while. A look costs
#: some microseconds, waking up for it rather more: with the longer pause a waiting stream takes a hundredth of a core.
_JOURNAL_PAUSE_S = 0.001
_JOURNAL_PAUSE_MAX_S = 0.006
_JOURNAL_PAUSE_GROWTH = 1.02

#: Between two looks through a foreign directory at least; and the share of the time they may take.
_FOLDER_PAUSE_S = 0.05
_FOLDER_SHARE = 0.1


def follow(data_dir: str, cursor: "str | None" = None, *, from_start: bool = False) -> "JournalChanges | FolderChanges":
    """Something whose `poll` gives the rows that came since, and whose `pause_s` says when to ask again.

    Rows are those of `orchestrator.files.journal_tail.rows`. `cursor` and `from_start` are those of `JournalTail`.

    Raises:
        NotFound: there is no such directory.
        UsageError: a cursor for a foreign directory, which has no journal; or something that is no cursor.
        CursorLost, JournalUnreadable, FormatTooNew: as `JournalTail` and `check_directory` say.
    """
    if check_directory(data_dir):
        return JournalChanges(JournalTail(data_dir, cursor, from_start))
    if not os.path.isdir(data_dir):
        raise NotFound(f"There is no data directory {data_dir}.", "Start a daemon on it: orchestrator serve")
    if cursor is not None or from_start:
        raise UsageError(f"{data_dir} has no journal: nobody knows what happened there before now.", "")
    return FolderChanges(data_dir)


class JournalChanges:
    """The changes of a directory of ours."""

    def __init__(self, tail: JournalTail) -> None:
        self.pause_s = _JOURNAL_PAUSE_S
        self._tail = tail

    def poll(self) -> "list[Row]":
        """The rows of the next records; where there were any, there may be more. Raises as `JournalTail.poll` does."""
        found = [row for record in self._tail.poll() for row in rows(record)]
        self.pause_s = _JOURNAL_PAUSE_S if found else min(self.pause_s * _JOURNAL_PAUSE_GROWTH, _JOURNAL_PAUSE_MAX_S)
        return found

    def close(self) -> None:
        """Give the open file back."""
        self._tail.close()


class FolderChanges:
    """The changes of a foreign directory. A file that cannot be read is left out until it can."""

    def __init__(self, data_dir: str) -> None:
        self.pause_s = _FOLDER_PAUSE_S
        self._folder = f"{data_dir}/{TASKS}"
        self._met: dict[str, Identity] = {}
        self._statuses: dict[str, str] = {}
        self.poll()

    def poll(self) -> "list[Row]":
        """A row for each task whose status is another than at the last look, in the order of their times."""
        began = time.monotonic()
        changed = [row for entry in self._entries() if (row := self._look(entry)) is not None]
        self.pause_s = max(_FOLDER_PAUSE_S, (time.monotonic() - began) / _FOLDER_SHARE)
        return sorted(changed, key=lambda row: (row["time"], row["task"]))

    def close(self) -> None:
        """Nothing is held."""

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
            identity = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._met.get(entry.name) == identity:
                return None
            content = document.load(entry.path, SMALL_FILE_BYTES_MAX)
        except (OSError, document.Malformed):
            return None
        self._met[entry.name] = identity
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
        }
