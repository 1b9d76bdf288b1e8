"""Print what runs the daemon as a service: a systemd unit of a user or of the system, or a container file.

The units name this installation's own path; what they do and why stands in them. Nothing is installed.

Examples:
  orchestrator unit user > ~/.config/systemd/user/orchestrator.service
  systemctl --user enable --now orchestrator; loginctl enable-linger
  orchestrator unit system > /etc/systemd/system/orchestrator.service
  orchestrator unit container > Containerfile
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.share import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_FILES = {
    "user": "systemd/user.service",
    "system": "systemd/system.service",
    "confined": "systemd/confined.conf",
    "container": "container/Containerfile",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `unit` takes."""
    told = "which: a unit for one user, one for the system, a drop-in that confines either, a container file"
    parser.add_argument("kind", choices=tuple(_FILES), help=told)


def run(options: argparse.Namespace) -> int:
    """Print it, with the path of this installation."""
    sys.stdout.write(text(_FILES[options.kind]).replace("@ORCHESTRATOR@", _escaped(program())))
    return 0


def program() -> str:
    """The path under which this program was called, links left as they are: an update changes what they lead to."""
    import shutil

    called = sys.argv[0]
    if os.path.basename(called) == "__main__.py":  # python -m orchestrator
        called = os.path.join(os.path.dirname(sys.executable), "orchestrator")
    return os.path.abspath(called if os.sep in called else shutil.which(called) or called)


def _escaped(path: str) -> str:
    """`path` as the first word of ExecStart: quoted where it must be, and a percent sign is doubled."""
    path = path.replace("%", "%%")
    return f'"{path}"' if any(character.isspace() for character in path) else path
