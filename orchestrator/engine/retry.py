"""When a failed attempt is followed by another (rulings A-12, A-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.plan.ir import RetryPolicy

#: 2 ** 31 seconds is more than any max_delay; a larger power would only cost time.
_DOUBLINGS_MAX = 31


def delay_s(policy: RetryPolicy, failures: int) -> int:
    """Seconds to wait after the attempt that was the `failures`-th to fail, counted from 1.

    Linear: initial, 2 x initial, 3 x initial, ... Exponential: initial, 2 x, 4 x, ... Never above `max_delay`.
    """
    factor = failures if policy.backoff == "linear" else 2 ** min(failures - 1, _DOUBLINGS_MAX)
    return min(policy.initial_delay * factor, policy.max_delay)


def may_retry(policy: RetryPolicy, failures: int) -> bool:
    """Whether the policy allows another attempt after `failures` failed ones; the first try counts."""
    return failures < policy.max_attempts
