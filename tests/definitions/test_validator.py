"""What the evaluator is asked for, and what it answers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from orchestrator.files.asking import validator
from orchestrator.model.errors import NotFound, UsageError, ValidatorUnavailable
from orchestrator.plan import ir

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "definitions"

HEAD = 'import workflows\n\nwf = workflows.WorkflowDef {\n    name = "t"\n'


def write(folder: Path, body: str, name: str = "w.k") -> str:
    """A definition whose workflow has `body` after its name; its path."""
    path = folder / name
    path.write_text(f"{HEAD}{body}\n}}\n", encoding="utf-8")
    return str(path)


def codes(report: dict[str, Any], kind: str = "errors") -> list[str]:
    """Codes of a report's errors or warnings."""
    return [told["code"] for told in report[kind]]


ONE = '{id = "a", type = "create", target = "server", items = ["x"], command = "true"%s}'


def one(extra: str = "", **of_workflow: str) -> str:
    """A body with one operation that has a command, and `extra` attributes."""
    attributes = "".join(f"    {name} = {value}\n" for name, value in of_workflow.items())
    return f"{attributes}    operations = [{ONE % extra}]"


def test_the_printed_example_validates_unmodified_beside_its_own_name(tmp_path: Path) -> None:
    """R1-46: the source's text, in a file called workflows.k, in a folder of its own."""
    target = tmp_path / "klab" / "wuji" / "workflows.k"
    target.parent.mkdir(parents=True)
    shutil.copy(GOLDEN / "printed_example.k", target)
    report = validator.evaluate(str(target), want_plan=True)
    assert report["valid"], report["errors"]
    assert report["workflows"][0] | {"digest": None} == {
        "name": "wuji-full-deployment",
        "variable": "batch_create_infrastructure",
        "operations": 4,
        "tasks": 10,
        "digest": None,
    }
    assert codes(report, "warnings") == ["WF201", "WF202"]
    assert [[operation["id"] for operation in wave] for wave in report["waves"]] == [
        ["create-servers"],
        ["install-base"],
        ["install-k8s"],
        ["install-cluster"],
    ]


def test_a_plan_has_every_default_and_every_edge(tmp_path: Path) -> None:
    """What is left out is filled in; the plan decodes to what it says."""
    report = validator.evaluate(write(tmp_path, one()), want_plan=True)
    plan = ir.decode(report["plan"].encode())
    assert ir.digest(report["plan"].encode()) == report["plan_digest"] == report["workflows"][0]["digest"]
    assert plan.operations[0] == ir.Operation(
        id="a",
        type="create",
        target="server",
        items=("x",),
        providers=("local",),
        depends_on=(),
        after=(),
        parallel=True,
        timeout_s=300,
        on_failure="rollback",
        priority=0,
        retry=ir.RetryPolicy(3, "exponential", 5, 300),
        actions={"local": ir.Action("true", None)},
    )
    assert report["sources"] == [{"path": "w.k", "text": Path(report["file"]).read_text(encoding="utf-8")}]


