"""The shell command as a process: in a pipe, or at a pseudo-terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "orchestrator"]


def call(
    *arguments: str | Path, data_dir: Path | str | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; nothing of it is a terminal."""
    return subprocess.run(
        command(*arguments, data_dir=data_dir),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
    )


def command(*arguments: str | Path, data_dir: Path | str | None = None) -> list[str]:
    """The words of a command line, with ``--data-dir`` behind the command's name."""
    where = ["--data-dir", str(data_dir)] if data_dir is not None else []
    return [*COMMAND, str(arguments[0]), *where, *map(str, arguments[1:])]


def call_at_terminal(
    *arguments: str | Path, data_dir: Path | str, columns: int = 120, env: dict[str, str] | None = None
) -> tuple[int, str]:
    """(exit code, everything that was written to the terminal) of a command whose three streams are one."""
    own, others = pty.openpty()
    fcntl.ioctl(others, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        command(*arguments, data_dir=data_dir),
        stdin=others,
        stdout=others,
        stderr=others,
        cwd=ROOT,
        env={**environment, "TERM": "xterm-256color", **(env or {})},
    )
    os.close(others)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the last one who had it open is gone
        while data := os.read(own, 65536):
            shown += data
    os.close(own)
    return process.wait(), shown.decode().replace("\r\n", "\n")
