"""Waiting until the public files know what the journal knows already.

The files follow by a fraction of a second. A command that has told of something waits for them, so that whatever is
asked next does not know less.
"""

from __future__ import annotations

import time

from orchestrator.files import document
from orchestrator.files.layout import STATE_FILE, workflow_dir
from orchestrator.files.lock import is_held
from orchestrator.model.limits import FILE_BYTES_MAX

#: Longer than this they are not waited for.
_BEHIND_S = 30.0
_POLL_S = 0.005


def await_files(data_dir: str, seqs: dict[str, int]) -> None:
    """Wait until each file of `seqs` shows its seq at least, or nobody is going to write it any more."""
    end = time.monotonic() + _BEHIND_S
    while True:
        held = is_held(data_dir)
        seqs = {path: seq for path, seq in seqs.items() if seq_of(path) < seq}
        if not seqs or not held or time.monotonic() > end:
            return
        time.sleep(_POLL_S)


def seq_of(path: str) -> int:
    """The seq that a public file shows; 0 if it is not there or shows none."""
    try:
        seq = document.load(path, FILE_BYTES_MAX).get("seq")
    except (OSError, document.Malformed):
        return 0
    return seq if isinstance(seq, int) else 0


def state_path(data_dir: str, workflow: str) -> str:
    """Of the workflow's state.json."""
    return f"{workflow_dir(data_dir, workflow)}/{STATE_FILE}"
