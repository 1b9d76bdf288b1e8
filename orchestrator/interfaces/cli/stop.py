"""End the daemon and wait until it is gone.

Running tasks go on and are adopted by the next daemon, unless told otherwise.

Examples:
  orchestrator stop            # leave running tasks alone
  orchestrator stop --drain    # let them finish, start nothing more
  orchestrator stop --kill     # stop them; the next daemon starts them again
"""

from __future__ import annotations

import time

from orchestrator.files.asking import drop
from orchestrator.files.lock import holder_text, is_held
from orchestrator.interfaces.cli.output import data_dir, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_POLL_S = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `stop` takes."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--drain", action="store_const", dest="mode", const="drain", help="wait for running tasks")
    how.add_argument("--kill", action="store_const", dest="mode", const="kill", help="stop running tasks")
    parser.set_defaults(mode="leave")


def run(options: argparse.Namespace) -> int:
    """Ask the daemon, and wait until it has let the directory go."""
    directory = data_dir(options)
    holder = holder_text(directory)
    drop.send(directory, "stop", {"mode": options.mode})
    try:
        while is_held(directory) and holder_text(directory) == holder:  # another one may follow at once
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        say("The daemon has been told to end, and will when its tasks have.")
        raise
    return 0