def test_sequential_is_an_implicit_chain(tmp_path: Path) -> None:
    """A-11: listed order, beside what is declared."""
    body = '    type = "sequential"\n    operations = [\n'
    body += "".join(
        f'{{id = "{name}", type = "create", target = "server", items = ["x"], command = "true"}}\n' for name in "abc"
    )
    report = validator.evaluate(write(tmp_path, body + "]"), want_plan=True)
    plan = ir.decode(report["plan"].encode())
    assert [operation.after for operation in plan.operations] == [(), ("a",), ("b",)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (one(', id = "a.b"'), ["WF108"]),
        (one(', items = ["a/b"]'), ["WF109"]),
        (one(', items = ["a", "A"]'), ["WF110"]),
        (one(', items = [".."]'), ["WF109"]),
        (one(', depends_on = ["a"]'), ["WF111"]),
        (one(", priority = 1001"), ["WF113"]),
        (one(", retry_policy = {max_attempts = 0}"), ["WF112"]),
        (one(", retry_policy = {initial_delay = 9, max_delay = 3}"), ["WF112"]),
        (one(', env = {ORCH_ITEM = "x"}'), ["WF118"]),
        (one(', env = {"a-b" = "x"}'), ["WF118"]),
        (one(', command = " "'), ["WF119"]),
        (one(monitoring='{state_store = "postgres"}'), ["WF117"]),
        (one(dependencies='[{source = "server.x", target = "server.y"}]'), ["WF120"]),
        (one().replace(', command = "true"', ', providers = ["lcoal"]'), ["WF115"]),
        (one(provider_agnostic="False").replace(', command = "true"', ""), ["WF114"]),
    ],
)
def test_faults_have_their_codes(tmp_path: Path, body: str, expected: list[str]) -> None:
    """One fault, one error, on a line of the user's."""
    report = validator.evaluate(write(tmp_path, body))
    assert codes(report) == expected
    assert report["errors"][0]["line"] is not None
    assert report["errors"][0]["span"]["end"] > report["errors"][0]["span"]["start"]


def test_a_span_counts_bytes_and_a_column_characters(tmp_path: Path) -> None:
    """Text before the place may be wider than it looks."""
    report = validator.evaluate(write(tmp_path, one(', env = {x = "äöü→"}, timeout = -1')))
    told = report["errors"][0]
    content = Path(report["file"]).read_bytes()
    assert content[told["span"]["start"] : told["span"]["end"]] == b"-1"
    assert told["column"] - 1 < told["span"]["start"] - content.rindex(b"\n", 0, told["span"]["start"])


def test_strict_makes_warnings_count_and_warns_of_more(tmp_path: Path) -> None:
    """A command without an undo under rollback is fine, but not strictly."""
    path = write(tmp_path, one(", timeout = 60"))
    assert validator.evaluate(path)["valid"]
    report = validator.evaluate(path, strict=True)
    assert (report["valid"], codes(report, "warnings")) == (False, ["WF301"])


def test_attributes_without_effect_are_told(tmp_path: Path) -> None:
    """R1-41, R1-44: accepted, pinned, and said to do nothing yet."""
    body = one(logging='{level = "debug"}', secrets='{provider = "sops", sops_config = {age_key_file = "~/none"}}')
    assert codes(validator.evaluate(write(tmp_path, body)), "warnings") == ["WF201", "WF201", "WF202"]


def test_which_of_several_workflows_has_to_be_said(tmp_path: Path) -> None:
    """A-17: one is taken, several need a name, by variable or by workflow name."""
    path = tmp_path / "two.k"
    text = "".join(f'w{n} = workflows.WorkflowDef {{name = "n{n}", operations = [{ONE % ""}]}}\n' for n in (1, 2))
    path.write_text(f"import workflows\n{text}", encoding="utf-8")
    assert codes(validator.evaluate(str(path), want_plan=True)) == ["WF011"]
    assert codes(validator.evaluate(str(path), want_plan=True, name="w3")) == ["WF012"]
    for name in ("w2", "n2"):
        report = validator.evaluate(str(path), want_plan=True, name=name)
        assert ir.decode(report["plan"].encode()).name == "n2"


def test_options_reach_the_file_with_their_types(tmp_path: Path) -> None:
    """Numbers stay numbers; an option nobody asks for is told."""
    body = one(', timeout = option("limit", type="int", default=5)')
    report = validator.evaluate(write(tmp_path, body), options={"limit": 77, "limti": 1}, want_plan=True)
    assert ir.decode(report["plan"].encode()).operations[0].timeout_s == 77
    assert codes(report, "warnings") == ["WF013"]
    assert "limit" in report["warnings"][0]["help"]


