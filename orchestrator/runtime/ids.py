"""Where new ids come from. A port: a simulation draws them from its seed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.model.ids import slug

if TYPE_CHECKING:
    from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = 6


def new_workflow_id(name: str, random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """An id that begins like the workflow's name and ends in six random characters: ``wuji-full-deployment-4k7q0d``."""
    tail = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in random_bytes(_LETTERS))
    return f"{slug(name)}-{tail}"
