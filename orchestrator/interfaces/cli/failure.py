"""How a command tells that it has failed."""

from __future__ import annotations

import sys

from orchestrator.interfaces.cli.output import say
from orchestrator.model.errors import DefinitionInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.model.errors import OrchestratorError


def say_error(error: OrchestratorError) -> None:
    """The failure on standard error, with what to do, and the diagnostics if it has any."""
    if isinstance(error, DefinitionInvalid):
        from orchestrator.interfaces.cli.draw import draw

        sys.stderr.write(draw(error.diagnostics))
    say(f"error: {error.message}")
    if error.help:  # readers of files say it in Nushell's words, which are the same behind the first
        say(f"help: {error.help.replace('`orch ', '`orchestrator ')}")
