"""Jinja when it is needed, and not before.

The child that looks at a definition has given up reading the libraries. If it finds that it needs Jinja, it says so and
ends; the service imports it once and asks another child, and all later ones have it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.definitions.shape.sandbox import Engine

_MODULE = "orchestrator.definitions.shape.sandbox"


class EngineMissing(BaseException):
    """Templates cannot be rendered in this process: Jinja has not been loaded before rights were given up."""


def load() -> None:
    """Make this process, and those it forks from now on, able to render."""
    import_module(_MODULE)


def engine(texts: Mapping[str, str]) -> Engine:
    """What renders the templates `texts` ({name: text}).

    Raises:
        EngineMissing: `load` was not called.
    """
    if _MODULE not in sys.modules:
        raise EngineMissing
    made: Engine = sys.modules[_MODULE].Engine(texts)
    return made
