"""Real files against their schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator.files import schemas
from orchestrator.files.asking import drop, validator
from orchestrator.interfaces.spool.request import BadRequest, parse
from orchestrator.model.errors import DefinitionInvalid, Refused
from orchestrator.model.states import TASK_STATUSES, WORKFLOW_STATUSES
from tests.support.live import LiveDaemon, records, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "data" / "examples"


def faults(name: str, content: object) -> list[str]:
    """What schema `name` has against `content`."""
    return [error.message for error in Draft202012Validator(schemas.load(name)).iter_errors(content)]


def parts_of(schema: object) -> Iterator[dict[str, Any]]:
    """Every object inside of a schema, itself included; conditions are left out."""
    if isinstance(schema, dict):
        yield schema
    children = schema.items() if isinstance(schema, dict) else enumerate(schema if isinstance(schema, list) else ())
    for key, child in children:
        if key != "if":
            yield from parts_of(child)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a daemon leaves behind after a good, a failing and a cancelled workflow and some refused requests."""
    folder = tmp_path_factory.mktemp("schemas") / "data"
    with LiveDaemon(folder) as daemon:
        daemon.wait_until_over(daemon.submit(EXAMPLES / "pipeline.k"))
        daemon.wait_until_over(daemon.submit(EXAMPLES / "rollback.k"))
        with pytest.raises(Refused):
            daemon.request("cancel", {"workflow": "nothing-abcdef"})
        with pytest.raises(DefinitionInvalid):
            daemon.submit(ROOT / "tests" / "corpora" / "kcl" / "faulty" / "50_many_semantic.k")
        assert faults("status", json.loads((folder / "status.json").read_bytes())) == []
    return folder


@pytest.mark.parametrize("name", schemas.NAMES)
def test_every_schema_is_one(name: str) -> None:
    """Every property in it, however deep, is described; nothing that a newer minor version adds is refused."""
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) <= set(schema["properties"])
    for part in parts_of(schema):
        assert part.get("additionalProperties") is not False
        for key, value in part.get("properties", {}).items():
            assert "$ref" in value or "const" in value or value.get("description") or "properties" in value, key


@pytest.mark.parametrize(
    ("name", "pattern", "least"),
    [
        ("format", "format.json", 1),
        ("status", "status.json", 1),
        ("task", "tasks/*.json", 10),
        ("workflow", "workflows/*/state.json", 2),
        ("reply", "replies/*.json", 4),
    ],
)
def test_files_are_as_their_schemas_say(data_dir: Path, name: str, pattern: str, least: int) -> None:
    """Every file a daemon wrote, of every kind."""
    paths = sorted(data_dir.glob(pattern))
    assert len(paths) >= least
    for path in paths:
        content = json.loads(path.read_bytes())
        assert faults(name, content) == [], path
        assert set(content) <= set(schemas.load(name)["properties"])
        assert faults(name, content | {"of_a_newer_minor_version": 1}) == []
        for key in schemas.load(name)["required"]:
            assert faults(name, {other: content[other] for other in content if other != key}) != [], key


def test_records_are_as_their_schema_says(data_dir: Path) -> None:
    """Every line of the journal."""
    for record in records(str(data_dir)):
        assert faults("record", record) == []


