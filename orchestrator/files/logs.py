"""What the tasks of a workflow wrote: which files there are, and their lines (requirement A-67 for the names).

The workflow's state says which attempts there were; the name of each one's logs follows from that, hashed or not, so no
name is ever taken apart. A log is a file that a task's processes write, which are not trusted: it is opened
without following links and read only if it is a regular file, in pieces, so that its size costs no memory. What
could act on a terminal is taken out of its lines.
"""

import errno
import os
import stat

from orchestrator.files.directory import require_directory
from orchestrator.files.layout import LOGS, log_path, log_stem, workflow_dir
from orchestrator.files.locate import check_directory
from orchestrator.files.permissions import explain
from orchestrator.files.read import read_workflow
from orchestrator.files.steer import near
from orchestrator.model.errors import NotFound
from orchestrator.model.ids import split_task_id, task_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from orchestrator.files.rows import Row

    #: (operation, provider, item)
    Place = tuple[str, str, str]

#: Standard output and standard error, in the order in which they are shown.
STREAMS = ("out", "err")

#: Read of a file at a time. A line that is longer comes in pieces.
CHUNK_BYTES = 1 << 16

#: More than any task has; a damaged state may claim more.
_ATTEMPTS_MAX = 1 << 16

#: Names among which near ones are looked for.
_NAMES_MAX = 5000

#: What acts on a terminal: sequences that begin with ESC, other control characters, and those that turn the direction
#: of text. Tabs stay. None of them goes on over the end of a line.
_ACTIVE = (
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)


class NoSuchPart(NotFound):
    """The workflow is there; what was asked for inside it is not. `part`: operation, item, provider or attempt."""

    def __init__(self, part: str, message: str, help: str = "") -> None:
        super().__init__(message, help)
        self.part = part


class Log:
    """One file: one stream of one attempt. It need not be there."""

    __slots__ = ("attempt", "item", "operation", "path", "provider", "stream")

    def __init__(self, operation: str, provider: str, item: str, attempt: int, stream: str, path: str) -> None:
        self.operation, self.provider, self.item = operation, provider, item
        self.attempt, self.stream, self.path = attempt, stream, path

    def row(self, line: str) -> "Row":
        """One line of it, as tables show it."""
        return {
            "operation": self.operation,
            "item": self.item,
            "provider": self.provider,
            "attempt": self.attempt,
            "stream": self.stream,
            "line": line,
        }


