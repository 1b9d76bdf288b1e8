"""Write every task and workflow file anew from the journal. No daemon may run meanwhile.

Examples:
  orchestrator stop && orchestrator rebuild
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.output import data_dir
from orchestrator.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`rebuild` takes nothing but the data directory."""


def run(options: argparse.Namespace) -> int:
    """Take the lock, replay, write."""
    from orchestrator.files.locate import is_ours
    from orchestrator.store.lock import DirectoryLock
    from orchestrator.store.realdisk import RealDisk
    from orchestrator.store.verify import rebuild

    directory = data_dir(options)
    if not is_ours(directory):
        raise NotFound(f"{directory} is no data directory of ours.", "Give it with --data-dir.")
    lock = DirectoryLock(directory, f"pid {os.getpid()}, rebuilding")
    count = rebuild(RealDisk(), directory)
    lock.release()
    sys.stdout.write(f"{count} files written\n")
    return 0
