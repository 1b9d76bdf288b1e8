"""A forecast as part of the evaluator's report: plain values in, plain values out, and nothing is raised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.forecast.assumptions import from_plain
from orchestrator.forecast.prediction import forecast, to_plain
from orchestrator.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.model.errors import OrchestratorError
    from orchestrator.plan.ir import Plan


def answer(plan: Plan, simulate: Mapping[str, Any] | None) -> dict[str, Any]:
    """``forecast``: of `plan` under the assumptions `simulate`. Empty if nobody asked for one.

    Assumptions that mean nothing give ``refused`` instead: ``code, message, help`` of an error that is the asker's.
    """
    if simulate is None:
        return {}
    try:
        return {"forecast": to_plain(forecast(plan, from_plain(simulate)))}
    except UsageError as error:
        return refused(error)


def refused(error: OrchestratorError) -> dict[str, Any]:
    """``refused``: the error is not one of the definition, but of who asked."""
    return {"refused": {"code": error.code, "message": error.message, "help": error.help}}
