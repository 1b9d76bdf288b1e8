"""The tables are complete, and they are what the documents show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestrator.engine.transitions import TASK_EVENTS, TASK_TABLE, WORKFLOW_EVENTS, WORKFLOW_TABLE
from orchestrator.model import states


def test_every_pair_of_status_and_event_has_a_verdict() -> None:
    """Refused pairs are listed too, with why."""
    assert list(TASK_TABLE) == list(states.TASK_STATUSES)
    assert list(WORKFLOW_TABLE) == list(states.WORKFLOW_STATUSES)
    for table, events in ((TASK_TABLE, TASK_EVENTS), (WORKFLOW_TABLE, WORKFLOW_EVENTS)):
        for row in table.values():
            assert sorted(row) == sorted(events)
            assert all(row.values())


def test_every_status_has_a_row_of_transitions() -> None:
    """The words and the tables agree, and what is final is left only for a rollback or to run again."""
    assert tuple(states.TASK_TRANSITIONS) == states.TASK_STATUSES
    assert tuple(states.WORKFLOW_TRANSITIONS) == states.WORKFLOW_STATUSES
    for status in states.WORKFLOW_FINAL:
        assert set(states.WORKFLOW_TRANSITIONS[status]) <= {"queued", "rolling_back"}
    for status in states.TASK_FINAL:
        assert set(states.TASK_TRANSITIONS[status]) <= {status, "pending", "rolling_back"}


def test_the_generated_documents_are_current() -> None:
    """docs/states.md and docs/errors.md are what the code says."""
    script = Path(__file__).parents[2] / "tools" / "generate_docs.py"
    result = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