def test_packages_beside_the_file_are_found_and_pinned(tmp_path: Path) -> None:
    """What a definition imports is part of it; what it imports may not do more than it may."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "names.k").write_text('listed = ["x", "y"]\n', encoding="utf-8")
    path = write(tmp_path, one(", items = lib.listed"))
    Path(path).write_text("import lib\n" + Path(path).read_text(encoding="utf-8"), encoding="utf-8")
    report = validator.evaluate(path, want_plan=True)
    assert report["valid"], report["errors"]
    assert [source["path"] for source in report["sources"]] == ["w.k", "lib/names.k"]
    (tmp_path / "lib" / "names.k").write_text('import file\nlisted = [file.read("/etc/passwd")]\n', encoding="utf-8")
    assert codes(validator.evaluate(path)) == ["WF004"]


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    """R2-25: that there is nothing to look at is not `valid: false`."""
    with pytest.raises(NotFound, match="No such file"):
        validator.evaluate(str(tmp_path / "none.k"))
    with pytest.raises(NotFound, match="directory"):
        validator.evaluate(str(tmp_path))


def test_a_file_that_changed_since_it_was_submitted_is_refused(tmp_path: Path) -> None:
    """The digest is that of the bytes that were evaluated."""
    path = write(tmp_path, one())
    digest = validator.evaluate(path)["digest"]
    assert validator.evaluate(path, digest=digest)["valid"]
    assert codes(validator.evaluate(path, digest="sha256:0")) == ["WF014"]


def test_a_broken_provider_file_is_told_with_its_name(tmp_path: Path) -> None:
    """A provider file of the installation that is wrong is nobody's definition fault."""
    folder = tmp_path / "data" / "providers"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("format: 1\nprovider: mine\nactions: [{type: make}]\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.yaml.*make"):
        validator.evaluate(write(tmp_path, one()), data_dir=str(tmp_path / "data"))


def test_a_provider_file_of_the_installation_is_used(tmp_path: Path) -> None:
    """An operation without a command goes to every configured provider; undo follows from delete (A-58)."""
    folder = tmp_path / "data" / "providers"
    folder.mkdir(parents=True)
    actions = ["{type: create, target: server, command: make it}", "{type: delete, target: server, command: drop it}"]
    content = f"format: 1\nprovider: mine\nbatch_size: 2\nactions: [{', '.join(actions)}]\n"
    (folder / "mine.yaml").write_text(content, encoding="utf-8")
    path = write(tmp_path, one().replace(', command = "true"', ""))
    report = validator.evaluate(path, data_dir=str(tmp_path / "data"), want_plan=True)
    plan = ir.decode(report["plan"].encode())
    assert plan.operations[0].providers == ("local", "mine")
    assert plan.operations[0].actions["mine"] == ir.Action("make it", "drop it")
    assert plan.providers["mine"].batch_size == 2


def test_many_that_start_the_evaluator_at_once_all_get_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race for the start has one winner; nobody notices."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = write(tmp_path, one())
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(validator.evaluate(path)["valid"])) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 5
    stop_evaluator(tmp_path)


def test_an_evaluator_that_died_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two requests, the next one is answered all the same."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = write(tmp_path, one())
    assert validator.evaluate(path)["valid"]
    stop_evaluator(tmp_path)
    assert validator.evaluate(path)["valid"]
    stop_evaluator(tmp_path)


def test_a_folder_others_can_reach_into_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns the socket's folder could answer in the evaluator's place."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "orchestrator").mkdir()
    os.chmod(tmp_path / "orchestrator", 0o777)
    with pytest.raises(ValidatorUnavailable, match="not a private folder"):
        validator.evaluate(write(tmp_path, one()))


def test_the_home_directory_stays_untouched() -> None:
    """The library would make ~/.kcl."""
    assert not (Path(os.environ["HOME"]) / ".kcl").exists()


def test_a_report_is_plain_json(tmp_path: Path) -> None:
    """It travels through three processes."""
    report = validator.evaluate(write(tmp_path, one()), want_plan=True)
    assert json.loads(json.dumps(report)) == report


def stop_evaluator(runtime: Path) -> None:
    """Kill the service that listens below `runtime`."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(part.startswith(f"{runtime}/orchestrator/".encode()) for part in command):
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
