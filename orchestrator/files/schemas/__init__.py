"""JSON Schemas of every file that others may read or write, by name: ``status``, ``task``, ``workflow``, ...

They are part of the contract: versioned with it, held against real files by the tests, and shipped for whoever wants
to check theirs.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAMES = (
    "format",
    "status",
    "task",
    "workflow",
    "checkpoint",
    "record",
    "snapshot",
    "archive",
    "index",
    "request",
    "reply",
    "report",
)


def load(name: str) -> "dict[str, Any]":
    """The schema called `name`, one of `NAMES`."""
    import json
    import os

    with open(f"{os.path.dirname(__file__)}/{name}.schema.json", encoding="utf-8") as file:
        return dict(json.load(file))
