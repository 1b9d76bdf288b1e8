"""Print what makes Tab complete this command in your shell: commands, options, statuses, ids of what there is.

bash, zsh and fish get a few lines that ask the installed program at each Tab. Nushell gets the signature of each
command as an `extern`, with help and completion: print it anew after an update.

Examples:
  orchestrator completions bash > ~/.local/share/bash-completion/completions/orchestrator
  orchestrator completions zsh > ~/.zfunc/_orchestrator
  orchestrator completions fish > ~/.config/fish/completions/orchestrator.fish
  orchestrator completions nushell | save --force orchestrator-completions.nu
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

#: {shell: the file of its script}. Nushell's is made of the parsers.
_SCRIPTS = {"bash": "orchestrator.bash", "zsh": "_orchestrator", "fish": "orchestrator.fish"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `completions` takes."""
    parser.add_argument("shell", choices=(*_SCRIPTS, "nushell"), help="whose")


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    if options.shell == "nushell":
        from orchestrator.interfaces.cli.externs import module

        sys.stdout.write(module())
    else:
        from orchestrator.interfaces.cli.share import text

        sys.stdout.write(text(f"completions/{_SCRIPTS[options.shell]}"))
    return 0


def offer(words: Sequence[str]) -> int:
    """``completions --offer WORD...``, for the scripts: what can stand in the place of the last word.

    A candidate a line, behind a tab what it is; or ``:files``, ``:files k``, ``:folders``: what the shell knows better.
    """
    from orchestrator.interfaces.cli.offered import offered
    from orchestrator.interfaces.cli.output import clean

    for value, told in offered(words or [""]):
        sys.stdout.write(f"{clean(value)}\t{clean(told)}".rstrip("\t") + "\n")
    return 0
