"""What /proc tells about processes: which they are, and whose.

A process id alone says nothing: ids are given again. A process is known by its id together with its start time,
and it belongs to an attempt when its environment says so (`environment.TASK` and the others), which every
descendant inherits unless it takes pains not to. The kernel shows a process's environment from before its first
instruction to its death, but for the moment in which one program is exchanged for another (`exec`): who is met then is
looked at again.

Whoever wants to signal a process opens a pidfd first and looks afterwards whether it is still the one that was
meant: from then on no reuse of the number can do harm.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.effects import environment

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

#: (task id, number of the attempt)
Attempt = tuple[str, int]

#: How often the process table is listed in one go, if it has grown each time.
_LISTINGS = 10

#: How often a process in the middle of `exec` is looked at before it is believed to hide its environment.
_EXEC_LOOKS = 200

_MARK = f"{environment.TASK}=".encode()


class Process(NamedTuple):
    """A line of ``/proc/<pid>/stat``. `start`: clock ticks since boot; `state`: one letter."""

    pid: int
    state: str
    group: int
    session: int
    start: int

    @property
    def is_dead(self) -> bool:
        """Whether only its entry in the process table is left."""
        return self.state in "ZXx"


def process_ids() -> Iterator[int]:
    """The id of every process, those that begin while the caller goes through them included.

    So a process that is exchanged for a child of its own meanwhile, as daemons do when they start, is not missed.
    """
    seen: set[str] = set()
    for _ in range(_LISTINGS):
        new = [name for name in os.listdir("/proc") if name.isdigit() and name not in seen]
        if not new:
            return
        yield from map(int, new)
        seen.update(new)


def read_process(pid: int) -> Process | None:
    """What the process is now; None if there is none."""
    line = _read(pid, "stat")
    # The command's name, in parentheses, may hold anything: blanks and parentheses too.
    fields = line[line.rfind(b")") + 1 :].split()
    if len(fields) < 20:
        return None
    return Process(pid, fields[0].decode(), int(fields[2]), int(fields[3]), int(fields[19]))


def command_line(pid: int) -> list[bytes]:
    """The process's arguments, [] if it is gone or dead."""
    return _read(pid, "cmdline").split(b"\0")[:-1]


def attempt_of(pid: int, data_dir: str) -> Attempt | None:
    """The attempt in `data_dir` that the process belongs to; None if it belongs to none, is gone or is not ours."""
    environ = _environment(pid)
    if _MARK not in environ:
        return None
    values = dict(variable.split(b"=", 1) for variable in environ.split(b"\0") if variable.startswith(b"ORCH_"))
    task, number = values.get(environment.TASK.encode()), values.get(environment.ATTEMPT.encode(), b"")
    directory = values.get(environment.DATA_DIR.encode(), b"")
    if not task or not number.isdigit() or not _is_same_directory(directory, data_dir):
        return None
    return os.fsdecode(task), int(number)


def find_attempts(data_dir: str, wanted: Container[Attempt]) -> dict[Attempt, list[int]]:
    """{attempt: ids of its living processes} of those attempts in `data_dir` that are `wanted`."""
    found: dict[Attempt, list[int]] = {}
    own = os.getpid()
    for pid in process_ids():
        if pid != own and (attempt := attempt_of(pid, data_dir)) is not None and attempt in wanted:
            found.setdefault(attempt, []).append(pid)
    return found


def session_members(session: int) -> list[int]:
    """Ids of the living processes in a session or in the process group of the same number."""
    found = [process for pid in process_ids() if (process := read_process(pid)) is not None]
    return [p.pid for p in found if session in (p.session, p.group) and not p.is_dead]


def has_ended(pidfd: int) -> bool:
    """Whether the process behind the descriptor has ended, collected by its parent or not."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def _read(pid: int, name: str) -> bytes:
    """A file of ``/proc/<pid>``; empty when the process is gone or another user's."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError), open(f"/proc/{pid}/{name}", "rb", 0) as file:
        return file.readall()
    return b""


def _environment(pid: int) -> bytes:
    for _ in range(_EXEC_LOOKS):
        if environ := _read(pid, "environ"):
            return environ
        if not _is_between_programs(pid):
            break
        os.sched_yield()
    return _read(pid, "environ")  # once more: `exec` may have ended between the two looks


def _is_between_programs(pid: int) -> bool:
    """Whether a process of ours has a program and no arguments, as nobody has but in the middle of `exec`."""
    with suppress(OSError):  # a kernel thread, a dead process, another user's
        os.readlink(f"/proc/{pid}/exe")
        return not command_line(pid)
    return False


def _is_same_directory(path: bytes, data_dir: str) -> bool:
    if os.fsdecode(path) == data_dir:
        return True
    with suppress(OSError, ValueError):
        return os.path.samefile(path, data_dir)
    return False