class Selection:
    """Logs that are wanted: of a workflow, or of one of its tasks.

    Attributes:
        data_dir, workflow: where.
        state: the workflow's, as `read_workflow` gives it.
        task: the id of the only task that is wanted, None for all.
    """

    def __init__(
        self,
        data_dir: str,
        subject: str,
        *,
        operation: "str | None" = None,
        item: "str | None" = None,
        provider: "str | None" = None,
        attempt: "int | None" = None,
        streams: "Collection[str]" = STREAMS,
        statuses: "Collection[str] | None" = None,
        may_come: bool = False,
    ) -> None:
        """Look up `subject`, the id of a workflow or a task; with `statuses` only tasks that stand so.

        With `may_come` an attempt need not have been started yet.

        Raises:
            BadId, NotFound, WorkflowUnreadable, FormatTooNew: as `read_workflow`; or there is no such task.
            NotFound: the workflow is archived, or another program writes the directory: there are no logs.
            NoSuchPart: the workflow has no such operation, item, provider or attempt.
        """
        if not check_directory(data_dir):
            require_directory(data_dir)
            raise NotFound(f"{data_dir} has no workflows: another program writes it, and keeps no logs there.", "")
        self.data_dir = data_dir
        self.workflow, place = _subject(subject)
        self.task = None if place is None else subject
        self.state = read_workflow(data_dir, self.workflow)
        if "archived" in self.state:
            kept = f"What is kept: {self.state['archived']}"
            raise NotFound(f"{self.workflow} is archived, and its logs are gone.", kept)
        self._place = place
        self._operation, self._item, self._provider, self._attempt = operation, item, provider, attempt
        self._streams = [stream for stream in STREAMS if stream in streams]
        self._statuses = statuses
        self._check(may_come=may_come)

    def attempts(self) -> "Iterator[tuple[Place, int, str]]":
        """(place, number, status) of each attempt that is wanted, in the order of the plan.

        The status is the task's, and "" for an attempt that others followed.
        """
        for place, entry in self._entries():
            status = str(entry.get("status"))
            if self._statuses is None or status in self._statuses:
                for attempt in range(1, min(entry["attempt"], _ATTEMPTS_MAX) + 1):
                    if self.wants(place, attempt):
                        yield place, attempt, status if attempt == entry["attempt"] else ""

    def wants(self, place: "Place", attempt: int) -> bool:
        """Whether an attempt is wanted."""
        operation, provider, item = place
        return (
            self._place in (None, place)
            and self._operation in (None, operation)
            and self._provider in (None, provider)
            and self._item in (None, item)
            and self._attempt in (None, attempt)
        )

    def logs_of(self, place: "Place", attempt: int) -> "list[Log]":
        """The logs of an attempt, whether they are there or not."""
        operation, provider, item = place
        stem = log_stem(operation, provider, item, attempt)
        return [
            Log(operation, provider, item, attempt, stream, log_path(self.data_dir, self.workflow, stem, stream))
            for stream in self._streams
        ]

    def written(self) -> "Iterator[Log]":
        """The logs that are there, in the order of the plan, the attempts and the streams."""
        try:
            names = set(os.listdir(f"{workflow_dir(self.data_dir, self.workflow)}/{LOGS}"))
        except OSError:
            names = set()
        for place, attempt, _ in self.attempts():
            for log in self.logs_of(place, attempt):
                if os.path.basename(log.path) in names:
                    yield log

    def look_again(self) -> None:
        """Read the state anew. Raises as `read_workflow`."""
        self.state = read_workflow(self.data_dir, self.workflow)

    def _entries(self) -> "Iterator[tuple[Place, Row]]":
        for operation in _records(self.state.get("operations")):
            for entry in _records(operation.get("items")):
                place = (operation.get("id"), entry.get("provider"), entry.get("item"))
                if all(isinstance(name, str) for name in place) and type(entry.get("attempt")) is int:
                    yield place, entry  # type: ignore[misc]

    def _check(self, *, may_come: bool) -> None:
        """Raise if what is asked for inside the workflow is not there."""
        found = [place for place, _ in self._entries()]
        if self._place is not None and self._place not in found:
            ids = [task_id(self.workflow, *place) for place in found][:_NAMES_MAX]
            help_text = f"{near(str(self.task), ids)}`orch tasks --workflow {self.workflow}` lists its tasks."
            raise NotFound(f"There is no task {self.task} in {self.data_dir}.", help_text)
        if self._place is not None:
            found = [self._place]
        for position, part, given in (
            (0, "operation", self._operation),
            (1, "provider", self._provider),
            (2, "item", self._item),
        ):
            if given is None:
                continue
            there = [place for place in found if place[position] == given]
            if not there:
                raise self._no_such(part, given, list(dict.fromkeys(place[position] for place in found)))
            found = there
        if not may_come:
            self._check_attempt(set(found))

    def _check_attempt(self, places: "set[Place]") -> None:
        last = max((entry["attempt"] for place, entry in self._entries() if place in places), default=0)
        if self._attempt is not None and not 1 <= self._attempt <= last:
            told = f"Attempts are 1 to {last}." if last else "Nothing of it has been started."
            raise NoSuchPart("attempt", f"There is no attempt {self._attempt} of that in {self.workflow}.", told)

    def _no_such(self, part: str, given: str, known: "list[str]") -> NoSuchPart:
        few = f"There are: {', '.join(known)}." if len(known) <= 20 else ""
        where = self.workflow if self._operation in (None, given) else f"{self._operation} of {self.workflow}"
        told = (near(given, known[:_NAMES_MAX]) + few).strip()
        return NoSuchPart(part, f"There is no {part} {given} in {where}.", told)


