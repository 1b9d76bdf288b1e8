"""What `help` and Tab say about ``batch …``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.model.states import WORKFLOW_FINAL, WORKFLOW_STATUSES
from tests.nu.conftest import Nushell
from tests.support.live import LiveDaemon
from tests.support.nushell import EVERY, NEWEST, OLDEST, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMANDS = [
    "batch",
    "batch cancel",
    "batch check",
    "batch eta",
    "batch list",
    "batch logs",
    "batch monitor",
    "batch pause",
    "batch resolve",
    "batch resume",
    "batch retry",
    "batch rollback",
    "batch simulate",
    "batch status",
    "batch submit",
    "batch validate",
]

#: Their examples need workflows in certain states: see test_batch.py and test_steering.py.
STEERING = ("batch cancel", "batch pause", "batch resolve", "batch resume", "batch retry", "batch rollback")

#: An example that goes on until somebody presses a key: see test_terminal.py.
ENDLESS = "batch monitor"

#: The id that the examples name.
EXAMPLE_ID = "wuji-full-deployment-4k7q0d"


def commands_of(nu: Nushell) -> list[dict[str, Any]]:
    """What Nushell knows of each command of the module."""
    columns = "name category description extra_description search_terms examples signatures"
    rows = nu.value(f"scope commands | where name starts-with batch | select {columns} | sort-by name")
    assert isinstance(rows, list)
    return rows


@pytest.mark.parametrize("version", EVERY)
def test_the_module_gives_these_commands(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """`use nulib *` brings the commands and nothing else, each with what `help` needs."""
    rows = commands_of(Nushell(daemon.data_dir, tmp_path, version))
    assert [row["name"] for row in rows] == COMMANDS
    for row in rows:
        assert row["category"] == "orch"
        assert row["description"].endswith(".")
        assert row["search_terms"]
        assert row["examples"]
        parameters = [each for signature in row["signatures"].values() for each in signature]
        kinds = ("positional", "named", "switch")
        assert all(each["description"] for each in parameters if each["parameter_type"] in kinds)


@pytest.mark.parametrize("version", EVERY)
def test_the_name_alone_shows_what_there_is(version: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """As a table; a word that is no command is marked, with near ones."""
    nu = Nushell(daemon.data_dir, tmp_path, version)
    rows = nu.value("batch")
    assert [row["name"] for row in rows] == COMMANDS[1:]
    assert {row["name"]: row["description"] for row in rows} == {
        row["name"]: row["description"] for row in commands_of(nu) if row["name"] != "batch"
    }
    told = nu.error("batch lst")
    assert "There is no command `batch lst`." in told
    assert "`-- not a command" in told
    assert "Did you mean list?" in told
    assert "nulib" not in told.replace("use nulib *", "")


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, definitions: Path) -> Iterator[tuple[LiveDaemon, str]]:
    """A daemon that has run the sample workflow, which the examples are about, and one that failed."""
    with LiveDaemon(tmp_path_factory.mktemp("deployed") / "data", "--stop-grace", "1") as live:
        live.wait_until_over(live.submit(definitions / "bad.k"))
        workflow = live.submit(ROOT / "data" / "examples" / "wuji.k")
        live.wait_until_over(workflow)
        yield live, workflow


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_example_runs(version: str, deployed: tuple[LiveDaemon, str], tmp_path: Path) -> None:
    """Each example is typed as it stands, with the id of a workflow that is there; results are as promised."""
    live, workflow = deployed
    nu = Nushell(live.data_dir, tmp_path, version)
    run = 0
    for row in commands_of(nu):
        for example in row["examples"]:
            if row["name"] in STEERING or example["example"].strip() == ENDLESS:
                continue
            code = example["example"].replace(EXAMPLE_ID, workflow)
            if example["result"] is None:
                done = nu.run(code)
                assert done.returncode == 0, f"{code}\n{done.stderr}"
            else:
                assert nu.value(code) == example["result"], code
            run += 1
    assert run >= 25


def test_the_words_are_those_of_the_files(nu: Nushell) -> None:
    """The module's lists of statuses are the ones that the daemon writes."""
    words = nu.value("use nulib/internal/words.nu *; {all: $WORKFLOW_STATUSES, final: $FINAL_STATUSES}")
    assert words["all"] == list(WORKFLOW_STATUSES)
    assert set(words["final"]) == WORKFLOW_FINAL


