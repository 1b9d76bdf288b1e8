"""Print the lines that make Nushell know this installation: its plugin (`orch …`) and its module (`batch …`).

Nothing is changed: type them, or save what belongs into config.nu. The first line is needed once, and again after an
update that brings new commands. The module looks for the plugin when it is loaded, so it comes last.

Examples:
  orchestrator nushell
  orchestrator nushell --json | jq -r .plugin
"""

from __future__ import annotations

import os
import sys

from orchestrator.interfaces.cli.output import print_json
from orchestrator.interfaces.cli.share import path
from orchestrator.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_PLUGIN = "nu_plugin_orch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `nushell` takes."""
    parser.add_argument("--json", action="store_true", help="print the paths: plugin, module, examples, sample")


def run(options: argparse.Namespace) -> int:
    """Print the lines, or the paths."""
    plugin, module = plugin_path(), path("nulib")
    if options.json:
        print_json({"plugin": plugin, "module": module, "examples": path("examples"), "sample": path("sample")})
        return 0
    sys.stdout.write(
        f"# once, in any Nushell from 0.107 on\n"
        f"plugin add {quoted(plugin)}\n"
        f"# now, or in config.nu for every shell\n"
        f"plugin use orch\n"
        f"use {quoted(module)} *\n"
        f"# to look at something before anything has run\n"
        f"orch tasks --data-dir {quoted(path('sample'))}\n"
        f"batch submit {quoted(path('examples/wuji.k'))} --dry-run\n"
    )
    return 0


def plugin_path() -> str:
    """The plugin's executable, beside the one of this command or in the folder of this Python's scripts.

    Raises:
        NotFound: this installation has none.
    """
    import sysconfig

    called = os.path.dirname(os.path.realpath(sys.argv[0]))
    for folder in (called, os.path.dirname(sys.executable), sysconfig.get_path("scripts")):
        found = os.path.join(folder, _PLUGIN)
        if os.access(found, os.X_OK):
            return found
    raise NotFound(
        f"{_PLUGIN} is not beside {sys.argv[0]}.", "Install the package with its scripts: uv tool install orchestrator"
    )


def quoted(text: str) -> str:
    """`text` as a word of Nushell."""
    if all(character.isalnum() or character in "/._-+" for character in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
