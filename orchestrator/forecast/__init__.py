"""Looking ahead: how a plan would run, and how long a running workflow still takes.

Theory of operation
-------------------
Nothing here knows the rules of execution. A *rehearsal* runs the real engine on a clock that jumps: each attempt that
the engine asks for ends after the time that is assumed for it, timers fire when they are due, until the workflow is
over or nothing can happen any more. What the engine learns to do, a forecast does as well; what it would do after a
failure is seen by letting something fail.

The clock stands at zero at the start, and nothing is drawn by chance: the same plan and the same assumptions give the
same forecast, to the millisecond. A forecast leaves out what it cannot know: other workflows in the same slots, and the
time between a task's end and the next one's start.
"""

from __future__ import annotations

from orchestrator.forecast.assumptions import Assumptions, from_plain
from orchestrator.forecast.eta import Remaining, remaining
from orchestrator.forecast.prediction import Forecast, forecast, to_plain

__all__ = ["Assumptions", "Forecast", "Remaining", "forecast", "from_plain", "remaining", "to_plain"]