@pytest.mark.parametrize("version", EVERY)
def test_tab_offers_what_there_is(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """Ids newest first with what they are; operations and items of the workflow in the line."""
    nu = Nushell(daemon.data_dir, tmp_path, version)

    def offered(completer: str, line: str) -> list[str]:
        code = f"use nulib/complete.nu *; nu-complete batch {completer} '{line}' | get completions"
        return [row["value"] for row in nu.value(code)]

    ids = nu.value("batch list | get id")
    assert offered("workflows", "batch status ") == ids
    told = nu.value("use nulib/complete.nu *; nu-complete batch workflows 'batch status ' | get completions")
    assert re.fullmatch(r"(succeeded|cancelled), (\d+ (s|min) ago|now)", told[0]["description"])
    ages = "[0sec 5sec 61sec 3hr 5day] | each {|it| ago ', ' ((date now) - $it) } | append (ago ', ' null)"
    expected = [", now", ", 5 s ago", ", 1 min ago", ", 3 h ago", ", 5 d ago", ""]
    assert nu.value(f"use nulib/internal/ages.nu ago; {ages}") == expected
    slow = daemon.submit(definitions / "slow.k")
    assert slow in offered("unfinished", "batch cancel ")
    daemon.request("cancel", {"workflow": slow})
    daemon.wait_until_over(slow)
    good = nu.value("batch list | where id starts-with good- | get 0.id")
    assert offered("operations", f"batch logs {good} --operation ") == ["first", "second"]
    assert offered("items", f"batch logs {good} --item ") == ["beta", "alpha.1", "gamma"]
    assert offered("items", f"batch logs {good} --operation second --item ") == ["gamma"]
    assert offered("operations", f"batch retry {good} ") == ["first", "second"]
    assert offered("restore-points", f"batch rollback {good} --to ") == ["start", "end"]
    assert offered("items", f"batch logs --err --tail 3 {good} --operation second --item ") == ["gamma"]
    assert offered("operations", f"batch logs {good}.first.local.beta -o ") == ["first", "second"]


@pytest.mark.parametrize("version", EVERY)
def test_tab_offers_environments(version: str, nu: Nushell, tmp_path: Path) -> None:
    """Those that lie beside the definition in the line, whatever its name looks like."""
    folder = tmp_path / "my plans"
    folder.mkdir()
    for name in (
        "site.k",
        "site.prod.yaml",
        "site.test-2.yaml",
        "site.txt",
        "other.stage.yaml",
        "a.b.k",
        "a.b.qa.yaml",
    ):
        (folder / name).touch()
    old = Nushell(nu.data_dir, tmp_path, version)

    def offered(line: str) -> list[str]:
        code = f"cd '{folder}'; use {ROOT}/nulib/complete.nu *; nu-complete batch environments r#'{line}'# | sort"
        return list(old.value(code))

    assert offered("batch submit site.k --environment ") == ["prod", "test-2"]
    assert offered("batch validate ./a.b.k -e q") == ["qa"]
    assert offered(f'batch simulate "{folder}/site.k" --name x --environment ') == ["prod", "test-2"]
    assert offered(f"batch check '{folder}/site.k' -e ") == ["prod", "test-2"]
    assert offered("batch submit `../my plans/site.k` --environment=") == ["prod", "test-2"]
    assert offered("batch submit nowhere/site.k --environment ") == []
    assert offered("ls *.k | batch submit --environment ") == []


def test_tab_is_silent_where_there_is_nothing(nu: Nushell) -> None:
    """No directory, no workflow: no candidates, and no error in the middle of typing."""
    code = "use nulib/complete.nu *; nu-complete batch {} | get completions"
    for line in (
        "workflows 'batch status --data-dir /nowhere '",
        "operations 'batch logs '",
        "items 'batch logs nobody '",
    ):
        assert nu.value(code.format(line)) == []
