"""How long ago something was."""

from __future__ import annotations

import pytest

from orchestrator.files.state.ages import ago
from orchestrator.model.times import rfc3339

NOW_US = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "now"),
        (0.9, "now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (86400, "1 d ago"),
        (400 * 86400, "400 d ago"),
    ],
)
def test_the_largest_unit_is_enough(seconds: float, told: str) -> None:
    """Rounded down: what is not over yet is not counted."""
    assert ago(rfc3339(NOW_US - int(seconds * 1_000_000)), NOW_US) == told


@pytest.mark.parametrize("time", [None, 5, "", "yesterday", "2025-01-01T00:00:00", {}])
def test_what_is_no_time_says_nothing(time: object) -> None:
    """Files of other programs hold anything."""
    assert ago(time, NOW_US) == ""
