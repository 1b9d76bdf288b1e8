"""What tasks wrote, on standard output: stretches of several logs, each under the name of its log."""

from __future__ import annotations

import os
import sys

from orchestrator.files.logs.file import begin_of_last
from orchestrator.files.permissions import explain
from orchestrator.interfaces.cli.output import clean
from orchestrator.model.errors import WorkflowUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codecs import IncrementalDecoder

_CHUNK_BYTES = 1 << 16


class Transcript:
    """Prints pieces of logs; a heading stands wherever the log is another than before."""

    def __init__(self, *, raw: bool) -> None:
        """With `raw`, bytes are passed on as they are; else what a terminal would act upon is made visible."""
        self._raw = raw
        self._title = ""
        self._at_start = True
        self._decoders: dict[str, IncrementalDecoder] = {}

    def write(self, title: str, data: bytes) -> None:
        """Print `data`, the next piece of the log called `title`."""
        if title != self._title:
            self._begin(title)
        if self._raw:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
        else:
            text = self._decoder(title).decode(data)
            sys.stdout.write("\n".join(clean(line) for line in text.split("\n")))
        self._at_start = data.endswith(b"\n")

    def end(self) -> None:
        """Close the line that was begun, and show everything."""
        if not self._at_start:
            sys.stdout.flush()
            sys.stdout.buffer.write(b"\n")
            self._at_start = True
        sys.stdout.flush()

    def _begin(self, title: str) -> None:
        self.end()
        sys.stdout.write(f"==> {clean(title)} <==\n")
        self._title = title

    def _decoder(self, title: str) -> IncrementalDecoder:
        """Its own for each log: a piece may end in the middle of a character."""
        found = self._decoders.get(title)
        if found is None:
            from codecs import getincrementaldecoder

            found = self._decoders[title] = getincrementaldecoder("utf-8")("replace")
        return found


class Log:
    """One file that a task wrote or still writes to, from its beginning."""

    def __init__(self, title: str, path: str, tail: int | None = None) -> None:
        """Opens nothing yet: the file may come later, or never. With `tail` it begins so many lines before its end."""
        self._title = title
        self._path = path
        self._tail = tail
        self._fd: int | None = None
        self._rest = b""

    def copy(self, transcript: Transcript, *, whole_lines: bool = False) -> bool:
        """Print what has come since; whether there was anything.

        Args:
            transcript: where to.
            whole_lines: keep a line that is not finished for the next time, unless it is very long.

        Raises:
            WorkflowUnreadable: the file may not be read.
        """
        found = False
        while chunk := self._read():
            found = True
            end = chunk.rfind(b"\n") + 1 if whole_lines and len(self._rest) < _CHUNK_BYTES else len(chunk)
            if end:
                transcript.write(self._title, self._rest + chunk[:end])
                self._rest = b""
            self._rest += chunk[end:]
        if self._rest and not whole_lines:
            transcript.write(self._title, self._rest)
            self._rest = b""
        return found

    def close(self) -> None:
        """Give the file back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self) -> bytes:
        try:
            if self._fd is None:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
                if self._tail is not None:
                    os.lseek(self._fd, begin_of_last(self._path, self._tail), os.SEEK_SET)
            return os.read(self._fd, _CHUNK_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            why, remedy = explain(error, self._path)
            raise WorkflowUnreadable(f"Failed to read the log {self._path}: {why}", remedy) from error
