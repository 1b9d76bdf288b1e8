"""The tasks of a directory of ours by its index and its journal: what the task files say, without reading them all.

Theory of operation
-------------------
The index shows every change up to a record. The journal behind it tells which tasks have changed since, and those are
read from their own files, which are written a moment after the record: a task is looked at again until its file shows
the record. So a table of a hundred thousand tasks is current at the price of those that changed.

A task is known by its *key*: its number in the index, or its id if the index lacks it. What decides whether a task is
wanted, but for its status, never changes in its life; so conditions are answered from the index alone: by the letters
of statuses, by texts in the rows, and by the order of the rows.

The daemon replaces the index every few seconds while things change. A source belongs to one version of it; who holds
keys of an older source can still read their rows.
"""

import os
import time
from bisect import bisect_left, bisect_right, insort

from orchestrator.files import document
from orchestrator.files.journal.tail import JournalTail
from orchestrator.files.layout import task_path
from orchestrator.files.patience import QUICK_BYTES, QUICK_FILES, TakesLonger
from orchestrator.files.rows import instants
from orchestrator.files.tables.index import LETTER_OF, UNKNOWN_LETTER, BadIndex, Index, positions
from orchestrator.model.ids import file_stem
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from orchestrator.files.journal.tail import Record
    from orchestrator.files.rows import Row
    from orchestrator.files.tables.wanted import Wanted

    #: Number in the index, or id.
    Key = int | str

#: Of a task that has gone into the archive, among the letters of statuses.
_GONE = "-"

#: Reads of the journal while others wait: of 64 KiB each.
_QUICK_POLLS = 4

#: So many tasks are found one by one; for more, the numbers of all tasks are looked up at once.
_SINGLE_MAX = 64

_ARCHIVED = "WorkflowArchived"

#: Events that change more of tasks than transitions tell: when their delays and their patience are over.
_STEERING = frozenset({"PauseRequested", "ResumeRequested", "RetryRequested", "RollbackRequested", "CancelRequested"})
_CONDITION = "ConditionDue"

#: For so long such changes may still be on their way into the files.
_STEERED_S = 1.5

#: Statuses of tasks that may have such a time.
_WAITING = ("pending", "waiting_retry")


