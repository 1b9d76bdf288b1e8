"""A child that is made ready beforehand answers as one that is forked when it is asked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from orchestrator.definitions.evaluator.spare import SAMPLE, SAMPLE_PATH, Spare
from orchestrator.definitions.kcl import frontend, lax, package_dir
from orchestrator.definitions.kcl.wanted import Wanted
from orchestrator.files.asking import validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = """import workflows
w = workflows.WorkflowDef {
    name = "w"
    operations = [{id = "a", type = "create", target = "server", items = ["x"], command = "true"}]
}
"""

#: Longer than it takes to make a spare ready.
READY_S = 0.5


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    """What a spare looks at before it is asked. The library makes no folder in the home of this test run."""
    monkeypatch.setenv("KCL_PKG_PATH", "/dev/null/none")
    folder = str(tmp_path / "lax" / "workflows")
    os.mkdir(os.path.dirname(folder))
    lax.write_package(package_dir(), folder)
    return Wanted(SAMPLE_PATH, SAMPLE, package_dir(), folder, {}, {}, None, False, True)


@pytest.fixture
def spare(sample: Wanted) -> Iterator[Spare]:
    """One that waits, or still makes itself ready."""
    made = Spare(sample, lambda: None)
    yield made
    with contextlib.suppress(ProcessLookupError, ChildProcessError):  # the test has seen its end
        os.kill(made.pid, signal.SIGKILL)
        os.waitpid(made.pid, 0)


def _wanted(sample: Wanted, path: Path, text: str) -> Wanted:
    path.write_text(text, encoding="utf-8")
    return msgspec.structs.replace(sample, path=str(path), source=text.encode(), want_plan=True)


def _answer(spare: Spare) -> dict[str, Any]:
    with open(spare.reader, "rb") as file:
        return dict(json.load(file))


def test_what_is_looked_at_beforehand_has_no_fault(sample: Wanted) -> None:
    """Else little would be made ready by it."""
    report = frontend.report(sample)
    assert report["diagnostics"] == []
    assert report["workflows"][0]["tasks"] == 6


@pytest.mark.parametrize("pause_s", [0.0, READY_S])
def test_it_answers_as_another_would(sample: Wanted, spare: Spare, tmp_path: Path, pause_s: float) -> None:
    """Asked at once, and when it is ready."""
    time.sleep(pause_s)
    wanted = _wanted(sample, tmp_path / "w.k", TEXT)
    assert spare.take(wanted, [sample.package, sample.lax, str(tmp_path)])
    answer = _answer(spare)
    assert answer == json.loads(json.dumps(frontend.report(wanted)))
    assert os.waitpid(spare.pid, 0)[1] == 0


def test_it_gives_up_its_rights(sample: Wanted, spare: Spare, tmp_path: Path) -> None:
    """It can read what it may, and nothing else: not even the schemas, which it has read before."""
    time.sleep(READY_S)
    assert os.listdir(f"/proc/{spare.pid}/task") == [str(spare.pid)]  # rights are given up for one thread
    assert spare.take(_wanted(sample, tmp_path / "w.k", TEXT), [str(tmp_path)])
    (said,) = [one["message"] for one in _answer(spare)["diagnostics"]]
    assert "workflows" in said


def test_one_that_is_not_needed_ends(spare: Spare) -> None:
    """At once, as its pipe does; so it does when the service is killed."""
    spare.end()
    with pytest.raises(ProcessLookupError):
        os.kill(spare.pid, 0)


def test_one_that_is_gone_says_so(sample: Wanted, spare: Spare, tmp_path: Path) -> None:
    """Then somebody else can be asked."""
    os.kill(spare.pid, signal.SIGKILL)
    os.waitid(os.P_PID, spare.pid, os.WEXITED | os.WNOWAIT)
    assert not spare.take(_wanted(sample, tmp_path / "w.k", TEXT), [])


def test_the_service_answers_the_same_with_and_without(tmp_path: Path) -> None:
    """After a pause there is a spare; of several at once only one can have it."""
    path = tmp_path / "w.k"
    path.write_text(TEXT, encoding="utf-8")
    reports = []
    for pause_s in (0.0, 0.0, READY_S):
        time.sleep(pause_s)
        reports.append(validator.evaluate(str(path), want_plan=True))
    for report in reports:
        del report["elapsed_ms"]
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["valid"]
