"""``orchestrator logs`` in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.nu.conftest import DEFINITION
from tests.support.live import LiveDaemon
from tests.support.shell import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = ROOT / "data" / "sample"


def test_each_log_stands_under_its_name() -> None:
    """Of a workflow, or of one task; only standard error, only one attempt."""
    heading = "==> upgrade node-2 on local, attempt {} (err) <==\nnode-2: kubelet did not come back\n"
    result = call("logs", "cluster-upgrade-x4j0jw", "--err", data_dir=SAMPLE)
    assert (result.returncode, result.stdout) == (0, heading.format(1) + heading.format(2))
    task = "cluster-upgrade-x4j0jw.upgrade.local.node-2"
    assert call("logs", task, "--attempt", "2", data_dir=SAMPLE).stdout == heading.format(2)
    assert "timed out" not in call("logs", "certificates-h3fsrg", "--failed", data_dir=SAMPLE).stderr


def test_only_the_last_lines() -> None:
    """Of each log; none at all are no mistake."""
    words = ("logs", "release-zvx90y", "--out")
    whole = call(*words, data_dir=SAMPLE).stdout.splitlines()
    last = call(*words, "--tail", "1", data_dir=SAMPLE).stdout.splitlines()
    assert [line for line in whole if line.startswith("==>")] == [line for line in last if line.startswith("==>")]
    ends = [line for line, after in zip(whole, [*whole[1:], "==>"], strict=True) if after.startswith("==>")]
    assert [line for line in last if not line.startswith("==>")] == ends
    assert len(ends) < len([line for line in whole if not line.startswith("==>")])
    nothing = call(*words, "--tail", "0", data_dir=SAMPLE)
    assert (nothing.returncode, nothing.stdout) == (0, "")
    followed = call(*words, "--follow", "--tail", "1", data_dir=SAMPLE).stdout.splitlines()
    assert sorted(line for line in followed if not line.startswith("==>")) == sorted(ends)


@pytest.mark.parametrize(
    ("arguments", "told", "help_text"),
    [
        (["certificates-h3fsrg", "--operation", "renw"], "There is no operation renw", "Did you mean renew?"),
        (["certificates-h3fsrg", "--item", "lb-3"], "There is no item lb-3", "There are: shop.example"),
        (["certificates-h3fsrg", "--attempt", "4"], "There is no attempt 4", "Attempts are 1 to 1."),
        (["certificates-h3fsrg.renew.local.git"], "There is no task", "Did you mean"),
        (["nobody"], "There is no workflow nobody", "workflows"),
    ],
)
def test_mistakes(arguments: list[str], told: str, help_text: str) -> None:
    """Are told with what there is, and exit code 66."""
    result = call("logs", *arguments, data_dir=SAMPLE)
    assert (result.returncode, result.stdout) == (66, "")
    assert told in result.stderr
    assert help_text in result.stderr


def test_following_right_after_submission(tmp_path: Path) -> None:
    """The state is not written yet; it is waited for. Every line comes, and then the end."""
    path = tmp_path / "w.k"
    first = "for n in 1 2 3; do echo $n $ORCH_ITEM; sleep 0.1; done"
    path.write_text(DEFINITION.format(name="w", first=first, second="echo done"), encoding="utf-8")
    with LiveDaemon(tmp_path / "data") as daemon:
        workflow = daemon.submit(path)
        result = call("logs", workflow, "--follow", data_dir=daemon.data_dir)
        assert result.returncode == 0, result.stderr
        lines = [line for line in result.stdout.splitlines() if not line.startswith("==>")]
        assert sorted(lines) == sorted([*(f"{n} {it}" for n in (1, 2, 3) for it in ("beta", "alpha.1")), "done"])
        daemon.wait_until_over(workflow)  # the files say so, too
        assert call("logs", workflow, "--item", "gamma", data_dir=daemon.data_dir).stdout.endswith("<==\ndone\n")
