"""Whether anything in a definition answers to the environment it is asked for (``--env``)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.shape import layers
from orchestrator.model.ids import is_name_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.definitions.diagnostics import Diagnostic, Text
    from orchestrator.definitions.shape.layers import LayerFile

#: The option that a definition asks for its environment with.
OPTION = "env"


def faults(
    environment: str, options: Mapping[str, Any], known: Sequence[str], layer: LayerFile | None, text: Text
) -> Iterator[Diagnostic]:
    """What is wrong with asking for `environment`; `known` are the options that the definition asks for."""
    if not is_name_id(environment):
        help_text = "Use letters, digits, hyphens and underscores; it is part of a file's name."
        yield diagnostics.make("WF130", f"{environment!r} cannot be an environment", text, help=help_text)
    elif layer is None and OPTION not in known:
        looked = layers.name_of(text.path, environment)
        message = f"nothing in this definition differs for environment '{environment}'"
        help_text = f'Looked for {looked} in {os.path.dirname(text.path)}, and for option("{OPTION}") in the file.'
        yield diagnostics.make("WF130", message, text, help=help_text)
    elif OPTION in known and options.get(OPTION, environment) != environment:
        message = f"the environment is '{environment}', and option '{OPTION}' is {options[OPTION]!r}"
        yield diagnostics.make("WF130", message, text, help="Leave the option out: the environment is its value.")
