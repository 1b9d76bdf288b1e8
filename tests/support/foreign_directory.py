"""A data directory in the oldest form, as a person or another program writes it: four fields a file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STATUS = {"running": True, "tasks_pending": 5, "tasks_running": 2, "last_check": "2025-01-11T10:30:00Z"}
TASK = {"id": "task-001", "status": "pending", "created_at": "2025-01-11T10:00:00Z", "priority": 5}


def make_foreign(folder: Path, *tasks: dict[str, object], status: dict[str, object] | None = None) -> str:
    """Write status.json and a file for each of `tasks` below `folder`; returns its path."""
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    write(folder / "status.json", STATUS if status is None else status)
    for task in tasks:
        write(folder / "tasks" / f"{task['id']}.json", task)
    return str(folder)


def write(path: Path, content: object) -> None:
    """Replace the file at `path` in one step."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    os.replace(temporary, path)