class IndexSource:
    """One version of the index, and what has changed since.

    Attributes:
        kept: {key: what a reader has made of the row}, by the form it was made for. An entry goes when its row changes.
    """

    def __init__(self, data_dir: str) -> None:
        """Open the index of `data_dir`, and the journal behind it.

        Raises:
            OSError: there is no index, or it cannot be read.
            BadIndex: it is not whole, or of a newer form.
            CursorLost, JournalUnreadable, JournalDamaged: the journal does not say what came behind it.
        """
        self.kept: dict[str, dict[Key, bytes]] = {}
        self._data_dir = data_dir
        self._index = Index(data_dir)
        self._tail = JournalTail(data_dir, f"{self._index.epoch}:{self._index.seq}")
        self._letters = bytearray(self._index.letters.encode())
        self._changed: dict[int, Row] = {}
        #: {id: row} of tasks that the index lacks, and [(place, order, id)] of them.
        self._added: dict[str, Row] = {}
        self._added_order: list[tuple[int, tuple[int, int, str], str]] = []
        #: {id: the record that its file has to show, and what the file was when it last did not}
        self._behind: dict[str, tuple[int, tuple[int, int, int] | None]] = {}
        #: Ids of tasks that have come since and have no file yet.
        self._unwritten: set[str] = set()
        #: {workflow that somebody has steered since: until when its files are looked at for more than transitions tell}
        self._steered: dict[str, float] = {}
        #: Workflows that went into the archive since.
        self._archived: set[str] = set()
        self._numbers: dict[str, int] | None = None
        self._created: list[int] | None = None
        self._definitions: dict[str, str] | None = None
        self._instant = instants()

    def __del__(self) -> None:
        """Give the files back, once nobody holds keys of this version any more."""
        for name in ("_index", "_tail"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def refresh(self, *, patient: bool = True) -> None:
        """Take in what has happened. Costs some microseconds when nothing has.

        Raises:
            TakesLonger: very much has, and nobody is patient. Nothing is lost.
            CursorLost, JournalUnreadable, JournalDamaged: the journal does not say it.
            BadIndex: the index turned out not to be one.
        """
        polls = 0
        while records := self._tail.poll():
            for record in records:
                self._note(record)
            polls += 1
            if polls >= _QUICK_POLLS and not patient:
                raise TakesLonger
        if self._steered:
            if not patient and self._index.rows_bytes > QUICK_BYTES:
                raise TakesLonger
            self._look_at_steered()
        if self._behind:
            if not patient and len(self._behind) > QUICK_FILES:
                raise TakesLonger
            self._look_at_files()

    def require_patience(self, wanted: "Wanted") -> None:
        """Raise TakesLonger if all rows have to be looked through for `wanted`, and they are many."""
        conditions = (wanted.workflows, wanted.operation, wanted.item, wanted.since_us, wanted.until_us)
        if self._index.rows_bytes > QUICK_BYTES and any(it is not None for it in conditions):
            raise TakesLonger

    @property
    def keeps(self) -> int:
        """How many rows a reader has made something of."""
        return max(map(len, self.kept.values()), default=0)

    @property
    def unwritten(self) -> int:
        """How many tasks have been submitted, but have no file yet, and so are in no table."""
        return len(self._unwritten)

    @property
    def count(self) -> int:
        """How many tasks there are."""
        return len(self._letters) - self._letters.count(_GONE.encode()) + len(self._added)

    def statuses(self) -> "dict[str, int]":
        """{status: number of tasks}."""
        letters = {letter: self._letters.count(letter.encode()) for letter in LETTER_OF.values()}
        found = {status: letters[letter] for status, letter in LETTER_OF.items()}
        for row in self._added.values():
            found[row["status"]] = found.get(row["status"], 0) + 1
        return {status: number for status, number in found.items() if number}

    def select(self, wanted: "Wanted", limit: "int | None" = None) -> "list[Key]":
        """Keys of the tasks that are wanted, in the order of tables, `limit` at most. Raises BadIndex."""
        found: list[Key] = []
        added = [entry for entry in self._added_order if wanted.matches(self._added[entry[2]])]
        for number in self._numbers_of(wanted):
            while added and added[0][0] <= number:
                found.append(added.pop(0)[2])
            if limit is not None and len(found) >= limit:
                break
            found.append(number)
        found += [entry[2] for entry in added]
        return found if limit is None else found[:limit]

    def rows(self, keys: "Sequence[Key]") -> "list[Row]":
        """The rows of `keys`; one that has gone since is left out. Raises BadIndex."""
        if len(keys) > _SINGLE_MAX and len(keys) > self._index.count // 8:
            return self._many_rows(keys)
        found = []
        for key in keys:
            row = self._changed.get(key) if isinstance(key, int) else self._added.get(key)
            if row is None and isinstance(key, int):
                row = self._index.row(key)
            if row is not None:
                found.append(row)
        return found

    def with_status(self, keys: "Sequence[Key]", statuses: "Collection[str]") -> "set[Key]":
        """Those of `keys` whose tasks have one of `statuses`."""
        letters = {ord(LETTER_OF.get(status, UNKNOWN_LETTER)) for status in statuses}
        added = {key for key, row in self._added.items() if row["status"] in statuses}
        if not added and not any(self._letters.find(letter) >= 0 for letter in letters):
            return set()
        return {key for key in keys if key in added or (isinstance(key, int) and self._letters[key] in letters)}

    def definitions(self) -> "dict[str, str]":
        """{workflow: path of its definition} of all tasks. Raises BadIndex."""
        if self._definitions is None:
            import json
            import re

            pattern = rb'"workflow": ("[^"]*"),"definition": ("(?:[^"\\]|\\.)*")'
            pairs = set(re.findall(pattern, self._index.body()))
            self._definitions = {json.loads(workflow): json.loads(definition) for workflow, definition in pairs}
        found = {workflow: path for workflow, path in self._definitions.items() if workflow not in self._archived}
        for row in self._added.values():
            found[str(row.get("workflow"))] = str(row.get("definition"))
        return found

    def values(self, field: str) -> "set[str]":
        """The texts that `field` has in any task: for looking for near ones. Raises BadIndex."""
        import json
        import re

        pattern = f'"{field}": ("(?:[^"\\\\]|\\\\.)*")'.encode()
        return {str(json.loads(text)) for text in set(re.findall(pattern, self._index.body()))} | {
            str(row.get(field)) for row in self._added.values()
        }

    def take_over(self, before: "IndexSource") -> None:
        """Keep what a reader has made of rows of `before` that are the same here. Raises BadIndex."""
        if not before.keeps:
            return
        lines = {line: number for number, line in enumerate(self._index.lines())}
        for form, kept in before.kept.items():
            numbers = [key for key in kept if isinstance(key, int) and key not in before._changed]
            self.kept[form] = {
                lines[line]: kept[number]
                for number, line in zip(numbers, before._raw(numbers), strict=True)
                if line in lines
            }

    # --- which rows ------------------------------------------------------------------------------------------

    def _numbers_of(self, wanted: "Wanted") -> "Iterable[int]":
        """Numbers of the rows that are wanted, in order."""
        low, high = self._priorities(wanted)
        found = self._by_status(wanted)
        names = wanted.names
        if wanted.workflows is not None and "workflow" not in names:
            numbers = {number for it in wanted.workflows for number in self._index.holding(_text("workflow", it))}
            found = (number for number in found if number in numbers)
        for field, text in names.items():
            found = _both(found, self._index.holding(_text(field, text)))
        if (low, high) != (0, self._index.count):
            found = (number for number in found if low <= number < high)
        if wanted.since_us is not None or wanted.until_us is not None:
            found = self._in_time(found, wanted)
        return found

    def _by_status(self, wanted: "Wanted") -> "Iterator[int]":
        if wanted.statuses is None:
            letters = "".join(LETTER_OF.values()) + UNKNOWN_LETTER
            if _GONE.encode() not in self._letters:
                return iter(range(self._index.count))
            return positions(self._letters, letters)
        odd = [status for status in wanted.statuses if status not in LETTER_OF]
        letters = "".join({LETTER_OF[status] for status in wanted.statuses if status in LETTER_OF})
        found = positions(self._letters, letters + (UNKNOWN_LETTER if odd else ""))
        if not odd:
            return found
        return (number for number in found if self.rows([number])[0]["status"] in wanted.statuses)

    def _priorities(self, wanted: "Wanted") -> "tuple[int, int]":
        """The first row that is urgent enough for nobody, and the one behind the last: the most urgent stand first."""
        count = self._index.count
        low = high = None
        if wanted.priority_max is not None:
            low = bisect_left(range(count), -wanted.priority_max, key=self._lack_of_priority)
        if wanted.priority_min is not None:
            high = bisect_right(range(count), -wanted.priority_min, key=self._lack_of_priority)
        return low or 0, count if high is None else high

    def _lack_of_priority(self, number: int) -> int:
        return -int(self._index.row(number)["priority"])

    def _in_time(self, numbers: "Iterable[int]", wanted: "Wanted") -> "Iterator[int]":
        created = self._times()
        since, until = wanted.since_us, wanted.until_us
        for number in numbers:
            at = created[number]
            if (since is None or at >= since) and (until is None or at < until):
                yield number

    def _times(self) -> "list[int]":
        """When each task of the index was created, in microseconds since 1970."""
        if self._created is None:
            import re

            found = re.findall(rb'"created_at": "([^"]*)"', self._index.body())
            if len(found) != self._index.count:
                raise BadIndex("a row has no time, or several")
            at = {text: self._instant(text.decode()) for text in set(found)}
            self._created = [at[text] for text in found]
        return self._created

    # --- rows ------------------------------------------------------------------------------------------------

    def _many_rows(self, keys: "Sequence[Key]") -> "list[Row]":
        lines, letters, changed, found = self._index.lines(), self._index.letters, self._changed, []
        decode = document.loads
        for key in keys:
            if not isinstance(key, int):
                row = self._added.get(key)
            else:
                row = changed.get(key)
                if row is None:
                    try:
                        row = decode(lines[key])
                        status = row["status"]
                    except (ValueError, RecursionError, KeyError, TypeError) as error:
                        raise BadIndex(f"row {key} is no task") from error
                    if LETTER_OF.get(status, UNKNOWN_LETTER) != letters[key]:
                        raise BadIndex(f"row {key} has another status than its letter tells")
            if row is not None:
                found.append(row)
        return found

    def _drop_kept(self, key: "Key") -> None:
        for kept in self.kept.values():
            kept.pop(key, None)

    def _raw(self, numbers: "Sequence[int]") -> "list[bytes]":
        if len(numbers) > _SINGLE_MAX and len(numbers) > self._index.count // 8:
            lines = self._index.lines()
            return [lines[number] for number in numbers]
        return [self._index.raw(number) for number in numbers]

    # --- what has happened -----------------------------------------------------------------------------------

    def _note(self, record: "Record") -> None:
        seq = record["seq"]
        for task, previous, *_ in record["transitions"]:
            if task is not None:
                self._behind[task] = (seq, None)
                if previous is None:
                    self._unwritten.add(task)
        if record["event"] == _ARCHIVED:
            self._forget(str(record["workflow"]))
        elif record["event"] == _CONDITION and "task" in record["data"]:
            self._behind[str(record["data"]["task"])] = (seq, None)
        elif record["event"] in _STEERING and record["workflow"] is not None:
            self._steered[str(record["workflow"])] = time.monotonic() + _STEERED_S

    def _look_at_steered(self) -> None:
        """Have the files of all tasks that wait in such workflows looked at."""
        waiting = {ord(LETTER_OF[status]) for status in _WAITING}
        for workflow, until in list(self._steered.items()):
            if time.monotonic() > until:
                del self._steered[workflow]
            for number in self._index.holding(_text("workflow", workflow)):
                if self._letters[number] in waiting:
                    self._behind.setdefault(_id_of(self._index.raw(number)), (0, None))
            for task in self._added:
                if task.startswith(f"{workflow}."):
                    self._behind.setdefault(task, (0, None))

    def _look_at_files(self) -> None:
        """Read the tasks that have changed, as far as their files show it."""
        if len(self._behind) > _SINGLE_MAX and self._numbers is None:
            self._numbers = {_id_of(line): number for number, line in enumerate(self._index.lines())}
        for task, (seq, seen) in list(self._behind.items()):
            path = task_path(self._data_dir, file_stem(task))
            try:
                about = os.stat(path, follow_symlinks=False)
                identity = (about.st_mtime_ns, about.st_size, about.st_ino)
                if identity == seen:
                    continue
                row = document.load(path, SMALL_FILE_BYTES_MAX)
            except (OSError, document.Malformed):
                continue  # not written yet, or no file of the daemon's: the row stays as it was
            if row.get("id") != task or not isinstance(row.get("status"), str) or type(row.get("priority")) is not int:
                continue
            self._put(task, row)
            self._unwritten.discard(task)
            if isinstance(row.get("seq"), int) and row["seq"] >= seq:
                del self._behind[task]
            else:
                self._behind[task] = (seq, identity)

    def _put(self, task: str, row: "Row") -> None:
        if task in self._added:
            self._added[task] = row
            self._drop_kept(task)
            return
        number, is_there = self._number(task, row)
        if not is_there:
            self._added[task] = row
            insort(self._added_order, (number, self._order(row), task))
            return
        self._changed[number] = row
        self._letters[number] = ord(LETTER_OF.get(row["status"], UNKNOWN_LETTER))
        self._drop_kept(number)

    def _number(self, task: str, row: "Row") -> "tuple[int, bool]":
        """The number of a task; or where it would be, were it there."""
        if self._numbers is not None and task in self._numbers:
            return self._numbers[task], True
        order = self._order(row)
        number = bisect_left(range(self._index.count), order, key=lambda it: self._order(self._index.row(it)))
        return number, number < self._index.count and bool(self._index.row(number)["id"] == task)

    def _order(self, row: "Row") -> "tuple[int, int, str]":
        return -row["priority"], self._instant(row["created_at"]), row["id"]

    def _forget(self, workflow: str) -> None:
        """Leave out the tasks of a workflow that went into the archive."""
        self._archived.add(workflow)
        begin = f"{workflow}."
        for number in self._index.holding(_text("workflow", workflow)):
            self._letters[number] = ord(_GONE)
            self._drop_kept(number)
        for task in [task for task in self._added if task.startswith(begin)]:
            del self._added[task]
            self._drop_kept(task)
        self._added_order = [entry for entry in self._added_order if entry[2] in self._added]
        self._behind = {task: it for task, it in self._behind.items() if not task.startswith(begin)}
        self._unwritten = {task for task in self._unwritten if not task.startswith(begin)}


def _text(field: str, value: str) -> bytes:
    """How a row of the index says that `field` is `value`. Inside a text its quotes would stand behind backslashes."""
    import json

    return f'"{field}": {json.dumps(value, ensure_ascii=False)}'.encode("utf-8", "surrogatepass")


def _both(one: "Iterable[int]", other: "Iterator[int]") -> "Iterator[int]":
    """What two ascending sequences have in common."""
    at = next(other, None)
    for number in one:
        while at is not None and at < number:
            at = next(other, None)
        if at is None:
            return
        if at == number:
            yield number


def _id_of(line: bytes) -> str:
    import json

    try:
        return str(json.loads(line[len(b'{"id": ') : line.index(b',"status"')]))
    except ValueError as error:
        raise BadIndex("a row does not begin with its id") from error
