"""The shell command ``orchestrator``: one module a command, imported when it is called.

Every module has a docstring (the help text), ``add_arguments(parser)`` and ``run(options) -> exit code``. Start-up is
what a person feels most of such a command, so nothing is imported that the command at hand does not need.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

#: {command: its summary}, in the order of the list. `serve` is the daemon's own (`orchestrator.daemon`).
COMMANDS = {
    "serve": "run the daemon of a data directory",
    "run": "submit a definition and follow it; starts a daemon if none runs",
    "submit": "hand a definition to the running daemon; prints the workflow's id",
    "validate": "say everything that is wrong with a definition",
    "status": "how the daemon and its tasks stand",
    "workflows": "list workflows, newest first",
    "tasks": "list tasks",
    "watch": "follow every change as it happens",
    "logs": "show what the tasks of a workflow wrote",
    "cancel": "end a workflow: stop what runs, start nothing more",
    "stop": "end the daemon",
    "verify": "hold every file against the journal",
    "rebuild": "write every file anew from the journal",
}

_EPILOG = """
The data directory is the first of: --data-dir, ORCH_DATA_DIR, the nearest data/state upwards, and
~/.local/share/orchestrator/data. Exit codes are listed in the README.
`orchestrator COMMAND --help` tells more.
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns the exit code; a reader that went away (``| head``) is no failure."""
    name = arguments[0] if arguments else ""
    if name in ("", "-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0 if name else 2
    if name in ("-V", "--version"):
        from orchestrator import __version__

        sys.stdout.write(f"orchestrator {__version__}\n")
        return 0
    if name not in COMMANDS:
        return _unknown(name)
    try:
        code = _run(name, arguments[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _run(name: str, rest: Sequence[str]) -> int:
    import argparse
    from importlib import import_module

    from orchestrator.interfaces.cli.output import say_error
    from orchestrator.model.errors import OrchestratorError

    module = import_module(f"orchestrator.interfaces.cli.{name}")
    parser = argparse.ArgumentParser(
        prog=f"orchestrator {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    module.add_arguments(parser)
    options = parser.parse_args(rest)
    try:
        return int(module.run(options))
    except OrchestratorError as error:
        say_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def add_common(parser: argparse.ArgumentParser) -> None:
    """The option that every command has."""
    parser.add_argument("--data-dir", metavar="DIR", help="the data directory (see `orchestrator --help`)")


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(["usage: orchestrator COMMAND [options]", "", *lines, _EPILOG])


def _unknown(name: str) -> int:
    from orchestrator.interfaces.cli.output import say_error
    from orchestrator.model.errors import UsageError
    from orchestrator.plan.check import did_you_mean

    say_error(UsageError(f"There is no command '{name}'.", did_you_mean(name, COMMANDS)))
    return UsageError.exit_code
