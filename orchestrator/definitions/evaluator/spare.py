"""A child that is ready before it is asked.

Of the time an answer takes, more than half is the fork of a process of this size and, above all, the memory that an
evaluation writes to: each page of it (some 1,300) is copied when the child first writes there. So the service forks
the next child while it has nothing else to do. That child looks at a definition of ours, which makes those copies, and
waits for the one that it is for. It gives up its rights then, as every child does, looks at that one definition, and
ends.

It is asked through a byte in a pipe, which is never full; what it is asked lies in a file in memory by then. When the
service ends, the pipe does, and so does the child.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
from typing import TYPE_CHECKING, NoReturn

import msgspec

from orchestrator.definitions.evaluator import child
from orchestrator.definitions.kcl import evaluate, frontend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.definitions.kcl.wanted import Wanted

#: What is looked at beforehand: something of what definitions hold, no file, and no fault.
SAMPLE = b"""import workflows

_names = ["node-${i}" for i in range(3)]

sample: workflows.WorkflowDef {
    name = "sample"
    operations = [
        {id = "a", type = "create", target = "server", items = _names, command = "true", rollback_command = "true"}
        {id = "b", type = "check", target = "server", items = _names, command = "true", depends_on = ["a"]}
    ]
}
"""

#: Where it is said to lie: nowhere.
SAMPLE_PATH = "/dev/null/sample/sample.k"


class Spare:
    """A child that waits. Its answer will come out of `reader`."""

    def __init__(self, wanted: Wanted, close: Callable[[], None]) -> None:
        """Fork it.

        Args:
            wanted: what it looks at beforehand.
            close: gives up, in the child, what is not the child's.

        Raises:
            OSError: the system has no room for another process.
        """
        with contextlib.ExitStack() as opened:
            self._content = os.memfd_create("request")
            opened.callback(os.close, self._content)
            asked, self._ask = _pipe(opened)
            self.reader, writer = _pipe(opened)
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    os.close(self._ask)
                    os.close(self.reader)
                    close()
                    self._wait(wanted, asked, writer)
                finally:
                    os._exit(child.BUG)  # nothing of what follows is the child's
            opened.pop_all()
        os.close(asked)
        os.close(writer)

    def take(self, wanted: Wanted, readable: list[str]) -> bool:
        """Let it look at `wanted`, with nothing but `readable` to read. False if it is gone."""
        content = memoryview(pickle.dumps((wanted, readable)))
        try:
            while content:
                content = content[os.write(self._content, content) :]
            os.write(self._ask, b"!")
        except OSError:
            self.end()
            return False
        os.close(self._content)
        os.close(self._ask)
        return True

    def close(self) -> None:
        """Give up the ends of this process, in another child of it."""
        for fd in (self._content, self._ask, self.reader):
            os.close(fd)

    def end(self) -> None:
        """It is not needed: it ends as its pipe does."""
        self.close()
        os.waitpid(self.pid, 0)

    def _wait(self, sample: Wanted, asked: int, writer: int) -> NoReturn:
        for step in _steps(sample):
            with contextlib.suppress(Exception):  # it is a little slower then
                step()
            if select.select([asked], [], [], 0)[0]:
                break
        if not os.read(asked, 1):
            os._exit(0)
        os.lseek(self._content, 0, os.SEEK_SET)
        with open(self._content, "rb") as file:
            wanted, readable = pickle.load(file)  # noqa: S301 - the service's own
        os.close(asked)
        child.run(lambda: frontend.report(wanted), writer, readable)


def _pipe(opened: contextlib.ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for fd in ends:
        opened.callback(os.close, fd)
    return ends


def _steps(sample: Wanted) -> Iterator[Callable[[], object]]:
    """From the least to all of it; between two of them it can be asked."""
    yield evaluate.warm_up
    yield lambda: frontend.report(msgspec.structs.replace(sample, want_plan=False))
    yield lambda: frontend.report(sample)
