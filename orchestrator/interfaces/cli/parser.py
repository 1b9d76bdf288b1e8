"""The parser of a command by argparse: for help, for what is wrong, and for whatever `plain_arguments` leaves to it."""

from __future__ import annotations

import argparse
import os

from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

#: Lines of help are no longer, however wide the terminal.
_HELP_COLUMNS_MAX = 110


class Parser(argparse.ArgumentParser):
    """Of one command. Options may not be abbreviated: the next version may have another with the same beginning."""

    def __init__(self, command: str, description: str | None) -> None:
        super().__init__(
            prog=f"orchestrator {command}", description=description, formatter_class=_Formatter, allow_abbrev=False
        )
        self.add_argument("--data-dir", metavar="DIR", help="the data directory (see `orchestrator --help`)")

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of ending the process."""
        help_text = f"`{self.prog} --help` tells what it takes."
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", self._meant(message) + help_text)

    def _meant(self, message: str) -> str:
        """A sentence and a blank about the option that was meant by one that there is not; "" if there is none near."""
        _, unknown, words = message.partition("unrecognized arguments: ")
        option = next((word.partition("=")[0] for word in words.split() if word.startswith("--")), "")
        if not unknown or not option:
            return ""
        from orchestrator.plan.fault import did_you_mean

        known = [name for name in self._option_string_actions if name.startswith("--")]
        found = did_you_mean(option, known, only_near=True)
        return f"{found} " if found else ""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Asks the terminal for its width itself: argparse would load shutil, with compression and all, for that."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns())


def _columns() -> int:
    try:
        return min(os.get_terminal_size(1).columns, _HELP_COLUMNS_MAX) - 2
    except OSError:
        return 80
