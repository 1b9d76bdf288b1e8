"""A forecast through the evaluator, as the plugin and the shell command get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.definitions.evaluator.rest import look
from orchestrator.files.asking import validator
from orchestrator.files.layout import workflow_dir
from orchestrator.model.errors import UsageError, WorkflowUnreadable
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

ROOT = Path(__file__).parents[2]
WUJI = str(ROOT / "data" / "examples" / "wuji.k")


def test_a_report_has_a_forecast_if_it_is_asked_for() -> None:
    """As plain values, beside the plan."""
    report = validator.evaluate(WUJI, simulate={"assumed_ms": 1000, "failures": {"cilium": 1}})
    assert report["valid"]
    assert (report["forecast"]["total_ms"], report["forecast"]["attempts"]) == (10_000, 11)
    assert "plan" in report
    assert "forecast" not in validator.evaluate(WUJI, want_plan=True)


def test_an_invalid_definition_has_none() -> None:
    """Its report says what is wrong with it."""
    bad = ROOT / "tests" / "corpora" / "kcl" / "faulty" / "06_check_failed_timeout.k"
    report = validator.evaluate(str(bad), simulate={})
    assert not report["valid"]
    assert "forecast" not in report


def test_a_report_has_a_dry_run_instead_if_that_is_asked_for() -> None:
    """With the values that were chosen; and the plan, as the daemon would get it."""
    report = validator.evaluate(WUJI, dry_run=True)
    assert report["dry_run"]["total_ms"] == 240_000
    assert (report["resolved"], "forecast" in report, "plan" in report) == ([], False, True)


def test_what_is_left_of_a_workflow_is_told(tmp_path: Path) -> None:
    """From its folder alone, as the forecast itself says it."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a"), operation("b", after=("a",))), "w-abcdef")
    folder = workflow_dir(own.path, "w-abcdef")
    found = validator.remaining(folder, {"assumed_ms": 1000}, {"a/local/x": 400})
    assert found == look(folder, {"assumed_ms": 1000}, {"a/local/x": 400})
    assert (found["remaining_ms"], found["tasks"], found["status"]) == (1600, 2, "running")


def test_what_is_left_cannot_always_be_told(tmp_path: Path) -> None:
    """Without its files, or under assumptions that mean nothing."""
    with pytest.raises(WorkflowUnreadable, match="Failed to read plan"):
        validator.remaining(str(tmp_path), {}, {})
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a")), "w-abcdef")
    with pytest.raises(UsageError):
        validator.remaining(workflow_dir(own.path, "w-abcdef"), {"assumed_ms": 0}, {})


@pytest.mark.parametrize("simulate", [{"failures": {"ciliun": 1}}, {"max_running": 0}, {"unheard_of": 1}])
def test_assumptions_without_a_meaning_are_the_askers_error(simulate: dict[str, object]) -> None:
    """And not a fault of the definition, or of the evaluator."""
    with pytest.raises(UsageError):
        validator.evaluate(WUJI, simulate=simulate)
