"""Behaviours that came after the first journals: each workflow runs to its end by those it began with.

A replay must find what the journal says. So a change of what the engine decides gets a name here, is recorded with each
new submission (`WorkflowSubmitted.flags`), and is followed by workflows that have it; older ones go on as they began.
"""

from __future__ import annotations

from typing import Final

#: A task that was interrupted and will not be tried again is ``failed``, not ``skipped``: it may have done something.
INTERRUPTED_FAILS: Final = "interrupted-fails"

#: Undoing goes on side by side, held back by dependencies only; before, it was one task after another.
REVERSE_ORDER: Final = "reverse-order"

#: Restore points are kept, and the keys of requests; files tell of restore points, of when delays end, and of what a
#: workflow continues.
FULLER_FILES: Final = "fuller-files"

#: What ends well although it was to be stopped has succeeded: there is something to undo.
ENDED_WELL: Final = "ended-well"

#: Files tell which attempts undo a task, and how long it took to do what was undone.
TELLS_UNDOING: Final = "tells-undoing"

#: What a new workflow begins with.
CURRENT: Final = (INTERRUPTED_FAILS, REVERSE_ORDER, FULLER_FILES, ENDED_WELL, TELLS_UNDOING)
