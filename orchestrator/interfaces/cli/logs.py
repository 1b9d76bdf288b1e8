"""Show what the tasks of a workflow wrote, in the order of the plan.

On a terminal control characters are made visible; --raw passes them on.

Examples:
  orchestrator logs deploy-4k7q0d
  orchestrator logs deploy-4k7q0d --failed
  orchestrator logs deploy-4k7q0d --operation install-base --item os --err
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.files.layout import log_path, log_stem
from orchestrator.files.read import read_workflow
from orchestrator.interfaces.cli.output import clean, data_dir, is_terminal
from orchestrator.model.errors import NotFound

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_CHUNK = 1 << 16
_BAD = ("failed", "timed_out", "rollback_failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `logs` takes."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id")
    parser.add_argument("--operation", metavar="ID", help="only this operation")
    parser.add_argument("--item", metavar="ITEM", help="only this item")
    parser.add_argument("--attempt", type=int, metavar="N", help="this attempt instead of all")
    parser.add_argument("--failed", action="store_true", help="only tasks that failed")
    parser.add_argument("--err", action="store_true", help="standard error only")
    parser.add_argument("--raw", action="store_true", help="pass control characters on to the terminal")


def run(options: argparse.Namespace) -> int:
    """Print the logs that are asked for, each under a heading."""
    directory = data_dir(options)
    state = read_workflow(directory, options.workflow)
    found = False
    for title, paths in _logs(directory, state, options):
        for path in paths:
            found |= _print(title, path, raw=options.raw or not is_terminal())
    if not found and (options.operation or options.item or options.failed):
        raise NotFound(f"No logs of {options.workflow} match.", f"orchestrator tasks --workflow {options.workflow}")
    return 0


def _logs(directory: str, state: dict[str, Any], options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    for operation in state["operations"]:
        for entry in operation["items"]:
            wanted = options.operation in (None, operation["id"]) and options.item in (None, entry["item"])
            if not wanted or (options.failed and entry["status"] not in _BAD):
                continue
            attempts = [options.attempt] if options.attempt else range(1, entry["attempt"] + 1)
            for attempt in attempts:
                stem = log_stem(operation["id"], entry["provider"], entry["item"], attempt)
                streams = ("err",) if options.err else ("out", "err")
                title = f"{operation['id']} {entry['item']} on {entry['provider']}, attempt {attempt}"
                yield title, [log_path(directory, state["id"], stem, stream) for stream in streams]


def _print(title: str, path: str, *, raw: bool) -> bool:
    """Whether there was anything to print."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    with os.fdopen(fd, "rb") as file:
        chunk = file.read(_CHUNK)
        if not chunk:
            return False
        sys.stdout.write(f"==> {clean(title)} ({path.rsplit('.', 1)[1]}) <==\n")
        sys.stdout.flush()
        last = b""
        while chunk:
            last = chunk
            if raw:
                sys.stdout.buffer.write(chunk)
            else:
                text = chunk.decode("utf-8", "replace")
                sys.stdout.write("\n".join(clean(line) for line in text.split("\n")))
            chunk = file.read(_CHUNK)
        sys.stdout.flush()
        if not last.endswith(b"\n"):
            sys.stdout.write("\n")
    return True
