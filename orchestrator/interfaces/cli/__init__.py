"""The shell command ``orchestrator``: one module a command, imported when it is called.

Every module has a docstring (the help text), ``add_arguments(parser)`` and ``run(options) -> exit code``. Start-up is
what a person feels most of such a command, so nothing is imported that the command at hand does not need.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: {command: its summary}, in the order of the list. `serve` is the daemon's own (`orchestrator.daemon`).
COMMANDS = {
    "serve": "run the daemon of a data directory",
    "run": "submit a definition and follow it; starts a daemon if none runs",
    "submit": "hand a definition to the running daemon; prints the workflow's id",
    "validate": "say everything that is wrong with a definition",
    "simulate": "play a definition through before it runs: how long, what holds it up, what if",
    "status": "how the daemon and its tasks stand",
    "workflows": "list workflows, newest first",
    "tasks": "list tasks",
    "stats": "count tasks, how long they take, how often they fail",
    "watch": "follow every change as it happens",
    "logs": "show what the tasks of a workflow wrote",
    "eta": "how long a workflow still takes",
    "why": "say why a task or a workflow does not go on, or how it ended",
    "graph": "show what waits for what in a workflow or a definition, as a picture or for other programs",
    "at": "show the state as it was at an earlier moment",
    "diff": "show what changed between two moments",
    "check": "look whether everything is still as a definition declares it",
    "pause": "start nothing more of a workflow until it is resumed",
    "resume": "go on with a paused workflow",
    "retry": "run again what did not succeed, by the pinned or the latest definition",
    "rollback": "undo what a workflow did",
    "resolve": "say how a task ended whose attempt was lost",
    "cancel": "end a workflow: stop what runs, start nothing more",
    "stop": "end the daemon",
    "verify": "hold every file against the journal",
    "rebuild": "write every file anew from the journal",
    "completions": "print what makes Tab complete this command in your shell",
    "nushell": "print the lines that make Nushell know the plugin and the module",
    "unit": "print what runs the daemon as a service: a systemd unit, a container file",
}

#: {what other programs call a command: what it is here}, where no likeness of the letters leads there.
_OTHER_WORDS = {
    **dict.fromkeys(("list", "ls"), "'workflows' or 'tasks'"),
    **dict.fromkeys(("ps", "jobs"), "'tasks'"),
    **dict.fromkeys(("daemon", "server"), "'serve'"),
    **dict.fromkeys(("kill", "abort", "delete", "rm"), "'cancel'"),
    **dict.fromkeys(("lint",), "'validate'"),
    **dict.fromkeys(("plan", "forecast", "predict"), "'simulate'"),
    **dict.fromkeys(("monitor", "follow", "events", "tail"), "'watch'"),
    **dict.fromkeys(("undo", "revert"), "'rollback'"),
    **dict.fromkeys(("history",), "'diff' or 'at'"),
    **dict.fromkeys(("show", "info", "describe", "get"), "'why', 'status' or 'workflows'"),
    **dict.fromkeys(("restart", "rerun"), "'retry'"),
}

#: {exit code: when}. The error classes of `orchestrator.model.errors` refer to it.
EXIT_CODES = {
    0: "done; the workflow succeeded; the definition is valid; every file is as it should be",
    1: "the followed workflow ended otherwise; verify found faults; check found drift",
    2: "the command was not understood",
    65: "what was given is wrong: a definition, an id, a file's content, a format that is too new",
    66: "what was asked for is not there, or may not be read",
    69: "no daemon runs, or the evaluator cannot be had",
    70: "the daemon understood the request and refuses it",
    71: "a process could not be started",
    74: "the disk or the journal failed, or the output could not be written",
    75: "not now: another daemon holds the directory, or none answered in time",
    130: "Ctrl-C",
}

_INTERRUPTED = 130

_DIRECTORY = """
The data directory is the first of: --data-dir, ORCH_DATA_DIR, the nearest data/state upwards that is one, and
~/.local/share/orchestrator/data.
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command. Returns the exit code; a reader that went away (``| head``) is no failure."""
    _prepare_streams()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 0
    except OSError as error:
        if error.filename is not None:  # a write to a stream names no file
            raise
        return _output_failed(error)
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    if name == "help" and rest:
        name, rest = rest[0], ["--help"]
    if name in ("-h", "--help", "help"):
        sys.stdout.write(_help())
        return 0
    if name in ("-V", "--version"):
        from orchestrator import __version__

        sys.stdout.write(f"orchestrator {__version__}\n")
        return 0
    from orchestrator.interfaces.cli.failure import say_error
    from orchestrator.model.errors import OrchestratorError

    try:
        return _run(name, rest)
    except OrchestratorError as error:
        sys.stdout.flush()
        say_error(error)
        return error.exit_code


def _run(name: str, rest: Sequence[str]) -> int:
    if name not in COMMANDS or name == "serve":
        _refuse(name)
    if name == "completions" and rest[:1] == ["--offer"]:  # words as they were typed, which argparse would interpret
        from orchestrator.interfaces.cli.completions import offer

        return offer(rest[1:])
    module = __import__(f"orchestrator.interfaces.cli.{name}", fromlist=["run"])
    from orchestrator.interfaces.cli.plain_arguments import read

    options: Any = read(module.add_arguments, rest)
    if options is None:
        from orchestrator.interfaces.cli.parser import Parser

        parser = Parser(name, module.__doc__)
        module.add_arguments(parser)
        try:
            options = parser.parse_args(rest)
        except SystemExit:  # --help has been printed; everything else raises UsageError
            return 0
    return int(module.run(options))


def _refuse(name: str) -> None:
    from orchestrator.model.errors import UsageError

    if not name:
        raise UsageError("A command is missing.", "`orchestrator --help` lists them.")
    if name.startswith("-"):
        raise UsageError(
            f"{name} stands where the command belongs.", "Options come behind it: orchestrator tasks --data-dir DIR"
        )
    if name == "serve":  # the program's entry takes it before this package is met, except as `help serve`
        raise UsageError("The daemon has a help of its own.", "orchestrator serve --help")
    from orchestrator.plan.fault import did_you_mean

    meant = _OTHER_WORDS.get(name.lower())
    hint = f"Did you mean {meant}?" if meant else did_you_mean(name, COMMANDS, only_near=True)
    raise UsageError(f"There is no command '{name}'.", hint or "`orchestrator --help` lists them.")


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items()]
    codes = [f"  {code:{width}}  {when}" for code, when in EXIT_CODES.items()]
    return "\n".join(
        [
            "usage: orchestrator COMMAND [options]",
            "",
            *lines,
            "",
            "`orchestrator COMMAND --help` tells more, with examples.",
            _DIRECTORY,
            "Exit codes:",
            *codes,
            "",
        ]
    )


def _prepare_streams() -> None:
    """A stream that was closed by the caller swallows; a character that the locale does not know is spelt out."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the process's life
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Send what is still in the buffer nowhere: the interpreter would try again at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _output_failed(error: OSError) -> int:
    from orchestrator.interfaces.cli.failure import say_error
    from orchestrator.model.errors import DiskFailed

    _discard_output()
    failed = DiskFailed(f"The output cannot be written: {error.strerror}.")
    say_error(failed)
    return failed.exit_code
