"""The wrapper's text, and how a process is recognised as one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.effects.processes import attempt_of, command_line, process_ids, read_process

if TYPE_CHECKING:
    from orchestrator.effects.processes import Attempt, Process

#: Name of the wrapper in its own messages, and its mark in the table of processes.
MARK = "orch-attempt"

#: Exit code of a wrapper that could not say that it has the attempt (EX_TEMPFAIL).
UNCLAIMED = 75

#: Where the mark and the stem stand in a wrapper's arguments: shell, -c, text, mark, stem, ...
_MARK_AT, _STEM_AT = 3, 4

#: What a command can ask or do that its own shell would answer otherwise than the wrapper's or a fork of it: process
#: ids, the shell's name, options and line numbers; faults that end a whole shell; texts that are only read while
#: it runs and may do any of it.
_NEEDS_ITS_SHELL = re.compile(
    r"\$\{?[$0-]|PPID|BASH|SHLVL|LINENO"
    r"|\$\{\w+:?\?|\b(?:set|readonly|return|trap|times)\b"
    r"|\b(?:source|eval|builtin|command)\b|(?<![\w./-])\.(?=[\s\"'])"
)

#: What would keep the wrapper's own shell from recording how it ended: another program in its place, limits, names of
#: ours, functions and aliases in the place of what it uses; and waiting in the shell itself, which no trap interrupts.
_NEEDS_A_FORK = re.compile(r"\b(?:exec|read|ulimit|alias|function|unset|hash)\b|\(\s*\)|ORCH_WRAPPER")


class Arguments(NamedTuple):
    """The wrapper's positional parameters, $1 to $7.

    `records_path`: of attempts.log. `place`: see `place_to_run`. `umask`: octal, of the command.
    """

    stem: str
    records_path: str
    working_dir: str
    command: str
    place: str
    umask: str
    boot_id: str


def read_text() -> str:
    """``wrapper.sh`` without its comments, which every process list would show."""
    with open(os.path.join(os.path.dirname(__file__), "wrapper.sh"), encoding="utf-8") as file:
        return "".join(line for line in file if line.strip() and not line.startswith("#"))


def place_to_run(command: str) -> str:
    """``inline``, ``subshell`` or ``shell``: the cheapest place where the command cannot tell the difference.

    A second shell costs half as much again as a short task, a fork a fifth; the wrapper's own shell costs nothing.
    """
    if _NEEDS_ITS_SHELL.search(command):
        return "shell"
    return "subshell" if _NEEDS_A_FORK.search(command) else "inline"


def is_wrapper(process: Process, attempt: Attempt, stem: str, data_dir: str) -> bool:
    """Whether the process is the wrapper of this attempt, and not one of its forks."""
    line = command_line(process.pid)
    return (
        process.pid == process.session
        and len(line) > _STEM_AT
        and line[_MARK_AT] == MARK.encode()
        and line[_STEM_AT] == stem.encode()
        and attempt_of(process.pid, data_dir) == attempt
    )


def find_wrapper(attempt: Attempt, stem: str, data_dir: str) -> Process | None:
    """The living wrapper of an attempt, known by its arguments and its environment."""
    for pid in process_ids():
        process = read_process(pid)
        if process is not None and not process.is_dead and is_wrapper(process, attempt, stem, data_dir):
            return process
    return None
