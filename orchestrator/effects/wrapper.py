"""The wrapper's text, and how a process is recognised as one."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.effects.processes import command_line, process_ids, read_process

if TYPE_CHECKING:
    from orchestrator.effects.processes import Process

#: Name of the wrapper in its own messages, and its mark in the table of processes.
MARK = "orch-attempt"

#: The descriptor of attempts.log in a wrapper.
RECORDS_FD = 9

#: Exit code of a wrapper that did not get the claim, or could not say that it has it (EX_TEMPFAIL).
UNCLAIMED = 75

#: Where the stem stands in a wrapper's arguments: shell, -c, text, mark, log path, stem, ...
_MARK_AT, _STEM_AT = 3, 5

#: What a command can ask or do that its own shell would answer otherwise than a subshell of the wrapper: process
#: ids, the shell's name, options and line numbers; faults that end a whole shell; texts that are only read while
#: it runs and may do any of it.
_NEEDS_ITS_SHELL = re.compile(
    r"\$\{?[$0-]|PPID|BASH|SHLVL|LINENO"
    r"|\$\{\w+:?\?|\b(?:set|readonly|return|trap|times)\b"
    r"|\b(?:source|eval|builtin|command)\b|(?<![\w./-])\.(?=[\s\"'])"
)


class Arguments(NamedTuple):
    """The wrapper's positional parameters, $1 to $7.

    `log_base`: path of the attempt's logs without ending. `umask`: octal, of the command. `place`: see
    `place_to_run`.
    """

    log_base: str
    stem: str
    working_dir: str
    command: str
    umask: str
    place: str
    boot_id: str


def read_text() -> str:
    """``wrapper.sh`` without its comments, which every process list would show."""
    with open(os.path.join(os.path.dirname(__file__), "wrapper.sh"), encoding="utf-8") as file:
        return "".join(line for line in file if line.strip() and not line.startswith("#"))


def place_to_run(command: str) -> str:
    """``subshell`` where the command cannot tell it from a shell of its own, else ``shell``.

    Starting a second shell is a third of what a short task costs; a fork is a tenth of that.
    """
    return "shell" if _NEEDS_ITS_SHELL.search(command) else "subshell"


def is_wrapper(process: Process, stem: str) -> bool:
    """Whether the process is a wrapper of this stem (in whichever data directory), and not one of its forks."""
    line = command_line(process.pid)
    return (
        process.pid == process.session
        and len(line) > _STEM_AT
        and line[_MARK_AT] == MARK.encode()
        and line[_STEM_AT] == stem.encode()
    )


def find_wrapper(stem: str, records_path: str) -> Process | None:
    """The living wrapper of an attempt, known by its arguments and by the file it has open for its records."""
    for pid in process_ids():
        with suppress(OSError):
            process = read_process(pid)
            if (
                process is not None
                and not process.is_dead
                and is_wrapper(process, stem)
                and os.path.samefile(f"/proc/{pid}/fd/{RECORDS_FD}", records_path)
            ):
                return process
    return None