def test_files_of_lines_are_as_their_schemas_say(tmp_path: Path) -> None:
    """Archive, snapshots and index, of a daemon that keeps next to nothing."""
    tmp_path.chmod(0o700)
    settings = "retention_workflows = 1\nsegment_bytes = 4096\n"
    (tmp_path / "orchestrator.toml").write_text(settings, encoding="utf-8")
    with LiveDaemon(tmp_path) as daemon:
        for _ in range(3):
            daemon.wait_until_over(daemon.submit(EXAMPLES / "pipeline.k"))
        wait_for(lambda: len(list(tmp_path.glob("archive/*.jsonl"))) == 2, "the archive")
        wait_for(lambda: list(tmp_path.glob("journal/*.snapshot.jsonl")), "a snapshot")
        wait_for((tmp_path / "index" / "tasks.jsonl").exists, "the index")
    for path in tmp_path.glob("archive/*.jsonl"):
        workflow, plan, *tasks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [faults("archive", line) for line in (workflow, plan, *tasks)] == [[]] * (2 + len(tasks))
        assert [line.pop("entry") for line in (workflow, plan, tasks[0])] == ["workflow", "plan", "task"]
        assert faults("workflow", workflow) == []
        assert [faults("task", task) for task in tasks] == [[]] * 7
    for name, pattern in (("snapshot", "journal/*.snapshot.jsonl"), ("index", "index/*.jsonl")):
        for path in tmp_path.glob(pattern):
            head = json.loads(path.read_text(encoding="utf-8").split("\n", 1)[0])
            assert faults(name, head) == []
            assert set(head) == set(schemas.load(name)["properties"])


def test_requests_are_as_their_schema_says() -> None:
    """What a client sends."""
    content = drop.request_bytes("k-1", "submit", {"path": "/w.k"}, "ann", 1, 10.0)
    assert faults("request", json.loads(content)) == []
    assert faults("request", json.loads(content) | {"arguments": {"path": "w.k"}}) != []


@pytest.mark.parametrize(
    ("command", "right", "wrong"),
    [
        ("submit", {"path": "/w.k", "environment": "prod", "layer": "/l.yaml", "check": True, "continues": "w-1"}, {}),
        ("submit", {"path": "/w.k", "environment": None, "layer": None, "continues": None}, {"path": "/", "check": 1}),
        ("cancel", {"workflow": "w-1"}, {"workflow": "../w"}),
        ("pause", {"workflow": "w-1", "now": True}, {"workflow": "w-1", "now": "yes"}),
        ("resume", {"workflow": "w-1"}, {"workflow": "../w"}),
        ("retry", {"workflow": "w-1", "operation": None, "tasks": ["w-1.a.b.c"]}, {"workflow": "w", "tasks": "t"}),
        ("retry", {"workflow": "w-1", "failed_only": True, "everything": False}, {"operation": "a"}),
        ("rollback", {"workflow": "w-1", "to": "start"}, {"to": "start"}),
        ("resolve", {"task": "w-1.a.b.c", "outcome": "failed"}, {"task": "w-1.a.b.c", "outcome": "odd"}),
        ("stop", {"mode": "drain"}, {"mode": "odd"}),
    ],
)
def test_arguments_are_as_the_daemon_takes_them(command: str, right: dict[str, Any], wrong: dict[str, Any]) -> None:
    """The schema and the daemon say the same of a request."""
    for arguments, is_right in ((right, True), (wrong, False)):
        content = drop.request_bytes("k-1", command, arguments, "ann", 1, 10.0)
        assert (faults("request", json.loads(content)) == []) == is_right
        if is_right:
            assert parse(content, "k-1").command == command
        else:
            with pytest.raises(BadRequest):
                parse(content, "k-1")


def test_reports_are_as_their_schema_says() -> None:
    """Of good definitions and of bad ones."""
    for path in [*EXAMPLES.glob("*.k"), *(ROOT / "tests" / "corpora" / "kcl" / "faulty").glob("*.k")]:
        report: dict[str, Any] = validator.evaluate(str(path))
        assert faults("report", report) == [], path
    report = validator.evaluate(str(EXAMPLES / "wuji.k"), want_plan=True)
    assert len(report["waves"]) == 4
    assert faults("report", report) == []
    assert faults("report", report | {"waves": [["create-servers"]]}) != []


def test_the_words_are_those_of_the_code() -> None:
    """Statuses in the schemas and statuses in the tables."""
    assert schemas.load("task")["properties"]["status"]["enum"] == list(TASK_STATUSES)
    assert schemas.load("workflow")["properties"]["status"]["enum"] == list(WORKFLOW_STATUSES)


def test_something_wrong_is_found() -> None:
    """The schemas are not satisfied by anything."""
    assert faults("task", {"id": "x"}) != []
    assert faults("status", {"running": "yes"}) != []
