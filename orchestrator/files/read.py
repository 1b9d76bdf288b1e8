"""What a data directory says: its status, its tasks, its workflows. Nothing is created, changed or deleted.

In a directory of ours the lock decides whether a daemon runs, whatever the files say (ruling A-48); what nobody
keeps current is marked ``stale``. A foreign directory has no lock: its flag is believed.
"""

import os
import time

from orchestrator.files import document
from orchestrator.files.access import directory_kind, unreadable
from orchestrator.files.layout import STATE_FILE, WORKFLOWS, status_path, workflow_dir
from orchestrator.files.lock import is_held
from orchestrator.files.tasks import LIVE, read_tasks
from orchestrator.model.errors import (
    BadId,
    NotFound,
    OrchestratorError,
    StatusInvalid,
    StatusNotFound,
    StatusUnreadable,
    WorkflowUnreadable,
)
from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import FILE_BYTES_MAX, SMALL_FILE_BYTES_MAX
from orchestrator.model.states import WORKFLOW_FINAL
from orchestrator.model.times import parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]

__all__ = ["LIVE", "list_workflows", "read_status", "read_tasks", "read_workflow"]
