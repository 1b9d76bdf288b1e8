"""`submit --dry-run` and `validate --dry-run`: what people read, what programs read, and docs/simulate.md."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from tests.files.test_schemas import faults
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "data" / "examples"
WUJI = EXAMPLES / "wuji.k"
DOCUMENT = (ROOT / "docs" / "simulate.md").read_text(encoding="utf-8")

DEFINITION = """
import workflows

_names = ["n{}".format(i) for i in range(12)]

many = workflows.WorkflowDef {
    name = "many"
    operations = [
        {
            id = "first", type = "create", target = "server", items = _names, command = "true"
            timeout = option("patience") or 300
        }
        {
            id = "second", type = "create", target = "taskserv", items = ["s"], command = "true"
            rollback_command = "true"
        }
    ]
    dependencies = [{
        source = "server.n3", target = "taskserv.s", type = "optional"
        wait_condition = "source.exit_code == 0", timeout = 90
    }]
}
"""


def marked(kind: str) -> list[tuple[str, str]]:
    """(what the mark says, text of the block) of the blocks of the document that are marked as `kind`."""
    return re.findall(rf"<!-- {kind}: (.*?) -->\n```\w+\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """A folder with all files of the document."""
    for name, text in marked("file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_document_shows_what_is_said(documented: Path) -> None:
    """To the letter, but for the folder."""
    (shown,) = marked("shown by")
    line = shown[0].replace("orchestrator", f"{sys.executable} -m orchestrator", 1)
    said = subprocess.run(["sh", "-c", line], cwd=documented, capture_output=True, text=True, check=True)
    assert said.stdout.replace(f"{documented}/", "") == shown[1]
    assert len(marked("file")) == 3


def test_submit_and_validate_say_the_same_and_make_nothing(tmp_path: Path) -> None:
    """Without a daemon, and without a data directory."""
    by_submit = call("submit", WUJI, "--dry-run", data_dir=tmp_path / "none")
    by_validate = call("validate", WUJI, "--dry-run", data_dir=tmp_path / "none")
    assert (by_submit.returncode, by_submit.stderr) == (0, "")
    assert by_submit.stdout == by_validate.stdout
    assert by_submit.stdout.splitlines()[0].startswith("wave 1  create-servers: create server wuji-cp-0, ")
    assert "\nabout 4m 00s: 10 tasks, at most 3 at a time of 16 possible; durations: 10 assumed" in by_submit.stdout
    assert list(tmp_path.iterdir()) == []


def test_programs_get_everything_as_one_object(tmp_path: Path) -> None:
    """As its schema says, and without what is for the daemon."""
    told = call("submit", EXAMPLES / "environments.k", "--env", "prod", "--dry-run", "--json", data_dir=tmp_path)
    report = json.loads(told.stdout)
    assert faults("report", report) == []
    assert faults("report", report | {"dry_run": {**report["dry_run"], "total_ms": "3m"}}) != []
    assert not {"plan", "sources", "definition"} & set(report)
    found = report["dry_run"]
    assert (report["valid"], report["warnings"], found["environment"]) == (True, [], "prod")
    assert [(row["wave"], row["operation"]) for row in found["waves"]] == [(1, "install"), (2, "report")]
    assert [row["operation"] for row in found["irreversible"]] == ["install"]
    assert [(row["limit"], row["of"], row["value"]) for row in found["limits"]] == [("parallel", "install", 2)]
    assert {row["origin"].split(":")[0] for row in report["resolved"]} == {"layer"}


def test_what_an_option_says_is_told_and_all_values_on_request(tmp_path: Path) -> None:
    """With --resolved those of the definition and the schema, too. Without anything chosen there is no such list."""
    path = tmp_path / "many.k"
    path.write_text(DEFINITION, encoding="utf-8")
    shown = call("submit", path, "--dry-run", "--option", "patience=7", data_dir=tmp_path).stdout
    assert re.search(r"\nvalues:\nPATH +ORIGIN +VALUE\nmany.operations.0.timeout +option patience +7\n\n", shown)
    report = json.loads(call("submit", path, "--dry-run", "--resolved", "--json", data_dir=tmp_path).stdout)
    assert {row["origin"].split()[0].split(":")[0] for row in report["resolved"]} == {
        "file",
        "option",
        "default",
        "derived",
    }
    assert "values:" not in call("submit", WUJI, "--dry-run", data_dir=tmp_path).stdout


def test_long_operations_are_cut_and_conditions_are_told(tmp_path: Path) -> None:
    """Eight of twelve items; how a dependency waits, and for how long."""
    path = tmp_path / "many.k"
    path.write_text(DEFINITION, encoding="utf-8")
    shown = call("validate", path, "--dry-run", data_dir=tmp_path).stdout
    assert "wave 1  first: create server n0, n1, n2, n3, n4, n5, n6, n7 and 4 more on local\n" in shown
    waits = "  second/s after first/n3, optional, when source.exit_code == 0 (within 1m 30s)\n"
    assert f"\nwhat waits for more:\n{waits}" in shown
    assert "\ncannot be undone:\n  first (12 tasks), from 0ms on\n" in shown


def test_earlier_runs_and_settings_of_the_directory_count(tmp_path: Path) -> None:
    """A workflow of that name has run from another path: the dry run knows how long its task took."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("create-servers", ("wuji-cp-0",))), "wuji-full-deployment-abcdef")
    own.happen(AttemptExited("wuji-full-deployment-abcdef.create-servers.local.wuji-cp-0", 1, 0))
    (tmp_path / "d" / "orchestrator.toml").write_text("max_running = 2\n", encoding="utf-8")
    found = json.loads(call("submit", WUJI, "--dry-run", "--json", data_dir=tmp_path / "d").stdout)["dry_run"]
    assert (found["durations"]["recorded"], found["durations"]["assumed"], found["max_running"]) == (1, 9, 2)


def test_a_workflow_that_would_not_succeed_says_so(tmp_path: Path) -> None:
    """It is valid all the same: its condition cannot come true as long as nothing has an exit code of 1."""
    path = tmp_path / "many.k"
    never = DEFINITION.replace("exit_code == 0", "exit_code == 1").replace('"optional"', '"hard"')
    path.write_text(never, encoding="utf-8")
    told = call("submit", path, "--dry-run", data_dir=tmp_path)
    assert told.returncode == 0
    assert re.search(r"\nwould be (failed|rolled_back|rollback_failed) after about 2m 30s \(", told.stdout), told.stdout


def test_a_bad_definition_is_drawn_and_has_no_dry_run(tmp_path: Path) -> None:
    """Exit code 65, as on submission."""
    bad = ROOT / "tests" / "corpora" / "kcl" / "faulty" / "06_check_failed_timeout.k"
    told = call("submit", bad, "--dry-run", data_dir=tmp_path)
    assert told.returncode == 65
    assert f"{bad}:18:23" in told.stdout
    assert "wave" not in told.stdout
    assert "dry_run" not in json.loads(call("validate", bad, "--dry-run", "--json", data_dir=tmp_path).stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dry-run", "--watch"], "error: A dry run submits nothing that --watch could follow.\n"),
        (["--resolved"], "error: --resolved belongs to a dry run.\n"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    """As a usage error, before anything is done."""
    told = call("submit", WUJI, *arguments, data_dir=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith(message)