class Lines:
    """The lines of one log from its beginning, in pieces.

    Attributes:
        log: which.
        problem: why it cannot be read; "" if nothing is wrong.
    """

    __slots__ = ("_offset", "_raw", "_rest", "log", "problem")

    def __init__(self, log: Log, *, raw: bool = False, tail: "int | None" = None) -> None:
        """With `raw` nothing is taken out of the lines; with `tail` begin so many lines before the present end."""
        self.log = log
        self.problem = ""
        self._raw = raw
        self._rest = b""
        self._offset = 0 if tail is None else _last_lines(log.path, tail)

    def next(self, *, final: bool = True) -> "list[str]":
        """Some more lines, none if there are none (yet).

        A line without an end is kept for the next time; with `final`, when the log will not grow any more, it is
        given when nothing comes behind it.
        """
        while True:
            chunk = self._read()
            data = self._rest + chunk
            end = data.rfind(b"\n") + 1
            if final and not chunk:
                end = len(data)
            elif not end and len(data) >= CHUNK_BYTES:
                end = _whole_characters(data)
            self._rest = data[end:]
            if end or not chunk:
                return self._split(data[:end])

    def _read(self) -> bytes:
        try:
            chunk = _pread(self.log.path, self._offset, CHUNK_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            why, remedy = explain(error, self.log.path)
            self.problem = f"Failed to read the log {self.log.path}: {why}. {remedy}".strip()
            return b""
        self._offset += len(chunk)
        return chunk

    def _split(self, data: bytes) -> "list[str]":
        if not data:
            return []
        text = data.decode("utf-8", "replace")
        return (text if self._raw else clean(text)).removesuffix("\n").split("\n")


class Written:
    """The lines of the logs that are there, as rows.

    Attributes:
        pause_s: `poll` need not wait.
        problems: why logs could not be read; whoever tells them empties the list.
    """

    def __init__(self, selection: Selection, *, raw: bool = False, tail: "int | None" = None) -> None:
        self.pause_s = 0.0
        self.problems: list[str] = []
        self._lines = (Lines(log, raw=raw, tail=tail) for log in selection.written())
        self._current: Lines | None = None

    def poll(self) -> "list[Row]":
        """Some rows. Raises StopIteration behind the last."""
        while True:
            if self._current is None:
                self._current = next(self._lines)
            found = self._current.next()
            if found:
                return [self._current.log.row(line) for line in found]
            if self._current.problem:
                self.problems.append(self._current.problem)
            self._current = None

    def close(self) -> None:
        """Nothing is held."""


#: The pattern `_ACTIVE`, once it has been compiled.
_compiled: "list[Any]" = []


def clean(text: str) -> str:
    """`text` without what acts on a terminal. Line ends and tabs stay."""
    if not _compiled:
        import re

        _compiled.append(re.compile(_ACTIVE))
    cleaned: str = _compiled[0].sub("", text)
    return cleaned


def _subject(subject: str) -> "tuple[str, Place | None]":
    try:
        workflow, operation, provider, item = split_task_id(subject)
    except ValueError:
        return subject, None
    return workflow, (operation, provider, item)


def _whole_characters(data: bytes) -> int:
    """How much of `data` does not end within a character."""
    for back in range(1, 4):
        byte = data[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            return len(data) - back
    return len(data)


def _pread(path: str, offset: int, size: int) -> bytes:
    """Bytes of a regular file. Raises OSError."""
    fd = _open(path)
    try:
        return os.pread(fd, size, offset)
    finally:
        os.close(fd)


def _open(path: str) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return fd


def _last_lines(path: str, count: int) -> int:
    """Where the last `count` lines of a file begin; 0 if it cannot be read, which is told when it is read."""
    try:
        fd = _open(path)
    except OSError:
        return 0
    try:
        end = position = os.fstat(fd).st_size
        wanted = count + (end > 0 and os.pread(fd, 1, end - 1) == b"\n")
        if not count:
            return end
        while position > 0:
            start = max(0, position - CHUNK_BYTES)
            block = os.pread(fd, position - start, start)
            ends = block.count(b"\n")
            if ends >= wanted:
                place = len(block)
                for _ in range(wanted):
                    place = block.rindex(b"\n", 0, place)
                return start + place + 1
            wanted -= ends
            position = start
        return 0
    finally:
        os.close(fd)


def _records(raw: object) -> "list[Row]":
    return [it for it in raw if isinstance(it, dict)] if isinstance(raw, list) else []
