"""Files that come with the program, for people and their shells: completions, service units, the Nushell module.

They lie in ``orchestrator/share``, in a checkout and in an installed wheel alike. There ``nulib``, ``examples`` and
``sample`` are links to the folders at the top of the checkout; a wheel has the files themselves.
"""

from __future__ import annotations

import os

from orchestrator.model.errors import NotFound

SHARE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "share")


def path(name: str) -> str:
    """The real path of a shared file or folder.

    Raises:
        NotFound: this installation lacks it.
    """
    found = os.path.realpath(os.path.join(SHARE, name))
    if not os.path.exists(found):
        raise NotFound(f"This installation lacks {found}.", "Install it again, from its wheel.")
    return found


def text(name: str) -> str:
    """What a shared file holds. Raises NotFound, as `path`."""
    with open(path(name), encoding="utf-8") as file:
        return file.read()
