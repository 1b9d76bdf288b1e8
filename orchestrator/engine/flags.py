"""Behaviours that came after the first journals: each workflow runs to its end by those it began with.

A replay must find what the journal says. So a change of what the engine decides gets a name here, is recorded with each
new submission (`WorkflowSubmitted.flags`), and is followed by workflows that have it; older ones go on as they began.
"""

from __future__ import annotations

from typing import Final

#: A task that was interrupted and will not be tried again is ``failed``, not ``skipped``: it may have done something.
INTERRUPTED_FAILS: Final = "interrupted-fails"

#: What a new workflow begins with.
CURRENT: Final = (INTERRUPTED_FAILS,)
